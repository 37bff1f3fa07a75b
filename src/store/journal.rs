//! The journal of alerts: who changed what, when and why. Entries are added and never changed; no statement here
//! could.
//!
//! Entries are numbered without gaps in the order in which they were committed: transactions that write come one
//! after the other, since each begins by holding the lease.

use super::Store;
use super::alerts::AlertTransaction;
use super::bulk::{parts, rows};
use super::database::{Row, query, query_made};
use super::error::StoreError;
use super::findings::{storable, storable_option};

const COLUMNS: usize = 8;

const INSERT: &str =
    "INSERT INTO journal (seq, alert_id, transition, done_at, actor, action, reason, detail) VALUES ";
const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM journal";
const LAST_OF: &str = "SELECT COALESCE(MAX(seq), 0) FROM journal WHERE alert_id = $1";
const OF_ALERT: &str = "SELECT * FROM journal WHERE alert_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const AFTER: &str = "SELECT * FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";

/// An entry to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The alert's id, or the silence's.
    pub alert_id: String,
    /// How often the alert had been opened then; 0 for a silence.
    pub transition: i64,
    /// Microseconds since the epoch.
    pub done_at: i64,
    /// Who did it.
    pub actor: String,
    /// What was done; its words belong to `alerts`, as does the form of `detail`.
    pub action: &'static str,
    pub reason: Option<String>,
    pub detail: String,
}

/// An entry as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number: 1 for the first of all, without gaps.
    pub seq: i64,
    pub alert_id: String,
    pub transition: i64,
    pub done_at: i64,
    pub actor: String,
    pub action: String,
    pub reason: Option<String>,
    pub detail: String,
}

impl AlertTransaction {
    /// Adds entries in this order; the number of the last one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_journal(&mut self, entries: &[NewEntry]) -> Result<i64, StoreError> {
        let mut seq: i64 = query(LAST_SEQ).fetch_scalar(&mut self.transaction).await?.unwrap_or_default();
        for part in parts(entries) {
            let mut query = query_made([INSERT, &rows(part.len(), COLUMNS)].concat());
            for entry in part {
                seq += 1;
                query = query
                    .bind(seq)
                    .bind(&entry.alert_id)
                    .bind(entry.transition)
                    .bind(entry.done_at)
                    .bind(storable(&entry.actor))
                    .bind(entry.action)
                    .bind(storable_option(entry.reason.as_deref()))
                    .bind(&entry.detail);
            }
            query.execute(&mut self.transaction).await?;
        }
        Ok(seq)
    }

    /// The number of the last entry about an alert; 0 where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_entry_of(&mut self, alert_id: &str) -> Result<i64, StoreError> {
        let seq = query(LAST_OF).bind(alert_id).fetch_scalar(&mut self.transaction).await?;
        Ok(seq.unwrap_or_default())
    }
}

impl Store {
    /// The entries about one alert after the one numbered `after`, at most so many, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_of(
        &self,
        alert_id: &str,
        after: i64,
        most: i64,
    ) -> Result<Vec<JournalRow>, StoreError> {
        if !self.keeps_lives().await? {
            return Ok(Vec::new());
        }
        let rows =
            query(OF_ALERT).bind(storable(alert_id)).bind(after).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(entry_of).collect()
    }

    /// All entries after the one numbered `after`, at most so many, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_after(&self, after: i64, most: i64) -> Result<Vec<JournalRow>, StoreError> {
        if !self.keeps_lives().await? {
            return Ok(Vec::new());
        }
        let rows = query(AFTER).bind(after).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(entry_of).collect()
    }

    /// The number of the last entry of all; 0 where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_end(&self) -> Result<i64, StoreError> {
        if !self.keeps_lives().await? {
            return Ok(0);
        }
        Ok(query(LAST_SEQ).fetch_scalar(&self.database).await?.unwrap_or_default())
    }
}

fn entry_of(row: &Row) -> Result<JournalRow, StoreError> {
    Ok(JournalRow {
        seq: row.try_get("seq")?,
        alert_id: row.try_get("alert_id")?,
        transition: row.try_get("transition")?,
        done_at: row.try_get("done_at")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        reason: row.try_get("reason")?,
        detail: row.try_get("detail")?,
    })
}
