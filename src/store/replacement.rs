//! Swaps files of history for one that holds the same rows: one transaction, all or nothing.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::Store;
use super::error::StoreError;
use super::manifest::{self, FileRow};
use super::seal::{self, SealId};
use super::statements::{DELETE_FILE, DELETE_RETIRED, INSERT_RETIRED, RETIRED_FILES};
use crate::metrics::Account;

/// What one replacement makes true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Names the replacement as it would a seal.
    pub id: SealId,
    /// The file that holds the rows from now on.
    pub added: FileRow,
    /// The names of the files that held them.
    pub removed: Vec<String>,
    /// Microseconds since the epoch.
    pub replaced_at: i64,
    /// Until when the replaced files stay on disk, microseconds since the epoch: readers may still
    /// hold the manifest as it was.
    pub remove_after: i64,
}

/// A file that the manifest no longer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredFile {
    /// As in [`FileRow::file`].
    pub file: String,
    /// As in [`Replacement::remove_after`].
    pub remove_after: i64,
}

impl Store {
    /// Commits a replacement. When this returns, the manifest names the new file instead of the old ones.
    ///
    /// # Errors
    /// [`StoreError::FileGone`] and [`StoreError::LeaseLost`]: nothing happened, drop the new file.
    /// [`StoreError::CommitUnknown`]: keep all files. Any other: nothing happened.
    pub async fn commit_replacement(&self, replacement: &Replacement) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let written = write(&mut transaction, replacement).await;
        self.conclude(transaction, written, replacement.id).await
    }

    /// The replaced files that may still be on disk, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retired_files(&self) -> Result<Vec<RetiredFile>, StoreError> {
        let rows = sqlx::query(RETIRED_FILES).fetch_all(&self.pool).await?;
        let retired = |row: &sqlx::sqlite::SqliteRow| -> Result<RetiredFile, StoreError> {
            Ok(RetiredFile { file: row.try_get("file")?, remove_after: row.try_get("remove_after")? })
        };
        rows.iter().map(retired).collect()
    }

    /// Forgets a replaced file that is no longer on disk.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_retired(&self, file: &str) -> Result<(), StoreError> {
        sqlx::query(DELETE_RETIRED).bind(file).execute(&self.pool).await?;
        Ok(())
    }
}

async fn write(connection: &mut SqliteConnection, replacement: &Replacement) -> Result<(), StoreError> {
    let Replacement { id, added, removed, replaced_at, remove_after } = replacement;
    seal::begin(connection, *id, &Account::default(), *replaced_at).await?;
    for file in removed {
        let deleted = sqlx::query(DELETE_FILE).bind(file).execute(&mut *connection).await?;
        if deleted.rows_affected() != 1 {
            return Err(StoreError::FileGone { file: file.clone() });
        }
        sqlx::query(INSERT_RETIRED).bind(file).bind(remove_after).execute(&mut *connection).await?;
    }
    manifest::insert(connection, *id, added).await
}
