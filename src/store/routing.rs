//! Pages that wait to be routed, and what they become: deliveries, parts of summaries, reminders.
//!
//! A page is in the outbox under the channel [`ROUTES`] until the transaction that writes all that it becomes.

use super::Store;
use super::database::{Row, Transaction, query};
use super::error::StoreError;

/// The name under which pages wait in the outbox to be routed.
pub const ROUTES: &str = "routes";

const UNROUTED: &str = "SELECT id, alert_id, transition, repeat, payload, created_at FROM deliveries \
    WHERE channel = 'routes' AND state = 'pending' ORDER BY created_at, alert_id, transition, repeat LIMIT $1";
const ROUTED: &str = "UPDATE deliveries SET state = 'delivered', attempts = 1, first_attempt = $2, \
    delivered_at = $2 WHERE id = $1";
const UNREADABLE: &str = "UPDATE deliveries SET state = 'parked', attempts = 1, first_attempt = $2, \
    last_error = $3 WHERE id = $1";
const INSERT: &str = "INSERT INTO deliveries (id, alert_id, channel, transition, repeat, payload, state, \
    attempts, next_attempt, created_at, target, step, news, level, route, folded_into) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING";
const SENT_SINCE: &str = "SELECT COUNT(*) FROM deliveries WHERE channel = $1 AND created_at >= $3 \
    AND COALESCE(target, '') = $2 AND folded_into IS NULL \
    AND COALESCE(news, '') NOT IN ('acknowledged', 'resolved', 'summary')";
const TOLD: &str = "SELECT DISTINCT channel, target, route FROM deliveries WHERE alert_id = $1 \
    AND channel <> 'routes' AND folded_into IS NULL AND news IS NOT NULL ORDER BY channel, target, route";
const DUE_SUMMARIES: &str = "SELECT id, channel, target, created_at FROM deliveries \
    WHERE state = 'gathering' AND next_attempt <= $1 ORDER BY next_attempt, id";
const COUNT_FOLDED: &str = "SELECT level, COUNT(*) AS pages FROM deliveries WHERE folded_into = $1 \
    GROUP BY level";
const COUNT_FOLDED_ALERTS: &str = "SELECT COUNT(DISTINCT alert_id) FROM deliveries WHERE folded_into = $1";
/// The loudest first.
const FOLDED: &str = "SELECT page.payload FROM deliveries part JOIN deliveries page \
    ON page.alert_id = part.alert_id AND page.channel = 'routes' AND page.transition = part.transition \
    AND page.repeat = part.repeat WHERE part.folded_into = $1 ORDER BY CASE part.level \
    WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, \
    part.created_at, part.id LIMIT $2";
const COMPLETE: &str = "UPDATE deliveries SET state = 'pending', payload = $2, level = $3, next_attempt = $4 \
    WHERE id = $1 AND state = 'gathering'";
const NEXT_SUMMARY: &str = "SELECT MIN(next_attempt) FROM deliveries WHERE state = 'gathering'";
const NEXT_REMINDER: &str = "SELECT MIN(due_at) FROM reminders";
const DUE_REMINDERS: &str = "SELECT * FROM reminders WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
/// What was said last is what is said again; when, stays.
const START_REMINDER: &str = "INSERT INTO reminders (id, alert_id, transition, route, stage, repeats, \
    started_at, due_at, page) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
    ON CONFLICT (id) DO UPDATE SET page = excluded.page";
const MOVE_REMINDER: &str = "UPDATE reminders SET stage = $2, repeats = $3, due_at = $4 WHERE id = $1";
const END_REMINDER: &str = "DELETE FROM reminders WHERE id = $1";
const END_REMINDERS: &str = "DELETE FROM reminders WHERE alert_id = $1";
const STANDS: &str = "SELECT state, transition FROM alerts WHERE id = $1";
const FINDINGS: &str = "SELECT json FROM findings WHERE alert_id = $1 ORDER BY event_time DESC, id LIMIT $2";

/// A page that waits to be routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnroutedPage {
    pub id: String,
    pub alert_id: String,
    pub transition: i64,
    pub repeat: i64,
    /// As `alerts` rendered it.
    pub payload: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
}

/// A delivery that a route makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedDelivery<'a> {
    pub id: &'a str,
    pub alert_id: &'a str,
    pub channel: &'a str,
    /// As in [`super::AlertRow`].
    pub transition: i64,
    /// Which page since the alert was opened, from 0.
    pub repeat: i64,
    /// The body as it is sent, every time.
    pub payload: &'a str,
    /// Microseconds since the epoch.
    pub created_at: i64,
    /// Whom of the channel, where it is not all of it.
    pub target: Option<&'a str>,
    /// When it was due where it is told again, 0 otherwise.
    pub step: i64,
    pub news: &'a str,
    pub level: &'a str,
    pub route: &'a str,
    /// The summary that says it instead.
    pub folded_into: Option<&'a str>,
}

/// To whom an alert was told, and by which route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldTo {
    pub channel: String,
    pub target: Option<String>,
    pub route: Option<String>,
}

/// A summary that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub id: String,
    pub channel: String,
    pub target: Option<String>,
    /// When its first part came, microseconds since the epoch.
    pub since: i64,
}

/// What a summary says together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoldedCount {
    /// Pages by level.
    pub pages: Vec<(String, i64)>,
    /// Distinct alerts.
    pub alerts: i64,
}

/// What is told again unless somebody acknowledges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderRow {
    pub id: String,
    pub alert_id: String,
    pub transition: i64,
    pub route: String,
    /// How many escalations were made.
    pub stage: i64,
    /// How often it was told again.
    pub repeats: i64,
    /// Microseconds since the epoch, as is the next.
    pub started_at: i64,
    pub due_at: i64,
    pub page: String,
}

/// All that some pages become: committed whole, or not there.
#[derive(Debug)]
pub struct RoutingTransaction {
    transaction: Transaction,
}

impl Store {
    /// Pages that wait, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unrouted(&self, most: i64) -> Result<Vec<UnroutedPage>, StoreError> {
        let rows = query(UNROUTED).bind(most).fetch_all(&self.database).await?;
        let page = |row: &Row| {
            Ok(UnroutedPage {
                id: row.try_get("id")?,
                alert_id: row.try_get("alert_id")?,
                transition: row.try_get("transition")?,
                repeat: row.try_get("repeat")?,
                payload: row.try_get("payload")?,
                created_at: row.try_get("created_at")?,
            })
        };
        rows.iter().map(page).collect()
    }

    /// Begins to route. Dropping it takes everything back.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::ReadOnly`], or when the database fails.
    pub async fn begin_routing(&self) -> Result<RoutingTransaction, StoreError> {
        Ok(RoutingTransaction { transaction: self.begin().await? })
    }

    /// When the next summary or reminder is due, microseconds since the epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        let summary: Option<Option<i64>> = query(NEXT_SUMMARY).fetch_scalar(&self.database).await?;
        let reminder: Option<Option<i64>> = query(NEXT_REMINDER).fetch_scalar(&self.database).await?;
        Ok([summary.flatten(), reminder.flatten()].into_iter().flatten().min())
    }
}

impl RoutingTransaction {
    /// Makes true what was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    /// Notes that a page has become what it becomes.
    ///
    /// # Errors
    /// When the database fails, as all of these.
    pub async fn routed(&mut self, page: &str, at: i64) -> Result<(), StoreError> {
        query(ROUTED).bind(page).bind(at).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Parks a page that cannot be read.
    pub async fn unreadable(&mut self, page: &str, at: i64, why: &str) -> Result<(), StoreError> {
        query(UNREADABLE).bind(page).bind(at).bind(why).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Writes a delivery, or what a summary says instead; one whose id is there stays as it is.
    pub async fn insert(&mut self, routed: &RoutedDelivery<'_>) -> Result<(), StoreError> {
        let state = if routed.folded_into.is_some() { "folded" } else { "pending" };
        self.write(routed, state, routed.created_at).await
    }

    /// Begins a summary that is complete at `due`, unless it was begun.
    pub async fn gather(&mut self, routed: &RoutedDelivery<'_>, due: i64) -> Result<(), StoreError> {
        self.write(routed, "gathering", due).await
    }

    async fn write(&mut self, routed: &RoutedDelivery<'_>, state: &str, next: i64) -> Result<(), StoreError> {
        query(INSERT)
            .bind(routed.id)
            .bind(routed.alert_id)
            .bind(routed.channel)
            .bind(routed.transition)
            .bind(routed.repeat)
            .bind(routed.payload)
            .bind(state)
            .bind(next)
            .bind(routed.created_at)
            .bind(routed.target)
            .bind(routed.step)
            .bind(routed.news)
            .bind(routed.level)
            .bind(routed.route)
            .bind(routed.folded_into)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// How many messages of their own a channel, or somebody of it, got since then.
    pub async fn sent_since(
        &mut self,
        channel: &str,
        target: Option<&str>,
        since: i64,
    ) -> Result<i64, StoreError> {
        let sent = query(SENT_SINCE).bind(channel).bind(target.unwrap_or_default()).bind(since);
        Ok(sent.fetch_scalar(&mut self.transaction).await?.unwrap_or_default())
    }

    /// Who was told of an alert in a message of its own.
    pub async fn told(&mut self, alert_id: &str) -> Result<Vec<ToldTo>, StoreError> {
        let rows = query(TOLD).bind(alert_id).fetch_all(&mut self.transaction).await?;
        let told = |row: &Row| {
            Ok(ToldTo {
                channel: row.try_get("channel")?,
                target: row.try_get("target")?,
                route: row.try_get("route")?,
            })
        };
        rows.iter().map(told).collect()
    }

    /// The summaries that are due.
    pub async fn due_summaries(&mut self, now: i64) -> Result<Vec<Summary>, StoreError> {
        let rows = query(DUE_SUMMARIES).bind(now).fetch_all(&mut self.transaction).await?;
        let summary = |row: &Row| {
            Ok(Summary {
                id: row.try_get("id")?,
                channel: row.try_get("channel")?,
                target: row.try_get("target")?,
                since: row.try_get("created_at")?,
            })
        };
        rows.iter().map(summary).collect()
    }

    /// How many pages and alerts a summary says.
    pub async fn count_folded(&mut self, summary: &str) -> Result<FoldedCount, StoreError> {
        let rows = query(COUNT_FOLDED).bind(summary).fetch_all(&mut self.transaction).await?;
        let count = |row: &Row| Ok::<_, StoreError>((row.try_get("level")?, row.try_get("pages")?));
        let pages = rows.iter().map(count).collect::<Result<_, _>>()?;
        let alerts = query(COUNT_FOLDED_ALERTS).bind(summary).fetch_scalar(&mut self.transaction).await?;
        Ok(FoldedCount { pages, alerts: alerts.unwrap_or_default() })
    }

    /// The pages that a summary says, the loudest first.
    pub async fn folded(&mut self, summary: &str, most: i64) -> Result<Vec<String>, StoreError> {
        let rows = query(FOLDED).bind(summary).bind(most).fetch_all(&mut self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get("payload")?)).collect()
    }

    /// Lets a summary be sent, with this body.
    pub async fn complete(
        &mut self,
        summary: &str,
        payload: &str,
        level: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let complete = query(COMPLETE).bind(summary).bind(payload).bind(level).bind(now);
        complete.execute(&mut self.transaction).await?;
        Ok(())
    }

    /// The reminders that are due.
    pub async fn due_reminders(&mut self, now: i64, most: i64) -> Result<Vec<ReminderRow>, StoreError> {
        let rows = query(DUE_REMINDERS).bind(now).bind(most).fetch_all(&mut self.transaction).await?;
        rows.iter().map(reminder_of).collect()
    }

    /// Starts a reminder, or lets one that runs say this page from now on.
    pub async fn start_reminder(&mut self, reminder: &ReminderRow) -> Result<(), StoreError> {
        query(START_REMINDER)
            .bind(&reminder.id)
            .bind(&reminder.alert_id)
            .bind(reminder.transition)
            .bind(&reminder.route)
            .bind(reminder.stage)
            .bind(reminder.repeats)
            .bind(reminder.started_at)
            .bind(reminder.due_at)
            .bind(&reminder.page)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Notes how far a reminder is, and when it is due next.
    pub async fn move_reminder(&mut self, reminder: &ReminderRow) -> Result<(), StoreError> {
        let moved = query(MOVE_REMINDER).bind(&reminder.id).bind(reminder.stage).bind(reminder.repeats);
        moved.bind(reminder.due_at).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Ends a reminder.
    pub async fn end_reminder(&mut self, id: &str) -> Result<(), StoreError> {
        query(END_REMINDER).bind(id).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Ends all reminders of an alert.
    pub async fn end_reminders(&mut self, alert_id: &str) -> Result<(), StoreError> {
        query(END_REMINDERS).bind(alert_id).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// The state of an alert, in its word, and how often it was opened.
    pub async fn alert_stands(&mut self, alert_id: &str) -> Result<Option<(String, i64)>, StoreError> {
        let row = query(STANDS).bind(alert_id).fetch_optional(&mut self.transaction).await?;
        row.map(|row| Ok((row.try_get("state")?, row.try_get("transition")?))).transpose()
    }

    /// The latest findings of an alert, as they are kept.
    pub async fn latest_findings(&mut self, alert_id: &str, most: i64) -> Result<Vec<String>, StoreError> {
        let rows = query(FINDINGS).bind(alert_id).bind(most).fetch_all(&mut self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get("json")?)).collect()
    }
}

fn reminder_of(row: &Row) -> Result<ReminderRow, StoreError> {
    Ok(ReminderRow {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        transition: row.try_get("transition")?,
        route: row.try_get("route")?,
        stage: row.try_get("stage")?,
        repeats: row.try_get("repeats")?,
        started_at: row.try_get("started_at")?,
        due_at: row.try_get("due_at")?,
        page: row.try_get("page")?,
    })
}
