//! How an alert stands, as what its journal comes to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::act::{Act, Entry, Scope};
use crate::domain::level::Level;
use crate::store::{AlertState, Disposition, LifeRow};

/// How an alert stands beside its findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    pub state: AlertState,
    /// How often it was opened.
    pub transition: i64,
    pub assignee: Option<String>,
    pub disposition: Option<Disposition>,
    /// Why it has its disposition.
    pub verdict_reason: Option<String>,
    /// The level that a person set.
    pub set_level: Option<Level>,
    /// What the findings said when they did.
    pub found_level: Option<Level>,
    /// The alert that speaks for it on a person's word.
    pub merged_into: Option<String>,
    /// Other alerts that somebody put beside it.
    pub links: BTreeSet<String>,
    pub notes: i64,
    /// When and by whom, since it was last opened.
    pub acknowledged: Option<(i64, String)>,
    /// What they knew, while it holds.
    pub scope: Option<Scope>,
    pub resolved: Option<(i64, String)>,
}

/// What a row keeps as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    scope: Option<Scope>,
    found_level: Option<Level>,
}

impl Life {
    /// An alert that nobody touched.
    pub const fn untouched(state: AlertState, transition: i64) -> Self {
        Self {
            state,
            transition,
            assignee: None,
            disposition: None,
            verdict_reason: None,
            set_level: None,
            found_level: None,
            merged_into: None,
            links: BTreeSet::new(),
            notes: 0,
            acknowledged: None,
            scope: None,
            resolved: None,
        }
    }

    /// As it is stored: state and transition with the alert, the rest in a row of its own.
    ///
    /// # Errors
    /// Where the row is of a newer keyward, or damaged.
    pub fn of(state: AlertState, transition: i64, row: Option<LifeRow>) -> Result<Self, serde_json::Error> {
        let Some(row) = row else { return Ok(Self::untouched(state, transition)) };
        let known: Known = row.scope.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        Ok(Self {
            state,
            transition,
            assignee: row.assignee,
            disposition: row.disposition,
            verdict_reason: row.verdict_reason,
            set_level: row.set_level,
            found_level: known.found_level,
            merged_into: row.merged_into,
            links: serde_json::from_str(&row.links)?,
            notes: row.notes,
            acknowledged: row.acknowledged_at.zip(row.acknowledged_by),
            scope: known.scope,
            resolved: row.resolved_at.zip(row.resolved_by),
        })
    }

    /// The row that is stored of it.
    ///
    /// # Errors
    /// Never in practice: it is made of text and numbers.
    pub fn row(&self, alert_id: &str) -> Result<LifeRow, serde_json::Error> {
        let known = Known { scope: self.scope.clone(), found_level: self.found_level };
        let is_known = known.scope.is_some() || known.found_level.is_some();
        let (acknowledged_at, acknowledged_by) = self.acknowledged.clone().unzip();
        let (resolved_at, resolved_by) = self.resolved.clone().unzip();
        Ok(LifeRow {
            alert_id: alert_id.to_owned(),
            assignee: self.assignee.clone(),
            disposition: self.disposition,
            verdict_reason: self.verdict_reason.clone(),
            set_level: self.set_level,
            merged_into: self.merged_into.clone(),
            links: serde_json::to_string(&self.links)?,
            notes: self.notes,
            acknowledged_at,
            acknowledged_by,
            scope: is_known.then(|| serde_json::to_string(&known)).transpose()?,
            resolved_at,
            resolved_by,
        })
    }

    /// What the entries about one alert come to, all of them from the first; nothing where they do not begin
    /// with its opening.
    pub fn replay<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Option<Self> {
        let mut entries = entries.into_iter();
        let first = entries.next().filter(|entry| matches!(entry.act, Act::Opened { .. }))?;
        let mut life = Self::untouched(AlertState::Open, 0);
        life.apply(first);
        entries.for_each(|entry| life.apply(entry));
        Some(life)
    }

    /// Lets one entry happen.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.act {
            Act::Opened { .. } | Act::Reopened { .. } => {
                self.transition = entry.transition;
                self.state = self.open_state();
                (self.acknowledged, self.scope, self.resolved) = (None, None, None);
            }
            Act::Lapsed { .. } => {
                self.state = self.open_state();
                (self.acknowledged, self.scope) = (None, None);
            }
            Act::Acknowledged { scope } => {
                self.state = AlertState::Acknowledged;
                self.acknowledged = Some((entry.at_micros, entry.by.clone()));
                self.scope = Some(scope.clone());
            }
            Act::Assigned { to } => self.assignee.clone_from(to),
            Act::Noted => self.notes += 1,
            Act::Resolved { disposition } => {
                self.state = AlertState::Resolved;
                self.disposition = Some(*disposition);
                self.verdict_reason.clone_from(&entry.reason);
                self.resolved = Some((entry.at_micros, entry.by.clone()));
                self.scope = None;
            }
            Act::LevelSet { level, found } => {
                self.set_level = *level;
                self.found_level = level.map(|_| *found);
            }
            Act::LevelLapsed { .. } => (self.set_level, self.found_level) = (None, None),
            Act::Merged { into } => self.merged_into = Some(into.clone()),
            Act::Split => self.merged_into = None,
            Act::Linked { to } => {
                self.links.insert(to.clone());
            }
            Act::Unlinked { to } => {
                self.links.remove(to);
            }
            Act::Grown { .. } | Act::SilenceAdded { .. } | Act::SilenceEnded => {}
        }
    }

    /// What an alert is that is open and not acknowledged.
    const fn open_state(&self) -> AlertState {
        if self.transition > 1 { AlertState::Reopened } else { AlertState::Open }
    }

    /// The level that counts, given what the findings say.
    pub fn level(&self, found: Level) -> Level {
        self.set_level.unwrap_or(found)
    }
}
