//! The account of records: counts that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::reject::{Aside, RejectReason};

/// What became of every record received. `received` equals the sum of the others, always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Records read.
    pub received: u64,
    /// Records that gave at least one event.
    pub gave_events: u64,
    /// Vault requests merged into their response.
    pub merged: u64,
    /// Records that touch no key, by why.
    pub irrelevant: BTreeMap<Aside, u64>,
    /// Records seen before.
    pub duplicates: u64,
    /// Records not understood, by why.
    pub rejects: BTreeMap<RejectReason, u64>,
    /// Events given; a record can give several. Not part of the sum.
    pub events: u64,
}

impl Account {
    /// Adds another account to this one.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.gave_events += other.gave_events;
        self.merged += other.merged;
        self.duplicates += other.duplicates;
        self.events += other.events;
        for (aside, count) in &other.irrelevant {
            *self.irrelevant.entry(*aside).or_default() += count;
        }
        for (reason, count) in &other.rejects {
            *self.rejects.entry(*reason).or_default() += count;
        }
    }

    /// All irrelevant records.
    pub fn irrelevant_total(&self) -> u64 {
        self.irrelevant.values().sum()
    }

    /// All rejected records.
    pub fn rejects_total(&self) -> u64 {
        self.rejects.values().sum()
    }

    /// Whether everything received is accounted for.
    pub fn adds_up(&self) -> bool {
        self.received
            == self.gave_events
                + self.merged
                + self.irrelevant_total()
                + self.duplicates
                + self.rejects_total()
    }
}
