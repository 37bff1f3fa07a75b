//! Values that a group never had: `first_seen`.
//!
//! In: rows of one group with a value. Out: the values whose first row came after the group's learning
//! time. The learning time begins with the group's first row, so that a new key does not set off an alert
//! with everything that happens to it.

use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};

/// Values known of one group, 48 bytes each. What comes then is taken for known, and counted: a group with
/// more different values has no habit that one could miss.
pub const MAX_VALUES: usize = 256;

#[derive(Debug)]
struct First {
    value: u64,
    fired: bool,
    row: Witness,
}

/// The values of one group.
#[derive(Debug)]
pub struct Firsts {
    start: i64,
    newest: i64,
    /// By hash.
    values: Vec<First>,
}

impl Default for Firsts {
    fn default() -> Self {
        Self { start: i64::MAX, newest: i64::MIN, values: Vec::new() }
    }
}

impl State for Firsts {
    fn newest(&self) -> i64 {
        self.newest
    }

    fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<First>()
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Known,
    /// The value is new; whether the group is still learning is for [`Firsts::fire`] to say.
    New,
    /// There is no room for another value.
    NoRoom,
}

impl Firsts {
    /// Adds a row; `witness` is asked for where it could be the first of its value.
    pub fn add(
        &mut self,
        time: i64,
        value: u64,
        ledger: &mut Ledger,
        witness: impl FnOnce(&mut Ledger) -> Witness,
    ) -> Added {
        self.start = self.start.min(time);
        self.newest = self.newest.max(time);
        match self.values.binary_search_by_key(&value, |first| first.value) {
            Ok(at) => {
                let Some(first) = self.values.get_mut(at) else { return Added::Known };
                if time <= first.row.time {
                    let other = witness(ledger);
                    if ledger.is_before(&other, &first.row) {
                        first.row = other;
                    }
                }
                Added::Known
            }
            Err(_) if self.values.len() >= MAX_VALUES => Added::NoRoom,
            Err(at) => {
                if self.values.capacity() == 0 {
                    self.values.reserve_exact(1);
                }
                self.values.insert(at, First { value, fired: false, row: witness(ledger) });
                Added::New
            }
        }
    }

    /// The values that first came after the learning time, each once. Nothing earlier than `settled` comes
    /// any more; so close to the end of the learning time that an earlier row could still come, a value
    /// waits for that: when to look again, where one does.
    pub fn fire(
        &mut self,
        learn: i64,
        lateness: i64,
        settled: i64,
        firings: &mut Vec<Firing>,
    ) -> Option<i64> {
        let learnt = self.start.saturating_add(learn);
        let mut due: Option<i64> = None;
        for first in self.values.iter_mut().filter(|first| !first.fired && first.row.time >= learnt) {
            let is_sure = first.row.time >= learnt.saturating_add(lateness) || first.row.time <= settled;
            if !is_sure {
                due = Some(due.map_or(first.row.time, |due| due.min(first.row.time)));
            } else {
                first.fired = true;
                firings.push(Firing {
                    witness: first.row,
                    evidence: vec![first.row],
                    place: 0,
                    from: self.start,
                    to: first.row.time,
                    count: 1,
                    rows: 1,
                    against: None,
                });
            }
        }
        due
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.values.iter_mut().map(|first| &mut first.row)
    }
}
