//! Counts of one channel's deliveries, for whoever exports metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// No delivery waits.
const NONE: i64 = i64::MAX;

/// Counts since the start, and how it stands.
#[derive(Debug)]
pub struct Counters {
    attempts: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    parked: AtomicU64,
    in_flight: AtomicU64,
    oldest: AtomicI64,
}

/// The counts of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Requests sent.
    pub attempts: u64,
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries given up.
    pub parked: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Since when the oldest delivery waits, microseconds since the epoch.
    pub oldest_pending: Option<i64>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            attempts: AtomicU64::default(),
            delivered: AtomicU64::default(),
            failed: AtomicU64::default(),
            parked: AtomicU64::default(),
            in_flight: AtomicU64::default(),
            oldest: AtomicI64::new(NONE),
        }
    }
}

impl Counters {
    /// The counts now.
    pub fn snapshot(&self) -> Snapshot {
        let oldest = self.oldest.load(Relaxed);
        Snapshot {
            attempts: self.attempts.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            failed: self.failed.load(Relaxed),
            parked: self.parked.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            oldest_pending: (oldest != NONE).then_some(oldest),
        }
    }

    pub(super) fn started(&self) {
        self.attempts.fetch_add(1, Relaxed);
    }

    pub(super) fn delivered(&self) {
        self.delivered.fetch_add(1, Relaxed);
    }

    pub(super) fn failed(&self, is_parked: bool) {
        self.failed.fetch_add(1, Relaxed);
        self.parked.fetch_add(u64::from(is_parked), Relaxed);
    }

    pub(super) fn stands(&self, in_flight: usize, oldest: Option<i64>) {
        self.in_flight.store(in_flight as u64, Relaxed);
        self.oldest.store(oldest.unwrap_or(NONE), Relaxed);
    }
}
