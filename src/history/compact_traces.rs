//! Makes few files of what must be known after a restart, and forgets the uids beyond the horizon.

use super::compact::{GRACE, MOST_SMALL_FILES, MergedFile};
use super::error::HistoryError;
use super::file::{self, Unsealed};
use super::order;
use super::traces::{REMEMBERED_UIDS, Traces, newest_last};
use crate::store::{FileRow, Kind, Replacement, Store};

/// Merges the newest files into one if there are more than a few; nothing where there are not.
///
/// # Errors
/// As [`super::compact()`].
pub(super) async fn compact_traces(store: &Store, at: i64) -> Result<Option<Replacement>, HistoryError> {
    let files = newest_last(store).await?;
    let due = due(&files, REMEMBERED_UIDS as i64);
    if due.is_empty() {
        return Ok(None);
    }
    let merged = write(store, due, at)?;
    let replacement = merged.replacement.clone();
    merged.commit(store).await?;
    Ok(Some(replacement))
}

/// The newest files, and older ones while they are no larger than all newer ones together, so that a
/// row is written again each time that its file doubles; or while they are beyond the horizon anyway.
/// Always a row of neighbours: the order of the files is the order of their events.
fn due(files: &[FileRow], horizon: i64) -> &[FileRow] {
    let (mut rows, mut count) = (0, 0);
    for file in files.iter().rev() {
        let is_far_larger = count >= 2 && file.rows > rows && rows < horizon;
        if is_far_larger {
            break;
        }
        rows += file.rows;
        count += 1;
    }
    let count = if count > MOST_SMALL_FILES { count } else { 0 };
    files.split_at_checked(files.len() - count).map_or(&[], |(_, due)| due)
}

fn write(store: &Store, files: &[FileRow], at: i64) -> Result<MergedFile, HistoryError> {
    let paths: Vec<_> = files.iter().map(|file| store.folder().file(&file.file)).collect();
    let traces = Traces::read_files(&paths, REMEMBERED_UIDS)?;
    let id = store.next_seal()?;
    let newest = files.iter().map(|file| file.max_time).max().unwrap_or_default();
    let day = order::day_of(newest);
    let name = file::name_of(Kind::Traces, day, id);
    let mut unsealed = Unsealed::default();
    let (contents, ()) = file::place(&store.folder().file(&name), &mut unsealed, |to| traces.write(to))?;
    let added = FileRow {
        file: name,
        kind: Kind::Traces,
        day,
        rows: (traces.uids.len() + traces.aliases.len() + traces.tags.len()) as i64,
        bytes: contents.bytes,
        sha256: contents.sha256,
        min_time: files.iter().map(|file| file.min_time).min().unwrap_or_default(),
        max_time: newest,
        key_filter: Vec::new(),
        created_at: at,
    };
    let removed = files.iter().map(|file| file.file.clone()).collect();
    let remove_after = at.saturating_add(GRACE);
    let replacement = Replacement { id, added, removed, replaced_at: at, remove_after };
    Ok(MergedFile { replacement, unsealed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(rows: &[i64]) -> Vec<FileRow> {
        let file = |(number, rows): (usize, &i64)| FileRow {
            file: format!("{number:04}"),
            kind: Kind::Traces,
            day: 1,
            rows: *rows,
            bytes: 0,
            sha256: String::new(),
            min_time: 0,
            max_time: 0,
            key_filter: Vec::new(),
            created_at: 0,
        };
        rows.iter().enumerate().map(file).collect()
    }

    fn due_rows(rows: &[i64]) -> Vec<i64> {
        due(&files(rows), 1_000).iter().map(|file| file.rows).collect()
    }

    #[test]
    fn the_newest_files_are_merged_and_a_far_larger_older_one_is_let_be() {
        assert!(due_rows(&[5; 8]).is_empty());
        assert_eq!(due_rows(&[5; 9]), [5; 9]);
        assert_eq!(due_rows(&[900, 5, 5, 5, 5, 5, 5, 5, 5, 5]), [5; 9]);
        assert!(due_rows(&[900, 5, 5, 5, 5, 5, 5, 5, 5]).is_empty());
    }

    #[test]
    fn what_is_beyond_the_horizon_is_taken_along_to_be_forgotten() {
        let rows = [900, 200, 200, 200, 200, 200, 200, 200, 200, 200];
        assert_eq!(due_rows(&rows), rows);
    }
}
