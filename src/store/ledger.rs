//! What was told whom and what came of it; and what was given up, to be sent again.

use super::Store;
use super::database::{Row, query, query_made};
use super::error::StoreError;
use super::outbox::{DeliveryRow, listed};

const OF_ALERT: &str = "SELECT * FROM deliveries WHERE alert_id = $1 AND channel <> 'routes' \
    ORDER BY transition, repeat, step, created_at, id";
const ANSWERS: &str = "SELECT * FROM delivery_answers WHERE delivery_id IN \
    (SELECT id FROM deliveries WHERE alert_id = $1) ORDER BY first_at, answer";
const PARKED: &str = "SELECT * FROM deliveries WHERE state = 'parked' ORDER BY created_at, id LIMIT $1";
const ALERTS_LIKE: &str = "SELECT DISTINCT alert_id FROM deliveries WHERE alert_id LIKE $1 LIMIT 2";
/// Everything begins again but the id and the body.
const REPLAY: &str = "UPDATE deliveries SET state = 'pending', attempts = 0, first_attempt = NULL, \
    next_attempt = $1 WHERE state = 'parked'";

/// An answer to a delivery, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRow {
    pub delivery_id: String,
    pub answer: String,
    /// Microseconds since the epoch, as is the next.
    pub first_at: i64,
    pub last_at: i64,
    pub times: i64,
}

/// Which parked deliveries are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay<'a> {
    All,
    /// Those of a channel.
    Channel(&'a str),
    /// The one whose id begins like this.
    Delivery(&'a str),
}

impl Store {
    /// All deliveries of an alert, in their order, and every different answer to them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger(&self, alert_id: &str) -> Result<(Vec<DeliveryRow>, Vec<AnswerRow>), StoreError> {
        if !self.keeps_channels().await? {
            return Ok(Default::default());
        }
        let rows = query(OF_ALERT).bind(alert_id).fetch_all(&self.database).await?;
        let answers = query(ANSWERS).bind(alert_id).fetch_all(&self.database).await?;
        let answers = answers.iter().map(answer_of).collect::<Result<_, _>>()?;
        Ok((rows.iter().map(listed).collect::<Result<_, _>>()?, answers))
    }

    /// Up to two alerts with deliveries whose id begins like this, so that one may be named in short.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts_told_of(&self, begins: &str) -> Result<Vec<String>, StoreError> {
        if !self.keeps_channels().await? || !is_of_id(begins) {
            return Ok(Vec::new());
        }
        let rows = query(ALERTS_LIKE).bind(format!("{begins}%")).fetch_all(&self.database).await?;
        rows.iter().map(|row| Ok(row.try_get("alert_id")?)).collect()
    }

    /// What was given up, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn parked(&self, most: i64) -> Result<Vec<DeliveryRow>, StoreError> {
        if !self.keeps_channels().await? {
            return Ok(Vec::new());
        }
        let rows = query(PARKED).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(listed).collect()
    }

    /// Puts what was given up back into the outbox, with the same ids and bodies, and says how many they
    /// are.
    ///
    /// # Errors
    /// As every write: [`StoreError::ReadOnly`], [`StoreError::LeaseLost`], or when the database fails.
    pub async fn replay_parked(&self, which: Replay<'_>, now: i64) -> Result<u64, StoreError> {
        let (clause, value) = match which {
            Replay::All => ("", None),
            Replay::Channel(channel) => (" AND channel = $2", Some(channel.to_owned())),
            Replay::Delivery(begins) if !is_of_id(begins) => return Ok(0),
            Replay::Delivery(begins) => (" AND id LIKE $2", Some(format!("{begins}%"))),
        };
        let mut replay = query_made(format!("{REPLAY}{clause}")).bind(now);
        if let Some(value) = value {
            replay = replay.bind(value);
        }
        let mut transaction = self.begin().await?;
        let replayed = replay.execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(replayed)
    }
}

/// Whether a text can begin an id, and so has no wildcards.
fn is_of_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn answer_of(row: &Row) -> Result<AnswerRow, StoreError> {
    Ok(AnswerRow {
        delivery_id: row.try_get("delivery_id")?,
        answer: row.try_get("answer")?,
        first_at: row.try_get("first_at")?,
        last_at: row.try_get("last_at")?,
        times: row.try_get("times")?,
    })
}
