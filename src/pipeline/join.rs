//! What needs neighbours: duplicates, and Vault's request with its response.
//!
//! In: built batches, in the order they were read. Out: the rows that stand, and the account of the
//! rest. Everything here is a function of that order, never of how it was cut into batches.
//!
//! A request is merged into its response, before or after it. It is given up, and stands as an event of
//! its own with an unknown outcome, at the first response read after it, of the same partition, that is
//! more than a minute later by event time: be it its own. Partitions of one source are read hours ahead of
//! each other after an outage, so a response of another one ends its patience only after a day. A request
//! that is known already, waiting or answered, is merged too.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute;
use arrow::error::ArrowError;

use super::answers::is_given_up;
use super::open::{Open, Place, Request, gather, parts};
use super::seen::Seen;
use crate::domain::event::Provider;
use crate::history::Uid;
use crate::metrics::Account;
use crate::table::build::{Built, RowMark};
use crate::table::columns::Column;
use crate::table::mark::uid_of;
use crate::table::rows::Rows;

/// What the join step made of one batch.
#[derive(Debug)]
pub struct Joined {
    /// The rows that stand.
    pub batch: RecordBatch,
    /// What tells each of these rows from others.
    pub uids: Vec<Uid>,
    /// Records of which at least one row stands.
    pub gave_events: u64,
    /// Vault requests merged into their response.
    pub merged: u64,
    /// Records seen before.
    pub duplicates: u64,
}

impl Joined {
    /// Adds what was decided here to the account of the records behind it.
    pub fn count(&self, account: &mut Account) {
        account.gave_events += self.gave_events;
        account.merged += self.merged;
        account.duplicates += self.duplicates;
        account.events += self.batch.num_rows() as u64;
    }
}

/// The memory of the join step.
#[derive(Debug, Default)]
pub struct Join {
    /// Every event that stands, up to the horizon.
    seen: Seen,
    open: Open,
}

/// What is decided of the rows of one batch.
#[derive(Default)]
struct Decisions {
    keep: Vec<bool>,
    conflicts: Vec<usize>,
    given_up: Vec<Request>,
    gave_events: u64,
    merged: u64,
    duplicates: u64,
    /// Whether the record at hand stands.
    record_stands: bool,
}

impl Join {
    /// A join step that remembers these events, oldest first, and the rows of these open requests.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn restored(
        uids: impl IntoIterator<Item = Uid>,
        open: Option<&RecordBatch>,
    ) -> Result<Self, ArrowError> {
        let mut join = Self::default();
        let uids = uids.into_iter();
        join.seen.reserve(uids.size_hint().0);
        for Uid { uid, content } in uids {
            // A request that was given up stands behind the rows of its batch, and so behind its response.
            if content.is_some() || join.seen.get(uid).is_none() {
                join.seen.insert(uid, content);
            }
        }
        if let Some(open) = open {
            let (batch, partitions) = parts(open)?;
            let rows = Rows::of(&batch);
            for (row, partition) in partitions.iter().enumerate() {
                let time = rows.time(Column::EventTime, row).unwrap_or_default();
                let first = rows.integer(Column::Ordinal, row) == Some(0);
                join.open.add(
                    uid_of(&rows, row),
                    time,
                    first,
                    place_of(&rows, row, partition.as_deref()),
                    row,
                );
            }
            join.open.keep(&batch)?;
        }
        Ok(join)
    }

    /// The rows of the requests that wait; nothing where none does.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn open_requests(&self) -> Result<Option<RecordBatch>, ArrowError> {
        self.open.rows()
    }

    /// Joins the next batch, read from this partition of its source; without one, the source is read as a whole.
    ///
    /// # Errors
    /// Where Arrow refuses to select rows, which consistent batches never make it do.
    pub fn batch(&mut self, built: &Built, partition: Option<&str>) -> Result<Joined, ArrowError> {
        let mut decisions = self.decide(built, partition);
        while let Some(request) = self.open.surplus() {
            self.give_up(request, &mut decisions);
        }
        let given_up = gather(&decisions.given_up, Some(&built.batch))?;
        self.open.keep(&built.batch)?;
        let mut batch = mark_conflicts(&built.batch, &decisions.conflicts)?;
        let kept = built.marks.iter().zip(&decisions.keep).filter(|(_, keep)| **keep);
        let mut uids: Vec<_> =
            kept.map(|(mark, _)| Uid { uid: mark.uid, content: Some(mark.content) }).collect();
        if uids.len() < built.marks.len() {
            batch = compute::filter_record_batch(&batch, &BooleanArray::from(decisions.keep))?;
        }
        if let Some(rows) = given_up {
            batch = compute::concat_batches(&batch.schema(), [&batch, &rows])?;
            uids.extend(decisions.given_up.iter().map(|request| Uid { uid: request.uid, content: None }));
        }
        Ok(Joined {
            batch,
            uids,
            gave_events: decisions.gave_events,
            merged: decisions.merged,
            duplicates: decisions.duplicates,
        })
    }

    /// The requests that no response will come for: the end of the input was reached.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn finish(&mut self) -> Result<Option<Joined>, ArrowError> {
        let mut decisions = Decisions::default();
        for request in self.open.take_all() {
            self.give_up(request, &mut decisions);
        }
        let uid = |request: &Request| Uid { uid: request.uid, content: None };
        Ok(gather(&decisions.given_up, None)?.map(|batch| Joined {
            batch,
            uids: decisions.given_up.iter().map(uid).collect(),
            gave_events: decisions.gave_events,
            merged: 0,
            duplicates: 0,
        }))
    }

    fn decide(&mut self, built: &Built, partition: Option<&str>) -> Decisions {
        let mut decisions = Decisions { keep: vec![false; built.marks.len()], ..Decisions::default() };
        let rows = Rows::of(&built.batch);
        for row in in_reading_order(&built.marks) {
            let Some(mark) = built.marks.get(row) else { continue };
            let keeps = match mark.awaits_response {
                true => {
                    self.decide_request(mark, row, &rows, partition, &mut decisions);
                    false
                }
                false => {
                    self.end_patience(row, &rows, partition, &mut decisions);
                    self.decide_event(mark, row, &rows, &mut decisions)
                }
            };
            if let Some(keep) = decisions.keep.get_mut(row) {
                *keep = keeps;
            }
        }
        decisions
    }

    fn decide_request(
        &mut self,
        mark: &RowMark,
        row: usize,
        rows: &Rows<'_>,
        partition: Option<&str>,
        decisions: &mut Decisions,
    ) {
        if self.open.contains(mark.uid) || self.seen.get(mark.uid).is_some() {
            decisions.merged += u64::from(mark.first);
            return;
        }
        let time = rows.time(Column::EventTime, row).unwrap_or_default();
        self.open.add(mark.uid, time, mark.first, place_of(rows, row, partition), row);
    }

    /// A response ends the patience of those that have waited a minute for theirs.
    fn end_patience(
        &mut self,
        row: usize,
        rows: &Rows<'_>,
        partition: Option<&str>,
        decisions: &mut Decisions,
    ) {
        if self.open.is_empty() || rows.text(Column::Provider, row) != Some(Provider::Vault.as_str()) {
            return;
        }
        let now = rows.time(Column::EventTime, row).unwrap_or_default();
        while let Some(request) = self.open.give_up(place_of(rows, row, partition), now) {
            self.give_up(request, decisions);
        }
    }

    fn give_up(&mut self, request: Request, decisions: &mut Decisions) {
        self.seen.insert(request.uid, None);
        decisions.gave_events += u64::from(request.first);
        decisions.given_up.push(request);
    }

    /// Whether the event stands: it was not seen before, or not with this content, or its record stands.
    fn decide_event(
        &mut self,
        mark: &RowMark,
        row: usize,
        rows: &Rows<'_>,
        decisions: &mut Decisions,
    ) -> bool {
        if let Some(request) = self.open.remove(mark.uid) {
            let now = rows.time(Column::EventTime, row).unwrap_or_default();
            if is_given_up(request.time, now) {
                self.give_up(request, decisions);
            } else {
                decisions.merged += u64::from(request.first);
            }
        }
        let stands = match self.seen.insert(mark.uid, Some(mark.content)) {
            Some(Some(content)) if content == mark.content => false,
            Some(Some(_)) => {
                decisions.conflicts.push(row);
                true
            }
            None | Some(None) => true,
        };
        if mark.first {
            decisions.record_stands = stands;
            *(if stands { &mut decisions.gave_events } else { &mut decisions.duplicates }) += 1;
        }
        stands || (!mark.first && decisions.record_stands)
    }
}

/// Where a row was read.
fn place_of<'r>(rows: &'r Rows<'_>, row: usize, partition: Option<&'r str>) -> Place<'r> {
    let source = rows.text(Column::Source, row).unwrap_or_default();
    Place { source, partition: partition.unwrap_or(source) }
}

/// The rows in the order of their records.
fn in_reading_order(marks: &[RowMark]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    if !marks.is_sorted_by_key(|mark| mark.record) {
        order.sort_by_key(|row| marks.get(*row).map(|mark| mark.record));
    }
    order
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
