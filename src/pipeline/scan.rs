//! One pass over an input: every chunk is prepared, joined, judged, tried by the detectors and handed
//! on, by as many threads as asked, with one result whatever their number.
//!
//! Chunks are numbered as they are read. Normalizing, judging and detecting happen wherever a thread
//! is free; joining and handing on happen in the order of the numbers. Detectors with a window look at the
//! whole, so what they find comes last, whatever the order of the records.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;

use super::memory::{Memory, Remembered};
use super::prepare::{Prepared, Preparer};
use super::raw::{self, KeptRecord};
use super::rules::{Judged, Rules};
use super::turnstile::{Broken, Turnstile};
use crate::catalog::AliasBook;
use crate::detect::window::memory::Pace;
use crate::detect::window::windows::{Forgotten, Windows};
use crate::history::Traces;
use crate::metrics::Account;
use crate::source::{Chunk, Mark, Reader, Refused, SourceError};

/// What one chunk came to, handed on in reading order.
#[derive(Debug)]
pub struct Step {
    pub judged: Judged,
    pub rejects: Vec<Refused>,
    /// The source that `rejects` come from.
    pub source: Arc<str>,
    pub account: Account,
    /// Raw records that are to be kept.
    pub raw: Vec<KeptRecord>,
    /// What must be known of the rows after a restart: its uids are those of the batch, row by row.
    pub traces: Traces,
    /// The alias facts that were known when it was judged.
    pub aliases: Arc<AliasBook>,
    /// Up to where which of the reader's inputs is read; nothing for what the end of the input set free.
    pub reached: Option<(usize, Mark)>,
    /// Detectors whose windows had to forget; told at the end.
    pub forgotten: Vec<Forgotten>,
}

/// Work that handing on found to do, and that needs no order: writing files.
pub type Job = Box<dyn FnOnce() -> anyhow::Result<()> + Send>;

/// Takes a step in its turn.
pub type Accept<'a> = dyn FnMut(Step) -> anyhow::Result<Option<Job>> + Send + 'a;

/// Why a scan stopped early.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("could not build or select rows: {0}")]
    Arrow(#[from] ArrowError),
    /// What the receiver of the steps could not do.
    #[error("{0:#}")]
    Accept(anyhow::Error),
    #[error("a worker thread stopped unexpectedly")]
    Thread,
}

/// What the threads of one scan share.
struct Shared<'s> {
    rules: &'s Rules,
    ingested_at: i64,
    input: Mutex<Input<'s>>,
    join: Turnstile<Memory>,
    hand_on: Turnstile<HandOn<'s>>,
}

/// The last stage, in reading order.
struct HandOn<'s> {
    windows: Windows,
    accept: &'s mut Accept<'s>,
}

impl HandOn<'_> {
    fn step(&mut self, step: Step) -> anyhow::Result<Option<Job>> {
        // What is asked for at the end fires nothing before.
        self.windows.add(&step.judged.batch, &step.judged.entering);
        (self.accept)(step)
    }
}

struct Input<'s> {
    reader: &'s mut Reader,
    next: u64,
    ended: bool,
}

/// Scans the whole of `reader` with `threads` threads (at least one).
///
/// # Errors
/// Where input cannot be read or a step cannot be accepted. Bad records are rejects, never errors.
pub fn scan<'s>(
    reader: &'s mut Reader,
    rules: &'s Rules,
    threads: usize,
    ingested_at: i64,
    accept: &'s mut Accept<'s>,
) -> Result<(), ScanError> {
    scan_after(Memory::default(), reader, rules, threads, ingested_at, accept)
}

/// The same, with what is known from before.
///
/// # Errors
/// As [`scan`].
pub fn scan_after<'s>(
    memory: Memory,
    reader: &'s mut Reader,
    rules: &'s Rules,
    threads: usize,
    ingested_at: i64,
    accept: &'s mut Accept<'s>,
) -> Result<(), ScanError> {
    let shared = Shared {
        rules,
        ingested_at,
        input: Mutex::new(Input { reader, next: 0, ended: false }),
        join: Turnstile::new(memory),
        hand_on: Turnstile::new(HandOn { windows: Windows::of(&rules.engine, Pace::AtTheEnd), accept }),
    };
    if threads <= 1 {
        shared.work()?;
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| shared.work())).collect();
            let results: Vec<_> =
                workers.into_iter().map(|worker| worker.join().unwrap_or(Err(ScanError::Thread))).collect();
            results.into_iter().find(Result::is_err).unwrap_or(Ok(()))
        })?;
    }
    shared.finish()
}

impl Shared<'_> {
    /// Takes chunks until none is left. An error sends the other threads home.
    fn work(&self) -> Result<(), ScanError> {
        let result = self.work_through();
        if result.is_err() {
            self.join.break_down();
            self.hand_on.break_down();
        }
        result
    }

    fn work_through(&self) -> Result<(), ScanError> {
        let mut preparer = Preparer::default().reading(self.rules.engine.members());
        let mut buffer = Vec::new();
        while let Some((number, chunk)) = self.take(buffer)? {
            let prepared = preparer.prepare(&chunk, self.ingested_at)?;
            match self.pass(number, prepared, &chunk) {
                Ok(result) => result?,
                Err(Broken) => return Ok(()), // the thread that failed reports why
            }
            buffer = chunk.bytes;
        }
        Ok(())
    }

    fn take(&self, buffer: Vec<u8>) -> Result<Option<(u64, Chunk)>, ScanError> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        if input.ended {
            return Ok(None);
        }
        let chunk = input.reader.next_chunk(buffer);
        if !matches!(chunk, Ok(Some(_))) {
            input.ended = true;
        }
        let number = input.next;
        input.next += 1;
        Ok(chunk?.map(|chunk| (number, chunk)))
    }

    /// Takes one prepared chunk through the join, the judgement and the hand-over.
    fn pass(&self, number: u64, prepared: Prepared, chunk: &Chunk) -> Result<Result<(), ScanError>, Broken> {
        let Prepared { built, rejects, mut account } = prepared;
        let remembered = self.join.enter(number, |memory| memory.batch(built))?;
        let judged = remembered.map_err(ScanError::from).and_then(|remembered| {
            remembered.joined.count(&mut account);
            Ok(self.judge(remembered)?)
        });
        let (judged, traces, aliases) = match judged {
            Ok(judged) => judged,
            Err(error) => return Ok(Err(error)),
        };
        let step = Step {
            rejects,
            source: chunk.source.clone(),
            account,
            raw: raw::kept(self.rules.raw(), chunk, &judged),
            judged,
            traces,
            aliases,
            reached: Some((chunk.input, chunk.next)),
            forgotten: Vec::new(),
        };
        let job = self.hand_on.enter(number, |hand_on| hand_on.step(step))?;
        Ok(job.and_then(|job| job.map_or(Ok(()), |job| job())).map_err(ScanError::Accept))
    }

    fn judge(&self, remembered: Remembered) -> Result<(Judged, Traces, Arc<AliasBook>), ArrowError> {
        let Remembered { joined, traces, aliases } = remembered;
        Ok((self.rules.judge(joined.batch, &aliases)?, traces, aliases))
    }

    /// The end of the input: what still waits for a neighbour stands alone, and windows say what they hold.
    fn finish(self) -> Result<(), ScanError> {
        let Self { rules, join, hand_on, .. } = self;
        let (mut memory, mut hand_on) = (join.into_state(), hand_on.into_state());
        if let Some(Remembered { joined, traces, aliases }) = memory.finish()? {
            let mut account = Account::default();
            joined.count(&mut account);
            let judged = rules.judge(joined.batch, &aliases)?;
            hand_on.last(Step { account, traces, aliases, ..Step::of(judged) })?;
        }
        let (windowed, forgotten) = (hand_on.windows.finish(), hand_on.windows.forgotten());
        if windowed.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        hand_on.last(Step { forgotten, ..Step::of(Judged::of_windows(windowed)) })
    }
}

impl HandOn<'_> {
    fn last(&mut self, step: Step) -> Result<(), ScanError> {
        let job = self.step(step).map_err(ScanError::Accept)?;
        job.map_or(Ok(()), |job| job()).map_err(ScanError::Accept)
    }
}

impl Step {
    /// A step that no record came with.
    fn of(judged: Judged) -> Self {
        Self {
            judged,
            rejects: Vec::new(),
            source: "".into(),
            account: Account::default(),
            raw: Vec::new(),
            traces: Traces::default(),
            aliases: Arc::default(),
            reached: None,
            forgotten: Vec::new(),
        }
    }
}
