//! Seals in the background, one set after the other, while the loop goes on.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::history::{HistoryError, OpenSet, Sealed};
use crate::store::{BlockingStore, PositionMove};

/// What became of a set.
#[derive(Debug)]
pub struct Outcome {
    /// The positions that it moves.
    pub moves: Vec<PositionMove>,
    pub rows: u64,
    pub took: Duration,
    /// The transaction alone; none where it did not come to that.
    pub transaction: Option<Duration>,
    pub result: Result<Sealed, HistoryError>,
}

/// The thread that writes files and commits seals. At most one set is with it.
#[derive(Debug)]
pub struct Sealer {
    jobs: Option<Sender<(OpenSet, i64)>>,
    outcomes: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
    busy: bool,
}

impl Sealer {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system refuses one.
    pub fn start(store: Arc<BlockingStore>) -> std::io::Result<Self> {
        let (jobs, taken) = bounded::<(OpenSet, i64)>(1);
        let (told, outcomes) = bounded(1);
        let work = move || {
            for (set, at) in taken {
                if told.send(seal(&store, set, at)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("seal".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), outcomes, thread: Some(thread), busy: false })
    }

    /// Whether a set is being sealed.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands over a set. The one before must have been heard of.
    pub fn begin(&mut self, set: OpenSet, at: i64) {
        self.busy = self.jobs.as_ref().is_some_and(|jobs| jobs.send((set, at)).is_ok());
    }

    /// What became of the set that was handed over, where that is known.
    pub fn poll(&mut self) -> Option<Outcome> {
        let outcome = self.outcomes.try_recv().ok()?;
        self.busy = false;
        Some(outcome)
    }

    /// Waits for the set that was handed over.
    pub fn wait(&mut self) -> Option<Outcome> {
        if !self.busy {
            return None;
        }
        self.busy = false;
        self.outcomes.recv().ok()
    }

    /// Notes that the outcome was taken from [`Self::outcomes`].
    pub fn heard(&mut self) {
        self.busy = false;
    }

    /// Becomes ready when an outcome is there.
    pub fn outcomes(&self) -> &Receiver<Outcome> {
        &self.outcomes
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself.
            let _ = thread.join();
        }
    }
}

fn seal(store: &BlockingStore, set: OpenSet, at: i64) -> Outcome {
    let started = Instant::now();
    let moves: Vec<PositionMove> = set.moves().cloned().collect();
    let rows = set.rows() as u64;
    let mut transaction = None;
    let result = set.write(store.store(), at).and_then(|written| {
        let committing = Instant::now();
        let sealed = store.wait(written.commit(store.store()));
        transaction = Some(committing.elapsed());
        sealed
    });
    Outcome { moves, rows, took: started.elapsed(), transaction, result }
}
