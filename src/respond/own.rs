//! The receivers' own events: what they do while an action is under way is part of it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::patterns::Patterns;

/// Logs may say so much later, by their own clocks, what a receiver did, in microseconds: CloudTrail's timestamps
/// are whole seconds, and clocks differ.
const SLACK: i64 = 5_000_000;

/// A span of event time, in microseconds since the epoch.
type Under = (i64, i64);

/// When actions were under way. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct OwnActs {
    actors: Arc<Patterns>,
    spans: Arc<ArcSwap<Vec<Under>>>,
}

impl OwnActs {
    /// With the receivers' identities, in which `*` stands for anything.
    ///
    /// # Errors
    /// The pattern that is too long.
    pub fn new(actors: &[String]) -> Result<Self, String> {
        Ok(Self { actors: Arc::new(Patterns::parse(actors)?), spans: Arc::default() })
    }

    /// From now on these spans are known.
    pub(super) fn replace(&self, spans: Vec<Under>) {
        self.spans.store(Arc::new(spans));
    }

    /// Whether an event of this principal at this event time is part of an action.
    pub fn is_ours(&self, principal: Option<&str>, event_time: i64) -> bool {
        let is_actor = principal.is_some_and(|principal| self.actors.fit(principal));
        let within = |(from, to): &Under| (from - SLACK..=to + SLACK).contains(&event_time);
        is_actor && self.spans.load().iter().any(within)
    }
}
