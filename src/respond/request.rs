//! What a receiver is asked: to do something, to take it back, or how it stands.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::RespondError;
use crate::domain::action::ActionKind;
use crate::store::ActionRow;

/// The version of the body's form; grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// One request to a receiver, to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The receiver's name.
    pub receiver: String,
    /// The same for the same request, however often it is sent.
    pub id: String,
    pub body: String,
    /// When it is sent, microseconds since the epoch.
    pub at: i64,
}

/// Why a request got no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    /// Whether asking again is of no use.
    pub for_good: bool,
    /// How long the receiver asked to wait.
    pub pause: Option<Duration>,
}

/// Sends one request, and gives the body of the answer.
pub type Call = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<String, Refused>> + Send + Sync>;

/// What is wanted of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    Do,
    Undo,
    State,
}

/// How the target stands, as the receiver answers `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    Applied,
    NotApplied,
    #[serde(other)]
    Unknown,
}

#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    action: &'a str,
    operation: Operation,
    kind: ActionKind,
    playbook: &'a str,
    title: &'a str,
    alert: &'a str,
    subject: &'a RawValue,
    parameters: &'a RawValue,
    approvals: &'a RawValue,
}

/// The request of an action. Made of what never changes once it was approved, so it is the same every time.
pub(super) fn request(row: &ActionRow, operation: Operation, now: i64) -> Result<Request, RespondError> {
    let body = serde_json::to_string(&Body {
        version: VERSION,
        action: &row.id,
        operation,
        kind: row.kind,
        playbook: &row.playbook,
        title: &row.title,
        alert: &row.alert_id,
        subject: serde_json::from_str(&row.subject)?,
        parameters: serde_json::from_str(&row.parameters)?,
        approvals: serde_json::from_str(&row.approvals)?,
    })?;
    let id = match operation {
        Operation::Do => format!("{}.do", row.id),
        Operation::Undo => format!("{}.undo", row.id),
        // Each look is another one.
        Operation::State => format!("{}.state.{}", row.id, row.revision),
    };
    Ok(Request { receiver: row.receiver.clone(), id, body, at: now })
}

/// How the target stands, by an answer to `state`.
pub(super) fn standing(answer: &str) -> Standing {
    #[derive(Deserialize)]
    struct Answer {
        state: Standing,
    }
    serde_json::from_str::<Answer>(answer).map_or(Standing::Unknown, |answer| answer.state)
}
