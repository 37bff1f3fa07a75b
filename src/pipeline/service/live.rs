//! Windows in the running service, and how far event time is settled.
//!
//! In: judged arrivals of any partition. Out: what windows find, with what decides it: event time before
//! which no partition is awaited to say anything. A partition's own mark is its newest event less the
//! allowed lateness of its source.

use std::collections::BTreeMap;

use super::versions::Verdicts;
use crate::detect::engine::Engine;
use crate::detect::window::firing::Found;
use crate::detect::window::windows::Windows;
use crate::domain::event::Provider;
use crate::pipeline::lateness::Lateness;
use crate::source::feed::Partition;
use crate::store::StoredPosition;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// A partition further behind the others than this is not waited for, in microseconds of event time: it is a
/// file that was rotated away, or a trail whose account is closed. Six hours is what CloudTrail needs at worst.
const WAITED_FOR: i64 = 6 * 3_600 * 1_000_000;

/// Windows, and the marks of partitions.
#[derive(Debug)]
pub struct Live {
    windows: Windows,
    lateness: Lateness,
    /// By the partition's identity.
    marks: BTreeMap<String, i64>,
}

impl Live {
    /// Windows as they were at the last seal, whose positions these are.
    pub fn of(windows: Windows, lateness: Lateness, positions: Vec<StoredPosition>) -> Self {
        let marks = positions.into_iter().filter_map(|position| Some((position.source, position.watermark?)));
        Self { windows, lateness, marks: marks.collect() }
    }

    /// Gives windows the rows of an arrival; what they find goes with its verdicts.
    pub fn take(&mut self, partition: &Partition, verdicts: &mut [Verdicts]) {
        self.mark(partition, verdicts);
        self.enter(verdicts);
        let found = self.windows.advance(self.settled());
        add_to_last(verdicts, found);
    }

    /// Every source is at its end: gives windows the last rows, and takes all that they still find.
    pub fn finish(&mut self, verdicts: &mut [Verdicts]) {
        self.enter(verdicts);
        let found = self.windows.finish();
        add_to_last(verdicts, found);
    }

    fn enter(&mut self, verdicts: &mut [Verdicts]) {
        for Verdicts { rules, judged } in verdicts {
            judged.windowed.extend(self.windows.add_by(&rules.engine, &judged.batch, &judged.entering));
        }
    }

    fn mark(&mut self, partition: &Partition, verdicts: &[Verdicts]) {
        let batches = || verdicts.iter().map(|verdicts| Rows::of(&verdicts.judged.batch));
        let newest = batches().filter_map(|rows| rows.latest()).max();
        let Some(newest) = newest else { return };
        let is_aws = |word: &str| word == Provider::Aws.as_str();
        let has_aws = batches().any(|rows| {
            rows.dictionary(Column::Provider).is_some_and(|words| words.iter().flatten().any(is_aws))
        });
        let provider = if has_aws { Provider::Aws } else { Provider::Vault };
        let mark = newest.saturating_sub(self.lateness.of_source(&partition.source, provider));
        let known = self.marks.entry(partition.identity.clone()).or_insert(mark);
        *known = mark.max(*known);
    }

    /// The partition's mark: no event of it is awaited before.
    pub fn mark_of(&self, partition: &Partition) -> Option<i64> {
        self.marks.get(&partition.identity).copied()
    }

    /// Event time before which nothing comes any more.
    pub fn settled(&self) -> i64 {
        settled(self.marks.values().copied())
    }

    /// Other rules are in force: detectors that are the same keep what they remember.
    pub fn install(&mut self, engine: &Engine) {
        let none = Windows::of(engine, self.windows.pace());
        self.windows = std::mem::replace(&mut self.windows, none).for_engine(engine);
    }

    /// Takes over windows that history told; what they find by the time that has come.
    pub fn take_over(&mut self, mut warmed: Windows) -> Vec<Found> {
        let found = warmed.advance(self.settled());
        self.windows.take_over(warmed);
        found
    }

    /// The windows.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// What lateness is allowed.
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }
}

/// Event time before which nothing comes any more, of the marks of all partitions.
pub fn settled(marks: impl Iterator<Item = i64> + Clone) -> i64 {
    let Some(newest) = marks.clone().max() else { return i64::MIN };
    marks.filter(|mark| *mark >= newest.saturating_sub(WAITED_FOR)).min().unwrap_or(newest)
}

fn add_to_last(verdicts: &mut [Verdicts], found: Vec<Found>) {
    if let Some(last) = verdicts.last_mut() {
        last.judged.windowed.extend(found);
    }
}
