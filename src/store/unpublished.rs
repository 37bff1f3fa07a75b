//! Which files of rejects still have to be written to the topic of rejects.

use super::Store;
use super::database::{Transaction, query};
use super::error::StoreError;
use super::manifest::{self, FileRow, Kind};

const UNPUBLISHED: &str = "SELECT m.file, m.day, m.row_count, m.byte_count, m.sha256, m.min_time, m.max_time, \
    m.key_filter, m.created_at FROM manifest m JOIN unpublished_rejects u ON u.file = m.file \
    ORDER BY m.created_at, m.file";
const MARK: &str = "INSERT INTO unpublished_rejects (file) VALUES ($1)";
const UNMARK: &str = "DELETE FROM unpublished_rejects WHERE file = $1";

impl Store {
    /// The files of rejects that are not published, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unpublished_rejects(&self) -> Result<Vec<FileRow>, StoreError> {
        let rows = query(UNPUBLISHED).fetch_all(&self.database).await?;
        rows.iter().map(|row| manifest::file_of(row, Kind::Rejects)).collect()
    }

    /// Everything in this file is published.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn rejects_published(&self, file: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        query(UNMARK).bind(file).execute(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// Marks a file inside the transaction of its seal.
pub(super) async fn mark(transaction: &mut Transaction, file: &FileRow) -> Result<(), StoreError> {
    query(MARK).bind(&file.file).execute(transaction).await?;
    Ok(())
}
