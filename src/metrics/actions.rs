//! What is counted of remediation.

use super::export::Metrics;
use crate::domain::action::{ActionState, Stop};

impl Metrics {
    /// Closed sets show as 0 from the start.
    pub(super) fn actions_at_zero(&self) {
        for state in ActionState::ALL {
            self.actions(*state, 0);
            self.families.action_transitions.with_label_values(&[state.as_str()]);
        }
        for stop in Stop::ALL {
            self.families.action_stops.with_label_values(&[stop.as_str()]);
        }
    }

    /// So many actions are in this state.
    pub fn actions(&self, state: ActionState, count: u64) {
        self.families.actions.with_label_values(&[state.as_str()]).set(count as f64);
    }

    /// An action has come to this state.
    pub fn action_went(&self, state: ActionState) {
        self.families.action_transitions.with_label_values(&[state.as_str()]).inc();
    }

    /// An action was stopped before it began.
    pub fn action_stopped(&self, stop: Stop) {
        self.families.action_stops.with_label_values(&[stop.as_str()]).inc();
    }

    /// Findings about what a receiver did for an action.
    pub fn own_findings(&self, count: usize) {
        self.families.own_findings.with_label_values::<&str>(&[]).inc_by(count as u64);
    }
}
