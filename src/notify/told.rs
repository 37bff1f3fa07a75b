//! A page as `alerts` puts it into the outbox, read back.
//!
//! What a later version adds to a page stays in it: it is handed on to machines as it came.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::level::Level;
use crate::domain::vocabulary::vocabulary;

/// The version of the body's form; grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

vocabulary! {
    /// What a message is to bring about in a tool that keeps incidents.
    pub enum Act as "act" {
        Trigger = "trigger",
        Acknowledge = "acknowledge",
        Resolve = "resolve",
    }
}

/// The words of news that a route itself adds to those of pages.
pub(super) mod news {
    pub const ACKNOWLEDGED: &str = "acknowledged";
    pub const RESOLVED: &str = "resolved";
    pub const ESCALATION: &str = "escalation";
    pub const REMINDER: &str = "reminder";
    pub const SUMMARY: &str = "summary";
    pub const TEST: &str = "test";
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Id of the alert.
    pub alert: String,
    pub kind: String,
    pub transition: i64,
    pub repeat: i64,
    pub news: String,
    pub level: Level,
    pub title: String,
    pub message: String,
    pub key: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
    #[serde(default)]
    pub detectors: BTreeSet<String>,
    #[serde(default)]
    pub aspects: BTreeSet<String>,
    pub count: u64,
    #[serde(default)]
    pub outcomes: BTreeMap<String, u64>,
    pub first: String,
    pub last: String,
    #[serde(default)]
    pub success_after_attempts: Option<String>,
    /// What a person did, where that is the news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    pub by: String,
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
}

/// The body of a delivery to a machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Page")]
pub(super) struct Body<'a> {
    /// Of this form; grows when a field changes its meaning or goes.
    version: u32,
    /// Id of the delivery: whoever takes each id only once, takes everything once.
    delivery: &'a str,
    #[serde(flatten)]
    told: &'a Told,
    /// The latest findings, where the route tells all.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    findings: &'a [serde_json::Value],
}

impl Told {
    /// Reads a page of the outbox.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(payload: &str) -> Result<Self, serde_json::Error> {
        let mut told: Self = serde_json::from_str(payload)?;
        // What belongs to the row that it was read from.
        told.more.remove("version");
        told.more.remove("delivery");
        told.more.remove("findings");
        Ok(told)
    }

    /// What it is to bring about.
    pub fn act(&self) -> Act {
        match self.news.as_str() {
            news::ACKNOWLEDGED => Act::Acknowledge,
            news::RESOLVED => Act::Resolve,
            _ => Act::Trigger,
        }
    }

    /// The body of its delivery with this id, for machines.
    pub(super) const fn body<'a>(&'a self, delivery: &'a str, findings: &'a [serde_json::Value]) -> Body<'a> {
        Body { version: VERSION, delivery, told: self, findings }
    }
}

/// The JSON schema of a page as machines get it, indented, ending with a line break.
pub fn page_schema() -> String {
    indented(&schemars::schema_for!(Body<'_>))
}

/// A schema as indented JSON.
pub(super) fn indented(schema: &schemars::Schema) -> String {
    // A schema is plain JSON data; serializing it cannot fail.
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}
