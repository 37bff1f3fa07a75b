//! What all spools together may take on disk, of which a part is kept for audit devices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One part in this many is kept for audit devices: without them Vault refuses every request.
const KEPT: u64 = 10;

/// Who sends an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody who can send it again, and waits.
    Normal,
    /// An audit device, which holds up the calls that it logs.
    Audit,
}

/// Bytes on disk, shared by the spools of a process.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    used: AtomicU64,
}

impl Budget {
    /// Room for `most` bytes.
    pub const fn new(most: u64) -> Self {
        Self { most, used: AtomicU64::new(0) }
    }

    /// All the room there is, in bytes.
    pub const fn most(&self) -> u64 {
        self.most
    }

    /// The room that there is for somebody, in bytes.
    pub(super) const fn most_for(&self, priority: Priority) -> u64 {
        match priority {
            Priority::Normal => self.most - self.most / KEPT,
            Priority::Audit => self.most,
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, where there is room for them.
    pub(super) fn take(self: &Arc<Self>, bytes: u64, priority: Priority) -> Option<Room> {
        let most = self.most_for(priority);
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= most);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        taken.then(|| Room { budget: Arc::clone(self), bytes })
    }

    /// Counts what lies on disk already, even where that is too much.
    pub(super) fn count(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives `bytes` back.
    pub(super) fn give(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Room that was taken, and comes back unless something was put there.
#[derive(Debug)]
pub(super) struct Room {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Room {
    /// It is in use now.
    pub(super) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}
