//! Silences: what is not to be told for a while, on whose word and why.

use super::Store;
use super::alerts::AlertTransaction;
use super::database::{Row, query};
use super::error::StoreError;
use super::findings::storable;

const INSERT: &str = "INSERT INTO silences (id, matcher, author, reason, created_at, starts_at, ends_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const END: &str = "UPDATE silences SET ends_at = $2, ended_by = $3 WHERE id = $1 AND ends_at > $2";
const FIND: &str = "SELECT * FROM silences WHERE id = $1";
const IN_FORCE: &str =
    "SELECT * FROM silences WHERE starts_at <= $1 AND ends_at > $1 ORDER BY created_at, id";
const COUNT_TO_COME: &str = "SELECT COUNT(*) FROM silences WHERE ends_at > $1";
const LIST: &str = "SELECT * FROM silences WHERE ends_at > $1 ORDER BY ends_at DESC, id LIMIT $2";

/// One silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceRow {
    pub id: String,
    /// What it mutes; its form belongs to `alerts`.
    pub matcher: String,
    pub author: String,
    pub reason: String,
    /// Microseconds since the epoch, as are the next two.
    pub created_at: i64,
    pub starts_at: i64,
    /// From here on it mutes nothing.
    pub ends_at: i64,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
}

impl AlertTransaction {
    /// Adds a silence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_silence(&mut self, silence: &SilenceRow) -> Result<(), StoreError> {
        query(INSERT)
            .bind(&silence.id)
            .bind(&silence.matcher)
            .bind(storable(&silence.author))
            .bind(storable(&silence.reason))
            .bind(silence.created_at)
            .bind(silence.starts_at)
            .bind(silence.ends_at)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Ends a silence before its time; whether there was anything to end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_silence(&mut self, id: &str, at: i64, by: &str) -> Result<bool, StoreError> {
        let ended = query(END).bind(id).bind(at).bind(storable(by)).execute(&mut self.transaction).await?;
        Ok(ended == 1)
    }

    /// One silence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silence(&mut self, id: &str) -> Result<Option<SilenceRow>, StoreError> {
        let row = query(FIND).bind(id).fetch_optional(&mut self.transaction).await?;
        row.as_ref().map(silence_of).transpose()
    }

    /// The silences in force at `at`, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silences_in_force(&mut self, at: i64) -> Result<Vec<SilenceRow>, StoreError> {
        let rows = query(IN_FORCE).bind(at).fetch_all(&mut self.transaction).await?;
        rows.iter().map(silence_of).collect()
    }

    /// How many silences are in force at `at` or will be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_silences(&mut self, at: i64) -> Result<i64, StoreError> {
        let count = query(COUNT_TO_COME).bind(at).fetch_scalar(&mut self.transaction).await?;
        Ok(count.unwrap_or_default())
    }
}

impl Store {
    /// The silences that end after `after`, those that end last first, at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silences(&self, after: i64, most: i64) -> Result<Vec<SilenceRow>, StoreError> {
        if !self.keeps_lives().await? {
            return Ok(Vec::new());
        }
        let rows = query(LIST).bind(after).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(silence_of).collect()
    }
}

fn silence_of(row: &Row) -> Result<SilenceRow, StoreError> {
    Ok(SilenceRow {
        id: row.try_get("id")?,
        matcher: row.try_get("matcher")?,
        author: row.try_get("author")?,
        reason: row.try_get("reason")?,
        created_at: row.try_get("created_at")?,
        starts_at: row.try_get("starts_at")?,
        ends_at: row.try_get("ends_at")?,
        ended_by: row.try_get("ended_by")?,
    })
}
