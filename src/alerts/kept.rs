//! Alerts as they are listed: what a scan prints of one, and how it stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::AlertError;
use super::facts::Facts;
use super::life::{Life, version};
use crate::domain::alert::Alert;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertFilter, AlertKind, AlertState, Disposition, LivingAlert, Store};

/// One alert of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAlert {
    /// Its level is the one that counts: set by a person, or of its findings.
    #[serde(flatten)]
    pub alert: Alert,
    pub kind: AlertKind,
    pub state: AlertState,
    /// How often it was opened.
    pub transition: i64,
    /// Messages about it since it was last opened, sent or suppressed.
    pub pages: i64,
    /// The campaign or digest that speaks for it.
    pub folded_into: Option<String>,
    /// RFC 3339, by the clock, as are all times below.
    pub opened_at: String,
    pub updated_at: String,
    /// What its findings say, where a person set another level.
    pub found_level: Option<Level>,
    pub assignee: Option<String>,
    pub disposition: Option<Disposition>,
    /// Why it has its disposition.
    pub verdict_reason: Option<String>,
    /// The alert that speaks for it on a person's word.
    pub merged_into: Option<String>,
    /// Other alerts that somebody put beside it.
    pub links: BTreeSet<String>,
    /// How many; the journal has them.
    pub notes: i64,
    pub acknowledged_at: Option<String>,
    pub acknowledged_by: Option<String>,
    pub resolved_at: Option<String>,
    pub resolved_by: Option<String>,
    /// Names how it stands; whoever changes it may say which version they have seen.
    pub version: String,
    /// When it last changed, in microseconds since the epoch: with its id, its place in a list.
    pub updated_micros: i64,
}

/// The alerts of a store, at most so many, those that changed last first.
///
/// # Errors
/// Where the store fails or holds what cannot be read.
pub async fn kept(store: &Store, most: i64) -> Result<Vec<KeptAlert>, AlertError> {
    kept_of(store, &AlertFilter::default(), most).await
}

/// The alerts that a filter lets through, at most so many, those that changed last first.
///
/// # Errors
/// Where the store fails or holds what cannot be read.
pub async fn kept_of(store: &Store, filter: &AlertFilter, most: i64) -> Result<Vec<KeptAlert>, AlertError> {
    store.living(filter, most).await?.into_iter().map(KeptAlert::of).collect()
}

impl KeptAlert {
    fn of(living: LivingAlert) -> Result<Self, AlertError> {
        let row = living.alert;
        let facts: Facts = serde_json::from_str(&row.facts)?;
        let by: BTreeMap<Cow<'static, str>, Option<String>> = serde_json::from_str(&row.alert_by)?;
        let life = Life::of(row.state, row.transition, living.life)?;
        let mut alert = facts.alert(row.id, by);
        let found = alert.level;
        alert.level = life.level(found);
        let (acknowledged_at, acknowledged_by) = told(life.acknowledged);
        let (resolved_at, resolved_by) = told(life.resolved);
        Ok(Self {
            alert,
            kind: row.kind,
            state: row.state,
            transition: row.transition,
            pages: row.pages,
            folded_into: row.folded_into,
            opened_at: format_rfc3339(row.opened_at),
            updated_at: format_rfc3339(row.updated_at),
            found_level: life.set_level.map(|_| found),
            assignee: life.assignee,
            disposition: life.disposition,
            verdict_reason: life.verdict_reason,
            merged_into: life.merged_into,
            links: life.links,
            notes: life.notes,
            acknowledged_at,
            acknowledged_by,
            resolved_at,
            resolved_by,
            version: version(row.transition, living.last_entry),
            updated_micros: row.updated_at,
        })
    }
}

fn told(done: Option<(i64, String)>) -> (Option<String>, Option<String>) {
    done.map(|(at, by)| (format_rfc3339(at), by)).unzip()
}
