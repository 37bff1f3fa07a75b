//! Remediation: proposes what undoes the damage of a misuse, and has it done, safely.
//!
//! In: pages, as `alerts` puts them into the outbox (the same transaction that tells people), playbooks, and history.
//! Out: proposals with what they would break; once enough people approved, signed requests to a receiver that holds
//! the rights. keyward itself holds none to administer keys. What is done, seen and taken back is written down.
//!
//! The way of an action: [`propose`] reads a page and finds the narrowest step of a [`playbook`] that fits ([`subject`],
//! [`impact`]) → [`desk`] lets people approve → [`guard`] lets it pass or stops it with a reason → [`responder`] writes
//! the intent, asks the receiver ([`request`]), and watches later events for the effect ([`past`]) → [`own`] recognises
//! the receiver's own events.
//!
//! Decisions, 2026-11-24:
//! - Proposals come with pages: what is silenced, acknowledged or only observed proposes nothing, and neither does
//!   a batch that is judged again.
//! - One step of a playbook is proposed at a time, the narrowest that can be taken back first; the next one only
//!   when the one before failed or did not help.
//! - The kill switch stops what is to be done, not what is to be taken back: it is for the moment when automation
//!   does harm.
//! - The receiver's identity alone excuses nothing: whoever stole it would be invisible. Its events are recognised
//!   while an action is under way and shortly after.
//! - Requests go out through a function that the app makes of `notify`'s client, so that both know one guard.

mod desk;
mod error;
mod guard;
mod impact;
mod own;
mod past;
mod patterns;
mod playbook;
mod propose;
mod request;
mod responder;
mod settings;
mod subject;
mod view;

pub use desk::{Command, KILL_SWITCH, Kill, act, kill_switch, set_kill_switch};
pub use error::RespondError;
pub use impact::{Impact, Used};
pub use own::OwnActs;
pub use past::{Open, Past};
pub use playbook::{Playbook, json_schema, load};
pub use request::{Call, Refused, Request};
pub use responder::{Clock, Responder};
pub use settings::Settings;
pub use subject::Subject;
pub use view::{Action, Entry, Shown, list, show};

/// The name of remediation among the channels of the outbox.
pub const RESPOND: &str = "respond";

#[cfg(test)]
mod tests;
