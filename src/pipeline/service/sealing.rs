//! When a set is sealed, and what happens when that fails.

use super::sealer::Outcome;
use super::watch::SealTold;
use super::{Service, ServiceError};
use crate::history::{HistoryError, OpenSet};
use crate::store::StoreError;

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
        // What was dropped may not be read again before the next start.
        if self.seal_now()? && !self.recovery.is_lost() { Ok(()) } else { Err(ServiceError::Unsealed) }
    }

    fn begin(&mut self, now: i64) -> Result<(), ServiceError> {
        // The findings of every row in a set are stored before it is sealed.
        if !self.settle_findings()? || self.open.is_empty() {
            return Ok(());
        }
        let mut set: OpenSet = std::mem::take(&mut self.open);
        self.opened_at = None;
        self.losses.are_being_sealed();
        set.leaves_open(self.memory.open_requests()?);
        if self.publishes_rejects {
            set.publishes_rejects();
        }
        let windows = self.live.windows();
        self.watch.windows(windows.groups(), &windows.forgotten());
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
    pub(super) fn note(&mut self, outcome: Outcome) -> Result<Option<HistoryError>, ServiceError> {
        let Outcome { moves, rows, took, transaction, result } = outcome;
        let files = result.as_ref().map(|sealed| sealed.files.as_slice()).unwrap_or_default();
        let bytes = files.iter().map(|file| u64::try_from(file.bytes).unwrap_or_default()).sum();
        self.watch.sealed(&SealTold { rows, bytes, took, transaction, result: result.as_ref().map(drop) });
        match result {
            Ok(_) => {
                self.recovery.over();
                self.losses.are_sealed();
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
}
