//! Takes whole days out of history that are older than they have to be kept. What was derived from them, and
//! what was read of which source, stays.

use super::compact::GRACE;
use super::error::HistoryError;
use super::order::DAY;
use crate::store::{FileRow, Kind, Store};

/// Files a transaction: some milliseconds of the write lock.
const BATCH: usize = 100;

/// Retires the files of a kind whose day ended before `before`, and that were not written since then either:
/// what was read in late is kept as long. Says how many rows that were. `at` is now; both are microseconds
/// since the epoch.
///
/// # Errors
/// When the database fails; what was retired before stays retired.
pub async fn expire(store: &Store, kind: Kind, before: i64, at: i64) -> Result<u64, HistoryError> {
    let is_old =
        |file: &FileRow| file.day.saturating_add(1).saturating_mul(DAY) <= before && file.created_at < before;
    let mut old: Vec<FileRow> = store.files(kind).await?.into_iter().filter(is_old).collect();
    if kind == Kind::Rejects {
        let waiting = store.unpublished_rejects().await?;
        old.retain(|file| waiting.iter().all(|waiting| waiting.file != file.file));
    }
    let mut rows = 0;
    for part in old.chunks(BATCH) {
        let names: Vec<String> = part.iter().map(|file| file.file.clone()).collect();
        store.retire_files(&names, at.saturating_add(GRACE)).await?;
        rows += part.iter().map(|file| file.rows.unsigned_abs()).sum::<u64>();
    }
    Ok(rows)
}
