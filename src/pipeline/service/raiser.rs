//! Stores findings beside the loop, in the order in which they were found.
//!
//! In: the findings of one arrival after the other. Out: word of what was stored. What has piled up while
//! one batch was being stored makes the next one, so that a store that is slow gets larger batches and not
//! more of them. After a failure whatever waits behind is left out: its records are read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::watch::Origin;
use super::{Clock, Raise};
use crate::alerts::AlertError;
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;

/// Arrivals whose findings wait at most; then the loop does. Enough that a commit's fsync holds up nobody,
/// few enough that a page is not behind many others.
const WAITING: usize = 4;

/// The findings of one arrival.
#[derive(Debug)]
pub struct Job {
    pub findings: Vec<(Finding, Folding)>,
    pub origin: Origin,
}

/// What became of the findings of some arrivals.
#[derive(Debug)]
pub struct Outcome {
    /// One for each arrival.
    pub origins: Vec<Origin>,
    pub took: Duration,
    /// Microseconds since the epoch.
    pub at: i64,
    pub result: Result<(), NotStored>,
}

/// Why findings are not stored.
#[derive(Debug)]
pub enum NotStored {
    Failed(AlertError),
    /// Others before them could not be.
    LeftOut,
}

/// The thread that stores findings.
pub struct Raiser {
    jobs: Option<Sender<Job>>,
    outcomes: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
    /// Arrivals whose outcome was not heard yet.
    under_way: usize,
    /// Something could not be stored, and what comes behind it is left out.
    broken: Arc<AtomicBool>,
}

/// The thread has ended, which it does only when something in it is badly wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Raiser {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system refuses one.
    pub fn start(raise: Box<dyn Raise>, clock: Clock) -> std::io::Result<Self> {
        let (jobs, taken) = bounded(WAITING);
        // As many as there are jobs under way, which are bounded.
        let (told, outcomes) = unbounded();
        let broken = Arc::<AtomicBool>::default();
        let mut worker = Worker { raise, clock, broken: Arc::clone(&broken) };
        let work = move || worker.work(&taken, &told);
        let thread = std::thread::Builder::new().name("raise".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), outcomes, thread: Some(thread), under_way: 0, broken })
    }

    /// Hands over the findings of an arrival; waits where too many are under way.
    pub fn begin(&mut self, job: Job) -> Result<(), Gone> {
        self.jobs.as_ref().ok_or(Gone)?.send(job).map_err(|_| Gone)?;
        self.under_way += 1;
        Ok(())
    }

    /// Waits for the next outcome; nothing where nothing is under way.
    pub fn wait(&mut self) -> Result<Option<Outcome>, Gone> {
        if self.under_way == 0 {
            return Ok(None);
        }
        let outcome = self.outcomes.recv().map_err(|_| Gone)?;
        self.heard(&outcome);
        Ok(Some(outcome))
    }

    /// Waits until nothing is under way, whatever becomes of it, and begins anew.
    pub fn clear(&mut self) -> Result<(), Gone> {
        while self.wait()?.is_some() {}
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    /// Becomes ready when an outcome is there.
    pub fn outcomes(&self) -> &Receiver<Outcome> {
        &self.outcomes
    }

    /// Notes that the outcome was taken from [`Self::outcomes`].
    pub fn heard(&mut self, outcome: &Outcome) {
        self.under_way = self.under_way.saturating_sub(outcome.origins.len());
    }
}

impl Drop for Raiser {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself.
            let _ = thread.join();
        }
    }
}

struct Worker {
    raise: Box<dyn Raise>,
    clock: Clock,
    broken: Arc<AtomicBool>,
}

impl Worker {
    fn work(&mut self, taken: &Receiver<Job>, told: &Sender<Outcome>) {
        for job in taken {
            let Job { mut findings, origin } = job;
            let mut origins = vec![origin];
            for job in taken.try_iter().take(WAITING) {
                findings.extend(job.findings);
                origins.push(job.origin);
            }
            let started = Instant::now();
            let result = self.store(findings);
            let outcome = Outcome { origins, took: started.elapsed(), at: (self.clock)(), result };
            if told.send(outcome).is_err() {
                return;
            }
        }
    }

    fn store(&mut self, findings: Vec<(Finding, Folding)>) -> Result<(), NotStored> {
        if self.broken.load(Ordering::Acquire) {
            return Err(NotStored::LeftOut);
        }
        let now = (self.clock)();
        self.raise.raise(findings, now).map_err(|error| {
            self.broken.store(true, Ordering::Release);
            NotStored::Failed(error)
        })
    }
}
