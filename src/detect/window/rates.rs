//! A volume far above the group's own: `rate`.
//!
//! In: rows of a group. Out: the buckets with more than `factor` times what is usual at that hour of the
//! week. Usual is the median of the same hour in the weeks before, or of the hour beside it, whichever is
//! more: a median, so that a spike of the past does not hide the next one, and the hours beside it, so that a
//! job may come a little early or late. In its first two weeks a group is held against the same hour of the days
//! before, and on its first days against other groups of the same purpose.
//!
//! A bucket is decided once, in the order of time, when nothing of it can come any more.

use super::buckets::{Buckets, WEEK};
use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::span::in_words;

/// Weeks that an hour is held against.
const WEEKS: i64 = 5;

/// Days that an hour is held against while the weeks are not there yet.
const DAYS: i64 = 7;

const DAY: i64 = 86_400_000_000;

/// Samples that make a baseline of a group's own.
const ENOUGH: usize = 2;

/// Chance alone: so many times the root of what is usual may come on top of it.
const CHANCE: f64 = 4.0;

/// The counts of one group.
#[derive(Debug, Default)]
pub struct Rates {
    buckets: Buckets,
    /// The first row of each bucket that is not decided.
    open: Vec<(i64, Witness)>,
    newest: i64,
    /// The hash of its purpose.
    pub purpose: u128,
}

impl State for Rates {
    fn newest(&self) -> i64 {
        self.newest
    }

    fn heap_bytes(&self) -> usize {
        self.buckets.bytes() + self.open.capacity() * size_of::<(i64, Witness)>()
    }
}

/// What is usual, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Usual {
    pub count: f64,
    /// In words.
    pub by: String,
}

impl Rates {
    /// Adds a row; the bucket that is to be decided for it, where it is the bucket's first.
    pub fn add(
        &mut self,
        time: i64,
        over: i64,
        ledger: &mut Ledger,
        witness: impl FnOnce(&mut Ledger) -> Witness,
    ) -> Option<i64> {
        self.newest = self.newest.max(time);
        let place = time.div_euclid(over);
        let is_first = self.buckets.add(place);
        match self.open.iter_mut().find(|(known, _)| *known == place) {
            Some((_, first)) if time <= first.time => {
                let other = witness(ledger);
                if ledger.is_before(&other, first) {
                    *first = other;
                }
            }
            Some(_) => {}
            // A row that came too late to be decided only counts for the future.
            None if is_first => self.open.push((place, witness(ledger))),
            None => {}
        }
        is_first.then_some(place)
    }

    /// How many rows the bucket has.
    pub fn count(&self, place: i64) -> u32 {
        self.buckets.count(place)
    }

    /// What is usual in a bucket, as far as the group itself tells.
    pub fn usual(&self, place: i64, over: i64) -> Option<Usual> {
        let weekly = self.median_of(place, (WEEK / over).max(1), WEEKS);
        let (median, by) = match weekly {
            Some(median) => (median, "at this hour of the week"),
            None => (self.median_of(place, (DAY / over).max(1), DAYS)?, "at this hour of the day"),
        };
        Some(Usual { count: median, by: by.to_owned() })
    }

    /// The median of a bucket one and more steps before, or of the buckets beside it.
    fn median_of(&self, place: i64, step: i64, steps: i64) -> Option<f64> {
        let first = self.buckets.first()?;
        let median = |beside: i64| {
            let before = (1..=steps).map(|number| place + beside - number * step);
            let mut counts: Vec<u32> =
                before.filter(|place| *place >= first).map(|place| self.buckets.count(place)).collect();
            counts.sort_unstable();
            (counts.len() >= ENOUGH).then(|| middle(&counts))
        };
        let all = [-1, 0, 1].map(median);
        // The bucket's own hour must be known; the others only raise it.
        all.get(1).copied().flatten()?;
        all.into_iter().flatten().reduce(f64::max)
    }

    /// Decides a bucket: whether it has more than is usual.
    pub fn decide(
        &mut self,
        place: i64,
        over: i64,
        (factor, least): (f64, u64),
        usual: &Usual,
    ) -> Option<Firing> {
        let witness = self.close(place)?;
        let count = self.buckets.count(place);
        let limit = (usual.count * factor).max(CHANCE.mul_add(usual.count.sqrt(), usual.count));
        if u64::from(count) < least || f64::from(count) <= limit {
            return None;
        }
        let times = if usual.count >= 1.0 {
            format!("{:.1} times the {:.0} usual {}", f64::from(count) / usual.count, usual.count, usual.by)
        } else {
            format!("where next to none are usual {}", usual.by)
        };
        Some(Firing {
            witness,
            evidence: vec![witness],
            place,
            from: place.saturating_mul(over),
            to: place.saturating_add(1).saturating_mul(over),
            count: u64::from(count),
            rows: u64::from(count),
            against: Some(format!("{count} of these in {}, {times}", in_words(over))),
        })
    }

    /// Decides a bucket that there is nothing to hold against.
    pub fn close(&mut self, place: i64) -> Option<Witness> {
        let at = self.open.iter().position(|(known, _)| *known == place)?;
        Some(self.open.swap_remove(at).1)
    }

    /// Drops buckets before `place`; whether any is left.
    pub fn expire(&mut self, place: i64) -> bool {
        self.buckets.forget_before(place);
        !self.buckets.is_empty()
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.open.iter_mut().map(|(_, witness)| witness)
    }
}

/// The middle of sorted counts; of an even number the mean of the two in the middle.
fn middle(sorted: &[u32]) -> f64 {
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    (f64::from(lower) + f64::from(upper)) / 2.0
}

/// How many rows the buckets of other groups have: the upper end of what is usual among them. Counts by
/// powers of two, so that it stays small and any order of adding gives the same.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    by_size: [u32; 32],
    total: u64,
}

/// Buckets of others that make a baseline.
const ENOUGH_OF_PEERS: u64 = 100;

impl Peers {
    /// Adds a bucket of a group.
    pub fn add(&mut self, count: u32) {
        let size = (u32::BITS - count.leading_zeros()).min(31) as usize;
        if let Some(known) = self.by_size.get_mut(size) {
            *known = known.saturating_add(1);
            self.total += 1;
        }
    }

    /// What ninety-nine in a hundred of their buckets stay below.
    pub fn usual(&self) -> Option<Usual> {
        if self.total < ENOUGH_OF_PEERS {
            return None;
        }
        let mut above = 0_u64;
        for (size, count) in self.by_size.iter().enumerate().rev() {
            above += u64::from(*count);
            if above * 100 > self.total {
                let most = 2_f64.powi(i32::try_from(size).unwrap_or_default());
                return Some(Usual { count: most, by: "for keys of this purpose".to_owned() });
            }
        }
        None
    }
}
