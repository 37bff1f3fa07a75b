//! Counts read back, for `/api/v1/status`, and what the outbox reports of itself.

use serde::Serialize;

/// What became of one source's records since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    pub received: u64,
    pub gave_events: u64,
    pub merged: u64,
    pub irrelevant: u64,
    pub duplicates: u64,
    pub rejects: u64,
}

/// What waits in the outbox of one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutboxState<'n> {
    /// Its name in the configuration.
    pub channel: &'n str,
    pub pending: u64,
    /// Age in seconds of the oldest delivery that waits; 0 where none does.
    pub oldest_seconds: f64,
    pub parked: u64,
}
