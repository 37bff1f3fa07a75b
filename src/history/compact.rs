//! Makes few large files of many small ones, so that a question opens few.
//!
//! What a file holds never changes: the rows of several files of a day are written into a new one,
//! and one transaction puts it into the manifest in their place. The old ones stay on disk for
//! [`GRACE`], for those who read by an older manifest, and are removed by a later sweep.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;

use super::compact_traces::compact_traces;
use super::derived::DERIVED;
use super::error::HistoryError;
use super::file::{self, Unsealed};
use super::merge::Merge;
use super::raw;
use super::rejects;
use crate::store::{FileRow, Kind, Replacement, Store, StoreError};
use crate::table::columns::events_schema;

/// So many small files a day are let be: a question opens them in a few milliseconds.
pub(super) const MOST_SMALL_FILES: usize = 8;

/// Files that one merge reads at once; each keeps a batch of about 2 MB in memory.
const MOST_FILES_A_MERGE: usize = 32;

/// Rows a file: of about 80 bytes, so 160 MB.
const FULL_ROWS: i64 = 2 * 1024 * 1024;

/// How long replaced files stay, in microseconds: ten minutes, many times what a question may take.
pub const GRACE: i64 = 10 * 60 * 1_000_000;

/// What compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were replaced.
    pub replaced: usize,
    /// Files that were written for them.
    pub written: usize,
    /// Rows in them.
    pub rows: i64,
}

/// Merges the small files of every day that has more than a few of them. `findings` are the columns
/// of a finding; `at` is now, in microseconds since the epoch.
///
/// Computes and waits for the disk between short requests to the database: on a runtime that does
/// other work too, give it a thread of its own.
///
/// # Errors
/// When a file cannot be read or written, or a transaction fails. What was merged before stays
/// merged; the rest is as it was.
pub async fn compact(store: &Store, findings: &SchemaRef, at: i64) -> Result<Compacted, HistoryError> {
    let kinds = [
        (Kind::Events, events_schema()),
        (Kind::Findings, findings.clone()),
        (Kind::Rejects, rejects::schema()),
        (Kind::Raw, raw::schema()),
    ];
    let mut compacted = Compacted::default();
    for (kind, schema) in kinds {
        let mut found = true;
        while std::mem::take(&mut found) {
            for files in due(mergeable(store, kind).await?) {
                let Some(merged) = MergedFile::write(store, &files, &schema, at)? else { continue };
                compacted.add(&merged.replacement);
                merged.commit(store).await?;
                found = true;
            }
        }
    }
    for derived in DERIVED {
        let mut found = true;
        while std::mem::take(&mut found) {
            for files in due(store.files(derived.kind).await?) {
                let Some(merged) = derived.merge(store, &files, at)? else { continue };
                compacted.add(&merged.replacement);
                merged.commit(store).await?;
                found = true;
            }
        }
    }
    if let Some(replacement) = compact_traces(store, at).await? {
        compacted.add(&replacement);
    }
    Ok(compacted)
}

/// The files of a kind that may be merged. Rejects that wait to be published stay in their files.
async fn mergeable(store: &Store, kind: Kind) -> Result<Vec<FileRow>, HistoryError> {
    let mut files = store.files(kind).await?;
    if kind == Kind::Rejects {
        let waiting = store.unpublished_rejects().await?;
        files.retain(|file| waiting.iter().all(|waiting| waiting.file != file.file));
    }
    Ok(files)
}

impl Compacted {
    const fn add(&mut self, replacement: &Replacement) {
        self.replaced += replacement.removed.len();
        self.written += 1;
        self.rows += replacement.added.rows;
    }
}

/// For each day with too many small files, those to be merged next.
///
/// The smallest are, and larger ones only while they are no larger than all before them together:
/// so a row is written again each time that its file at least doubles, and not with every small
/// file that comes.
fn due(files: Vec<FileRow>) -> Vec<Vec<FileRow>> {
    let mut days: BTreeMap<i64, Vec<FileRow>> = BTreeMap::new();
    for file in files.into_iter().filter(|file| file.rows <= FULL_ROWS / 2) {
        days.entry(file.day).or_default().push(file);
    }
    days.into_values().filter(|files| files.len() > MOST_SMALL_FILES).map(smallest).collect()
}

fn smallest(mut files: Vec<FileRow>) -> Vec<FileRow> {
    files.sort_by(|one, other| (one.rows, &one.file).cmp(&(other.rows, &other.file)));
    let mut rows = 0;
    let mut chosen: Vec<FileRow> = Vec::new();
    for file in files.into_iter().take(MOST_FILES_A_MERGE) {
        let is_far_larger = chosen.len() >= 2 && file.rows > rows;
        if is_far_larger || rows + file.rows > FULL_ROWS {
            break;
        }
        rows += file.rows;
        chosen.push(file);
    }
    chosen
}

/// A file in its place that no manifest names yet. Dropping it drops it.
pub(super) struct MergedFile {
    pub(super) replacement: Replacement,
    pub(super) unsealed: Unsealed,
}

impl MergedFile {
    fn write(
        store: &Store,
        files: &[FileRow],
        schema: &SchemaRef,
        at: i64,
    ) -> Result<Option<Self>, HistoryError> {
        let Some(first) = files.first() else { return Ok(None) };
        let paths: Vec<PathBuf> = files.iter().map(|file| store.folder().file(&file.file)).collect();
        let Some(merge) = Merge::open(paths.iter().map(PathBuf::as_path), schema)? else { return Ok(None) };
        let id = store.next_seal()?;
        let rows: i64 = files.iter().map(|file| file.rows).sum();
        let name = file::name_of(first.kind, first.day, id);
        let mut unsealed = Unsealed::default();
        let (contents, key_filter) =
            file::place(&store.folder().file(&name), &mut unsealed, |to| merge.write(to))?;
        let added = FileRow {
            file: name,
            kind: first.kind,
            day: first.day,
            rows,
            bytes: contents.bytes,
            sha256: contents.sha256,
            min_time: files.iter().map(|file| file.min_time).min().unwrap_or_default(),
            max_time: files.iter().map(|file| file.max_time).max().unwrap_or_default(),
            key_filter,
            created_at: at,
        };
        let removed = files.iter().map(|file| file.file.clone()).collect();
        let remove_after = at.saturating_add(GRACE);
        let replacement = Replacement { id, added, removed, replaced_at: at, remove_after };
        Ok(Some(Self { replacement, unsealed }))
    }

    pub(super) async fn commit(mut self, store: &Store) -> Result<(), HistoryError> {
        // As with a seal: until the outcome is known nothing may remove the file.
        let paths = std::mem::take(&mut self.unsealed.paths);
        let committed = store.commit_replacement(&self.replacement).await;
        if !matches!(committed, Ok(()) | Err(StoreError::CommitUnknown { .. })) {
            drop(Unsealed { paths });
        }
        Ok(committed?)
    }
}

#[cfg(test)]
#[path = "compact_tests.rs"]
mod tests;
