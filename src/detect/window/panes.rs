//! Counting in panes: `threshold` and `distinct`.
//!
//! In: rows of one group. Out: the panes for which the window that they end has enough. A pane is a sixth
//! of the window, aligned to the epoch; a window is six panes in a row and is looked at for its last, if
//! that has a row. Rows may come in any order: counts add up, and sets of values unite.

use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::rule::PANES;
use super::values::Values;

/// How long the panes of a window are, in microseconds.
pub const fn pane_length(over: i64) -> i64 {
    let length = over / PANES;
    if length > 0 { length } else { 1 }
}

/// What is counted in a pane.
pub trait Tally: Default {
    /// Adds a row with this value; whether it counts.
    fn add(&mut self, value: Option<u128>) -> bool;

    /// What several panes have together, `rows` being their rows.
    fn together<'t>(tallies: impl Iterator<Item = &'t Self>, rows: u64) -> u64
    where
        Self: 't;

    /// About how many bytes it has on the heap.
    fn heap_bytes(&self) -> usize;
}

/// Rows. Both copies of a cross-account call have one shared id, which is the value here, and count once.
#[derive(Debug, Default)]
pub struct RowsOnly {
    /// In order; nearly always there are none.
    #[expect(clippy::box_collection, reason = "one word instead of three, in every pane of every group")]
    shared: Option<Box<Vec<u64>>>,
}

/// Shared ids that a pane tells apart, 8 bytes each. What comes then counts, be it a copy.
const MAX_SHARED: usize = 1024;

impl Tally for RowsOnly {
    fn add(&mut self, value: Option<u128>) -> bool {
        let Some(id) = value.map(|value| value as u64) else { return true };
        let shared = self.shared.get_or_insert_default();
        match shared.binary_search(&id) {
            Ok(_) => false,
            Err(place) => {
                if shared.len() < MAX_SHARED {
                    shared.insert(place, id);
                }
                true
            }
        }
    }

    fn together<'t>(_: impl Iterator<Item = &'t Self>, rows: u64) -> u64 {
        rows
    }

    fn heap_bytes(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| size_of::<Vec<u64>>() + shared.capacity() * size_of::<u64>())
    }
}

impl Tally for Values {
    fn add(&mut self, value: Option<u128>) -> bool {
        // The other half tells groups apart.
        value.is_some_and(|value| {
            self.insert(value as u64);
            true
        })
    }

    fn together<'t>(tallies: impl Iterator<Item = &'t Self>, _: u64) -> u64 {
        let mut all = Self::default();
        tallies.for_each(|values| all.unite(values));
        all.count()
    }

    fn heap_bytes(&self) -> usize {
        self.bytes()
    }
}

#[derive(Debug)]
struct Pane<T> {
    /// Its place since the epoch.
    place: i64,
    rows: u32,
    fired: bool,
    first: Witness,
    tally: T,
}

/// The panes of one group that have a row, oldest first.
#[derive(Debug)]
pub struct Panes<T> {
    panes: Vec<Pane<T>>,
    newest: i64,
}

impl<T> Default for Panes<T> {
    fn default() -> Self {
        Self { panes: Vec::new(), newest: i64::MIN }
    }
}

impl<T: Tally> State for Panes<T> {
    fn newest(&self) -> i64 {
        self.newest
    }

    fn heap_bytes(&self) -> usize {
        let tallies: usize = self.panes.iter().map(|pane| pane.tally.heap_bytes()).sum();
        tallies + self.panes.capacity() * size_of::<Pane<T>>()
    }
}

impl<T: Tally> Panes<T> {
    /// Adds a row; `witness` is asked for where it could be the first of its pane.
    pub fn add(
        &mut self,
        time: i64,
        length: i64,
        value: Option<u128>,
        ledger: &mut Ledger,
        witness: impl FnOnce(&mut Ledger) -> Witness,
    ) {
        self.newest = self.newest.max(time);
        let place = time.div_euclid(length);
        // Nearly always the newest.
        let found = match self.panes.last() {
            Some(last) if last.place == place => Ok(self.panes.len() - 1),
            Some(last) if last.place < place => Err(self.panes.len()),
            _ => self.panes.binary_search_by_key(&place, |pane| pane.place),
        };
        match found {
            Ok(at) => {
                let Some(pane) = self.panes.get_mut(at) else { return };
                let counts = pane.tally.add(value);
                pane.rows = pane.rows.saturating_add(u32::from(counts));
                if time <= pane.first.time {
                    let other = witness(ledger);
                    if ledger.is_before(&other, &pane.first) {
                        pane.first = other;
                    }
                }
            }
            Err(at) => {
                let mut tally = T::default();
                tally.add(value);
                if self.panes.capacity() == 0 {
                    self.panes.reserve_exact(1);
                }
                self.panes.insert(at, Pane { place, rows: 1, fired: false, first: witness(ledger), tally });
            }
        }
    }

    /// Whether so many could be together in some window.
    pub fn might_have(&self, count: u64) -> bool {
        self.panes.iter().map(|pane| u64::from(pane.rows)).sum::<u64>() >= count
    }

    /// The panes that end a window with at least `count`, each once.
    pub fn fire(&mut self, length: i64, count: u64, firings: &mut Vec<Firing>) {
        for at in 0..self.panes.len() {
            if let Some(firing) = self.firing(at, length, count) {
                firings.push(firing);
                if let Some(pane) = self.panes.get_mut(at) {
                    pane.fired = true;
                }
            }
        }
    }

    fn firing(&self, at: usize, length: i64, count: u64) -> Option<Firing> {
        let last = self.panes.get(at).filter(|pane| !pane.fired)?;
        let first_place = last.place - (PANES - 1);
        let up_to = self.panes.get(..=at)?;
        let window = up_to.get(up_to.partition_point(|pane| pane.place < first_place)..)?;
        let rows = window.iter().map(|pane| u64::from(pane.rows)).sum();
        if rows < count {
            return None;
        }
        let together = T::together(window.iter().map(|pane| &pane.tally), rows);
        (together >= count).then(|| Firing {
            witness: last.first,
            evidence: window.iter().map(|pane| pane.first).collect(),
            place: last.place,
            from: first_place.saturating_mul(length),
            to: last.place.saturating_add(1).saturating_mul(length),
            count: together,
            rows,
            against: None,
        })
    }

    /// Drops panes that end before `horizon`; whether any is left.
    pub fn expire(&mut self, length: i64, horizon: i64) -> bool {
        let oldest = horizon.div_euclid(length);
        if self.panes.first().is_some_and(|pane| pane.place < oldest) {
            self.panes.retain(|pane| pane.place >= oldest);
        }
        !self.panes.is_empty()
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.panes.iter_mut().map(|pane| &mut pane.first)
    }
}
