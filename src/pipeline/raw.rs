//! Raw records for the table `raw`: those of events in which something was found, or of all.
//!
//! In: a chunk and the events that came of it. Out: the records, secrets redacted, each with a row of the
//! batch that it gave. A record is found by where it stands and by the id of its event. One that stands in
//! an earlier chunk, as a request whose response came later may, is not kept; nor is one of several in an
//! array that has no id of its own.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use memchr::memmem;

use super::rules::Judged;
use crate::config::Raw;
use crate::history::raw::{RawBuilder, RawRecord};
use crate::normalize::redact_raw;
use crate::source::Chunk;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// A raw record, and the row of the event that it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    pub row: usize,
    pub record: String,
}

/// The records of `chunk` that are to be kept of what was judged.
pub fn kept(which: Raw, chunk: &Chunk, judged: &Judged) -> Vec<KeptRecord> {
    let rows = Rows::of(&judged.batch);
    let wanted: Vec<usize> = match which {
        Raw::None => return Vec::new(),
        Raw::Findings => judged.hits.iter().map(|hit| hit.row).collect(),
        Raw::All => (0..rows.len()).collect(),
    };
    let (mut finder, mut known) = (Finder { chunk, next: 0 }, HashSet::new());
    let mut records = Vec::new();
    for row in wanted {
        let place = finder.place(&rows, row).filter(|place| known.insert(*place));
        if let Some(piece) = place.and_then(|place| chunk.records.get(place)) {
            let record = redact_raw(chunk.record(piece));
            records.push(KeptRecord { row, record: String::from_utf8_lossy(&record).into_owned() });
        }
    }
    records
}

/// As rows of the table `raw`; `batch` is what was judged.
///
/// # Errors
/// Never in practice: builders and schema stand side by side.
pub fn rows<'r>(
    batch: &RecordBatch,
    records: impl Iterator<Item = &'r KeptRecord>,
) -> Result<RecordBatch, ArrowError> {
    let (rows, mut builder) = (Rows::of(batch), RawBuilder::default());
    for KeptRecord { row, record } in records {
        builder.push(&RawRecord {
            event_id: rows.text(Column::EventId, *row).unwrap_or_default(),
            event_time: rows.time(Column::EventTime, *row).unwrap_or_default(),
            key_id: rows.text(Column::KeyId, *row),
            source: rows.text(Column::Source, *row).unwrap_or_default(),
            position: rows.integer(Column::Position, *row).unwrap_or_default(),
            record,
        });
    }
    builder.finish()
}

/// Finds the records of events, most of which follow one another as their events do.
struct Finder<'c> {
    chunk: &'c Chunk,
    /// Where in its array the next record is likely to be.
    next: usize,
}

impl Finder<'_> {
    /// The place of the record that gave the event in a row.
    fn place(&mut self, rows: &Rows<'_>, row: usize) -> Option<usize> {
        if rows.text(Column::Source, row)? != &*self.chunk.source {
            return None;
        }
        let position = u64::try_from(rows.integer(Column::Position, row)?).ok()?;
        let records = &self.chunk.records;
        let begin = records.partition_point(|piece| piece.position < position);
        let end = records.partition_point(|piece| piece.position <= position);
        let place = match end - begin {
            0 => return None,
            1 => begin,
            _ => {
                let from = self.next.clamp(begin, end);
                let id = memmem::Finder::new(rows.text(Column::EventId, row)?);
                let holds = |place: &usize| {
                    records.get(*place).is_some_and(|piece| id.find(self.chunk.record(piece)).is_some())
                };
                (from..end).chain(begin..from).find(holds)?
            }
        };
        self.next = place;
        Some(place)
    }
}
