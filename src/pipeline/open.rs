//! Vault requests whose response has not come yet.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute;
use arrow::error::ArrowError;

use super::answers::is_given_up;

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

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Open {
    requests: UidMap<Request>,
    /// Times and uids of those that wait, by source; none is empty.
    waiting: HashMap<Arc<str>, BTreeSet<(i64, u128)>>,
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
    pub(super) fn add(&mut self, uid: u128, time: i64, first: bool, source: &str, row: usize) {
        let Entry::Vacant(place) = self.requests.entry(uid) else { return };
        let source = match self.waiting.get_key_value(source) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(source),
        };
        self.waiting.entry(Arc::clone(&source)).or_default().insert((time, uid));
        place.insert(Request { uid, time, first, row: Row::Here(row), source });
    }

    /// Takes out one request.
    pub(super) fn remove(&mut self, uid: u128) -> Option<Request> {
        let request = self.requests.remove(&uid)?;
        if let Some(times) = self.waiting.get_mut(&request.source) {
            times.remove(&(request.time, uid));
            if times.is_empty() {
                self.waiting.remove(&request.source);
            }
        }
        Some(request)
    }

    /// Takes out the oldest request of `source` if a response of the time `now` ends its patience.
    pub(super) fn give_up(&mut self, source: &str, now: i64) -> Option<Request> {
        let (asked, uid) = self.waiting.get(source)?.first().copied()?;
        if is_given_up(asked, now) { self.remove(uid) } else { None }
    }

    /// Takes out the oldest request of all if there are too many.
    pub(super) fn surplus(&mut self) -> Option<Request> {
        if self.requests.len() <= MOST_OPEN {
            return None;
        }
        let oldest = self.waiting.values().filter_map(BTreeSet::first).min().copied();
        oldest.and_then(|(_, uid)| self.remove(uid))
    }

    /// Takes out all, oldest first.
    pub(super) fn take_all(&mut self) -> Vec<Request> {
        self.waiting.clear();
        let mut all: Vec<_> = self.requests.drain().map(|(_, request)| request).collect();
        all.sort_unstable_by_key(|request| (request.time, request.uid));
        all
    }

    /// The rows of all, oldest first; nothing where none waits. Not while a batch is at hand.
    pub(super) fn rows(&self) -> Result<Option<RecordBatch>, ArrowError> {
        let mut all: Vec<_> = self.requests.values().collect();
        all.sort_unstable_by_key(|request| (request.time, request.uid));
        gather(all, None)
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
