//! The service's loop and its commit rule.
//!
//! In: [`Signal`]s of any number of sources. Out: findings, handed on as soon as they are made; sealed
//! history; positions that move only with it. One thread runs the loop; storing findings
//! and sealing have one each beside it.
//!
//! The order of things, for every arrival: normalize, join, judge; then its findings go to be stored
//! ([`Raise`]) by a thread of their own, and its rows enter the open set. A set is sealed when it is old or
//! large enough: all findings so far are stored, then files are written, then one transaction with manifest
//! and positions; then the sources hear of it. Where findings cannot be stored or a seal fails nothing has
//! happened: everything since the last seal is dropped here, the memory is that of the last seal again
//! ([`Memory::restore`], tried until it succeeds), and the sources read again from the stored positions.
//! What is found a second time has the same ids.
//!
//! Time is an argument ([`Clock`]); nothing here reads the system's clock.

mod arrival;
mod installing;
pub mod live;
pub mod losses;
mod raiser;
mod recovery;
mod sealer;
mod sealing;
#[cfg(test)]
mod tests;
pub mod versions;
mod warming;
pub mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arrow::error::ArrowError;
use crossbeam_channel::{Receiver, Sender, select, unbounded};

use super::memory::Memory;
use super::prepare::Preparer;
use super::rules::Rules;
use crate::alerts::AlertError;
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;
use crate::history::{HistoryError, Limits, OpenSet};
use crate::source::Sample;
use crate::source::feed::{Feed, Signal};
use crate::store::{BlockingStore, StoreError};
use live::Live;
use losses::Losses;
use raiser::{Gone, Raiser};
use recovery::Recovery;
use sealer::Sealer;
use versions::Versions;
use warming::Warming;
use watch::Watch;

/// How long the loop sleeps at most, so that it hears of a stop and moves its heartbeat.
const TICK: Duration = Duration::from_millis(100);

/// No stop was asked for.
const GO_ON: i64 = i64::MAX;

/// What time it is, in microseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where findings go: they are stored when this returns.
pub trait Raise: Send {
    /// Takes the findings of one or more arrivals, each with what folds it.
    ///
    /// # Errors
    /// Where they could not be stored; the arrivals are then read again.
    fn raise(&mut self, findings: Vec<(Finding, Folding)>, now: i64) -> Result<(), AlertError>;
}

/// Why the service stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("could not build or select rows: {0}")]
    Arrow(#[from] ArrowError),
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Another instance has taken over: this one must not write any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("could not start a thread: {0}")]
    Thread(std::io::Error),
    /// Nothing is lost: what it had is read again at the next start.
    #[error("the thread that stores findings has stopped; the log says why")]
    RaiserGone,
    /// Nothing is lost: it is read again at the next start.
    #[error("what was read last could not be sealed; it will be read again at the next start")]
    Unsealed,
}

impl From<Gone> for ServiceError {
    fn from(_: Gone) -> Self {
        Self::RaiserGone
    }
}

/// What the loop is made of.
pub struct Parts {
    pub store: Arc<BlockingStore>,
    pub feeds: Vec<Arc<dyn Feed>>,
    pub signals: Receiver<Signal>,
    pub versions: Versions,
    pub raise: Box<dyn Raise>,
    pub watch: Arc<dyn Watch>,
    pub clock: Clock,
    pub limits: Limits,
    /// A set is sealed at the latest this long after its first record.
    pub seal_every: Duration,
    /// How much of a rejected record is kept.
    pub sample: Sample,
    /// Whether rejects are to be written to a topic of their own.
    pub publishes_rejects: bool,
    /// What was read before, as far as it is remembered: [`Memory::restore`].
    pub memory: Memory,
    /// What windows remember of it: [`super::recall::recall`].
    pub live: Live,
}

/// New rules, and the answer to whoever brings them.
pub struct Install {
    pub rules: Arc<Rules>,
    /// Stores the version, given the highest event time judged so far, and says from when it holds.
    pub record: Box<dyn FnOnce(Option<i64>) -> Result<i64, StoreError> + Send>,
    pub installed: Sender<Result<i64, StoreError>>,
}

/// Speaks to a running loop from other threads.
#[derive(Clone)]
pub struct Handle {
    /// By when to have stopped, in microseconds since the epoch; [`GO_ON`] while nobody asks for it.
    stop_by: Arc<AtomicI64>,
    overtaken: Arc<AtomicBool>,
    heartbeat: Arc<AtomicI64>,
    installs: Sender<Install>,
}

impl Handle {
    /// Asks for a graceful stop: sources take nothing new, and what they took is sealed. What was not
    /// judged by `deadline` (microseconds since the epoch) is left to be read again.
    pub fn stop(&self, deadline: i64) {
        self.stop_by.store(deadline, Ordering::Release);
    }

    /// Another instance has taken over: the loop ends at once, with an error, and seals nothing any more.
    pub fn overtaken(&self) {
        self.overtaken.store(true, Ordering::Release);
    }

    /// When the loop last went round, in microseconds since the epoch.
    pub fn heartbeat(&self) -> i64 {
        self.heartbeat.load(Ordering::Acquire)
    }

    /// Brings new rules; they judge from the instant that is answered.
    pub fn install(&self, install: Install) {
        // A loop that has ended drops the sender of the answer, which tells as much.
        let _ = self.installs.send(install);
    }
}

/// The loop.
pub struct Service {
    store: Arc<BlockingStore>,
    feeds: Vec<Arc<dyn Feed>>,
    signals: Receiver<Signal>,
    installs: Receiver<Install>,
    versions: Versions,
    watch: Arc<dyn Watch>,
    clock: Clock,
    limits: Limits,
    seal_every: Duration,
    publishes_rejects: bool,
    stop_by: Arc<AtomicI64>,
    overtaken: Arc<AtomicBool>,
    heartbeat: Arc<AtomicI64>,

    preparer: Preparer,
    memory: Memory,
    open: OpenSet,
    /// When the open set got its first record.
    opened_at: Option<i64>,
    /// The highest event time judged so far.
    judged_up_to: Option<i64>,
    raiser: Raiser,
    sealer: Sealer,
    live: Live,
    /// Detectors that came by a reload, until history has told them what they would know.
    warming: Option<Warming>,
    /// The generation of each source: arrivals of older ones were dropped before.
    generation: u64,
    ended: BTreeSet<Arc<str>>,
    losses: Losses,
    recovery: Recovery,
}

impl Service {
    /// A service that has not read anything yet, and the handle to it.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(parts: Parts) -> Result<(Self, Handle), ServiceError> {
        let (install, installs) = unbounded();
        let stop_by = Arc::new(AtomicI64::new(GO_ON));
        let handle =
            Handle { stop_by, overtaken: Arc::default(), heartbeat: Arc::default(), installs: install };
        let service = Self {
            sealer: Sealer::start(Arc::clone(&parts.store)).map_err(ServiceError::Thread)?,
            store: parts.store,
            feeds: parts.feeds,
            signals: parts.signals,
            installs,
            versions: parts.versions,
            raiser: Raiser::start(parts.raise, Arc::clone(&parts.clock)).map_err(ServiceError::Thread)?,
            watch: parts.watch,
            clock: parts.clock,
            limits: parts.limits,
            seal_every: parts.seal_every,
            publishes_rejects: parts.publishes_rejects,
            stop_by: Arc::clone(&handle.stop_by),
            overtaken: Arc::clone(&handle.overtaken),
            heartbeat: Arc::clone(&handle.heartbeat),
            preparer: Preparer::new(parts.sample),
            memory: parts.memory,
            open: OpenSet::default(),
            opened_at: None,
            judged_up_to: None,
            live: parts.live,
            warming: None,
            generation: 0,
            ended: BTreeSet::new(),
            losses: Losses::default(),
            recovery: Recovery::default(),
        };
        Ok((service, handle))
    }

    /// Runs until every source has ended, or a stop is asked for and everything taken is sealed.
    ///
    /// # Errors
    /// Where another instance has taken over. Everything else is tried again.
    pub fn run(mut self) -> Result<(), ServiceError> {
        let mut stopping = false;
        loop {
            let now = (self.clock)();
            self.heartbeat.store(now, Ordering::Release);
            if self.overtaken.load(Ordering::Acquire) {
                return Err(StoreError::LeaseLost.into());
            }
            let stop_by = self.stop_by.load(Ordering::Acquire);
            if !stopping && stop_by != GO_ON {
                stopping = true;
                self.feeds.iter().for_each(|feed| feed.stop());
            }
            self.watch.turned(self.signals.len(), self.open.rows(), &self.versions.newest().rules);
            self.hear_of_seals()?;
            self.recover(now);
            self.hear_of_history(false)?;
            self.keep_losses(now)?;
            self.seal_if_due(now)?;
            let ended = self.has_ended() && !self.recovery.is_lost();
            if ended && !stopping {
                self.hear_of_history(true)?;
                self.take_stranded()?;
            }
            if ended || now >= stop_by {
                return self.end();
            }
            self.step(now)?;
        }
    }

    /// Waits for the next thing to do, and does it.
    fn step(&mut self, now: i64) -> Result<(), ServiceError> {
        let resting = self.recovery.is_resting(now);
        let signals = if resting { crossbeam_channel::never() } else { self.signals.clone() };
        let (sealed, stored) = (self.sealer.outcomes().clone(), self.raiser.outcomes().clone());
        select! {
            recv(signals) -> signal => match signal {
                Ok(signal) => self.hear(signal),
                Err(_) => {
                    // No source is left that could say anything.
                    let names = self.feeds.iter().map(|feed| Arc::from(feed.name()));
                    self.ended.extend(names);
                    Ok(())
                }
            },
            recv(self.installs) -> install => {
                install.map_or(Ok(()), |install| self.install(install))
            }
            recv(sealed) -> outcome => match outcome {
                Ok(outcome) => {
                    self.sealer.heard();
                    self.conclude(outcome)
                }
                Err(_) => Ok(()),
            },
            recv(stored) -> outcome => {
                let outcome = outcome.map_err(|_| Gone)?;
                self.raiser.heard(&outcome);
                self.hear_of_findings(outcome).map(drop)
            }
            default(TICK) => Ok(()),
        }
    }

    fn hear(&mut self, signal: Signal) -> Result<(), ServiceError> {
        self.watch.heard(&signal);
        match signal {
            Signal::Records(arrival) => self.take(*arrival),
            Signal::Revoked { sealed, .. } => {
                let done = self.seal_now();
                // The source may have stopped waiting; then it has given the partitions up.
                let _ = sealed.send(matches!(done, Ok(true)));
                done.map(drop)
            }
            Signal::Ended { source } | Signal::Failed { source, .. } => {
                self.ended.insert(source);
                Ok(())
            }
            Signal::Trouble { trouble, .. } => self.lose(&trouble),
        }
    }

    fn has_ended(&self) -> bool {
        self.signals.is_empty() && self.feeds.iter().all(|feed| self.ended.contains(feed.name()))
    }
}
