//! One detector hit on one event.

use serde::Serialize;

use super::event::Outcome;
use super::function::Function;
use super::level::Level;
use super::verdict::{Aspect, Verdict};

/// A detector hit with its own evidence; the form that every output and the history share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Derived from (detector, event or shared event id, key), or with a window from (detector, group, place
    /// in time): a replay gives the same id.
    pub id: String,
    pub detector: String,
    pub level: Level,
    pub title: String,
    pub event_id: String,
    /// RFC 3339, UTC, as the log had it to the microsecond.
    pub event_time: String,
    pub provider: Option<String>,
    pub key_id: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub session_name: Option<String>,
    pub function: Option<Function>,
    pub action: Option<String>,
    pub outcome: Option<Outcome>,
    pub verdict: Verdict,
    pub violations: Vec<Aspect>,
    /// One sentence that lets a person decide.
    pub message: String,
    pub tags: Vec<String>,
    pub source: Option<String>,
    pub position: Option<i64>,
    /// What a detector with a window counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Counted>,
}

/// What a finding of several events is made of. Its own event is one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The span of event time; RFC 3339, UTC. The second is not part of it where it is a window's end.
    pub from: String,
    pub to: String,
    /// Rows, values or steps.
    pub count: u64,
    /// Ids of some of the events, in the order of their times.
    pub events: Vec<String>,
}
