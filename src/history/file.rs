//! Puts one file of history in its place: temporary name, write, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};

use super::encode::Columns;
use super::error::HistoryError;
use super::order::{self, DAY};
use super::traces::Traces;
use crate::store::{DataFolder, FileRow, Kind, SealId};

/// Whose files these are: the sweep touches no other's. One instance writes to a data folder, until
/// a fleet shares one.
pub(super) const INSTANCE: &str = "local";

/// The ending of a finished file.
pub(super) const FINISHED: &str = ".parquet";

/// The ending of a file that is still being written.
pub(super) const UNFINISHED: &str = ".tmp";

/// The rows of one kind in an open set.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub kind: Kind,
    pub schema: &'a SchemaRef,
    pub batches: &'a [RecordBatch],
}

/// Files that exist and that no manifest names yet. Dropping it drops them.
#[derive(Debug, Default)]
pub(super) struct Unsealed {
    pub paths: Vec<PathBuf>,
}

impl Drop for Unsealed {
    fn drop(&mut self) {
        for path in &self.paths {
            // What cannot be removed now is removed by the sweep of the next start.
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes one file a day.
///
/// # Errors
/// When a file cannot be encoded or put in its place; what was written before is left to `unsealed`.
pub(super) fn write_table(
    folder: &DataFolder,
    seal: SealId,
    table: &Table<'_>,
    created_at: i64,
    unsealed: &mut Unsealed,
) -> Result<Vec<FileRow>, HistoryError> {
    let columns = Columns::of(table.schema, table.batches);
    let mut written = Vec::new();
    for (day, rows) in order::by_day(table.batches) {
        let name = name_of(table.kind, day, seal);
        let path = folder.file(&name);
        let (contents, key_filter) = place(&path, unsealed, |to| columns.write(&rows, to))?;
        written.push(FileRow {
            file: name,
            kind: table.kind,
            day,
            rows: rows.len() as i64,
            bytes: contents.bytes,
            sha256: contents.sha256,
            min_time: rows.iter().map(|row| row.time).min().unwrap_or_default(),
            max_time: rows.iter().map(|row| row.time).max().unwrap_or_default(),
            key_filter,
            created_at,
        });
    }
    Ok(written)
}

/// Writes what must be known of the events; nothing where that is nothing.
///
/// # Errors
/// As [`write_table`].
pub(super) fn write_traces(
    folder: &DataFolder,
    seal: SealId,
    traces: &Traces,
    created_at: i64,
    unsealed: &mut Unsealed,
) -> Result<Option<FileRow>, HistoryError> {
    if traces.is_empty() {
        return Ok(None);
    }
    let day = order::day_of(created_at);
    let name = name_of(Kind::Traces, day, seal);
    let (contents, ()) = place(&folder.file(&name), unsealed, |to| traces.write(to))?;
    Ok(Some(FileRow {
        file: name,
        kind: Kind::Traces,
        day,
        rows: (traces.uids.len() + traces.aliases.len() + traces.tags.len()) as i64,
        bytes: contents.bytes,
        sha256: contents.sha256,
        min_time: created_at,
        max_time: created_at,
        key_filter: Vec::new(),
        created_at,
    }))
}

/// The length and hash of a file's bytes.
pub(super) struct Contents {
    pub bytes: i64,
    pub sha256: String,
}

/// The name below the history folder of the file that a seal makes of one kind and day.
pub(super) fn name_of(kind: Kind, day: i64, seal: SealId) -> String {
    format!("{kind}/day={}/{INSTANCE}-{seal}{FINISHED}", date(day))
}

/// Puts what `write` writes in its place, and returns what it gives.
///
/// # Errors
/// When the file cannot be written; what there is of it is left to `unsealed`.
pub(super) fn place<T>(
    path: &Path,
    unsealed: &mut Unsealed,
    write: impl FnOnce(&mut Hashing) -> Result<T, ParquetError>,
) -> Result<(Contents, T), HistoryError> {
    let folder = path.parent().unwrap_or(path);
    let is_new = !folder.is_dir();
    fs::create_dir_all(folder).map_err(failed("make", folder))?;
    let temporary = temporary_name(path);
    let file = File::create(&temporary).map_err(failed("create", &temporary))?;
    unsealed.paths.push(temporary.clone());
    let mut hashing = Hashing { file, hash: Sha256::new(), bytes: 0 };
    let given = write(&mut hashing).map_err(|source| HistoryError::Parquet {
        doing: "encode",
        path: temporary.clone(),
        source,
    })?;
    hashing.file.sync_all().map_err(failed("save", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("rename", &temporary))?;
    unsealed.paths.push(path.to_owned());
    sync_folders(folder, is_new)?;
    Ok((hashing.finish(), given))
}

/// A new name survives a power cut only when its folder is saved; a new folder, when those above are.
fn sync_folders(folder: &Path, is_new: bool) -> Result<(), HistoryError> {
    // The day, the kind, history and the data folder.
    let levels = if is_new { 4 } else { 1 };
    for folder in folder.ancestors().take(levels) {
        File::open(folder).and_then(|open| open.sync_all()).map_err(failed("save", folder))?;
    }
    Ok(())
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{UNFINISHED}"))
}

/// A day as files and SQL write it.
fn date(day: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(day.saturating_mul(DAY))
        .map_or_else(|| day.to_string(), |time| time.format("%Y-%m-%d").to_string())
}

pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Io { doing, path, source }
}

/// A file that is hashed as it is written.
pub(super) struct Hashing {
    file: File,
    hash: Sha256,
    bytes: i64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as i64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Hashing {
    fn finish(self) -> Contents {
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Contents { bytes: self.bytes, sha256 }
    }
}
