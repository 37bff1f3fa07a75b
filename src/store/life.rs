//! How alerts stand beside their findings: whose they are, what somebody made of them, what they are part of.
//!
//! A row here is what the alert's part of the journal comes to; both are written in one transaction, and
//! `alerts` knows how one follows from the other.

use super::Store;
use super::alerts::{AlertRow, AlertTransaction, alert_of, word};
use super::bulk::{list, parts};
use super::database::{Row, query, query_made};
use super::error::StoreError;
use super::findings::{storable, storable_option};
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What somebody made of an alert.
    pub enum Disposition as "disposition" {
        /// It was misuse.
        TruePositive = "true_positive",
        /// The detector or the catalog was wrong.
        FalsePositive = "false_positive",
        /// It happened as told, and was in order.
        Benign = "benign",
        /// It was not in order, and stays so on somebody's word.
        AcceptedRisk = "accepted_risk",
    }
}

/// How an alert stands beside its findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRow {
    pub alert_id: String,
    pub assignee: Option<String>,
    pub disposition: Option<Disposition>,
    /// Why it has its disposition.
    pub verdict_reason: Option<String>,
    /// The level that a person set.
    pub set_level: Option<Level>,
    /// The alert that speaks for it on a person's word.
    pub merged_into: Option<String>,
    /// Ids of other alerts; the form belongs to `alerts`, as does that of `scope`.
    pub links: String,
    pub notes: i64,
    /// Microseconds since the epoch, as are all times here.
    pub acknowledged_at: Option<i64>,
    pub acknowledged_by: Option<String>,
    pub scope: Option<String>,
    pub resolved_at: Option<i64>,
    pub resolved_by: Option<String>,
}

/// An alert with how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivingAlert {
    pub alert: AlertRow,
    /// Nothing where nobody touched it.
    pub life: Option<LifeRow>,
    /// The number of the last journal entry about it.
    pub last_entry: i64,
}

/// Which alerts; what is not set does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    pub id: Option<String>,
    pub state: Option<String>,
    /// Only those that are not resolved.
    pub unresolved: bool,
    pub kind: Option<String>,
    /// As it counts: set by a person, or of the findings.
    pub level: Option<String>,
    pub key_id: Option<String>,
    pub principal: Option<String>,
    pub detector: Option<String>,
    pub assignee: Option<String>,
    pub disposition: Option<String>,
    /// The alert that others were merged into.
    pub merged_into: Option<String>,
    /// Only those that come after this one in the list: when it last changed, and its id.
    pub after: Option<(i64, String)>,
}

/// How many pages of an alert were not sent for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressedRow {
    pub alert_id: String,
    pub reason: Suppression,
    pub pages: i64,
    pub level: Level,
    pub title: String,
    pub key_id: Option<String>,
    pub principal: Option<String>,
    pub updated_at: i64,
}

const WRITE_LIFE: &str = "INSERT INTO alert_lives (alert_id, assignee, disposition, verdict_reason, set_level, \
    merged_into, links, notes, acknowledged_at, acknowledged_by, scope, resolved_at, resolved_by) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (alert_id) DO UPDATE SET \
    assignee = excluded.assignee, disposition = excluded.disposition, \
    verdict_reason = excluded.verdict_reason, set_level = excluded.set_level, \
    merged_into = excluded.merged_into, links = excluded.links, notes = excluded.notes, \
    acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by, \
    scope = excluded.scope, resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by";
const MEMBERS: &str = "SELECT alert_id FROM alert_lives WHERE merged_into = $1 ORDER BY alert_id";
const PARTIES: &str = "SELECT principal AS party FROM findings WHERE alert_id = $1 AND principal IS NOT NULL \
    UNION SELECT other AS party FROM campaign_parts WHERE campaign_id = $1 ORDER BY party LIMIT $2";
const FINDING_OF: &str = "SELECT json FROM findings WHERE alert_id = $1 AND detector = $2 LIMIT 1";
/// What routes made of pages has news of its own, and hears through the routes.
const TOLD_CHANNELS: &str = "SELECT DISTINCT channel FROM deliveries WHERE alert_id = $1 AND transition = $2 \
    AND news IS NULL ORDER BY channel";
const LIVING: &str = "SELECT a.*, l.alert_id AS life_of, l.assignee AS assignee, l.disposition AS disposition, \
    l.verdict_reason AS verdict_reason, l.set_level AS set_level, l.merged_into AS merged_into, \
    l.links AS links, l.notes AS notes, l.acknowledged_at AS acknowledged_at, \
    l.acknowledged_by AS acknowledged_by, l.scope AS scope, l.resolved_at AS resolved_at, \
    l.resolved_by AS resolved_by, \
    (SELECT COALESCE(MAX(seq), 0) FROM journal j WHERE j.alert_id = a.id) AS last_entry \
    FROM alerts a LEFT JOIN alert_lives l ON l.alert_id = a.id \
    WHERE ($1 IS NULL OR a.id = $1) AND ($2 IS NULL OR a.state = $2) \
    AND ($3 = 0 OR a.state <> 'resolved') AND ($4 IS NULL OR a.kind = $4) \
    AND ($5 IS NULL OR COALESCE(l.set_level, a.level) = $5) AND ($6 IS NULL OR a.key_id = $6) \
    AND ($7 IS NULL OR a.principal = $7) AND ($8 IS NULL OR EXISTS (SELECT 1 FROM findings f \
    WHERE f.alert_id = a.id AND f.detector = $8)) AND ($9 IS NULL OR l.assignee = $9) \
    AND ($10 IS NULL OR l.disposition = $10) AND ($11 IS NULL OR l.merged_into = $11) \
    AND ($12 IS NULL OR a.updated_at < $12 OR (a.updated_at = $12 AND a.id > $13)) \
    ORDER BY a.updated_at DESC, a.id LIMIT $14";
const SUPPRESSED: &str = "SELECT s.alert_id, s.reason, s.pages, COALESCE(l.set_level, a.level) AS level, a.title, \
    a.key_id, a.principal, a.updated_at FROM suppressed s JOIN alerts a ON a.id = s.alert_id \
    LEFT JOIN alert_lives l ON l.alert_id = a.id \
    WHERE ($1 IS NULL OR s.reason = $1) AND ($2 IS NULL OR s.alert_id = $2) \
    ORDER BY a.updated_at DESC, s.alert_id, s.reason LIMIT $3";
const HAS_LIVES: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE version = 9";

impl AlertTransaction {
    /// How those of these alerts stand that anybody touched.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lives(&mut self, alert_ids: &[&str]) -> Result<Vec<LifeRow>, StoreError> {
        let mut lives = Vec::new();
        for part in parts(alert_ids) {
            let find = format!("SELECT * FROM alert_lives WHERE alert_id IN ({})", list(part.len()));
            let find = part.iter().fold(query_made(find), |query, id| query.bind(*id));
            for row in find.fetch_all(&mut self.transaction).await? {
                lives.push(life_of(&row, row.try_get("alert_id")?)?);
            }
        }
        Ok(lives)
    }

    /// Writes how an alert stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_life(&mut self, life: &LifeRow) -> Result<(), StoreError> {
        query(WRITE_LIFE)
            .bind(&life.alert_id)
            .bind(storable_option(life.assignee.as_deref()))
            .bind(life.disposition.map(Disposition::as_str))
            .bind(storable_option(life.verdict_reason.as_deref()))
            .bind(life.set_level.map(Level::as_str))
            .bind(life.merged_into.as_deref())
            .bind(storable(&life.links))
            .bind(life.notes)
            .bind(life.acknowledged_at)
            .bind(storable_option(life.acknowledged_by.as_deref()))
            .bind(life.scope.as_deref())
            .bind(life.resolved_at)
            .bind(storable_option(life.resolved_by.as_deref()))
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// The alerts that were merged into one, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn members_of(&mut self, alert_id: &str) -> Result<Vec<String>, StoreError> {
        let rows = query(MEMBERS).bind(alert_id).fetch_all(&mut self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get("alert_id")?)).collect()
    }

    /// The principals of an alert's findings; of a campaign, what it is about many of. At most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn parties_of(&mut self, alert_id: &str, most: i64) -> Result<Vec<String>, StoreError> {
        let rows = query(PARTIES).bind(alert_id).bind(most).fetch_all(&mut self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get("party")?)).collect()
    }

    /// A finding of this detector in an alert, as JSON.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_of(&mut self, alert_id: &str, detector: &str) -> Result<Option<String>, StoreError> {
        let found = query(FINDING_OF).bind(alert_id).bind(detector);
        Ok(found.fetch_scalar(&mut self.transaction).await?)
    }

    /// The channels that were told of an alert since it was opened for the `transition`th time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told_channels(
        &mut self,
        alert_id: &str,
        transition: i64,
    ) -> Result<Vec<String>, StoreError> {
        let told = query(TOLD_CHANNELS).bind(alert_id).bind(transition);
        let rows = told.fetch_all(&mut self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get("channel")?)).collect()
    }

    /// The alerts on these keys that count as this level and are not resolved: each with its key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unresolved_on_keys(
        &mut self,
        key_ids: &[&str],
        level: Level,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = Vec::new();
        for part in parts(key_ids) {
            let find = format!(
                "SELECT a.key_id AS key_id, a.id AS id FROM alerts a \
                 LEFT JOIN alert_lives l ON l.alert_id = a.id WHERE a.key_id IN ({}) \
                 AND a.state IN ('open', 'acknowledged', 'reopened') \
                 AND COALESCE(l.set_level, a.level) = '{level}'",
                list(part.len())
            );
            let find = part.iter().fold(query_made(find), |query, key| query.bind(*key));
            for row in find.fetch_all(&mut self.transaction).await? {
                found.push((row.try_get("key_id")?, row.try_get("id")?));
            }
        }
        Ok(found)
    }
}

impl Store {
    /// The alerts that a filter lets through with how they stand, those that changed last first, at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn living(&self, filter: &AlertFilter, most: i64) -> Result<Vec<LivingAlert>, StoreError> {
        if !self.keeps_lives().await? {
            let alive = |alert| LivingAlert { alert, life: None, last_entry: 0 };
            return Ok(self.alerts(most).await?.into_iter().map(alive).collect());
        }
        let rows = query(LIVING)
            .bind(storable_option(filter.id.as_deref()))
            .bind(filter.state.as_deref())
            .bind(i64::from(filter.unresolved))
            .bind(filter.kind.as_deref())
            .bind(filter.level.as_deref())
            .bind(storable_option(filter.key_id.as_deref()))
            .bind(storable_option(filter.principal.as_deref()))
            .bind(storable_option(filter.detector.as_deref()))
            .bind(storable_option(filter.assignee.as_deref()))
            .bind(filter.disposition.as_deref())
            .bind(filter.merged_into.as_deref())
            .bind(filter.after.as_ref().map(|(updated_at, _)| *updated_at))
            .bind(filter.after.as_ref().map(|(_, id)| storable(id)))
            .bind(most)
            .fetch_all(&self.database)
            .await?;
        rows.iter().map(living_of).collect()
    }

    /// What was not told, by alert and reason, of the alerts that changed last; of one reason or one alert alone
    /// where they are given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppressed_of(
        &self,
        reason: Option<Suppression>,
        alert_id: Option<&str>,
        most: i64,
    ) -> Result<Vec<SuppressedRow>, StoreError> {
        if !self.keeps_lives().await? {
            return Ok(Vec::new());
        }
        let found = query(SUPPRESSED)
            .bind(reason.map(Suppression::as_str))
            .bind(storable_option(alert_id))
            .bind(most);
        let rows = found.fetch_all(&self.database).await?;
        rows.iter()
            .map(|row| {
                Ok(SuppressedRow {
                    alert_id: row.try_get("alert_id")?,
                    reason: word(row, "reason", Suppression::from_word)?,
                    pages: row.try_get("pages")?,
                    level: word(row, "level", Level::from_word)?,
                    title: row.try_get("title")?,
                    key_id: row.try_get("key_id")?,
                    principal: row.try_get("principal")?,
                    updated_at: row.try_get("updated_at")?,
                })
            })
            .collect()
    }

    /// Whether the database is of a keyward whose alerts have a life: a reader does not bring it up to date.
    pub(super) async fn keeps_lives(&self) -> Result<bool, StoreError> {
        let applied: Option<i64> = query(HAS_LIVES).fetch_scalar(&self.database).await?;
        Ok(applied.is_some_and(|count| count > 0))
    }
}

fn living_of(row: &Row) -> Result<LivingAlert, StoreError> {
    let life_of_alert: Option<String> = row.try_get("life_of")?;
    Ok(LivingAlert {
        alert: alert_of(row)?,
        life: life_of_alert.map(|id| life_of(row, id)).transpose()?,
        last_entry: row.try_get("last_entry")?,
    })
}

fn life_of(row: &Row, alert_id: String) -> Result<LifeRow, StoreError> {
    Ok(LifeRow {
        alert_id,
        assignee: row.try_get("assignee")?,
        disposition: optional_word(row, "disposition", Disposition::from_word)?,
        verdict_reason: row.try_get("verdict_reason")?,
        set_level: optional_word(row, "set_level", Level::from_word)?,
        merged_into: row.try_get("merged_into")?,
        links: row.try_get("links")?,
        notes: row.try_get("notes")?,
        acknowledged_at: row.try_get("acknowledged_at")?,
        acknowledged_by: row.try_get("acknowledged_by")?,
        scope: row.try_get("scope")?,
        resolved_at: row.try_get("resolved_at")?,
        resolved_by: row.try_get("resolved_by")?,
    })
}

fn optional_word<T>(
    row: &Row,
    column: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| read(&text).ok_or(StoreError::Unreadable { what: column, text })).transpose()
}
