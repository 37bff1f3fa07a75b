//! Collects the records of a chunk while it is cut.
//!
//! In: one record after the other, each with the top-level value it is in. Out: a [`Chunk`] in which
//! every range points into one buffer and every record is UTF-8. Numbers the records of a value, and
//! leaves out those before the mark that the input is continued from.

use std::sync::Arc;

use super::chunk::{Chunk, Mark, Piece, Refused, Shape};
use super::limits::{LARGEST_DECODED, Limits, MESSAGE_RECORDS, Sample};
use super::refusal::{Refusal, refuse};
use crate::domain::reject::{Aside, Reject, RejectReason};

/// Where a record's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the stream's own buffer, from this offset on: nothing is copied.
    Stream(usize),
    /// In memory that goes away: it is copied.
    Decoded,
}

impl Place {
    /// The place of a part of the text that this is the place of.
    pub(super) fn part(self, start: usize) -> Self {
        match self {
            Self::Stream(at) => Self::Stream(at + start),
            Self::Decoded => Self::Decoded,
        }
    }
}

/// Which input a chunk is of.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) source: Arc<str>,
    pub(super) device: Option<Arc<str>>,
    pub(super) input: usize,
}

/// A chunk in the making.
pub(super) struct Cut {
    limits: Limits,
    start: Mark,
    /// A place that the chunk must not reach across, until it is behind.
    border: Option<Mark>,
    /// Where the chunk is of messages: how much was decoded before the current one.
    message: Option<usize>,
    position: u64,
    index: u32,
    records: Vec<Piece>,
    /// The places, in `records`, of those whose range points into `decoded`.
    copied: Vec<usize>,
    decoded: Vec<u8>,
    refused: Vec<Refused>,
    asides: [u64; Aside::ALL.len()],
}

impl Cut {
    /// An empty chunk of an input that is continued from `start`.
    pub(super) fn new(limits: Limits, start: Mark) -> Self {
        Self {
            limits,
            start,
            border: None,
            message: None,
            position: 0,
            index: 0,
            records: Vec::new(),
            copied: Vec::new(),
            decoded: Vec::new(),
            refused: Vec::new(),
            asides: [0; Aside::ALL.len()],
        }
    }

    /// An empty chunk of messages, each of which is taken whole.
    pub(super) fn of_messages(limits: Limits) -> Self {
        Self { message: Some(0), ..Self::new(limits, Mark::default()) }
    }

    /// The records that follow are of the message at `position`, whatever values they are in.
    pub(super) fn enter_message(&mut self, position: u64) {
        self.message = Some(self.decoded.len());
        self.position = position;
        self.index = 0;
    }

    /// The same, with a chunk ending at `border`.
    pub(super) fn not_across(self, border: Option<Mark>) -> Self {
        Self { border, ..self }
    }

    /// Whether the chunk has to end because `mark` is at the border. Once there, the border is behind.
    pub(super) fn ends_at(&mut self, mark: impl FnOnce(&Self) -> Mark) -> bool {
        let Some(border) = self.border else { return false };
        if mark(self) < border {
            return false;
        }
        self.border = None;
        !self.is_empty()
    }

    /// How many bytes are left from `offset` to a border that is ahead.
    pub(super) fn up_to_border(&self, offset: u64) -> Option<u64> {
        self.border.map(|border| border.offset.saturating_sub(offset)).filter(|left| *left > 0)
    }

    /// The records that follow are of the top-level value that begins at `position`.
    pub(super) fn enter(&mut self, position: u64) {
        if self.message.is_some() {
            return;
        }
        self.position = position;
        self.index = 0;
    }

    /// Before the next record of the current top-level value.
    pub(super) fn mark(&self) -> Mark {
        Mark { offset: self.position, index: self.index }
    }

    /// Takes one record.
    pub(super) fn record(&mut self, text: &[u8], place: Place, shape: Shape) {
        let position = self.position;
        let Some(index) = self.admit() else { return };
        let start = match place {
            Place::Stream(at) => at,
            Place::Decoded => {
                self.copied.push(self.records.len());
                let start = self.decoded.len();
                self.decoded.extend_from_slice(text);
                self.decoded.push(b'\n');
                start
            }
        };
        self.records.push(Piece { range: start..start + text.len(), position, index, shape });
    }

    /// Sets one record aside.
    pub(super) fn aside(&mut self, aside: Aside) {
        if self.admit().is_some()
            && let Some(count) = self.asides.get_mut(usize::from(aside.code()))
        {
            *count += 1;
        }
    }

    /// Refuses one record that is here as a whole.
    pub(super) fn refuse(&mut self, text: &[u8], reject: Reject) {
        let mut refusal = Refusal::new(reject);
        refusal.absorb(text);
        self.refused(refusal);
    }

    /// Refuses one record that came in parts.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let position = self.position;
        if let Some(index) = self.admit() {
            self.refused.push(refusal.finish(position, index, self.limits.sample));
        }
    }

    /// The next record's index, unless the record is before the mark to continue from.
    fn admit(&mut self) -> Option<u32> {
        let index = self.index;
        self.index = index.saturating_add(1);
        (self.position != self.start.offset || index >= self.start.index).then_some(index)
    }

    /// Records taken and refused so far.
    pub(super) fn count(&self) -> usize {
        self.records.len() + self.refused.len()
    }

    /// Bytes decoded so far.
    pub(super) fn decoded(&self) -> usize {
        self.decoded.len()
    }

    /// Whether the chunk, or its current message, holds as much as it may.
    pub(super) fn is_full(&self) -> bool {
        if let Some(before) = self.message {
            return self.index >= MESSAGE_RECORDS || self.decoded.len() - before >= LARGEST_DECODED;
        }
        self.count() >= self.limits.chunk_records || self.decoded.len() >= self.limits.chunk_bytes
    }

    /// Where the last record begins, if the input ends in the middle of it: the rest may be written yet.
    pub(super) fn begin_of_cut_end(&self) -> Option<Mark> {
        let last = self.refused.last().filter(|last| last.reject.reason == RejectReason::Truncated)?;
        let begin = Mark { offset: last.position, index: last.index };
        let follows = self
            .records
            .last()
            .is_some_and(|piece| (piece.position, piece.index) > (begin.offset, begin.index));
        (!follows).then_some(begin)
    }

    /// Whether nothing was collected: then no range points into the stream's buffer.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.refused.is_empty() && self.asides.iter().all(|count| *count == 0)
    }

    /// Makes the chunk of what was collected; `bytes` are those that the ranges of the stream mean.
    pub(super) fn seal(&mut self, mut bytes: Vec<u8>, origin: &Origin, next: Mark, last: bool) -> Chunk {
        let shift = bytes.len();
        bytes.append(&mut self.decoded);
        let room = self.records.len();
        let mut records = std::mem::replace(&mut self.records, Vec::with_capacity(room));
        for place in self.copied.drain(..) {
            if let Some(piece) = records.get_mut(place) {
                piece.range = piece.range.start + shift..piece.range.end + shift;
            }
        }
        let mut refused = std::mem::take(&mut self.refused);
        if simdutf8::basic::from_utf8(&bytes).is_err() {
            let sample = self.limits.sample;
            records.retain(|piece| match not_utf8(&bytes, piece, sample) {
                Some(record) => {
                    refused.push(record);
                    false
                }
                None => true,
            });
            refused.sort_by_key(|record| (record.position, record.index));
        }
        let asides = std::mem::replace(&mut self.asides, [0; Aside::ALL.len()]);
        let asides = Aside::ALL.iter().copied().zip(asides).filter(|(_, count)| *count > 0).collect();
        let Origin { source, device, input } = origin.clone();
        Chunk { bytes, records, refused, asides, source, device, input, next, last }
    }
}

fn not_utf8(bytes: &[u8], piece: &Piece, sample: Sample) -> Option<Refused> {
    let text = bytes.get(piece.range.clone()).unwrap_or_default();
    let error = simdutf8::compat::from_utf8(text).err()?;
    let detail = format!("not UTF-8 from byte {} on", error.valid_up_to());
    let reject = Reject::new(RejectReason::InvalidUtf8, detail);
    Some(refuse(text, reject, piece.position, piece.index, sample))
}
