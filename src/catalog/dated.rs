//! What something was from which time on: dated facts, in any order.
//!
//! In: facts with their times. Out: the value as of a time, which uses no fact from after it.

use std::sync::Arc;

/// From a time on it had this value, or none; last seen to have it at `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    at: i64,
    last: i64,
    value: Option<Arc<str>>,
}

/// The values of one thing over time. Facts that repeat each other are kept as one run, so it grows with changes
/// and not with events.
#[derive(Debug, Clone, Default)]
pub(super) struct Dated(Vec<Run>);

impl Dated {
    /// Learns that from `at` on (microseconds since the epoch) it had this value, or none.
    ///
    /// The order of learning matters only where a late fact contradicts the middle of a run: the run then
    /// resumes when it was last seen. Of two facts of one moment the one with the greater value counts.
    pub fn learn(&mut self, at: i64, value: Option<Arc<str>>) {
        let runs = &mut self.0;
        let next = runs.partition_point(|run| run.at <= at);
        let before = next.checked_sub(1).and_then(|place| runs.get_mut(place));
        let mut resumed = None;
        let mut place = next;
        match before {
            Some(run) if run.value == value => {
                run.last = run.last.max(at);
                return;
            }
            Some(run) if run.at == at && value < run.value => return,
            Some(run) => {
                if run.last > at {
                    resumed = Some(Run { at: run.last, last: run.last, value: run.value.clone() });
                    run.last = run.at;
                }
                if run.at == at {
                    place = next.saturating_sub(1);
                    runs.remove(place);
                }
            }
            None => {}
        }
        match runs.get_mut(place) {
            Some(run) if run.value == value && resumed.is_none() => run.at = at,
            _ => runs.insert(place, Run { at, last: at, value }),
        }
        if let Some(run) = resumed {
            runs.insert(place + 1, run);
        }
    }

    /// The value at the time `at`.
    pub fn at(&self, at: i64) -> Option<&str> {
        let after = self.0.partition_point(|run| run.at <= at);
        self.0.get(after.checked_sub(1)?)?.value.as_deref()
    }

    /// The first value of those before or at the time `at`.
    pub fn first(&self, at: i64) -> Option<&str> {
        self.0.iter().take_while(|run| run.at <= at).find_map(|run| run.value.as_deref())
    }

    /// Whether nothing changed in (`from`, `to`].
    pub fn is_settled(&self, from: i64, to: i64) -> bool {
        !self.0.iter().any(|run| from < run.at && run.at <= to)
    }

    /// How many runs there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
