//! What the loop does after a failure: drop what is not sealed, rest, remember what was sealed, go on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::raiser::{NotStored, Outcome};
use super::{Service, ServiceError};
use crate::alerts::AlertError;
use crate::history::OpenSet;
use crate::pipeline::memory::Memory;
use crate::pipeline::recall::recall;
use crate::store::StoreError;

/// After a failure the loop rests this long, then twice as long, up to [`LONGEST_REST`]: a full disk does
/// not get better by being asked a thousand times.
const FIRST_REST: Duration = Duration::from_millis(250);

/// The longest rest: what a person who has just made room waits at most.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How the loop stands after a failure.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// Failures since the last seal.
    failures: u32,
    /// Nothing is taken before this time, in microseconds since the epoch.
    until: i64,
    /// Nothing is taken until what was sealed is remembered again.
    lost: bool,
    /// It was told that nothing is taken.
    stalled: bool,
}

impl Recovery {
    /// Whether nothing is taken now: the queue fills, and sources hold back.
    pub fn is_resting(&self, now: i64) -> bool {
        self.lost || now < self.until
    }

    /// Whether the memory is not that of the last seal: nothing may be concluded from it.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// A set was sealed: all is well.
    pub fn over(&mut self) {
        self.failures = 0;
    }

    fn rest(&mut self, now: i64) {
        let doublings = self.failures.min(8);
        self.failures += 1;
        let rest = FIRST_REST.saturating_mul(1 << doublings).min(LONGEST_REST);
        self.until = now.saturating_add(i64::try_from(rest.as_micros()).unwrap_or(i64::MAX));
    }
}

impl Service {
    /// Drops everything that is not sealed, and has it read again, after a rest.
    pub(super) fn rewind(&mut self, reason: &str) -> Result<(), ServiceError> {
        self.raiser.clear()?;
        self.beat();
        // The set before may be sealed all the same; then only what came after it goes.
        if let Some(outcome) = self.sealer.wait() {
            self.note(outcome)?;
        }
        self.beat();
        self.watch.rewound(reason);
        self.open = OpenSet::default();
        self.opened_at = None;
        self.losses.are_told_again();
        (self.recovery.lost, self.recovery.stalled) = (true, true);
        self.recovery.rest((self.clock)());
        // Sources go back while the loop rests.
        self.restore();
        Ok(())
    }

    /// A store that does not answer is waited for more than once here: the loop lives.
    fn beat(&self) {
        self.heartbeat.store((self.clock)(), Ordering::Release);
    }

    /// Goes on where it is time to, or tries once more what that waits for.
    pub(super) fn recover(&mut self, now: i64) {
        if !self.recovery.stalled || now < self.recovery.until {
            return;
        }
        if self.recovery.lost && !self.restore() {
            self.recovery.rest((self.clock)());
            return;
        }
        self.recovery.stalled = false;
        self.watch.resumed();
    }

    /// Remembers what was sealed, and has the sources read from there; whether that is done.
    fn restore(&mut self) -> bool {
        let rules = Arc::clone(&self.versions.newest().rules);
        let lateness = self.live.lateness().clone();
        let store = self.store.store();
        let restored = self.store.wait(async {
            Ok((Memory::restore(store).await?, recall(store, &rules.engine, &lateness).await?))
        });
        match restored {
            Ok((memory, live)) => {
                self.memory = memory;
                self.live = live;
                // It was read for all rules in force.
                if self.warming.take().is_some() {
                    self.watch.warming(Vec::new());
                }
                self.recovery.lost = false;
                self.generation += 1;
                self.feeds.iter().for_each(|feed| feed.rewind(self.generation));
                true
            }
            Err(error) => {
                self.watch.not_restored(&error);
                false
            }
        }
    }

    /// Waits until all findings so far are stored; whether they are.
    pub(super) fn settle_findings(&mut self) -> Result<bool, ServiceError> {
        while let Some(outcome) = self.raiser.wait()? {
            if !self.hear_of_findings(outcome)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Draws the consequences of findings being stored; whether they are.
    pub(super) fn hear_of_findings(&mut self, outcome: Outcome) -> Result<bool, ServiceError> {
        let reason = match outcome.result {
            Ok(()) => {
                self.watch.stored(&outcome.origins, outcome.took, outcome.at);
                return Ok(true);
            }
            // Another instance writes now: whatever this one does from here on would be wrong.
            Err(NotStored::Failed(AlertError::Store(error @ StoreError::LeaseLost))) => {
                return Err(error.into());
            }
            Err(NotStored::Failed(error)) => error.to_string(),
            Err(NotStored::LeftOut) => "others before them could not be".to_owned(),
        };
        self.rewind(&format!("findings could not be stored: {reason}"))?;
        Ok(false)
    }
}
