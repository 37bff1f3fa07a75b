//! When a set is sealed, and what happens when that fails.

use std::time::Duration;

use super::sealer::Outcome;
use super::{Service, ServiceError};
use crate::history::{HistoryError, OpenSet};
use crate::pipeline::memory::Memory;
use crate::store::StoreError;

/// After a failure the loop rests this long, then twice as long, up to [`LONGEST_REST`]: a full disk does
/// not get better by being asked a thousand times.
const FIRST_REST: Duration = Duration::from_millis(250);

/// The longest rest: what a person who has just made room waits at most.
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Service {
    /// Begins to seal where it is time. Where the set before is not done, this one waits, and only a
    /// full one holds up the loop.
    pub(super) fn seal_if_due(&mut self, now: i64) -> Result<(), ServiceError> {
        let full = self.open.is_full(&self.limits);
        let age = self.opened_at.map_or(0, |opened_at| now.saturating_sub(opened_at));
        let old = u128::try_from(age).is_ok_and(|age| age >= self.seal_every.as_micros());
        if !full && (!old || self.sealer.is_busy()) {
            return Ok(());
        }
        self.settle()?;
        self.begin(now)
    }

    /// Seals everything taken so far and waits for it; whether it is sealed.
    pub(super) fn seal_now(&mut self) -> Result<bool, ServiceError> {
        let generation = self.generation;
        self.settle()?;
        self.begin((self.clock)())?;
        self.settle()?;
        Ok(self.generation == generation)
    }

    /// The end of the loop: seals what is open. What cannot be sealed is read again at the next start.
    pub(super) fn end(&mut self) -> Result<(), ServiceError> {
        if self.seal_now()? { Ok(()) } else { Err(ServiceError::Unsealed) }
    }

    fn begin(&mut self, now: i64) -> Result<(), ServiceError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut set: OpenSet = std::mem::take(&mut self.open);
        self.opened_at = None;
        set.leaves_open(self.memory.open_requests()?);
        if self.publishes_rejects {
            set.publishes_rejects();
        }
        self.sealer.begin(set, now);
        Ok(())
    }

    /// Waits for the seal under way.
    fn settle(&mut self) -> Result<(), ServiceError> {
        match self.sealer.wait() {
            Some(outcome) => self.conclude(outcome),
            None => Ok(()),
        }
    }

    pub(super) fn hear_of_seals(&mut self) -> Result<(), ServiceError> {
        match self.sealer.poll() {
            Some(outcome) => self.conclude(outcome),
            None => Ok(()),
        }
    }

    /// Draws the consequences of a seal.
    pub(super) fn conclude(&mut self, outcome: Outcome) -> Result<(), ServiceError> {
        match self.note(outcome)? {
            None => Ok(()),
            Some(failure) => self.rewind(&format!("could not seal: {failure}")),
        }
    }

    /// Tells everybody of a seal that happened; else says why it did not.
    fn note(&mut self, outcome: Outcome) -> Result<Option<HistoryError>, ServiceError> {
        let Outcome { moves, rows, took, result } = outcome;
        let files = result.as_ref().map(|sealed| sealed.files.as_slice()).unwrap_or_default();
        let bytes = files.iter().map(|file| u64::try_from(file.bytes).unwrap_or_default()).sum();
        self.watch.sealed(rows, bytes, took, result.as_ref().map(drop));
        match result {
            Ok(_) => {
                self.failures = 0;
                self.feeds.iter().for_each(|feed| feed.sealed(&moves));
                Ok(None)
            }
            // Another instance writes now: whatever this one does from here on would be wrong. And reading
            // again from positions that are not known would double or lose: start afresh.
            Err(HistoryError::Store(error @ (StoreError::LeaseLost | StoreError::CommitUnknown { .. }))) => {
                Err(error.into())
            }
            Err(error) => Ok(Some(error)),
        }
    }

    /// Drops everything that is not sealed, and has it read again, after a rest.
    pub(super) fn rewind(&mut self, reason: &str) -> Result<(), ServiceError> {
        // The set before may be sealed all the same; then only what came after it goes.
        if let Some(outcome) = self.sealer.wait() {
            self.note(outcome)?;
        }
        self.watch.rewound(reason);
        self.open = OpenSet::default();
        self.opened_at = None;
        self.memory = self.store.wait(Memory::restore(self.store.store()))?;
        self.generation += 1;
        self.feeds.iter().for_each(|feed| feed.rewind(self.generation));
        let doublings = self.failures.min(8);
        self.failures += 1;
        let rest = FIRST_REST.saturating_mul(1 << doublings).min(LONGEST_REST);
        self.resting_until = (self.clock)() + i64::try_from(rest.as_micros()).unwrap_or(i64::MAX);
        Ok(())
    }
}
