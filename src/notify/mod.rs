//! Tells people: routes the pages in the outbox of the store, and drains it to the channels.
//!
//! In: pages, as `alerts` puts them into the outbox. Out: messages, at least once each, always with the same id
//! and the same body; what became of each is written back. What is worth telling is `alerts`' matter.
//!
//! The way of a page: [`router`] reads it ([`told`]) → [`routes`] say to whom it goes → [`channel`] renders a body
//! from it ([`message`], [`template`], [`plain`]), which is written with the mark that the page is routed → one
//! [`dispatcher`] a channel sends it until it is taken, or parks it ([`retry`]).
//!
//! Decisions, 2026-11-24:
//! - HMAC is written out over `sha2`, since the `hmac` crate of its version is not among our libraries; the
//!   vectors of RFC 4231 test it.
//! - Waits between attempts are not jittered: there is one dispatcher a channel, and nothing is drawn.
//! - A response's body is read, so that the connection can be used again, and thrown away: it is a
//!   stranger's text, and the status says what is needed.
//! - A body is rendered when its page is routed, not when it is sent: a changed template or configuration
//!   changes nothing that was promised before. Keys that stand in a body come in when it is sent.
//! - Pages are routed after the transaction that raised them, in one of their own: no route, template or
//!   schedule can hold up an alert.

mod channel;
mod check;
mod counters;
mod dispatcher;
mod error;
mod guard;
mod http;
mod message;
mod plain;
mod retry;
mod router;
mod routes;
mod schedule;
mod signature;
mod signed;
mod template;
mod tls;
mod told;
mod topic;
mod trying;

pub use channel::{Outlet, event_schema};
pub use check::mistakes;
pub use counters::{Counters, Snapshot};
pub use dispatcher::{Clock, Dispatcher};
pub use error::{ChannelError, NotifyError};
pub use guard::{Guard, RefusedAddress};
pub use message::Asked;
pub use retry::Failure;
pub use router::{Owners, Router};
pub use routes::{Moment, Routes, Schedules, Target};
pub use schedule::Schedule;
pub use signed::Asker;
pub use template::Templates;
pub use told::{Act, Done, Told, page_schema};
pub use topic::{Message, Topic};
pub use trying::{Tried, names, try_out};

pub use crate::config::WEBHOOK;

/// The name of the topic of Kafka among the channels.
pub const KAFKA: &str = "kafka";
