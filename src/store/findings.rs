//! The findings that alerts are made of: each once for an alert, with its own evidence.
//!
//! Decision, 2026-11-24: a NUL in a value becomes U+FFFD, since PostgreSQL's text cannot hold one and a
//! log must not be able to stop a batch.

use super::alerts::AlertTransaction;
use super::bulk::{list, parts, rows};
use super::database::{Row, query, query_made};
use super::error::StoreError;

const COLUMNS: usize = 10;

const UPDATE_FINDING: &str = "UPDATE findings SET event_time = $3, outcome = $4, standing = $5, level = $6, \
    json = $7 WHERE id = $1 AND alert_id = $2";
const COUNT_FINDINGS: &str = "SELECT outcome, COUNT(*) AS findings, MIN(event_time) AS first_time, \
    MAX(event_time) AS last_time FROM findings WHERE alert_id = $1 GROUP BY outcome";
const EARLIEST: &str =
    "SELECT MIN(event_time) FROM findings WHERE alert_id = $1 AND standing = $2 AND event_time >= $3";

/// What the call behind a finding came to, as far as it matters to whether attempts got through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Neither,
    Stopped,
    Succeeded,
}

impl Standing {
    const fn code(self) -> i64 {
        match self {
            Self::Neither => 0,
            Self::Stopped => 1,
            Self::Succeeded => 2,
        }
    }
}

/// One finding in one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    pub id: String,
    pub alert_id: String,
    /// Microseconds since the epoch.
    pub event_time: i64,
    pub level: &'static str,
    pub outcome: Option<&'static str>,
    pub standing: Standing,
    pub detector: String,
    pub key_id: Option<String>,
    pub principal: Option<String>,
    /// The whole finding.
    pub json: String,
}

/// The findings of one alert with one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingCount {
    pub outcome: Option<String>,
    pub findings: i64,
    pub first_time: i64,
    pub last_time: i64,
}

/// A finding as it is kept in one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFinding {
    pub id: String,
    pub alert_id: String,
    /// Microseconds since the epoch.
    pub event_time: i64,
    pub outcome: Option<String>,
}

impl AlertTransaction {
    /// Those findings with these ids that are known, in whatever alerts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_findings(&mut self, ids: &[&str]) -> Result<Vec<KnownFinding>, StoreError> {
        let mut known = Vec::new();
        for part in parts(ids) {
            let find = format!(
                "SELECT id, alert_id, event_time, outcome FROM findings WHERE id IN ({})",
                list(part.len())
            );
            let find = part.iter().fold(query_made(find), |query, id| query.bind(*id));
            for row in find.fetch_all(&mut self.transaction).await? {
                known.push(known_of(&row)?);
            }
        }
        Ok(known)
    }

    /// Adds findings that are not known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_findings(&mut self, findings: &[FindingRow]) -> Result<(), StoreError> {
        for part in parts(findings) {
            let insert = format!(
                "INSERT INTO findings (id, alert_id, event_time, level, outcome, standing, detector, key_id, \
                 principal, json) VALUES {} ON CONFLICT (id, alert_id) DO NOTHING",
                rows(part.len(), COLUMNS)
            );
            let insert = part.iter().fold(query_made(insert), |query, row| {
                query
                    .bind(&row.id)
                    .bind(&row.alert_id)
                    .bind(row.event_time)
                    .bind(row.level)
                    .bind(row.outcome)
                    .bind(row.standing.code())
                    .bind(&row.detector)
                    .bind(storable_option(row.key_id.as_deref()))
                    .bind(storable_option(row.principal.as_deref()))
                    .bind(&row.json)
            });
            insert.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// Lets another copy of the same finding stand for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_finding(&mut self, row: &FindingRow) -> Result<(), StoreError> {
        query(UPDATE_FINDING)
            .bind(&row.id)
            .bind(&row.alert_id)
            .bind(row.event_time)
            .bind(row.outcome)
            .bind(row.standing.code())
            .bind(row.level)
            .bind(&row.json)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Counts all findings of an alert anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_findings(&mut self, alert_id: &str) -> Result<Vec<FindingCount>, StoreError> {
        let rows = query(COUNT_FINDINGS).bind(alert_id).fetch_all(&mut self.transaction).await?;
        rows.iter().map(count_of).collect()
    }

    /// Event time of the first finding of an alert with this standing, not before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn earliest(
        &mut self,
        alert_id: &str,
        standing: Standing,
        since: i64,
    ) -> Result<Option<i64>, StoreError> {
        let earliest = query(EARLIEST).bind(alert_id).bind(standing.code()).bind(since);
        let earliest: Option<Option<i64>> = earliest.fetch_scalar(&mut self.transaction).await?;
        Ok(earliest.flatten())
    }
}

fn count_of(row: &Row) -> Result<FindingCount, StoreError> {
    Ok(FindingCount {
        outcome: row.try_get("outcome")?,
        findings: row.try_get("findings")?,
        first_time: row.try_get("first_time")?,
        last_time: row.try_get("last_time")?,
    })
}

fn known_of(row: &Row) -> Result<KnownFinding, StoreError> {
    Ok(KnownFinding {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        event_time: row.try_get("event_time")?,
        outcome: row.try_get("outcome")?,
    })
}

/// A value that any database's text can hold, as it is kept.
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(super) fn storable_option(text: Option<&str>) -> Option<String> {
    text.map(storable)
}
