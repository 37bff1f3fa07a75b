//! Places for connections, and who has to leave when they run out.
//!
//! Whoever only connects must not keep others out: where all places are taken, the connection leaves that has not
//! sent one whole line, the oldest first. One that has sent a line is never sent away: an audit device may be
//! silent for hours, and what it writes to a connection that was closed meanwhile is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// All places of a listener.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    connections: BTreeMap<u64, Arc<Connection>>,
}

/// What is known of one connection.
#[derive(Debug, Default)]
struct Connection {
    has_sent: AtomicBool,
    leave: CancellationToken,
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    connection: Arc<Connection>,
}

/// What became of who asked for a place.
#[derive(Debug)]
pub(super) enum Given {
    Free(Place),
    /// Another connection has to leave for it.
    InsteadOf(Place),
    /// All that have one need it.
    None,
}

impl Places {
    /// This many places, at least one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), taken: Mutex::default() })
    }

    /// A place for a new connection.
    pub(super) fn take(self: &Arc<Self>) -> Given {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = taken.connections.len() >= self.most;
        if is_full {
            let mut idle = taken.connections.iter().filter(|(_, one)| !one.has_sent.load(Ordering::Relaxed));
            let Some(longest) = idle.next().map(|(number, _)| *number) else { return Given::None };
            if let Some(connection) = taken.connections.remove(&longest) {
                connection.leave.cancel();
            }
        }
        taken.next += 1;
        let (number, connection) = (taken.next, Arc::<Connection>::default());
        taken.connections.insert(number, Arc::clone(&connection));
        let place = Place { places: Arc::clone(self), number, connection };
        if is_full { Given::InsteadOf(place) } else { Given::Free(place) }
    }
}

impl Place {
    /// The connection has sent a whole line.
    pub(super) fn has_sent(&self) {
        self.connection.has_sent.store(true, Ordering::Relaxed);
    }

    /// Ends when the connection has to leave.
    pub(super) async fn asked_to_leave(&self) {
        self.connection.leave.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(given: Given) -> Place {
        match given {
            Given::Free(place) | Given::InsteadOf(place) => place,
            Given::None => panic!("there is no place"),
        }
    }

    #[test]
    fn the_oldest_that_never_sent_anything_leaves_and_nobody_else() {
        let places = Places::new(3);
        let [sends, first, second] = [(); 3].map(|()| place(places.take()));
        sends.has_sent();
        let third = places.take();
        assert!(matches!(third, Given::InsteadOf(_)));
        assert!(first.connection.leave.is_cancelled() && !second.connection.leave.is_cancelled());
        let third = place(third);
        third.has_sent();
        second.has_sent();
        assert!(matches!(places.take(), Given::None));
        drop(first); // has left, and gives back nothing that is not its own
        assert!(matches!(places.take(), Given::None));
        drop(second);
        assert!(matches!(places.take(), Given::Free(_)));
        assert!(!sends.connection.leave.is_cancelled());
    }
}
