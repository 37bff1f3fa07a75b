//! The manifest: which files make up history. Readers go by it, never by what lies in a folder.

use super::database::{Row, Transaction, query};
use super::error::StoreError;
use super::statements::{ALL_FILE_NAMES, FILES_OF_KIND, INSERT_FILE};
use super::{SealId, Store};
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What the rows of a file are.
    pub enum Kind as "kind of history" {
        Events = "events",
        Findings = "findings",
        Rejects = "rejects",
        /// What must be known of events after a restart; no table.
        Traces = "traces",
        /// Uses added up by hour; stays when events expire, as do facts.
        Usage = "usage",
        /// What events tell of keys beside their uses.
        Facts = "facts",
        /// Raw records, secrets redacted.
        Raw = "raw",
    }
}

/// One file of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Path below the history folder: `events/day=2026-11-24/….parquet`.
    pub file: String,
    pub kind: Kind,
    /// Days since the epoch, by event time.
    pub day: i64,
    pub rows: i64,
    pub bytes: i64,
    /// Of the file's bytes, as 64 hex digits.
    pub sha256: String,
    /// Microseconds since the epoch.
    pub min_time: i64,
    /// Microseconds since the epoch.
    pub max_time: i64,
    /// Which keys and principals occur; its form belongs to `history`. Empty: nothing is known.
    pub key_filter: Vec<u8>,
    /// Microseconds since the epoch.
    pub created_at: i64,
}

impl Store {
    /// The files of one kind, by day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn files(&self, kind: Kind) -> Result<Vec<FileRow>, StoreError> {
        let rows = query(FILES_OF_KIND).bind(kind.as_str()).fetch_all(&self.database).await?;
        rows.iter().map(|row| file_of(row, kind)).collect()
    }

    /// The names of all files of all kinds, sorted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn file_names(&self) -> Result<Vec<String>, StoreError> {
        let rows = query(ALL_FILE_NAMES).fetch_all(&self.database).await?;
        rows.iter().map(|row| Ok(row.try_get("file")?)).collect()
    }
}

/// One row of the manifest.
pub(super) fn file_of(row: &Row, kind: Kind) -> Result<FileRow, StoreError> {
    Ok(FileRow {
        file: row.try_get("file")?,
        kind,
        day: row.try_get("day")?,
        rows: row.try_get("row_count")?,
        bytes: row.try_get("byte_count")?,
        sha256: row.try_get("sha256")?,
        min_time: row.try_get("min_time")?,
        max_time: row.try_get("max_time")?,
        key_filter: row.try_get("key_filter")?,
        created_at: row.try_get("created_at")?,
    })
}

/// Adds a file inside the transaction of its seal.
pub(super) async fn insert(
    transaction: &mut Transaction,
    seal: SealId,
    file: &FileRow,
) -> Result<(), StoreError> {
    query(INSERT_FILE)
        .bind(&file.file)
        .bind(file.kind.as_str())
        .bind(file.day)
        .bind(file.rows)
        .bind(file.bytes)
        .bind(&file.sha256)
        .bind(file.min_time)
        .bind(file.max_time)
        .bind(&file.key_filter)
        .bind(seal.to_string())
        .bind(file.created_at)
        .execute(transaction)
        .await?;
    Ok(())
}
