//! The memories of all detectors that have one, over one stream of judged batches.
//!
//! In: batches, the rows of each that enter a window, and how far event time is settled. Out: findings.
//! Firings are in the order of detectors, then of time, whatever order the rows came in.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::batch::BatchView;
use super::carry::Carry;
use super::firing::{Found, found};
use super::groups::MAX_GROUPS;
use super::ledger::Ledger;
use super::memory::{ALL, Memory, Pace};
use crate::detect::detectors::Detector;
use crate::detect::engine::{Engine, Entering};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// What detectors with a window remember.
#[derive(Debug)]
pub struct Windows {
    detectors: Arc<[Detector]>,
    /// By the detector's place; nothing for those without a window.
    memories: Vec<Option<Memory>>,
    ledger: Ledger,
    pace: Pace,
    /// Event time before which nothing comes any more, in microseconds since the epoch.
    settled: i64,
    /// The newest row.
    newest: i64,
    most: usize,
    /// When the ledger has so many lines, those that nobody needs are left out.
    tidy_at: usize,
}

/// Lines of a ledger that are not worth tidying: some megabytes.
const FEW_LINES: usize = 1 << 16;

/// A detector that has forgotten something for want of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    pub detector: String,
    /// Groups, or values within one.
    pub count: u64,
}

impl Windows {
    /// The empty memories of an engine's detectors.
    pub fn of(engine: &Engine, pace: Pace) -> Self {
        Self::within(engine, pace, MAX_GROUPS)
    }

    /// As [`Self::of`], with at most `most` groups a detector.
    pub fn within(engine: &Engine, pace: Pace, most: usize) -> Self {
        let detectors = engine.shared_detectors();
        let memory = |detector: &Detector| {
            let window = detector.window.as_ref().filter(|_| detector.set_aside().is_none())?;
            Some(Memory::of(window, most))
        };
        let memories: Vec<Option<Memory>> = detectors.iter().map(memory).collect();
        let ledger = Ledger::with(kept_columns(&detectors));
        Self {
            detectors,
            memories,
            ledger,
            pace,
            settled: i64::MIN,
            newest: i64::MIN,
            most,
            tidy_at: FEW_LINES,
        }
    }

    /// The memories of another engine's detectors: of those that are the same, as they are; of others, empty.
    pub fn for_engine(mut self, engine: &Engine) -> Self {
        let mut next = Self::within(engine, self.pace, self.most);
        (next.settled, next.newest) = (self.settled, self.newest);
        let mut carry = Carry::new(&self.ledger, &mut next.ledger);
        for (detector, slot) in next.detectors.iter().zip(&mut next.memories) {
            let same = self.detectors.iter().position(|known| known.content == detector.content);
            let known = same.and_then(|place| self.memories.get_mut(place)).and_then(Option::take);
            if let (Some(slot), Some(mut known)) = (slot, known) {
                known.each_witness(|witness| carry.carry(witness));
                *slot = known;
            }
        }
        next
    }

    /// Whether it remembers for this detector.
    pub fn remembers(&self, detector: &Detector) -> bool {
        let known = self.detectors.iter().zip(&self.memories);
        known.into_iter().any(|(known, memory)| memory.is_some() && known.content == detector.content)
    }

    /// Takes the memories of others in the place of its own of the same detectors. What they have fired, they do
    /// not fire again.
    pub fn take_over(&mut self, mut others: Self) {
        self.newest = self.newest.max(others.newest);
        let mut carry = Carry::new(&others.ledger, &mut self.ledger);
        for (detector, theirs) in others.detectors.iter().zip(&mut others.memories) {
            let same = self.detectors.iter().position(|known| known.content == detector.content);
            let slot = same.and_then(|place| self.memories.get_mut(place));
            if let (Some(Some(ours)), Some(mut theirs)) = (slot, theirs.take()) {
                theirs.each_witness(|witness| carry.carry(witness));
                *ours = theirs;
            }
        }
    }

    /// Adds the rows of a batch that enter windows; what fires at once.
    pub fn add(&mut self, batch: &RecordBatch, entering: &[Entering]) -> Vec<Found> {
        self.enter(batch, entering, Some);
        match self.pace {
            Pace::AtTheEnd => Vec::new(),
            Pace::Live { .. } => self.fire(),
        }
    }

    /// The same where the rows were selected by an engine of other, older rules: what its detectors share with
    /// these counts.
    pub fn add_by(&mut self, engine: &Engine, batch: &RecordBatch, entering: &[Entering]) -> Vec<Found> {
        let theirs = engine.shared_detectors();
        if Arc::ptr_eq(&theirs, &self.detectors) {
            return self.add(batch, entering);
        }
        let ours = Arc::clone(&self.detectors);
        self.enter(batch, entering, |place| {
            let detector = theirs.get(place)?;
            ours.iter().position(|known| known.content == detector.content)
        });
        self.fire()
    }

    fn enter(&mut self, batch: &RecordBatch, entering: &[Entering], place: impl Fn(usize) -> Option<usize>) {
        let rows = Rows::of(batch);
        self.newest = self.newest.max(rows.latest().unwrap_or(i64::MIN));
        if entering.is_empty() {
            return;
        }
        let mut view = BatchView::of(rows);
        for Entering { detector, step, rows } in entering {
            let memory = place(*detector).and_then(|place| self.memories.get_mut(place));
            if let Some(Some(memory)) = memory {
                memory.add(&mut view, rows, *step, &mut self.ledger);
            }
        }
        self.tidy();
    }

    /// Leaves out the lines of the ledger that nobody needs any more.
    fn tidy(&mut self) {
        if self.ledger.len() < self.tidy_at {
            return;
        }
        let mut ledger = Ledger::with(kept_columns(&self.detectors));
        let mut carry = Carry::new(&self.ledger, &mut ledger);
        for memory in self.memories.iter_mut().flatten() {
            memory.each_witness(|witness| carry.carry(witness));
        }
        self.ledger = ledger;
        self.tidy_at = self.ledger.len().saturating_mul(2).max(FEW_LINES);
    }

    /// When firings are asked for.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The longest time that rows matter, in microseconds of event time.
    pub fn reach(&self) -> i64 {
        let all = self.memories.iter().flatten().map(|memory| memory.window().reach());
        all.max().unwrap_or_default()
    }

    /// The longest time after a row in which others can still decide what is found at it, in microseconds of
    /// event time.
    pub fn awaits(&self) -> i64 {
        self.memories.iter().flatten().map(|memory| memory.window().awaits()).max().unwrap_or_default()
    }

    /// Event time is known to have come to `newest`, though the rows there are not added: what falls silent
    /// before is silent.
    pub fn has_come_to(&mut self, newest: i64) {
        self.newest = self.newest.max(newest);
    }

    /// Whether no detector remembers anything.
    pub fn is_idle(&self) -> bool {
        self.memories.iter().all(Option::is_none)
    }

    /// Nothing earlier than `settled` comes any more: what this decides, and what it makes needless.
    pub fn advance(&mut self, settled: i64) -> Vec<Found> {
        if settled <= self.settled {
            return Vec::new();
        }
        self.settled = settled;
        let found = self.fire();
        self.memories.iter_mut().flatten().for_each(|memory| memory.expire(settled));
        found
    }

    /// Everything was read: all that is still to be found.
    pub fn finish(&mut self) -> Vec<Found> {
        self.settled = ALL;
        self.fire()
    }

    fn fire(&mut self) -> Vec<Found> {
        let mut all = Vec::new();
        for (detector, memory) in self.detectors.iter().zip(&mut self.memories) {
            let Some(memory) = memory else { continue };
            let mut firings = Vec::new();
            memory.fire(self.pace, self.settled, self.newest, &mut firings);
            let made = firings.iter().map(|firing| found(detector, memory.window(), firing, &self.ledger));
            let before = all.len();
            all.extend(made);
            if let Some(new) = all.get_mut(before..) {
                new.sort_by(|(one, _), (other, _)| {
                    (&one.event_time, &one.id).cmp(&(&other.event_time, &other.id))
                });
            }
        }
        all
    }

    /// The detectors that had to forget.
    pub fn forgotten(&self) -> Vec<Forgotten> {
        let all = self.detectors.iter().zip(&self.memories);
        let counted = all.filter_map(|(detector, memory)| {
            let count = memory.as_ref()?.forgotten();
            (count > 0).then(|| Forgotten { detector: detector.id.clone(), count })
        });
        counted.collect()
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.memories.iter().flatten().map(Memory::groups).sum()
    }

    /// How many groups there are, and about how many bytes everything takes.
    pub fn size(&self) -> (usize, usize) {
        let bytes: usize = self.memories.iter().flatten().map(Memory::bytes).sum();
        (self.groups(), bytes + self.ledger.bytes())
    }
}

/// What findings need of an event beside what every finding has.
fn kept_columns(detectors: &[Detector]) -> Vec<Column> {
    let windows = detectors.iter().filter_map(|detector| Some((detector, detector.window.as_ref()?)));
    let columns = windows.flat_map(|(detector, window)| {
        detector.alert_by.iter().chain(&window.group_by).copied().chain(window.counted())
    });
    columns.collect()
}
