//! Which rows go into which day's file, and in what order: by key, then by time.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};

use super::words::{NULL, Words};

/// Microseconds in a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// The column that files are sorted by first.
pub(super) const SORTED_BY: &str = "key_id";

/// Where the time of a row is: of the event, else of its reading; of what is added up, of its hour or first.
const TIME_COLUMNS: &[&str] = &["event_time", "ingested_at", "hour", "first_time"];

/// One row of an open set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// The rank of its key.
    pub key: u32,
    /// Microseconds since the epoch.
    pub time: i64,
    pub batch: u32,
    pub row: u32,
}

/// The day that a time falls on, in days since the epoch.
pub(super) const fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY)
}

/// The times of a batch's rows; nothing where it has no time column.
pub(super) fn times(batch: &RecordBatch) -> Option<&[i64]> {
    TIME_COLUMNS.iter().find_map(|name| {
        let times = batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        (times.null_count() == 0).then(|| times.values().as_ref())
    })
}

/// A batch's keys as words, also where the table holds them as text, as that of findings does.
pub(super) fn keys(batch: &RecordBatch) -> Option<ArrayRef> {
    let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    cast(batch.column_by_name(SORTED_BY)?, &words).ok()
}

/// The rows of all batches by day, each day sorted by (key, time), then by arrival.
pub(super) fn by_day(batches: &[RecordBatch]) -> BTreeMap<i64, Vec<Row>> {
    let keys: Vec<ArrayRef> = batches.iter().filter_map(keys).collect();
    let ranked = Words::of(&keys.iter().collect::<Vec<_>>())
        .filter(|_| keys.len() == batches.len())
        .map(|words| (words.merge(), words));
    let mut days = room_for_days(batches);
    for (place, batch) in batches.iter().enumerate() {
        let mut rest = times(batch).unwrap_or_default().iter().enumerate().peekable();
        while let Some((_, first)) = rest.peek() {
            let day = day_of(**first);
            let rows = days.entry(day).or_default();
            // Rows of one day mostly follow each other.
            while let Some((row, time)) = rest.next_if(|(_, time)| day_of(**time) == day) {
                let key = ranked.as_ref().map_or(NULL, |(merged, words)| words.code(merged, place, row));
                rows.push(Row { key, time: *time, batch: place as u32, row: row as u32 });
            }
        }
    }
    let keys = ranked.as_ref().map_or(0, |(merged, _)| merged.len());
    for rows in days.values_mut() {
        *rows = sorted(std::mem::take(rows), keys);
    }
    days
}

/// An empty list for each day, with room for its rows.
fn room_for_days(batches: &[RecordBatch]) -> BTreeMap<i64, Vec<Row>> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for times in batches.iter().filter_map(times) {
        for same in times.chunk_by(|one, other| day_of(*one) == day_of(*other)) {
            let day = same.first().map_or(0, |time| day_of(*time));
            *counts.entry(day).or_default() += same.len();
        }
    }
    counts.into_iter().map(|(day, rows)| (day, Vec::with_capacity(rows))).collect()
}

/// The rows by key, each key's by time and arrival. They come by arrival, so that those of one key are
/// nearly in the order of time once they are together.
fn sorted(rows: Vec<Row>, keys: usize) -> Vec<Row> {
    // Counting pays only where there are more rows than keys.
    if rows.len() <= keys {
        let mut rows = rows;
        rows.sort_unstable();
        return rows;
    }
    // One place for each key, and one behind them for rows without.
    let place = |row: &Row| (row.key as usize).min(keys);
    let mut next = vec![0; keys + 1];
    for row in &rows {
        if let Some(count) = next.get_mut(place(row)) {
            *count += 1;
        }
    }
    let mut start = 0;
    for slot in &mut next {
        start += std::mem::replace(slot, start);
    }
    let mut together = rows.clone();
    for row in rows {
        let slot = next.get_mut(place(&row)).map(|next| std::mem::replace(next, *next + 1));
        if let Some(slot) = slot.and_then(|slot| together.get_mut(slot)) {
            *slot = row;
        }
    }
    // What stands in `next` now is where each key's rows end.
    let mut rest = together.as_mut_slice();
    let mut start = 0;
    for end in next {
        let (of_key, after) = rest.split_at_mut(end - start);
        of_key.sort();
        (rest, start) = (after, end);
    }
    together
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn rows_go_by_day_then_key_then_time_and_rows_without_a_key_come_last() {
        let times = [DAY + 1, 5, 3, 4, -1];
        let keys = StringArray::from(vec![Some("a"), Some("b"), None, Some("a"), Some("c")]);
        let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
        let batch = RecordBatch::try_from_iter([
            ("key_id", Arc::new(keys) as ArrayRef),
            ("event_time", Arc::new(times) as ArrayRef),
        ])
        .unwrap();
        let days = by_day(&[batch]);
        let order: Vec<_> = days
            .into_iter()
            .map(|(day, rows)| (day, rows.iter().map(|row| row.row).collect::<Vec<_>>()))
            .collect();
        assert_eq!(order, [(-1, vec![4]), (0, vec![3, 1, 2]), (1, vec![0])]);
    }
}
