//! Follows files that grow: audit logs on this machine, rotated, truncated, compressed.
//!
//! In: paths, folders and globs, looked for again all the time. Out: chunks with positions, one partition a
//! file. A file is known by its identity, so a renamed one is read on; one that was truncated is a new one
//! from its start. What has no line break yet is waited for; a compressed file is read when it stops growing.
//!
//! | file | holds |
//! |---|---|
//! | `file` | one file: identity, position, how much of it may be read |
//! | `round` | what is looked at and read each time around |

mod file;
mod round;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::feed::{Feed, Lag, Signals, Status};
use super::limits::Limits;
use super::spool::{Clock, Positions};
use crate::config;
use crate::store::{Position, PositionMove};

/// What following needs from outside.
#[derive(Clone)]
pub struct Surroundings {
    pub config: config::Follow,
    pub device: Option<Arc<str>>,
    pub limits: Limits,
    pub clock: Clock,
    pub positions: Positions,
}

/// What the service asks of the thread, and what that says of itself.
#[derive(Debug, Default)]
struct Wishes {
    rewind: Option<u64>,
    stop: bool,
    gone: bool,
    /// The latest stored position of each file that moved.
    sealed: HashMap<String, Position>,
    status: Status,
}

/// Files being followed.
pub struct FollowFeed {
    name: Arc<str>,
    wishes: Arc<Mutex<Wishes>>,
}

/// Begins to follow the files of the source `name`.
///
/// # Errors
/// Where there can be no more threads.
pub fn follow(name: &str, surroundings: Surroundings, signals: Signals) -> io::Result<FollowFeed> {
    let wishes = Arc::<Mutex<Wishes>>::default();
    let name = Arc::<str>::from(name);
    let rounds = round::Rounds::new(Arc::clone(&name), surroundings, signals, Arc::clone(&wishes));
    std::thread::Builder::new().name(format!("follow-{name}")).spawn(move || rounds.run())?;
    Ok(FollowFeed { name, wishes })
}

impl FollowFeed {
    fn wish<T>(&self, wish: impl FnOnce(&mut Wishes) -> T) -> T {
        wish(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Feed for FollowFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn sealed(&self, moves: &[PositionMove]) {
        self.wish(|wishes| {
            for moved in moves.iter().filter(|moved| moved.source.starts_with("file:")) {
                wishes.sealed.insert(moved.source.clone(), moved.to);
            }
        });
    }

    fn rewind(&self, generation: u64) {
        self.wish(|wishes| wishes.rewind = Some(generation));
    }

    fn status(&self) -> Status {
        self.wish(|wishes| wishes.status.clone())
    }

    fn stop(&self) {
        self.wish(|wishes| wishes.stop = true);
    }
}

impl Drop for FollowFeed {
    fn drop(&mut self) {
        self.wish(|wishes| wishes.gone = true);
    }
}
