//! Alerts, campaigns and suppressed pages, written in one transaction with the findings behind them and
//! the deliveries that they cause. What they mean is `alerts`' business; here they are rows.

use super::Store;
use super::database::{Row, Transaction, query};
use super::error::StoreError;
use super::findings::{storable, storable_option};
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
        Resolved = "resolved",
    }
}

vocabulary! {
    /// Why a page was not sent.
    pub enum Suppression as "reason for suppression" {
        /// The service only observes.
        Observe = "observe",
        /// A campaign speaks for it.
        Campaign = "campaign",
        /// It would have said nothing new.
        NoNews = "no_news",
        /// The day's digest will say it.
        Digest = "digest",
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

/// What is known of keys and principals that may make a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow {
    pub id: String,
    pub is_raised: bool,
    /// Its form belongs to `alerts`.
    pub facts: String,
}

const FIND_ALERT: &str = "SELECT * FROM alerts WHERE id = $1";
const LATEST_ALERTS: &str = "SELECT * FROM alerts ORDER BY updated_at DESC, id LIMIT $1";
const WRITE_ALERT: &str = "INSERT INTO alerts (id, kind, state, level, title, key_id, principal, findings, \
    first_time, last_time, transition, pages, paged, folded_into, folded_pane, digest_day, alert_by, facts, \
    opened_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
    $17, $18, $19, $20) ON CONFLICT (id) DO UPDATE SET state = excluded.state, level = excluded.level, \
    title = excluded.title, key_id = excluded.key_id, principal = excluded.principal, \
    findings = excluded.findings, first_time = excluded.first_time, last_time = excluded.last_time, \
    transition = excluded.transition, pages = excluded.pages, paged = excluded.paged, \
    folded_into = excluded.folded_into, folded_pane = excluded.folded_pane, \
    digest_day = excluded.digest_day, facts = excluded.facts, opened_at = excluded.opened_at, updated_at = excluded.updated_at";

/// Where several campaigns speak for an alert, the earliest does, of those the one with the least id.
const FOLD_PARTS: &str = "UPDATE alerts SET folded_into = $1, folded_pane = $2 WHERE id IN \
    (SELECT alert_id FROM campaign_parts WHERE campaign_id = $1) AND (folded_into IS NULL \
    OR folded_pane > $2 OR (folded_pane = $2 AND folded_into > $1))";
const FIND_CAMPAIGN: &str = "SELECT id, is_raised, facts FROM campaigns WHERE id = $1";
const WRITE_CAMPAIGN: &str = "INSERT INTO campaigns (id, is_raised, facts) VALUES ($1, $2, $3) \
    ON CONFLICT (id) DO UPDATE SET is_raised = excluded.is_raised, facts = excluded.facts";
const INSERT_PART: &str = "INSERT INTO campaign_parts (campaign_id, other, alert_id) VALUES ($1, $2, $3) \
    ON CONFLICT (campaign_id, other, alert_id) DO NOTHING";
const COUNT_OTHERS: &str = "SELECT COUNT(DISTINCT other) FROM campaign_parts WHERE campaign_id = $1";
const PENDING_DIGEST: &str =
    "SELECT MIN(digest_day) FROM alerts WHERE digest_day < $1 AND folded_into IS NULL";
const DIGEST_ALERTS: &str = "SELECT * FROM alerts WHERE digest_day = $1 AND folded_into IS NULL \
    ORDER BY first_time, id LIMIT $2";
const COUNT_DIGEST: &str = "SELECT COUNT(*) AS alerts, MIN(first_time) AS first_time, \
    MAX(last_time) AS last_time, CAST(SUM(findings) AS BIGINT) AS findings FROM alerts \
    WHERE digest_day = $1 AND folded_into IS NULL";
const FOLD_DIGEST: &str = "UPDATE alerts SET folded_into = $2 WHERE digest_day = $1 AND folded_into IS NULL";
const SUPPRESS: &str = "INSERT INTO suppressed (alert_id, reason, pages) VALUES ($1, $2, 1) \
    ON CONFLICT (alert_id, reason) DO UPDATE SET pages = suppressed.pages + 1";
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

    /// One alert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert(&mut self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        let row = query(FIND_ALERT).bind(id).fetch_optional(&mut self.transaction).await?;
        row.as_ref().map(alert_of).transpose()
    }

    /// Writes an alert as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_alert(&mut self, alert: &AlertRow) -> Result<(), StoreError> {
        query(WRITE_ALERT)
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
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Counts a page that is not sent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppress(&mut self, alert_id: &str, reason: Suppression) -> Result<(), StoreError> {
        query(SUPPRESS).bind(alert_id).bind(reason.as_str()).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// What is known of a campaign, raised or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaign(&mut self, id: &str) -> Result<Option<CampaignRow>, StoreError> {
        let row = query(FIND_CAMPAIGN).bind(id).fetch_optional(&mut self.transaction).await?;
        row.map(|row| {
            let is_raised: i64 = row.try_get("is_raised")?;
            Ok(CampaignRow {
                id: row.try_get("id")?,
                is_raised: is_raised != 0,
                facts: row.try_get("facts")?,
            })
        })
        .transpose()
    }

    /// Writes what is known of a campaign.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_campaign(&mut self, campaign: &CampaignRow) -> Result<(), StoreError> {
        query(WRITE_CAMPAIGN)
            .bind(&campaign.id)
            .bind(i64::from(campaign.is_raised))
            .bind(&campaign.facts)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Adds a key or principal, with the alert that it is in, to what may be a campaign.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_part(
        &mut self,
        campaign_id: &str,
        other: &str,
        alert_id: &str,
    ) -> Result<(), StoreError> {
        let part = query(INSERT_PART).bind(campaign_id).bind(storable(other)).bind(alert_id);
        part.execute(&mut self.transaction).await?;
        Ok(())
    }

    /// How many distinct keys or principals there are in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_others(&mut self, campaign_id: &str) -> Result<i64, StoreError> {
        let count = query(COUNT_OTHERS).bind(campaign_id).fetch_scalar(&mut self.transaction).await?;
        Ok(count.unwrap_or_default())
    }

    /// Lets a campaign speak for all alerts that are in it already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fold_parts(&mut self, campaign_id: &str, pane: i64) -> Result<(), StoreError> {
        query(FOLD_PARTS).bind(campaign_id).bind(pane).execute(&mut self.transaction).await?;
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

fn alert_of(row: &Row) -> Result<AlertRow, StoreError> {
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
