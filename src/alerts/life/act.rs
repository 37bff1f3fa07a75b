//! What can happen to an alert, and the journal's entries as they are read and written.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::LifeError;
use super::silence::Matcher;
use crate::alerts::News;
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;
use crate::domain::vocabulary::vocabulary;
use crate::store::{Disposition, JournalRow, NewEntry, Store};

vocabulary! {
    /// What an acknowledgement did not know of.
    pub enum Growth as "growth" {
        HigherLevel = "higher_level",
        SuccessAfterAttempts = "success_after_attempts",
        NewAspect = "new_aspect",
        NewPrincipal = "new_principal",
        /// In a campaign of one principal.
        NewKey = "new_key",
    }
}

/// What somebody knew who acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub level: Level,
    pub aspects: BTreeSet<Aspect>,
    pub success_after_attempts: bool,
    /// The principals; of a campaign, what it is about many of. Nothing where there were too many to remember.
    pub parties: Option<BTreeSet<String>>,
}

/// Why nobody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    pub reason: Suppression,
    /// The silence, or the alert that speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// One thing that happened to an alert, or to a silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Act {
    /// Findings opened it.
    Opened {
        level: Level,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<Muted>,
    },
    /// Findings or a person opened it again.
    Reopened {
        level: Level,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<Muted>,
    },
    /// Findings brought news.
    Grown {
        news: News,
        level: Level,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<Muted>,
    },
    /// Its acknowledgement no longer holds.
    Lapsed {
        growth: Growth,
    },
    Acknowledged {
        scope: Scope,
    },
    Assigned {
        to: Option<String>,
    },
    /// The reason is the note.
    Noted,
    Resolved {
        disposition: Disposition,
    },
    /// A person set its level, or left it to the findings again; `found` is what these say.
    LevelSet {
        level: Option<Level>,
        found: Level,
    },
    /// Findings are louder than when a person set its level.
    LevelLapsed {
        found: Level,
    },
    Merged {
        into: String,
    },
    /// It stands by itself again.
    Split,
    Linked {
        to: String,
    },
    Unlinked {
        to: String,
    },
    SilenceAdded {
        matcher: Matcher,
        until: String,
    },
    SilenceEnded,
}

impl Act {
    /// The word of the journal.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Reopened { .. } => "reopened",
            Self::Grown { .. } => "grown",
            Self::Lapsed { .. } => "lapsed",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Assigned { .. } => "assigned",
            Self::Noted => "noted",
            Self::Resolved { .. } => "resolved",
            Self::LevelSet { .. } => "level_set",
            Self::LevelLapsed { .. } => "level_lapsed",
            Self::Merged { .. } => "merged",
            Self::Split => "split",
            Self::Linked { .. } => "linked",
            Self::Unlinked { .. } => "unlinked",
            Self::SilenceAdded { .. } => "silence_added",
            Self::SilenceEnded => "silence_ended",
        }
    }
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; 1 is the first of all.
    pub seq: i64,
    /// The alert, or the silence.
    pub alert_id: String,
    /// How often the alert had been opened then.
    pub transition: i64,
    /// RFC 3339.
    pub at: String,
    /// Who did it.
    pub by: String,
    #[serde(flatten)]
    pub act: Act,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `at` in microseconds since the epoch.
    pub at_micros: i64,
}

impl Entry {
    /// Reads an entry of the store.
    ///
    /// # Errors
    /// Where it is of a newer keyward, or damaged.
    pub fn of(row: JournalRow) -> Result<Self, LifeError> {
        Ok(Self {
            seq: row.seq,
            alert_id: row.alert_id,
            transition: row.transition,
            at: format_rfc3339(row.done_at),
            by: row.actor,
            act: serde_json::from_str(&row.detail)?,
            reason: row.reason,
            at_micros: row.done_at,
        })
    }

    /// As it is added to the journal, which numbers it.
    ///
    /// # Errors
    /// Never in practice: an act is made of text and numbers.
    pub fn to_add(&self) -> Result<NewEntry, serde_json::Error> {
        Ok(NewEntry {
            alert_id: self.alert_id.clone(),
            transition: self.transition,
            done_at: self.at_micros,
            actor: self.by.clone(),
            action: self.act.word(),
            reason: self.reason.clone(),
            detail: serde_json::to_string(&self.act)?,
        })
    }
}

/// The journal of one alert after the entry numbered `after`, at most so many entries.
///
/// # Errors
/// Where the store fails.
pub async fn entries_of(
    store: &Store,
    alert_id: &str,
    after: i64,
    most: i64,
) -> Result<Vec<Entry>, LifeError> {
    store.journal_of(alert_id, after, most).await?.into_iter().map(Entry::of).collect()
}

/// The journal of all alerts after the entry numbered `after`, at most so many entries.
///
/// # Errors
/// Where the store fails.
pub async fn entries_after(store: &Store, after: i64, most: i64) -> Result<Vec<Entry>, LifeError> {
    store.journal_after(after, most).await?.into_iter().map(Entry::of).collect()
}
