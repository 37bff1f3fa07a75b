//! Alerts and suppressed pages, written in one transaction with the findings and campaigns behind them and
//! the deliveries that they cause. What they mean is `alerts`' business; here they are rows.

use std::collections::BTreeMap;

use super::Store;
use super::bulk::{list, parts, rows};
use super::database::{Query, Row, Transaction, query, query_made};
use super::error::StoreError;
use super::findings::{storable, storable_option};
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What an alert is about.
    pub enum AlertKind as "kind of alert" {
        /// Findings of one subject.
        Misuse = "misuse",
        /// Many keys of one principal, or many principals of one key, at once.
        Campaign = "campaign",
        /// What is told once a day.
        Digest = "digest",
    }
}

vocabulary! {
    /// Where an alert stands.
    pub enum AlertState as "state of an alert" {
        Open = "open",
        /// Somebody looks at it; nobody else is told until its scope grows.
        Acknowledged = "acknowledged",
        Resolved = "resolved",
        /// Open again after it was resolved, by new findings or by a person.
        Reopened = "reopened",
    }
}

/// One alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    pub id: String,
    pub kind: AlertKind,
    pub state: AlertState,
    pub level: Level,
    pub title: String,
    pub key_id: Option<String>,
    pub principal: Option<String>,
    /// How many findings.
    pub findings: i64,
    /// Microseconds since the epoch, as are all times here.
    pub first_time: i64,
    pub last_time: i64,
    /// How often it was opened.
    pub transition: i64,
    /// Pages since it was last opened, sent or suppressed.
    pub pages: i64,
    /// What the last page said; its form belongs to `alerts`, as do the next but two.
    pub paged: Option<String>,
    /// The campaign or digest that speaks for it.
    pub folded_into: Option<String>,
    /// The campaign's pane.
    pub folded_pane: Option<i64>,
    /// The day of the clock whose digest tells of it, in days since the epoch.
    pub digest_day: Option<i64>,
    pub alert_by: String,
    pub facts: String,
    /// When it was last opened.
    pub opened_at: i64,
    pub updated_at: i64,
}

const LATEST_ALERTS: &str = "SELECT * FROM alerts ORDER BY updated_at DESC, id LIMIT $1";
const COLUMNS: usize = 20;
const INSERT_ALERTS: &str = "INSERT INTO alerts (id, kind, state, level, title, key_id, principal, findings, \
    first_time, last_time, transition, pages, paged, folded_into, folded_pane, digest_day, alert_by, facts, \
    opened_at, updated_at) VALUES ";
const OR_UPDATE_ALERT: &str = " ON CONFLICT (id) DO UPDATE SET state = excluded.state, level = excluded.level, \
    title = excluded.title, key_id = excluded.key_id, principal = excluded.principal, \
    findings = excluded.findings, first_time = excluded.first_time, last_time = excluded.last_time, \
    transition = excluded.transition, pages = excluded.pages, paged = excluded.paged, \
    folded_into = excluded.folded_into, folded_pane = excluded.folded_pane, \
    digest_day = excluded.digest_day, facts = excluded.facts, opened_at = excluded.opened_at, updated_at = excluded.updated_at";
const PENDING_DIGEST: &str =
    "SELECT MIN(digest_day) FROM alerts WHERE digest_day < $1 AND folded_into IS NULL";
const DIGEST_ALERTS: &str = "SELECT * FROM alerts WHERE digest_day = $1 AND folded_into IS NULL \
    ORDER BY first_time, id LIMIT $2";
const COUNT_DIGEST: &str = "SELECT COUNT(*) AS alerts, MIN(first_time) AS first_time, \
    MAX(last_time) AS last_time, CAST(SUM(findings) AS BIGINT) AS findings FROM alerts \
    WHERE digest_day = $1 AND folded_into IS NULL";
const FOLD_DIGEST: &str = "UPDATE alerts SET folded_into = $2 WHERE digest_day = $1 AND folded_into IS NULL";
const SUPPRESSED: &str =
    "SELECT reason, CAST(SUM(pages) AS BIGINT) AS pages FROM suppressed GROUP BY reason ORDER BY reason";
const HAS_ALERTS: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE version = 3";

/// One batch of findings with all that follows from it: committed whole, or not there.
#[derive(Debug)]
pub struct AlertTransaction {
    pub(super) transaction: Transaction,
}

/// The alerts of one day that a digest tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestCount {
    pub alerts: i64,
    pub findings: i64,
    pub first_time: i64,
    pub last_time: i64,
}

impl Store {
    /// Begins a batch. Dropping it takes everything back.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::ReadOnly`], or when the database fails.
    pub async fn begin_alerts(&self) -> Result<AlertTransaction, StoreError> {
        Ok(AlertTransaction { transaction: self.begin().await? })
    }

    /// The alerts, those that changed last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts(&self, most: i64) -> Result<Vec<AlertRow>, StoreError> {
        if !self.keeps_alerts().await? {
            return Ok(Vec::new());
        }
        let rows = query(LATEST_ALERTS).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(alert_of).collect()
    }

    /// How many pages were not sent, by reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppressed(&self) -> Result<Vec<(Suppression, i64)>, StoreError> {
        let rows = query(SUPPRESSED).fetch_all(&self.database).await?;
        rows.iter()
            .map(|row| Ok((word(row, "reason", Suppression::from_word)?, row.try_get("pages")?)))
            .collect()
    }

    /// Whether the database is of a keyward that kept alerts: a reader does not bring it up to date.
    pub(super) async fn keeps_alerts(&self) -> Result<bool, StoreError> {
        let applied: Option<i64> = query(HAS_ALERTS).fetch_scalar(&self.database).await?;
        Ok(applied.is_some_and(|count| count > 0))
    }
}

impl AlertTransaction {
    /// Makes everything in it true.
    ///
    /// # Errors
    /// When the database fails. Whether it happened may then be unknown: doing the same batch again is
    /// right in either case.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    /// Those of these alerts that there are, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts(&mut self, ids: &[&str]) -> Result<BTreeMap<String, AlertRow>, StoreError> {
        let mut known = BTreeMap::new();
        for part in parts(ids) {
            let find = format!("SELECT * FROM alerts WHERE id IN ({})", list(part.len()));
            let find = part.iter().fold(query_made(find), |query, id| query.bind(*id));
            for row in find.fetch_all(&mut self.transaction).await? {
                let alert = alert_of(&row)?;
                known.insert(alert.id.clone(), alert);
            }
        }
        Ok(known)
    }

    /// Writes alerts as they are now. No two may be the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_alerts(&mut self, alerts: &[AlertRow]) -> Result<(), StoreError> {
        for part in parts(alerts) {
            let write = [INSERT_ALERTS, &rows(part.len(), COLUMNS), OR_UPDATE_ALERT].concat();
            let write = part.iter().fold(query_made(write), bound);
            write.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// Counts pages that are not sent: of each alert and reason so many more. No two may be the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppress(&mut self, pages: &[(&str, Suppression, i64)]) -> Result<(), StoreError> {
        for part in parts(pages) {
            let count = format!(
                "INSERT INTO suppressed (alert_id, reason, pages) VALUES {} ON CONFLICT (alert_id, reason) \
                 DO UPDATE SET pages = suppressed.pages + excluded.pages",
                rows(part.len(), 3)
            );
            let count = part.iter().fold(query_made(count), |query, (alert_id, reason, pages)| {
                query.bind(*alert_id).bind(reason.as_str()).bind(pages)
            });
            count.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// The first day before `today` whose digest is missing, in days since the epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_digest(&mut self, today: i64) -> Result<Option<i64>, StoreError> {
        let day: Option<Option<i64>> =
            query(PENDING_DIGEST).bind(today).fetch_scalar(&mut self.transaction).await?;
        Ok(day.flatten())
    }

    /// What a digest tells of: all alerts counted, and the first of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digest_alerts(
        &mut self,
        day: i64,
        most: i64,
    ) -> Result<(DigestCount, Vec<AlertRow>), StoreError> {
        let count = query(COUNT_DIGEST).bind(day).fetch_one(&mut self.transaction).await?;
        let count = DigestCount {
            alerts: count.try_get("alerts")?,
            findings: count.try_get("findings")?,
            first_time: count.try_get("first_time")?,
            last_time: count.try_get("last_time")?,
        };
        let rows = query(DIGEST_ALERTS).bind(day).bind(most).fetch_all(&mut self.transaction).await?;
        Ok((count, rows.iter().map(alert_of).collect::<Result<_, _>>()?))
    }

    /// Lets a digest speak for the alerts of its day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fold_digest(&mut self, day: i64, digest_id: &str) -> Result<(), StoreError> {
        query(FOLD_DIGEST).bind(day).bind(digest_id).execute(&mut self.transaction).await?;
        Ok(())
    }
}

/// Gives one row of [`INSERT_ALERTS`] its values.
fn bound<'a>(query: Query<'a>, alert: &'a AlertRow) -> Query<'a> {
    query
        .bind(&alert.id)
        .bind(alert.kind.as_str())
        .bind(alert.state.as_str())
        .bind(alert.level.as_str())
        .bind(storable(&alert.title))
        .bind(storable_option(alert.key_id.as_deref()))
        .bind(storable_option(alert.principal.as_deref()))
        .bind(alert.findings)
        .bind(alert.first_time)
        .bind(alert.last_time)
        .bind(alert.transition)
        .bind(alert.pages)
        .bind(alert.paged.as_deref())
        .bind(alert.folded_into.as_deref())
        .bind(alert.folded_pane)
        .bind(alert.digest_day)
        .bind(&alert.alert_by)
        .bind(&alert.facts)
        .bind(alert.opened_at)
        .bind(alert.updated_at)
}

pub(super) fn alert_of(row: &Row) -> Result<AlertRow, StoreError> {
    Ok(AlertRow {
        id: row.try_get("id")?,
        kind: word(row, "kind", AlertKind::from_word)?,
        state: word(row, "state", AlertState::from_word)?,
        level: word(row, "level", Level::from_word)?,
        title: row.try_get("title")?,
        key_id: row.try_get("key_id")?,
        principal: row.try_get("principal")?,
        findings: row.try_get("findings")?,
        first_time: row.try_get("first_time")?,
        last_time: row.try_get("last_time")?,
        transition: row.try_get("transition")?,
        pages: row.try_get("pages")?,
        paged: row.try_get("paged")?,
        folded_into: row.try_get("folded_into")?,
        folded_pane: row.try_get("folded_pane")?,
        digest_day: row.try_get("digest_day")?,
        alert_by: row.try_get("alert_by")?,
        facts: row.try_get("facts")?,
        opened_at: row.try_get("opened_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

/// A word of a closed vocabulary.
pub(super) fn word<T>(row: &Row, column: &'static str, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    read(&text).ok_or(StoreError::Unreadable { what: column, text })
}
