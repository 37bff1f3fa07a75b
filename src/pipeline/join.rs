//! What needs neighbours: duplicates, Vault's request with its response, learnt aliases.
//!
//! In: built batches, in the order they were read. Out: the rows that stand, and the account of the
//! rest. Everything here is a function of that order, never of how it was cut into batches.

mod rollback;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute;
use arrow::error::ArrowError;

use crate::table::build::{Built, RowMark};
use crate::table::columns::Column;
use crate::table::rows::Rows;

pub use rollback::Mark;

/// How many event uids are remembered to recognise duplicates: more than a day at 40 events a second,
/// in about 200 MB.
const DUPLICATE_HORIZON: usize = 4_000_000;

/// How long, in event time, a Vault request waits for its response before it stands alone.
const RESPONSE_PATIENCE_MICROS: i64 = 60_000_000;

/// How many requests may wait at once; past it the oldest stand alone early.
const OPEN_REQUESTS: usize = 100_000;

/// A hash map from uids, which are hashes already.
type UidMap<V> = HashMap<u128, V, BuildHasherDefault<UidHasher>>;

/// Takes the uid's low half as its hash.
#[derive(Debug, Default, Clone, Copy)]
pub struct UidHasher(u64);

impl Hasher for UidHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, uid: u128) {
        self.0 = uid as u64;
    }
}

/// What the join step made of one batch.
#[derive(Debug)]
pub struct Joined {
    /// The rows that stand.
    pub batch: RecordBatch,
    /// Records of which at least one row stands.
    pub gave_events: u64,
    /// Vault requests merged into their response.
    pub merged: u64,
    /// Records seen before.
    pub duplicates: u64,
}

/// The memory of the join step.
#[derive(Debug, Default)]
pub struct Join {
    /// Content hash of every event that stands, by uid; none where only a request was seen, which any
    /// later response agrees with.
    seen: UidMap<Option<u64>>,
    /// The uids in `seen`, oldest first.
    order: VecDeque<u128>,
    /// How many uids were ever put into `order`.
    remembered: u64,
    open: UidMap<OpenRequest>,
    /// The highest event time of a Vault entry.
    latest: i64,
}

/// A Vault request whose response has not come yet.
#[derive(Debug)]
struct OpenRequest {
    row: OpenRow,
    time: i64,
}

/// Where an open request's row is.
#[derive(Debug)]
enum OpenRow {
    /// In the batch at hand.
    Here(usize),
    /// Kept from an earlier batch: one row of a small batch.
    Kept(Arc<RecordBatch>, usize),
}

/// What is decided of the rows of one batch.
#[derive(Default)]
struct Decisions {
    keep: Vec<bool>,
    conflicts: Vec<usize>,
    gave_events: u64,
    merged: u64,
    duplicates: u64,
}

impl Join {
    /// Joins the next batch.
    ///
    /// # Errors
    /// Where Arrow refuses to select rows, which consistent batches never make it do.
    pub fn batch(&mut self, built: &Built) -> Result<Joined, ArrowError> {
        let decisions = self.decide(built);
        let stranded = self.take_stranded(&built.batch)?;
        self.keep_open_rows(&built.batch)?;
        let mut batch = mark_conflicts(&built.batch, &decisions.conflicts)?;
        if decisions.keep.iter().any(|keep| !keep) {
            batch = compute::filter_record_batch(&batch, &BooleanArray::from(decisions.keep))?;
        }
        let stranded_records = stranded.as_ref().map_or(0, |rows| rows.num_rows() as u64);
        if let Some(rows) = stranded {
            batch = compute::concat_batches(&batch.schema(), [&batch, &rows])?;
        }
        Ok(Joined {
            batch,
            gave_events: decisions.gave_events + stranded_records,
            merged: decisions.merged,
            duplicates: decisions.duplicates,
        })
    }

    /// The requests that no response will come for: the end of the input was reached.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_unstable_by_key(|(uid, request)| (request.time, *uid));
        let rows = open.into_iter().map(|(uid, request)| {
            self.seen.insert(uid, None);
            request.row
        });
        gather(rows.collect(), None)
    }

    fn decide(&mut self, built: &Built) -> Decisions {
        let mut decisions = Decisions { keep: Vec::with_capacity(built.marks.len()), ..Decisions::default() };
        let rows = Rows::of(&built.batch);
        let mut record_stands = false;
        for (row, mark) in built.marks.iter().enumerate() {
            let stands = if mark.awaits_response {
                let time = rows.time(Column::EventTime, row).unwrap_or_default();
                self.decide_request(mark, row, time, &mut decisions);
                false
            } else {
                self.decide_event(mark, row, &mut decisions)
            };
            if mark.first && !mark.awaits_response {
                record_stands = stands;
                *(if stands { &mut decisions.gave_events } else { &mut decisions.duplicates }) += 1;
            }
            decisions.keep.push(stands || (!mark.first && record_stands && !mark.awaits_response));
        }
        decisions
    }

    fn decide_request(&mut self, mark: &RowMark, row: usize, time: i64, decisions: &mut Decisions) {
        self.latest = self.latest.max(time);
        if self.seen.contains_key(&mark.uid) {
            decisions.merged += 1;
            return;
        }
        match self.open.entry(mark.uid) {
            Entry::Occupied(_) => decisions.duplicates += 1,
            Entry::Vacant(place) => _ = place.insert(OpenRequest { row: OpenRow::Here(row), time }),
        }
    }

    /// Whether the event stands: it was not seen before, or not with this content.
    fn decide_event(&mut self, mark: &RowMark, row: usize, decisions: &mut Decisions) -> bool {
        if self.open.remove(&mark.uid).is_some() {
            decisions.merged += 1;
        }
        match self.seen.insert(mark.uid, Some(mark.content)) {
            None => self.remember(mark.uid),
            Some(Some(content)) if content == mark.content => return false,
            Some(Some(_)) => decisions.conflicts.push(row),
            Some(None) => {}
        }
        true
    }

    fn remember(&mut self, uid: u128) {
        self.order.push_back(uid);
        self.remembered += 1;
        if self.order.len() > DUPLICATE_HORIZON
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Takes out the requests that have waited too long, oldest first.
    fn take_stranded(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        if self.open.is_empty() {
            return Ok(None);
        }
        let deadline = self.latest - RESPONSE_PATIENCE_MICROS;
        let mut waiting: Vec<_> = self.open.iter().map(|(uid, request)| (request.time, *uid)).collect();
        waiting.sort_unstable();
        let surplus = waiting.len().saturating_sub(OPEN_REQUESTS);
        let mut rows = Vec::new();
        for (place, (time, uid)) in waiting.into_iter().enumerate() {
            if time >= deadline && place >= surplus {
                break;
            }
            if let Some(request) = self.open.remove(&uid) {
                self.seen.insert(uid, None);
                self.remember(uid);
                rows.push(request.row);
            }
        }
        gather(rows, Some(batch))
    }

    /// Copies the rows of requests that stay open out of the batch at hand.
    fn keep_open_rows(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let mut here: Vec<_> = self
            .open
            .values_mut()
            .filter_map(|request| match request.row {
                OpenRow::Here(row) => Some((row, &mut request.row)),
                OpenRow::Kept(..) => None,
            })
            .collect();
        if here.is_empty() {
            return Ok(());
        }
        here.sort_unstable_by_key(|(row, _)| *row);
        let wanted: UInt64Array = here.iter().map(|(row, _)| *row as u64).collect::<Vec<_>>().into();
        let kept = Arc::new(compute::take_record_batch(batch, &wanted)?);
        for (place, (_, row)) in here.into_iter().enumerate() {
            *row = OpenRow::Kept(kept.clone(), place);
        }
        Ok(())
    }
}

/// Brings rows together into one batch.
fn gather(rows: Vec<OpenRow>, here: Option<&RecordBatch>) -> Result<Option<RecordBatch>, ArrowError> {
    let mut single = Vec::with_capacity(rows.len());
    for row in rows {
        match (row, here) {
            (OpenRow::Kept(batch, row), _) => single.push(batch.slice(row, 1)),
            (OpenRow::Here(row), Some(batch)) => single.push(batch.slice(row, 1)),
            (OpenRow::Here(_), None) => {}
        }
    }
    match single.first() {
        None => Ok(None),
        Some(first) => compute::concat_batches(&first.schema(), &single).map(Some),
    }
}

/// Sets `conflicts` on the rows that bring other content under a known id.
fn mark_conflicts(batch: &RecordBatch, conflicts: &[usize]) -> Result<RecordBatch, ArrowError> {
    if conflicts.is_empty() {
        return Ok(batch.clone());
    }
    let mut flags = vec![false; batch.num_rows()];
    for row in conflicts {
        if let Some(flag) = flags.get_mut(*row) {
            *flag = true;
        }
    }
    let mut columns = batch.columns().to_vec();
    if let Some(column) = columns.get_mut(Column::Conflicts as usize) {
        *column = Arc::new(BooleanArray::from(flags)) as ArrayRef;
        debug_assert_eq!(column.len(), batch.num_rows());
    }
    RecordBatch::try_new(batch.schema(), columns)
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
