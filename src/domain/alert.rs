//! Findings folded: one misuse is one alert, however many detectors name it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::event::Outcome;
use super::level::Level;
use super::verdict::Aspect;
use super::vocabulary::vocabulary;

/// What folds findings: columns of the event, each with its value.
pub type FoldedBy = BTreeMap<Cow<'static, str>, Option<String>>;

/// How long an alert spans unless its detector says otherwise, in microseconds of event time.
pub const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Who does what the service does by itself, in the journal of alerts.
pub const KEYWARD: &str = "keyward";

vocabulary! {
    /// When people are told of a detector's alerts.
    pub enum Notice as "notice" {
        AtOnce = "at_once",
        /// Once a day, all alerts of that day together.
        Daily = "daily",
    }
}

vocabulary! {
    /// Why nobody was told of a change to an alert.
    pub enum Suppression as "reason for suppression" {
        /// It says nothing that was not told before.
        NoNews = "no_news",
        /// The service only observes.
        Observe = "observe",
        /// Its window ended before the detector was first loaded.
        Historical = "historical",
        /// A campaign speaks for it.
        Campaign = "campaign",
        /// The day's digest will say it.
        Digest = "digest",
        /// A silence is in force for it.
        Silenced = "silenced",
        /// A critical alert on the same key is not resolved.
        Inhibited = "inhibited",
        /// It was merged into another alert, which speaks for it.
        Merged = "merged",
        /// Somebody has acknowledged it, and its scope has not grown.
        Acknowledged = "acknowledged",
    }
}

/// How one finding is folded and told, which is its detector's word, and whose key it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folding {
    pub by: FoldedBy,
    /// How long one alert spans, in microseconds of event time; at least 1.
    pub span: i64,
    pub notice: Notice,
    /// Who owns the key, as far as it is declared.
    pub owner: Option<String>,
}

impl Folding {
    /// Folded by these columns within a day, told at once, owned by nobody.
    pub fn by(by: FoldedBy) -> Self {
        Self { by, span: DAY, notice: Notice::AtOnce, owner: None }
    }
}

/// All findings about one subject, by default a key and a principal, within a day of event time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Derived from what folds and the day: a replay gives the same id.
    pub id: String,
    /// The highest of its findings.
    pub level: Level,
    /// Title of the worst finding.
    pub title: String,
    /// Sentence of the worst finding.
    pub message: String,
    /// The columns that fold, each with the value that all its findings share.
    pub alert_by: FoldedBy,
    /// Of the worst finding, as are the next three.
    pub key_id: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub event_id: String,
    pub detectors: BTreeSet<String>,
    pub aspects: BTreeSet<Aspect>,
    /// Distinct findings.
    pub count: u64,
    /// Event time of the first finding; RFC 3339, as all times here.
    pub first: String,
    pub last: String,
    /// Distinct findings by the outcome of their event.
    #[serde(deserialize_with = "outcomes")]
    pub outcomes: BTreeMap<&'static str, u64>,
    /// When a call first succeeded after one that was stopped.
    pub success_after_attempts: Option<String>,
}

fn outcomes<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<&'static str, u64>, D::Error> {
    let counts = BTreeMap::<Outcome, u64>::deserialize(from)?;
    Ok(counts.into_iter().map(|(outcome, count)| (outcome.as_str(), count)).collect())
}
