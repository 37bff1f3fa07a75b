//! Reads a spool: the thread that makes arrivals of its entries, and the [`Feed`] that the service sees.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};

use super::segment::{self, Cursor, Step};
use super::writer::Ask;
use super::{Positions, Shared, Spool, Unread, close, identity};
use crate::source::feed::{Arrival, Feed, Lag, Lost, Partition, Signal, Signals, Status, Trouble};
use crate::source::limits::Limits;
use crate::source::message::Gatherer;
use crate::store::{Position, PositionMove};

/// How long entries are gathered: a hundredth of the second within which an alert is to be out.
const GATHERING: Duration = Duration::from_millis(10);

/// How long the reader waits at a time, for entries or a place in the queue, before it looks around.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long it waits after it could not read.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// What the service asks of the reader.
#[derive(Debug, Default)]
struct Wishes {
    /// Read again from the stored position, as this generation.
    rewind: Option<u64>,
    /// The feed is gone.
    gone: bool,
}

/// A spool being read.
pub struct SpoolFeed {
    name: Arc<str>,
    identity: String,
    shared: Arc<Shared>,
    queue: Sender<Ask>,
    wishes: Arc<Mutex<Wishes>>,
    /// Where the reader is.
    next: Arc<AtomicU64>,
}

impl Unread {
    /// Begins to read `spool`: signals go to `signals`, and `device` is the audit device or trail that it is
    /// the log of.
    ///
    /// # Errors
    /// Where there can be no more threads.
    pub fn read(
        self,
        spool: &Spool,
        device: Option<Arc<str>>,
        limits: Limits,
        signals: Signals,
    ) -> io::Result<SpoolFeed> {
        let identity = identity(&spool.name);
        let wishes = Arc::<Mutex<Wishes>>::default();
        let next = Arc::new(AtomicU64::new(0));
        let partition = Partition {
            identity: identity.clone(),
            label: spool.name.to_string(),
            source: Arc::clone(&spool.name),
        };
        let reader = Reader {
            folder: self.folder,
            woken: self.woken,
            shared: Arc::clone(&spool.shared),
            positions: Arc::clone(&spool.surroundings.positions),
            partition: Arc::new(partition),
            device,
            limits,
            signals,
            wishes: Arc::clone(&wishes),
            next: Arc::clone(&next),
            generation: 0,
            gatherer: Gatherer::new(limits),
            held: VecDeque::new(),
            from: None,
            cursor: None,
            ended: false,
        };
        let thread = std::thread::Builder::new().name(format!("read-{}", spool.name));
        thread.spawn(move || reader.run())?;
        Ok(SpoolFeed {
            name: Arc::clone(&spool.name),
            identity,
            shared: Arc::clone(&spool.shared),
            queue: spool.queue.clone(),
            wishes,
            next,
        })
    }
}

impl SpoolFeed {
    fn wish(&self, wish: impl FnOnce(&mut Wishes)) {
        wish(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.wake();
    }
}

impl Feed for SpoolFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn sealed(&self, moves: &[PositionMove]) {
        let own = moves.iter().filter(|moved| moved.source == self.identity);
        if let Some(offset) = own.map(|moved| moved.to.offset).max()
            && self.queue.try_send(Ask::Sealed(u64::try_from(offset).unwrap_or_default())).is_err()
        {
            tracing::debug!("the spool is busy or closed; what is sealed goes with the next seal");
        }
    }

    fn rewind(&self, generation: u64) {
        self.wish(|wishes| wishes.rewind = Some(generation));
    }

    fn status(&self) -> Status {
        let failure = self.shared.failure();
        let behind =
            self.shared.durable.load(Ordering::Acquire).saturating_sub(self.next.load(Ordering::Acquire));
        Status {
            ready: failure.is_none(),
            waits_for: failure,
            lags: vec![Lag { partition: self.identity.clone(), behind }],
        }
    }

    fn stop(&self) {
        close(&self.shared, &self.queue);
        self.shared.wake();
    }
}

impl Drop for SpoolFeed {
    fn drop(&mut self) {
        self.wish(|wishes| wishes.gone = true);
    }
}

struct Reader {
    folder: PathBuf,
    woken: Receiver<()>,
    shared: Arc<Shared>,
    positions: Positions,
    partition: Arc<Partition>,
    device: Option<Arc<str>>,
    limits: Limits,
    signals: Signals,
    wishes: Arc<Mutex<Wishes>>,
    next: Arc<AtomicU64>,
    generation: u64,
    gatherer: Gatherer,
    /// Signals that found no place in the queue yet.
    held: VecDeque<Signal>,
    /// What the next arrival begins with.
    from: Option<Position>,
    /// The segment being read, and up to which offset there is something in it.
    cursor: Option<(Cursor, u64)>,
    /// Whether it said so.
    ended: bool,
}

impl Reader {
    fn run(mut self) {
        let mut placed = false;
        loop {
            let (rewind, gone) = {
                let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
                (wishes.rewind.take(), wishes.gone)
            };
            if gone {
                return;
            }
            if let Some(generation) = rewind {
                self.generation = generation;
                self.held.clear();
                self.ended = false;
                placed = false;
            }
            if !placed {
                placed = self.place();
                continue;
            }
            if !self.hand_over() {
                return;
            }
            if !self.held.is_empty() {
                continue;
            }
            self.tell_dropped();
            if let Err(error) = self.gather() {
                self.trouble(Trouble::Unreachable { error: format!("could not read the spool: {error}") });
                self.go_to(self.from);
                std::thread::sleep(AFTER_ERROR);
            }
            if self.held.is_empty() && !self.end() {
                let _ = self.woken.recv_timeout(LOOK_AROUND);
            }
        }
    }

    /// Goes to the stored position; false where that cannot be read.
    fn place(&mut self) -> bool {
        match (self.positions)(&self.partition.identity) {
            Ok(stored) => {
                self.go_to(stored.map(|stored| stored.next));
                true
            }
            Err(error) => {
                tracing::warn!(source = %self.partition.source, error, "could not read the stored position");
                std::thread::sleep(AFTER_ERROR);
                false
            }
        }
    }

    /// The next arrival begins with `from`.
    fn go_to(&mut self, from: Option<Position>) {
        self.cursor = None;
        self.gatherer = Gatherer::new(self.limits);
        self.from = from;
        let offset = from.map_or(0, |from| u64::try_from(from.offset).unwrap_or_default());
        self.next.store(offset, Ordering::Release);
    }

    /// Puts held signals into the queue as far as there is room; false where nobody listens any more.
    fn hand_over(&mut self) -> bool {
        while let Some(signal) = self.held.pop_front() {
            match self.signals.send_timeout(signal, LOOK_AROUND) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(signal)) => {
                    self.held.push_front(signal);
                    return true;
                }
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
        }
        true
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.held.push_back(Signal::Trouble { source: Arc::clone(&self.partition.source), trouble });
    }

    fn tell_dropped(&mut self) {
        let entries = self.shared.dropped.swap(0, Ordering::Relaxed);
        if entries > 0 {
            let partition = Arc::clone(&self.partition);
            self.trouble(Trouble::Dropped { partition, entries });
        }
    }

    /// Says that the spool is at its end, where it is closed and read.
    fn end(&mut self) -> bool {
        let drained = self.shared.drained.load(Ordering::Acquire);
        let read = self.next.load(Ordering::Acquire) >= self.shared.durable.load(Ordering::Acquire);
        if drained && read && !self.ended {
            self.ended = true;
            self.held.push_back(Signal::Ended { source: Arc::clone(&self.partition.source) });
            return true;
        }
        false
    }

    /// Makes one arrival of what is there, or comes within [`GATHERING`].
    fn gather(&mut self) -> io::Result<()> {
        let mut first = None;
        let mut since: Option<Instant> = None;
        loop {
            let position = self.next.load(Ordering::Acquire);
            match self.step()? {
                Step::Entry { received_at } => {
                    if let Some((cursor, _)) = &self.cursor {
                        self.gatherer.add(cursor.payload(), position);
                        self.next.store(cursor.offset(), Ordering::Release);
                    }
                    first.get_or_insert(received_at);
                    since.get_or_insert_with(Instant::now);
                }
                Step::Damaged { from, to } => {
                    self.next.store(to, Ordering::Release);
                    tracing::error!(source = %self.partition.source, from, to, "a part of the spool is damaged");
                    let (partition, lost) = (Arc::clone(&self.partition), Lost::Damaged);
                    self.trouble(Trouble::Gap { partition, lost, from: signed(from), to: signed(to) });
                }
                Step::End if since.is_none() => return Ok(()),
                Step::End => std::thread::sleep(Duration::from_millis(1)),
            }
            let full = self.gatherer.records() >= self.limits.chunk_records
                || self.gatherer.bytes() >= self.limits.chunk_bytes;
            let late = since.is_some_and(|since| since.elapsed() >= GATHERING);
            if let Some(received_at) = first.filter(|_| full || late) {
                self.arrive(received_at);
                return Ok(());
            }
        }
    }

    /// The next entry of the log, whatever segment it is in.
    fn step(&mut self) -> io::Result<Step> {
        let next = self.next.load(Ordering::Acquire);
        let durable = self.shared.durable.load(Ordering::Acquire);
        if next >= durable {
            return Ok(Step::End);
        }
        if let Some((cursor, end)) = self.cursor.as_mut().filter(|(cursor, end)| cursor.offset() < *end) {
            return cursor.next(*end);
        }
        let segments = segment::list(&self.folder)?;
        let holding = segments.partition_point(|(first, _)| *first <= next).checked_sub(1);
        let following = |place: Option<usize>| segments.get(place.map_or(0, |place| place + 1));
        let after = following(holding).map_or(durable, |(first, _)| *first).min(durable);
        let inside =
            holding.and_then(|place| segments.get(place)).filter(|(first, bytes)| next < first + bytes);
        let Some((first, bytes)) = inside else {
            self.cursor = None;
            return Ok(Step::Damaged { from: next, to: after });
        };
        let end = after.min(first + bytes);
        let mut cursor = match self.cursor.take() {
            Some((cursor, _)) if cursor.first == *first && cursor.offset() == next => cursor,
            _ => Cursor::open(&self.folder, *first, next)?,
        };
        let step = cursor.next(end);
        self.cursor = Some((cursor, end));
        step
    }

    fn arrive(&mut self, received_at: i64) {
        let next = self.next.load(Ordering::Acquire);
        let to = Position { offset: signed(next), index: 0 };
        let chunk = self.gatherer.take(&self.partition.source, self.device.as_ref(), next);
        let arrival = Arrival {
            partition: Arc::clone(&self.partition),
            from: self.from,
            to,
            chunk,
            generation: self.generation,
            received_at,
            written_at: None,
        };
        self.from = Some(to);
        self.held.push_back(Signal::Records(Box::new(arrival)));
    }
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
