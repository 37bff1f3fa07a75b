//! Removes what a writer left behind when it died between writing files and committing their seal,
//! and files whose rows stand in others since long enough.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::HistoryError;
use super::file::{FINISHED, INSTANCE, UNFINISHED, failed};
use crate::store::Store;

/// Removes the files of earlier writers that no manifest names, but for replaced ones that somebody
/// may still read, and returns them. `at` is now, in microseconds since the epoch. Call it once after
/// opening a store for writing, before the first seal.
///
/// It is safe with several instances on one store: a file is named by the epoch of its writer. Those of
/// an earlier epoch can no longer be sealed by a writer that still runs; those of a later one belong to
/// whoever has taken over since, and those of this one are about to be sealed.
///
/// # Errors
/// When the manifest cannot be read or a file cannot be removed.
pub async fn sweep(store: &Store, at: i64) -> Result<Vec<PathBuf>, HistoryError> {
    let epoch = store.epoch()?;
    let (due, waiting): (Vec<_>, Vec<_>) =
        store.retired_files().await?.into_iter().partition(|retired| retired.remove_after <= at);
    let named = store.file_names().await?;
    let path_of = |name: &String| store.folder().file(name);
    let kept: HashSet<PathBuf> =
        named.iter().chain(waiting.iter().map(|retired| &retired.file)).map(path_of).collect();
    let replaced: HashSet<PathBuf> = due.iter().map(|retired| path_of(&retired.file)).collect();
    let mut removed = Vec::new();
    for entry in WalkDir::new(store.folder().history()).sort_by_file_name().into_iter().flatten() {
        let path = entry.path();
        let is_left_behind = || epoch_of(path).is_some_and(|of| of < epoch) && !kept.contains(path);
        if entry.file_type().is_file() && (replaced.contains(path) || is_left_behind()) {
            std::fs::remove_file(path).map_err(failed("remove", path))?;
            removed.push(path.to_owned());
        }
    }
    for retired in due {
        store.forget_retired(&retired.file).await?;
    }
    Ok(removed)
}

/// The epoch of the writer that made the file; nothing where no writer of ours did.
fn epoch_of(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_string_lossy();
    let finished = name.strip_prefix('.').and_then(|name| name.strip_suffix(UNFINISHED)).unwrap_or(&name);
    let seal = finished.strip_suffix(FINISHED)?.strip_prefix(INSTANCE)?.strip_prefix('-')?;
    seal.split_once('-')?.0.parse().ok()
}
