//! Collects judged batches into an open set, and seals it.
//!
//! A seal is: one file a kind and event day, written and in its place; then one store transaction
//! with their manifest rows, the positions they cover and the account of records. Until that
//! transaction is committed nothing happened; when it fails, the files are dropped and the caller
//! reads again from the stored positions.
//!
//! The findings of every row are in the same set or were committed before it.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::coverage::{Coverage, Covered};
use super::derived;
use super::error::HistoryError;
use super::file::{self, Table, Unsealed};
use super::order;
use super::slim::Slimmer;
use super::traces::{Traces, Uid};
use crate::metrics::Account;
use crate::store::{
    BlockingStore, CoverageRow, FileRow, Kind, PositionMove, Replayed, SealId, SealRecord, Store, StoreError,
};

/// When an open set is due to be sealed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of all kinds together.
    pub rows: usize,
    /// Memory held by the batches, in bytes.
    pub bytes: usize,
    /// Event days, each of which becomes a file.
    pub days: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Large enough for files that a question skips within.
            rows: 512 * 1024,
            // CloudTrail events take about 450 bytes each. One set fills while another is written, and
            // a scan may use 600 MB in all.
            bytes: 192 * 1024 * 1024,
            // CloudTrail delivers within minutes: more days are history being read in, or a wrong clock.
            days: 8,
        }
    }
}

/// Below this many rows the number of days does not matter: history being read in, a file a day,
/// would otherwise be cut into slivers.
const FEWEST_ROWS_FOR_DAYS: usize = 64 * 1024;

/// Rows, positions and counts that belong together and are not sealed yet.
#[derive(Debug, Default)]
pub struct OpenSet {
    tables: BTreeMap<Kind, OpenTable>,
    moves: BTreeMap<String, PositionMove>,
    account: Account,
    traces: Traces,
    open_requests: Option<Vec<u8>>,
    replayed: Vec<Replayed>,
    publishes_rejects: bool,
    coverage: Coverage,
    lost: Vec<CoverageRow>,
    days: BTreeSet<i64>,
    rows: usize,
    bytes: usize,
}

#[derive(Debug)]
struct OpenTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    slimmer: Slimmer,
}

impl OpenSet {
    /// Adds rows of one kind. Their columns must be those of the batches before, in name and type.
    ///
    /// # Errors
    /// [`HistoryError::OtherColumns`] and [`HistoryError::NoTime`]: nothing was added.
    pub fn push(&mut self, kind: Kind, batch: &RecordBatch) -> Result<(), HistoryError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let times = order::times(batch).ok_or(HistoryError::NoTime { kind: kind.as_str() })?;
        let table = self.tables.entry(kind).or_insert_with(|| OpenTable {
            schema: batch.schema(),
            batches: Vec::new(),
            slimmer: Slimmer::default(),
        });
        if !same_columns(&table.schema, &batch.schema()) {
            return Err(HistoryError::OtherColumns { kind: kind.as_str() });
        }
        let (slim, bytes) = table.slimmer.slim(batch)?;
        note_days(times, &mut self.days);
        table.batches.push(slim);
        self.rows += batch.num_rows();
        self.bytes += bytes;
        Ok(())
    }

    /// Notes that a source was read from `step.from` to `step.to`. Several steps of one source in a
    /// row become one.
    pub fn moved(&mut self, step: PositionMove) {
        match self.moves.get_mut(&step.source) {
            Some(known) => {
                known.to = step.to;
                known.label = step.label;
                known.watermark = step.watermark.or(known.watermark);
            }
            None => {
                self.moves.insert(step.source.clone(), step);
            }
        }
    }

    /// What must be known of its events after a restart.
    pub fn remember(&mut self, traces: Traces) {
        self.bytes += traces.uids.len() * size_of::<Uid>();
        self.traces.add(traces);
    }

    /// The Vault requests that wait for their response after the last record of this set, in the form
    /// of [`super::blob`]. What was given before is replaced.
    pub fn leaves_open(&mut self, requests: Vec<u8>) {
        self.open_requests = Some(requests);
    }

    /// A reject is none any more: its record is in this set and in its account.
    pub fn replayed(&mut self, replayed: Replayed) {
        self.replayed.push(replayed);
    }

    /// Notes what was read of a partition: events of these times. Comes with [`Self::moved`].
    pub fn covered(&mut self, covered: &Covered<'_>, times: impl Iterator<Item = i64>) {
        self.coverage.add(covered, times);
    }

    /// Notes a span that is gone, with its finding in the same set: both become history, or neither does.
    pub fn lost(&mut self, row: CoverageRow) {
        self.lost.push(row);
    }

    /// Its rejects are to be written to the topic of rejects.
    pub fn publishes_rejects(&mut self) {
        self.publishes_rejects = true;
    }

    /// Adds to the account of the records between the old and new positions.
    pub fn count(&mut self, account: &Account) {
        self.account.add(account);
    }

    /// The positions that the set moves.
    pub fn moves(&self) -> impl Iterator<Item = &PositionMove> {
        self.moves.values()
    }

    /// Rows of all kinds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
            && self.moves.is_empty()
            && self.account == Account::default()
            && self.traces.is_empty()
            && self.replayed.is_empty()
            && self.coverage.is_empty()
            && self.lost.is_empty()
    }

    /// Whether it is due to be sealed.
    pub fn is_full(&self, limits: &Limits) -> bool {
        self.rows >= limits.rows
            || self.bytes >= limits.bytes
            || (self.days.len() > limits.days && self.rows >= FEWEST_ROWS_FOR_DAYS)
    }

    /// Writes the files of the set. Computes and waits for the disk: no place for an async function.
    ///
    /// # Errors
    /// When a file cannot be written; then none stays.
    pub fn write(self, store: &Store, at: i64) -> Result<WrittenSet, HistoryError> {
        let seal = store.next_seal()?;
        let mut unsealed = Unsealed::default();
        let mut files = Vec::new();
        for (kind, table) in &self.tables {
            let table = Table { kind: *kind, schema: &table.schema, batches: &table.batches };
            files.extend(file::write_table(store.folder(), seal, &table, at, &mut unsealed)?);
        }
        if let Some(events) = self.tables.get(&Kind::Events) {
            files.extend(derived::write(store.folder(), seal, &events.batches, at, &mut unsealed)?);
        }
        files.extend(file::write_traces(store.folder(), seal, &self.traces, at, &mut unsealed)?);
        let record = SealRecord {
            id: seal,
            files,
            moves: self.moves.into_values().collect(),
            account: self.account,
            open_requests: self.open_requests,
            replayed: self.replayed,
            publishes_rejects: self.publishes_rejects,
            coverage: self.coverage.rows(at).into_iter().chain(self.lost).collect(),
            sealed_at: at,
        };
        Ok(WrittenSet { record, unsealed })
    }
}

/// A set whose files are in their place, and which no manifest names yet. Dropping it drops them.
#[derive(Debug)]
pub struct WrittenSet {
    record: SealRecord,
    unsealed: Unsealed,
}

/// What a seal made part of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub id: SealId,
    pub files: Vec<FileRow>,
}

impl WrittenSet {
    /// Makes the set part of history.
    ///
    /// # Errors
    /// When the transaction fails: the files are dropped, unless the database could not say whether
    /// it was committed.
    pub async fn commit(mut self, store: &Store) -> Result<Sealed, HistoryError> {
        // Until the outcome is known nothing may remove the files, not even a caller that stops waiting.
        let paths = std::mem::take(&mut self.unsealed.paths);
        let committed = store.commit_seal(&self.record).await;
        if !matches!(committed, Ok(()) | Err(StoreError::CommitUnknown { .. })) {
            drop(Unsealed { paths });
        }
        committed?;
        Ok(Sealed { id: self.record.id, files: self.record.files })
    }
}

/// Collects and seals for a caller without a runtime: a scan.
#[derive(Debug, Default)]
pub struct Writer {
    /// When [`Self::is_due`].
    pub limits: Limits,
    /// What is not sealed yet.
    pub open: OpenSet,
}

impl Writer {
    /// Whether it is time to seal.
    pub fn is_due(&self) -> bool {
        self.open.is_full(&self.limits)
    }

    /// Seals what is open; nothing when there is nothing.
    ///
    /// # Errors
    /// When files or transaction fail: what was open is gone, and the stored positions say from
    /// where to read it again.
    pub fn seal(&mut self, store: &BlockingStore, at: i64) -> Result<Option<Sealed>, HistoryError> {
        if self.open.is_empty() {
            return Ok(None);
        }
        let written = std::mem::take(&mut self.open).write(store.store(), at)?;
        store.wait(written.commit(store.store())).map(Some)
    }
}

fn same_columns(one: &SchemaRef, other: &SchemaRef) -> bool {
    let types = |schema: &SchemaRef| -> Vec<_> {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    one == other || types(one) == types(other)
}

/// Rows of one day mostly follow each other.
fn note_days(times: &[i64], days: &mut BTreeSet<i64>) {
    let mut last = None;
    for time in times {
        let day = order::day_of(*time);
        if last != Some(day) {
            days.insert(day);
            last = Some(day);
        }
    }
}
