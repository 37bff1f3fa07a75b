//! Removes what a writer left behind when it died between writing files and committing their seal,
//! and files whose rows stand in others since long enough.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::HistoryError;
use super::file::{FINISHED, INSTANCE, UNFINISHED, failed};
use crate::store::Store;

/// Removes this instance's files that no manifest names, but for replaced ones that somebody may
/// still read, and returns them. `at` is now, in microseconds since the epoch. Call it once after
/// opening a store for writing, before the first seal.
///
/// # Errors
/// When the manifest cannot be read or a file cannot be removed.
pub async fn sweep(store: &Store, at: i64) -> Result<Vec<PathBuf>, HistoryError> {
    let (due, waiting): (Vec<_>, Vec<_>) =
        store.retired_files().await?.into_iter().partition(|retired| retired.remove_after <= at);
    let named = store.file_names().await?;
    let kept = named.iter().chain(waiting.iter().map(|retired| &retired.file));
    let kept: HashSet<PathBuf> = kept.map(|name| store.folder().file(name)).collect();
    let mut removed = Vec::new();
    for entry in WalkDir::new(store.folder().history()).sort_by_file_name().into_iter().flatten() {
        let path = entry.path();
        if entry.file_type().is_file() && is_ours(path) && !kept.contains(path) {
            std::fs::remove_file(path).map_err(failed("remove", path))?;
            removed.push(path.to_owned());
        }
    }
    for retired in due {
        store.forget_retired(&retired.file).await?;
    }
    Ok(removed)
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let finished = name.strip_prefix('.').and_then(|name| name.strip_suffix(UNFINISHED)).unwrap_or(&name);
    finished.ends_with(FINISHED) && finished.strip_prefix(INSTANCE).is_some_and(|rest| rest.starts_with('-'))
}
