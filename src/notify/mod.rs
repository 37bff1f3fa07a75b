//! Tells people: drains the outbox of the store to the channels.
//!
//! In: deliveries, rendered and ordered. Out: requests, at least once each, always with the same id and
//! the same body; what became of each is written back. What is worth telling is `alerts`' matter.
//!
//! Decisions, 2026-11-24:
//! - HMAC is written out over `sha2`, since the `hmac` crate of its version is not among our libraries; the
//!   vectors of RFC 4231 test it.
//! - Waits between attempts are not jittered: there is one dispatcher a channel, and nothing is drawn.
//! - A response's body is read, so that the connection can be used again, and thrown away: it is a
//!   stranger's text, and the status says what is needed.

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
pub use template::Templates;
pub use told::{Act, Done, Told, page_schema};
pub use topic::{Message, Topic};
pub use trying::{Tried, names, try_out};

pub use crate::config::WEBHOOK;

/// The name of the topic of Kafka among the channels.
pub const KAFKA: &str = "kafka";
