//! Places for connections, and who has to leave when they run out.
//!
//! A client that holds connections without asking anything must not keep others out: where all places are
//! taken, the connection that has been between requests for longest is closed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The mark of a connection that is in the middle of a request.
const BUSY: u64 = 0;

/// All places.
#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    slots: BTreeMap<u64, Arc<Place>>,
}

/// What is known of one connection.
#[derive(Debug)]
struct Place {
    /// The number of the moment at which it began to wait for a request, or [`BUSY`].
    waits_since: AtomicU64,
    leave: CancellationToken,
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
    place: Arc<Place>,
}

impl Slots {
    /// This many places, at least one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), taken: Mutex::default(), freed: Notify::new() })
    }

    /// A place, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.slots.len() >= self.most {
            return None;
        }
        let number = taken.tick();
        let place = Arc::new(Place { waits_since: AtomicU64::new(number), leave: CancellationToken::new() });
        taken.slots.insert(number, Arc::clone(&place));
        Some(Slot { slots: Arc::clone(self), number, place })
    }

    /// Asks the connection to leave that has been between requests for longest; whether there is one.
    pub(super) fn evict(&self) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |place: &Arc<Place>| place.waits_since.load(Ordering::Relaxed);
        let idle = taken.slots.values().filter(|place| since(place) != BUSY && !place.leave.is_cancelled());
        let longest = idle.min_by_key(|place| since(place));
        longest.inspect(|place| place.leave.cancel()).is_some()
    }

    /// Ends when a place was given back.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// How many places are taken.
    pub(super) fn open(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).slots.len()
    }
}

impl Taken {
    /// The number of the next moment, from 1.
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Slot {
    /// The connection is in the middle of a request: nobody makes it leave.
    pub(super) fn busy(&self) {
        self.place.waits_since.store(BUSY, Ordering::Relaxed);
    }

    /// It waits for the next request.
    pub(super) fn waits(&self) {
        let now = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner).tick();
        self.place.waits_since.store(now, Ordering::Relaxed);
    }

    /// Ends when the connection has to leave.
    pub(super) async fn asked_to_leave(&self) {
        self.place.leave.cancelled().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner).slots.remove(&self.number);
        self.slots.freed.notify_one();
    }
}
