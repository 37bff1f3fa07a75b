//! When attempts got through: the first success not before the first call that was stopped. Kept up to
//! date from what an alert's facts remember, so that the store is asked only where that is not enough.

use super::facts::{Facts, Seen, standing};
use crate::store::Standing;

/// What is known of an alert's attempts before a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempts {
    had_stopped: bool,
    had_succeeded: bool,
    stopped: Option<i64>,
    success_after: Option<i64>,
}

/// What is known of them with the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Updated {
    /// When a call was first stopped.
    pub stopped: Option<i64>,
    /// The first success since then; only the store can tell where a known success may be it that was before
    /// any call was known to be stopped.
    pub success_after: Result<Option<i64>, OnlyTheStoreKnows>,
}

/// The facts do not remember every success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OnlyTheStoreKnows;

impl Attempts {
    pub fn of(facts: &Facts) -> Self {
        let mut standings = facts.counts.outcomes.keys().map(|outcome| standing(Some(*outcome)));
        Self {
            had_stopped: standings.clone().any(|standing| standing == Standing::Stopped),
            had_succeeded: standings.any(|standing| standing == Standing::Succeeded),
            stopped: facts.stopped,
            success_after: facts.success_after,
        }
    }

    /// Whether the facts are of a keyward that did not remember when a call was first stopped.
    pub fn are_unknown(self) -> bool {
        self.had_stopped && self.stopped.is_none()
    }

    /// With new findings.
    pub fn with(self, new: &[Seen]) -> Updated {
        let times =
            |wanted: Standing| new.iter().filter(move |seen| seen.standing() == wanted).map(|seen| seen.time);
        let stopped = times(Standing::Stopped).chain(self.stopped).min();
        let success_after = match stopped {
            None => Ok(None),
            Some(first) if self.had_succeeded && self.stopped != Some(first) => Err(OnlyTheStoreKnows),
            Some(first) => {
                Ok(times(Standing::Succeeded).filter(|time| *time >= first).chain(self.success_after).min())
            }
        };
        Updated { stopped, success_after }
    }
}
