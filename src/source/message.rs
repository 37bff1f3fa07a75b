//! Gathers the records of messages into chunks: Kafka messages, spool entries, bodies of requests.
//!
//! In: one payload after the other, each whole and with its position. Out: a [`Chunk`] whose records have
//! the position of their message, and count on within it through all its values and envelopes. A payload
//! is read as a file of the same bytes would be: plain, gzip or zstd, one record or many, in any envelope.
//!
//! A payload that is one record by its ends is taken without walking over it; every other one is cut by
//! the [`Framer`], as a stream that ends with it. What is damaged costs one refusal; its neighbours are kept.
//!
//! **Bounds.** A message is never split, since its position is one. What it unpacks to is bounded by
//! [`LARGEST_DECODED`], its records by [`super::limits::MESSAGE_RECORDS`]; the rest of it is refused. Whoever
//! gathers takes the chunk when [`Gatherer::records`] or [`Gatherer::bytes`] are enough.

use std::sync::Arc;

use super::chunk::{Chunk, Mark};
use super::cut::{Cut, Origin, Place};
use super::decompress::{Filled, Stream};
use super::envelope;
use super::frame::{Framer, Pause};
use super::limits::{LARGEST_DECODED, Limits};
use super::line::{self, SecondRecord};
use super::raw::Raw;
use super::shape;
use super::window::Window;
use crate::domain::reject::{Reject, RejectReason};

/// Plain bytes that are unpacked between two looks at the bound.
const STEP: usize = 256 << 10;

/// Collects the records of messages.
pub struct Gatherer {
    largest_record: usize,
    second_record: SecondRecord,
    cut: Cut,
    /// The payloads, unpacked; the ranges of records that lie in them as they are point here.
    bytes: Vec<u8>,
}

impl Gatherer {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            largest_record: limits.largest_record,
            second_record: SecondRecord::new(),
            cut: Cut::of_messages(limits),
            bytes: Vec::new(),
        }
    }

    /// Takes everything in one message. One without a payload, as compaction writes it, holds nothing.
    pub fn add(&mut self, payload: &[u8], position: u64) {
        self.cut.enter_message(position);
        if !self.add_record(payload) {
            self.add_stream(payload);
        }
    }

    /// Records taken and refused since the last chunk.
    pub fn records(&self) -> usize {
        self.cut.count()
    }

    /// Bytes held since the last chunk.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.cut.decoded()
    }

    /// Whether no message since the last chunk held anything.
    pub fn is_empty(&self) -> bool {
        self.cut.is_empty()
    }

    /// The chunk of everything since the last one; the messages go on at `next`.
    pub fn take(&mut self, source: &Arc<str>, device: Option<&Arc<str>>, next: u64) -> Chunk {
        let origin = Origin { source: Arc::clone(source), device: device.cloned(), input: 0 };
        let bytes = std::mem::take(&mut self.bytes);
        self.cut.seal(bytes, &origin, Mark { offset: next, index: 0 }, false)
    }

    /// Takes a payload that is one value by its ends, and says whether it is.
    fn add_record(&mut self, payload: &[u8]) -> bool {
        let Some(record) = line::whole(payload).filter(|record| record.len() <= self.largest_record) else {
            return false;
        };
        let Some(class) = shape::of_line(record).filter(|_| !self.second_record.is_in(record)) else {
            return false;
        };
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.bytes.push(b'\n');
        envelope::open_as(class, record, Place::Stream(start), &mut self.cut);
        true
    }

    /// Cuts a payload as a stream of its own.
    fn add_stream(&mut self, payload: &[u8]) {
        let start = self.bytes.len();
        let mut framer = Framer::new(self.largest_record, start as u64);
        if matches!(payload.first(), Some(b'{' | b'[' | b' ' | b'\n')) {
            self.bytes.extend_from_slice(payload);
            self.cut_up(&mut framer);
        } else {
            self.unpack(payload, start, &mut framer);
        }
        self.bytes.push(b'\n');
    }

    /// Unpacks a payload, which begins at `start`, and cuts it.
    fn unpack(&mut self, payload: &[u8], start: usize, framer: &mut Framer) {
        let most = start + LARGEST_DECODED.max(payload.len());
        let mut stream = Stream::new(Raw::of_memory(payload.to_vec()));
        loop {
            let filled = stream.fill(&mut self.bytes, STEP);
            let too_much = self.bytes.len() > most;
            match &filled {
                Ok(Filled::More) if !too_much => continue,
                Ok(Filled::End) => {}
                Ok(Filled::Broken(reject)) => framer.ends_because(reject.clone()),
                Ok(Filled::More) => framer.ends_because(too_large("a message unpacks to too much")),
                Err(_) => framer.ends_because(Reject::new(
                    RejectReason::InvalidCompression,
                    "the compressed data of a message does not unpack",
                )),
            }
            if !self.cut_up(framer) || too_much || !matches!(filled, Ok(Filled::Broken(_))) {
                return;
            }
        }
    }

    /// Cuts all that is there, and says whether the message may hold more.
    fn cut_up(&mut self, framer: &mut Framer) -> bool {
        let window = Window { bytes: &self.bytes, base: 0, ended: true };
        if framer.run(&window, &mut self.cut) != Pause::Full {
            return true;
        }
        let rest = window.from(framer.kept_from()).trim_ascii();
        if !rest.is_empty() {
            self.cut.refuse(rest, too_large("a message has too many records"));
        }
        false
    }
}

fn too_large(detail: &str) -> Reject {
    Reject::new(RejectReason::TooLarge, detail)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
