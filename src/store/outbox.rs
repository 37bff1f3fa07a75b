//! The outbox: what is to be told on which channel, rendered once, and what became of it.
//!
//! A delivery is written in the transaction of the findings that cause it, and stays when it is done:
//! a delivery id never comes with two bodies.

use super::Store;
use super::alerts::{AlertTransaction, word};
use super::bulk::{parts, rows};
use super::database::{Row, query, query_made};
use super::error::StoreError;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What became of a delivery.
    pub enum DeliveryState as "state of a delivery" {
        Pending = "pending",
        Delivered = "delivered",
        /// Given up: kept, and told of.
        Parked = "parked",
        /// A summary says it.
        Folded = "folded",
        /// A summary that is not complete yet.
        Gathering = "gathering",
    }
}

const COLUMNS: usize = 10;
const COUNT_UNDELIVERED: &str = "SELECT state, COUNT(*) AS deliveries FROM deliveries \
    WHERE channel = $1 AND state IN ('pending', 'parked') GROUP BY state";
/// Behind an earlier one of the same alert a delivery waits; a parked one holds up nobody.
const PENDING: &str = "SELECT id, alert_id, target, news, payload, attempts, first_attempt, next_attempt \
    FROM deliveries d WHERE channel = $1 AND state = 'pending' AND NOT EXISTS (SELECT 1 FROM deliveries e \
    WHERE e.alert_id = d.alert_id AND e.channel = d.channel AND e.state = 'pending' \
    AND (e.transition, e.repeat, e.step) < (d.transition, d.repeat, d.step)) \
    ORDER BY next_attempt, id LIMIT $2";
const OLDEST_PENDING: &str =
    "SELECT MIN(created_at) FROM deliveries WHERE channel = $1 AND state = 'pending'";
const DELIVERED: &str = "UPDATE deliveries SET state = 'delivered', attempts = $2, first_attempt = $3, \
    last_error = NULL, delivered_at = $4, answer = $5 WHERE id = $1";
const FAILED: &str = "UPDATE deliveries SET state = $2, attempts = $3, first_attempt = $4, \
    next_attempt = $5, last_error = $6, answer = $7 WHERE id = $1 AND state = 'pending'";
/// What waits to be routed is no delivery yet, and what was routed is in the deliveries that it became.
const LATEST_DELIVERIES: &str = "SELECT * FROM deliveries WHERE channel <> 'routes' \
    ORDER BY created_at DESC, id LIMIT $1";
const ANSWERED: &str = "INSERT INTO delivery_answers (delivery_id, answer, first_at, last_at, times) \
    VALUES ($1, $2, $3, $3, 1) ON CONFLICT (delivery_id, answer) DO UPDATE SET last_at = excluded.last_at, \
    times = delivery_answers.times + 1";
/// What made the table, and what made it as it is now.
const HAS_CHANNELS: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE version IN (3, 10)";

/// A delivery to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    pub id: String,
    pub alert_id: String,
    pub channel: String,
    /// As in [`super::AlertRow`].
    pub transition: i64,
    /// Which message since the alert was opened, from 0.
    pub repeat: i64,
    /// The body as it is sent, every time.
    pub payload: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
}

/// A delivery that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: String,
    pub alert_id: String,
    /// Whom of the channel, where it is not all of it.
    pub target: Option<String>,
    /// What it has to say, where a route sent it.
    pub news: Option<String>,
    pub payload: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Microseconds since the epoch, as is the next.
    pub first_attempt: Option<i64>,
    pub next_attempt: i64,
}

/// How an attempt at a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// Of the delivery.
    pub id: &'a str,
    /// Its number, and when the first was.
    pub attempt: (i64, i64),
    /// When it ended, microseconds since the epoch.
    pub at: i64,
    /// What the receiver said, or why it said nothing.
    pub answer: &'a str,
    pub came: Came<'a>,
}

/// To what an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came<'a> {
    Arrived,
    /// Without a next one the delivery is parked.
    Failed {
        next: Option<i64>,
        why: &'a str,
    },
}

/// A delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: String,
    pub alert_id: String,
    pub channel: String,
    pub transition: i64,
    pub repeat: i64,
    pub state: DeliveryState,
    pub attempts: i64,
    pub last_error: Option<String>,
    /// Whom of the channel, what it says, how loudly, by which route: where a route sent it.
    pub target: Option<String>,
    pub news: Option<String>,
    pub level: Option<String>,
    pub route: Option<String>,
    /// The summary that says it.
    pub folded_into: Option<String>,
    /// The receiver's last answer.
    pub answer: Option<String>,
    /// Microseconds since the epoch, as is the next.
    pub created_at: i64,
    pub delivered_at: Option<i64>,
}

impl AlertTransaction {
    /// Puts deliveries into the outbox; one whose id is there stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_deliveries(&mut self, deliveries: &[NewDelivery]) -> Result<(), StoreError> {
        for part in parts(deliveries) {
            let insert = format!(
                "INSERT INTO deliveries (id, alert_id, channel, transition, repeat, payload, state, attempts, \
                 next_attempt, created_at) VALUES {} ON CONFLICT (id) DO NOTHING",
                rows(part.len(), COLUMNS)
            );
            let insert = part.iter().fold(query_made(insert), |query, delivery| {
                query
                    .bind(&delivery.id)
                    .bind(&delivery.alert_id)
                    .bind(&delivery.channel)
                    .bind(delivery.transition)
                    .bind(delivery.repeat)
                    .bind(&delivery.payload)
                    .bind(DeliveryState::Pending.as_str())
                    .bind(0_i64)
                    .bind(delivery.created_at)
                    .bind(delivery.created_at)
            });
            insert.execute(&mut self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The deliveries that may be tried on a channel, of each alert the first, those that are due
    /// earliest first. Some may not be due yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_deliveries(&self, channel: &str, most: i64) -> Result<Vec<Delivery>, StoreError> {
        let rows = query(PENDING).bind(channel).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(delivery_of).collect()
    }

    /// How many deliveries of a channel wait, and how many are parked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_deliveries(&self, channel: &str) -> Result<(i64, i64), StoreError> {
        let (mut pending, mut parked) = (0, 0);
        for row in query(COUNT_UNDELIVERED).bind(channel).fetch_all(&self.database).await? {
            let state: String = row.try_get("state")?;
            match DeliveryState::from_word(&state) {
                Some(DeliveryState::Pending) => pending = row.try_get("deliveries")?,
                Some(DeliveryState::Parked) => parked = row.try_get("deliveries")?,
                _ => {}
            }
        }
        Ok((pending, parked))
    }

    /// Since when the oldest delivery of a channel waits, microseconds since the epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oldest_pending(&self, channel: &str) -> Result<Option<i64>, StoreError> {
        let oldest: Option<Option<i64>> =
            query(OLDEST_PENDING).bind(channel).fetch_scalar(&self.database).await?;
        Ok(oldest.flatten())
    }

    /// Notes that a delivery arrived. `attempt` is its last attempt's number and when the first was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_arrived(&self, id: &str, attempt: (i64, i64), at: i64) -> Result<(), StoreError> {
        self.note_attempts(&[Attempt { id, attempt, at, answer: "taken", came: Came::Arrived }]).await
    }

    /// Notes how attempts ended, all in one transaction.
    ///
    /// # Errors
    /// When the database fails; none is noted then.
    pub async fn note_attempts(&self, attempts: &[Attempt<'_>]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for Attempt { id, attempt: (number, first), at, answer, came } in attempts {
            query(ANSWERED).bind(*id).bind(*answer).bind(at).execute(&mut transaction).await?;
            let noted = match came {
                Came::Arrived => query(DELIVERED).bind(*id).bind(number).bind(first).bind(at).bind(*answer),
                Came::Failed { next, why } => {
                    let state = if next.is_some() { DeliveryState::Pending } else { DeliveryState::Parked };
                    let failed = query(FAILED).bind(*id).bind(state.as_str()).bind(number).bind(first);
                    failed.bind(next.unwrap_or_default()).bind(*why).bind(*answer)
                }
            };
            noted.execute(&mut transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The deliveries, the youngest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, most: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        if !self.keeps_channels().await? {
            return Ok(Vec::new());
        }
        let rows = query(LATEST_DELIVERIES).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(listed).collect()
    }

    /// Whether the store knows channels; one that an older version wrote last does not.
    pub(super) async fn keeps_channels(&self) -> Result<bool, StoreError> {
        let known: Option<i64> = query(HAS_CHANNELS).fetch_scalar(&self.database).await?;
        Ok(known.unwrap_or_default() == 2)
    }
}

fn delivery_of(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        target: row.try_get("target")?,
        news: row.try_get("news")?,
        payload: row.try_get("payload")?,
        attempts: row.try_get("attempts")?,
        first_attempt: row.try_get("first_attempt")?,
        next_attempt: row.try_get("next_attempt")?,
    })
}

pub(super) fn listed(row: &Row) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        channel: row.try_get("channel")?,
        transition: row.try_get("transition")?,
        repeat: row.try_get("repeat")?,
        state: word(row, "state", DeliveryState::from_word)?,
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        target: row.try_get("target")?,
        news: row.try_get("news")?,
        level: row.try_get("level")?,
        route: row.try_get("route")?,
        folded_into: row.try_get("folded_into")?,
        answer: row.try_get("answer")?,
        created_at: row.try_get("created_at")?,
        delivered_at: row.try_get("delivered_at")?,
    })
}
