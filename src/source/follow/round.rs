//! The rounds of following: which files are there, what is new in them, and handing it over.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::SendTimeoutError;

use super::file::{Followed, Look, Readable};
use super::{Lag, Status, Surroundings, Wishes};
use crate::config::Start;
use crate::domain::reject::RejectReason;
use crate::source::chunk::{Chunk, Mark};
use crate::source::feed::{Arrival, Signal, Signals, Trouble};
use crate::source::{Input, Reader, paths};

/// How often files are looked at: a fifth of the second within which an alert is to be out.
const POLL: Duration = Duration::from_millis(200);

/// How often paths and globs are looked for: a new file can wait that long, a grown one cannot.
const LOOK_FOR_FILES: Duration = Duration::from_millis(600);

/// How long to wait for a place in the queue before looking around.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Chunks of one file before the others have their turn.
const TURN: usize = 8;

/// Why a round ended early.
enum Interrupted {
    /// Nobody listens any more.
    Gone,
    /// Something else is to be done first.
    Wish,
}

/// The thread that follows.
pub(super) struct Rounds {
    name: Arc<str>,
    outside: Surroundings,
    signals: Signals,
    wishes: Arc<Mutex<Wishes>>,
    files: Vec<Followed>,
    generation: u64,
    looked: Option<Instant>,
    /// What was wrong when files were looked for.
    unfound: Option<String>,
    ended: bool,
    /// What was last told to be wrong.
    wrong: Option<String>,
}

impl Rounds {
    pub(super) fn new(
        name: Arc<str>,
        outside: Surroundings,
        signals: Signals,
        wishes: Arc<Mutex<Wishes>>,
    ) -> Self {
        Self {
            name,
            outside,
            signals,
            wishes,
            files: Vec::new(),
            generation: 0,
            looked: None,
            unfound: None,
            ended: false,
            wrong: None,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let stopping = {
                let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
                if wishes.gone {
                    return;
                }
                if let Some(generation) = wishes.rewind.take() {
                    drop(wishes);
                    self.rewind(generation);
                    continue;
                }
                wishes.stop
            };
            if self.ended {
                std::thread::sleep(POLL);
                continue;
            }
            match self.round(stopping) {
                Err(Interrupted::Gone) => return,
                Err(Interrupted::Wish) => continue,
                Ok(true) => continue,
                Ok(false) if stopping => {
                    self.ended = true;
                    if self.say(Signal::Ended { source: Arc::clone(&self.name) }).is_err() {
                        self.ended = false;
                    }
                }
                Ok(false) => std::thread::sleep(POLL),
            }
        }
    }

    fn rewind(&mut self, generation: u64) {
        self.generation = generation;
        self.ended = false;
        let mut failure = None;
        for file in &mut self.files {
            if let Err(error) = file.rewind(&self.outside.positions) {
                failure = Some(error);
            }
        }
        if let Some(error) = failure {
            tracing::warn!(source = %self.name, error, "could not read stored positions; trying again");
            std::thread::sleep(POLL);
            let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            wishes.rewind.get_or_insert(generation);
        }
    }

    /// Looks at every file once, and says whether one of them has more.
    fn round(&mut self, stopping: bool) -> Result<bool, Interrupted> {
        let now = Instant::now();
        if stopping || self.looked.is_none_or(|looked| now - looked >= LOOK_FOR_FILES) {
            self.unfound = self.look_for_files(now).err();
            self.looked = Some(now);
        }
        let mut wrong = self.unfound.clone();
        let mut more = false;
        for place in 0..self.files.len() {
            match self.visit(place, now, stopping)? {
                Ok(unread) => more |= unread,
                Err(error) => wrong = Some(error),
            }
        }
        self.forget();
        self.tell(wrong)?;
        Ok(more)
    }

    /// Finds new files, and notes which are no longer at their path.
    fn look_for_files(&mut self, now: Instant) -> Result<(), String> {
        let first = self.looked.is_none();
        let mut found = HashSet::new();
        for path in &self.outside.config.paths {
            // A path without a file waits for one.
            for input in paths::find(std::slice::from_ref(path)).unwrap_or_default() {
                let Some(path) = input.path() else { continue };
                let Ok(metadata) = std::fs::metadata(path) else { continue };
                let place = (metadata.dev(), metadata.ino());
                if !metadata.is_file() || !found.insert(place) {
                    continue;
                }
                if let Some(known) = self.files.iter_mut().find(|file| file.place() == place) {
                    path.clone_into(&mut known.path);
                    continue;
                }
                if let Some(mut file) = Followed::open(path, &self.name, &self.outside.positions, now)? {
                    let start = if first { &self.outside.config.start } else { &Start::Earliest };
                    file.begin(start).map_err(|error| error.to_string())?;
                    self.files.push(file);
                }
            }
        }
        for file in &mut self.files {
            let there = std::fs::metadata(&file.path).ok().map(|found| (found.dev(), found.ino()));
            file.gone = there != Some(file.place());
        }
        Ok(())
    }

    /// Reads what is new in one file.
    fn visit(
        &mut self,
        place: usize,
        now: Instant,
        stopping: bool,
    ) -> Result<Result<bool, String>, Interrupted> {
        let Some(file) = self.files.get_mut(place) else { return Ok(Ok(false)) };
        let failed = |error: std::io::Error, file: &Followed| {
            format!("could not read {}: {error}", file.path.display())
        };
        match file.look(now) {
            Ok(Look::Same) => {}
            Ok(Look::Truncated) => {
                let trouble = file.cut_off();
                self.say(Signal::Trouble { source: Arc::clone(&self.name), trouble })?;
                return Ok(self.begin_anew(place, now).map(|()| false));
            }
            Err(error) => return Ok(Err(failed(error, file))),
        }
        match file.readable(now, stopping) {
            Ok(Some(readable)) => self.read(place, readable),
            Ok(None) => Ok(Ok(false)),
            Err(error) => Ok(Err(failed(error, file))),
        }
    }

    /// A file that was truncated is another one, from its start.
    fn begin_anew(&mut self, place: usize, now: Instant) -> Result<(), String> {
        let Some(file) = self.files.get(place) else { return Ok(()) };
        let path = file.path.clone();
        tracing::info!(path = %path.display(), "a followed file was truncated; it is read from its start");
        if !file.gone
            && let Some(mut anew) = Followed::open(&path, &self.name, &self.outside.positions, now)?
        {
            // Where it begins as it did before, its stored position is behind its end.
            if !anew.compressed && anew.mark.offset > anew.size {
                anew.mark = Mark::default();
            }
            if let Some(file) = self.files.get_mut(place) {
                *file = anew;
            }
        } else {
            self.files.remove(place);
        }
        Ok(())
    }

    /// Hands over what is readable of one file, and says whether there is more.
    fn read(&mut self, place: usize, readable: Readable) -> Result<Result<bool, String>, Interrupted> {
        let Some(file) = self.files.get(place) else { return Ok(Ok(false)) };
        let (compressed, written_at) = (file.compressed, file.written_at());
        let handle = match file.file.try_clone() {
            Ok(handle) => handle,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut input = Input::opened(&file.partition.label, handle, file.size);
        input.start = file.mark;
        input.end = Some(readable.end);
        input.device.clone_from(&self.outside.device);
        let mut reader = Reader::new(vec![input], self.outside.limits);
        let mut turn = 0;
        loop {
            let mut chunk = match reader.next_chunk(Vec::new()) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(Ok(false)),
                Err(error) => return Ok(Err(error.to_string())),
            };
            let last = chunk.last;
            if last && !readable.whole {
                await_rest(&mut chunk);
            }
            self.hand_over(place, chunk, written_at)?;
            if last {
                if let Some(file) = self.files.get_mut(place) {
                    file.has_read(readable);
                }
                return Ok(Ok(false));
            }
            turn += 1;
            // A compressed file would be unpacked from its start again.
            if turn >= TURN && !compressed {
                return Ok(Ok(true));
            }
        }
    }

    fn hand_over(
        &mut self,
        place: usize,
        mut chunk: Chunk,
        written_at: Option<i64>,
    ) -> Result<(), Interrupted> {
        let Some(file) = self.files.get(place) else { return Ok(()) };
        let (next, partition, from) = (chunk.next, Arc::clone(&file.partition), file.from);
        if chunk.received() == 0 && next == file.mark {
            return Ok(());
        }
        chunk.last = false;
        let arrival = Arrival {
            partition,
            from,
            to: next.into(),
            chunk,
            generation: self.generation,
            received_at: (self.outside.clock)(),
            written_at,
        };
        self.say(Signal::Records(Box::new(arrival)))?;
        if let Some(file) = self.files.get_mut(place) {
            file.mark = next;
            file.from = Some(next.into());
        }
        Ok(())
    }

    /// Puts a signal into the queue, unless something else is to be done first.
    fn say(&self, signal: Signal) -> Result<(), Interrupted> {
        let mut signal = signal;
        loop {
            signal = match self.signals.send_timeout(signal, LOOK_AROUND) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Disconnected(_)) => return Err(Interrupted::Gone),
                Err(SendTimeoutError::Timeout(signal)) => signal,
            };
            let wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            if wishes.gone {
                return Err(Interrupted::Gone);
            }
            if wishes.rewind.is_some() {
                return Err(Interrupted::Wish);
            }
        }
    }

    /// Lets go of files that were read to their end, are gone, and are sealed.
    fn forget(&mut self) {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        self.files.retain(|file| {
            let identity = &file.partition.identity;
            let sealed = wishes.sealed.get(identity).copied();
            let all = file.from.is_none() || sealed.is_some_and(|sealed| Some(sealed) >= file.from);
            !(file.done && all)
        });
        let known: HashSet<&str> = self.files.iter().map(|file| file.partition.identity.as_str()).collect();
        wishes.sealed.retain(|identity, _| known.contains(identity.as_str()));
        let lag = |file: &Followed| Lag { partition: file.partition.identity.clone(), behind: file.behind() };
        wishes.status = Status {
            ready: self.wrong.is_none(),
            waits_for: self.wrong.clone(),
            lags: self.files.iter().map(lag).collect(),
        };
    }

    /// Says what is wrong, once, and when it no longer is.
    fn tell(&mut self, wrong: Option<String>) -> Result<(), Interrupted> {
        let trouble = match (&self.wrong, &wrong) {
            (before, Some(error)) if before.as_ref() != Some(error) => {
                Trouble::Unreachable { error: error.clone() }
            }
            (Some(_), None) => Trouble::Reachable,
            _ => return Ok(()),
        };
        self.wrong = wrong;
        self.say(Signal::Trouble { source: Arc::clone(&self.name), trouble })
    }
}

/// Takes a record back that the file ends in the middle of: its rest may be written yet.
fn await_rest(chunk: &mut Chunk) {
    let cut_off = chunk.refused.last().is_some_and(|last| {
        last.reject.reason == RejectReason::Truncated
            && (Mark { offset: last.position, index: last.index }) == chunk.next
    });
    if cut_off {
        chunk.refused.pop();
    }
}
