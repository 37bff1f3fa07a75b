//! Vault requests whose response has not come yet.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::answers::{is_given_up, is_given_up_by_another};
use crate::table::columns::unjudged_schema;

/// The column, beside those of the log, that tells where an open request was read.
const PARTITION: &str = "partition";

/// How many requests may wait at once, in about 100 MB; past it the oldest stand alone early, which is
/// the one case in which it can matter how the input is cut.
const MOST_OPEN: usize = 100_000;

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

/// Times and uids of requests that wait.
type Waiting = BTreeSet<(i64, u128)>;

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Open {
    requests: UidMap<Request>,
    /// By source and by partition; none is empty.
    waiting: HashMap<Arc<str>, HashMap<Arc<str>, Waiting>>,
}

/// Where a record was read: the source, and the part of it that is read in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub source: &'p str,
    pub partition: &'p str,
}

/// A request whose response has not come yet.
#[derive(Debug)]
pub(super) struct Request {
    pub uid: u128,
    /// Event time, microseconds since the epoch.
    pub time: i64,
    /// Whether it is the first event of its record.
    pub first: bool,
    row: Row,
    source: Arc<str>,
    partition: Arc<str>,
}

/// Where an open request's row is.
#[derive(Debug)]
enum Row {
    /// In the batch at hand.
    Here(usize),
    /// Kept from an earlier batch: one row of a small batch.
    Kept(Arc<RecordBatch>, usize),
}

impl Open {
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(super) fn contains(&self, uid: u128) -> bool {
        self.requests.contains_key(&uid)
    }

    /// A request in row `row` of the batch at hand begins to wait.
    pub(super) fn add(&mut self, uid: u128, time: i64, first: bool, place: Place<'_>, row: usize) {
        let Entry::Vacant(entry) = self.requests.entry(uid) else { return };
        let source = known(&self.waiting, place.source);
        let partitions = self.waiting.entry(Arc::clone(&source)).or_default();
        let partition = known(partitions, place.partition);
        partitions.entry(Arc::clone(&partition)).or_default().insert((time, uid));
        entry.insert(Request { uid, time, first, row: Row::Here(row), source, partition });
    }

    /// Takes out one request.
    pub(super) fn remove(&mut self, uid: u128) -> Option<Request> {
        let request = self.requests.remove(&uid)?;
        let partitions = self.waiting.get_mut(&request.source)?;
        let times = partitions.get_mut(&request.partition)?;
        times.remove(&(request.time, uid));
        if times.is_empty() {
            partitions.remove(&request.partition);
        }
        if partitions.is_empty() {
            self.waiting.remove(&request.source);
        }
        Some(request)
    }

    /// Takes out a request whose patience ends with a response that was read there and has the time `now`.
    pub(super) fn give_up(&mut self, place: Place<'_>, now: i64) -> Option<Request> {
        let partitions = self.waiting.get(place.source)?;
        let mine = partitions.get(place.partition).and_then(BTreeSet::first);
        let mine = mine.filter(|(asked, _)| is_given_up(*asked, now)).copied();
        let of_all = || partitions.values().filter_map(BTreeSet::first).min();
        let given_up =
            mine.or_else(|| of_all().filter(|(asked, _)| is_given_up_by_another(*asked, now)).copied());
        given_up.and_then(|(_, uid)| self.remove(uid))
    }

    /// Takes out the oldest request of all if there are too many.
    pub(super) fn surplus(&mut self) -> Option<Request> {
        if self.requests.len() <= MOST_OPEN {
            return None;
        }
        let sets = self.waiting.values().flat_map(HashMap::values);
        let oldest = sets.filter_map(BTreeSet::first).min().copied();
        oldest.and_then(|(_, uid)| self.remove(uid))
    }

    /// Takes out all, oldest first.
    pub(super) fn take_all(&mut self) -> Vec<Request> {
        self.waiting.clear();
        let mut all: Vec<_> = self.requests.drain().map(|(_, request)| request).collect();
        all.sort_unstable_by_key(|request| (request.time, request.uid));
        all
    }

    /// The rows of all, oldest first, in the columns of [`open_schema`]; nothing where none waits. Not while a
    /// batch is at hand.
    pub(super) fn rows(&self) -> Result<Option<RecordBatch>, ArrowError> {
        let mut all: Vec<_> = self.requests.values().collect();
        all.sort_unstable_by_key(|request| (request.time, request.uid));
        let partitions: StringArray = all.iter().map(|request| Some(&*request.partition)).collect();
        let Some(rows) = gather(all, None)? else { return Ok(None) };
        let columns = rows.columns().iter().cloned().chain([Arc::new(partitions) as ArrayRef]);
        RecordBatch::try_new(open_schema(), columns.collect()).map(Some)
    }

    /// Copies the rows of requests that stay open out of the batch at hand.
    pub(super) fn keep(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let mut here: Vec<_> = self
            .requests
            .values_mut()
            .filter_map(|request| match request.row {
                Row::Here(row) => Some((row, &mut request.row)),
                Row::Kept(..) => None,
            })
            .collect();
        if here.is_empty() {
            return Ok(());
        }
        here.sort_unstable_by_key(|(row, _)| *row);
        let wanted: UInt64Array = here.iter().map(|(row, _)| *row as u64).collect::<Vec<_>>().into();
        let kept = Arc::new(compute::take_record_batch(batch, &wanted)?);
        for (place, (_, row)) in here.into_iter().enumerate() {
            *row = Row::Kept(kept.clone(), place);
        }
        Ok(())
    }
}

/// The columns of open requests: those of the log, and their partition.
pub(super) fn open_schema() -> SchemaRef {
    let log = unjudged_schema();
    let partition = Arc::new(Field::new(PARTITION, DataType::Utf8, true));
    Arc::new(Schema::new(log.fields().iter().cloned().chain([partition]).collect::<Vec<_>>()))
}

/// The rows of open requests in the columns of the log, and the partition of each, where it is known.
///
/// # Errors
/// Where Arrow refuses to select columns, which it never does.
pub(super) fn parts(open: &RecordBatch) -> Result<(RecordBatch, Vec<Option<String>>), ArrowError> {
    let log: Vec<usize> = (0..unjudged_schema().fields().len()).collect();
    let partitions = open.column_by_name(PARTITION).and_then(|column| column.as_string_opt::<i32>());
    let partitions = match partitions {
        Some(known) => known.iter().map(|partition| partition.map(str::to_owned)).collect(),
        None => vec![None; open.num_rows()],
    };
    Ok((open.project(&log)?, partitions))
}

/// The name as it is known already.
fn known<V>(names: &HashMap<Arc<str>, V>, name: &str) -> Arc<str> {
    names.get_key_value(name).map_or_else(|| Arc::from(name), |(known, _)| Arc::clone(known))
}

/// Brings the rows of requests together into one batch; `here` is the batch at hand.
pub(super) fn gather<'r>(
    requests: impl IntoIterator<Item = &'r Request>,
    here: Option<&RecordBatch>,
) -> Result<Option<RecordBatch>, ArrowError> {
    let mut single = Vec::new();
    for request in requests {
        match (&request.row, here) {
            (Row::Kept(batch, row), _) => single.push(batch.slice(*row, 1)),
            (Row::Here(row), Some(batch)) => single.push(batch.slice(*row, 1)),
            (Row::Here(_), None) => {}
        }
    }
    match single.first() {
        None => Ok(None),
        Some(first) => compute::concat_batches(&first.schema(), &single).map(Some),
    }
}
