//! Swaps files of history for one that holds the same rows: one transaction, all or nothing.

use super::Store;
use super::database::{Row, Transaction, query};
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
        let mut transaction = self.begin_seal(replacement.id).await?;
        let written = write(&mut transaction, replacement).await;
        self.conclude(transaction, written, replacement.id).await
    }

    /// The replaced files that may still be on disk, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retired_files(&self) -> Result<Vec<RetiredFile>, StoreError> {
        let rows = query(RETIRED_FILES).fetch_all(&self.database).await?;
        let retired = |row: &Row| -> Result<RetiredFile, StoreError> {
            Ok(RetiredFile { file: row.try_get("file")?, remove_after: row.try_get("remove_after")? })
        };
        rows.iter().map(retired).collect()
    }

    /// Forgets a replaced file that is no longer on disk.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn forget_retired(&self, file: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        query(DELETE_RETIRED).bind(file).execute(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }
}

async fn write(transaction: &mut Transaction, replacement: &Replacement) -> Result<(), StoreError> {
    let Replacement { id, added, removed, replaced_at, remove_after } = replacement;
    seal::insert(transaction, *id, &Account::default(), *replaced_at).await?;
    for file in removed {
        if query(DELETE_FILE).bind(file).execute(&mut *transaction).await? != 1 {
            return Err(StoreError::FileGone { file: file.clone() });
        }
        query(INSERT_RETIRED).bind(file).bind(remove_after).execute(&mut *transaction).await?;
    }
    manifest::insert(transaction, *id, added).await
}
