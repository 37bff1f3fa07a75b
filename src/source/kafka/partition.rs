//! One assigned partition: what was gathered of it, and where it goes on.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::Offset;

use crate::source::chunk::Chunk;
use crate::source::feed::{Arrival, Lag, Partition};
use crate::source::limits::Limits;
use crate::source::message::Gatherer;
use crate::store::Position;

/// Where a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begin {
    /// Its stored position.
    pub(super) stored: Option<Position>,
    /// What is to be read first.
    pub(super) offset: Offset,
}

/// A message as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming<'m> {
    pub(super) offset: i64,
    pub(super) payload: &'m [u8],
    /// When it was written, in microseconds since the epoch, as its writer or the broker says.
    pub(super) written_at: Option<i64>,
}

/// Messages gathered and not handed over.
struct Open {
    since: Instant,
    received_at: i64,
    written_at: Option<i64>,
}

/// An assigned partition.
pub(super) struct Reading {
    pub(super) partition: Arc<Partition>,
    gatherer: Gatherer,
    limits: Limits,
    open: Option<Open>,
    /// Where what is handed over next begins.
    from: Option<Position>,
    /// Where to begin again as long as no position is stored.
    first: Offset,
    /// The offset of the next message, once one is known.
    next: Option<i64>,
    /// Whether what comes is in order. Not so between a rewind and the seek that it asks for.
    pub(super) in_place: bool,
    /// The end of what consumers may read, as the broker last said.
    pub(super) end: Option<i64>,
}

impl Reading {
    pub(super) fn new(partition: Partition, limits: Limits, begin: Begin) -> Self {
        let mut reading = Self {
            partition: Arc::new(partition),
            gatherer: Gatherer::new(limits),
            limits,
            open: None,
            from: None,
            first: begin.offset,
            next: None,
            in_place: true,
            end: None,
        };
        reading.begin(begin);
        reading
    }

    /// Begins there, with nothing gathered.
    pub(super) fn begin(&mut self, begin: Begin) {
        self.gatherer = Gatherer::new(self.limits);
        self.open = None;
        self.from = begin.stored;
        self.next = match begin.offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        self.in_place = true;
    }

    /// Nothing that was read counts any more; what comes is left until [`Self::begin`].
    pub(super) fn rewind(&mut self) {
        self.gatherer = Gatherer::new(self.limits);
        self.open = None;
        self.in_place = false;
    }

    /// Where to begin again without a stored position: `latest` must not move meanwhile.
    pub(super) fn first(&self) -> Offset {
        self.first
    }

    /// Where the broker is to go on.
    pub(super) fn goes_on_at(&self) -> Offset {
        self.next.map_or(self.first, Offset::Offset)
    }

    /// The offset of the next message, once one is known.
    pub(super) fn next(&self) -> Option<i64> {
        self.next
    }

    /// Leaves out what is not there any more.
    pub(super) fn jump(&mut self, next: i64) {
        self.next = Some(next);
    }

    /// A position to be stored although nothing came yet: what begins at the end must not begin at a
    /// later end after a crash.
    pub(super) fn announce(&mut self, now: Instant, received_at: i64) {
        if self.from.is_none() && self.next.is_some() && self.open.is_none() {
            self.open = Some(Open { since: now, received_at, written_at: None });
        }
    }

    /// Takes a message, and says whether enough is gathered.
    pub(super) fn add(&mut self, message: Incoming<'_>, now: Instant, clock: fn() -> i64) -> bool {
        let known = self.next.is_some_and(|next| message.offset < next);
        if known || !self.in_place {
            return false;
        }
        let open =
            self.open.get_or_insert_with(|| Open { since: now, received_at: clock(), written_at: None });
        open.written_at = open.written_at.max(message.written_at);
        self.gatherer.add(message.payload, u64::try_from(message.offset).unwrap_or_default());
        self.next = Some(message.offset.saturating_add(1));
        self.gatherer.records() >= self.limits.chunk_records
            || self.gatherer.bytes() >= self.limits.chunk_bytes
    }

    /// Since when something is gathered.
    pub(super) fn open_since(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.since)
    }

    /// What was gathered.
    pub(super) fn take(&mut self, device: Option<&Arc<str>>, generation: u64) -> Option<Box<Arrival>> {
        let (open, next) = (self.open.take()?, self.next?);
        let to = Position { offset: next, index: 0 };
        let chunk: Chunk =
            self.gatherer.take(&self.partition.source, device, u64::try_from(next).unwrap_or_default());
        Some(Box::new(Arrival {
            partition: Arc::clone(&self.partition),
            from: self.from.replace(to),
            to,
            chunk,
            generation,
            received_at: open.received_at,
            written_at: open.written_at,
        }))
    }

    /// How far it is behind, as far as that is known. After a transaction its last marker counts.
    pub(super) fn lag(&self) -> Option<Lag> {
        let read = self.from.map(|from| from.offset).or(self.next)?;
        let behind = u64::try_from(self.end?.saturating_sub(read)).unwrap_or_default();
        Some(Lag { partition: self.partition.label.clone(), behind })
    }
}
