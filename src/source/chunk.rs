//! What a source hands on: chunks of whole records, and what was refused or set aside on the way.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::reject::{Aside, Reject};

/// Which normalizer a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A CloudTrail record, including insights and aggregated ones.
    CloudTrail,
    /// An audit entry of Vault or OpenBao.
    Vault,
}

/// A place between two records of an input: the next record is the `index`-th of the top-level value
/// that begins at `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mark {
    /// Bytes from the start of the decompressed stream.
    pub offset: u64,
    /// How many records of that value are before this place.
    pub index: u32,
}

/// One record: UTF-8, one JSON object by its brackets, nested no deeper than
/// [`super::limits::DEEPEST_NESTING`]; whether it is JSON throughout its normalizer decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where the record lies in [`Chunk::bytes`].
    pub range: Range<usize>,
    /// Offset, in the decompressed stream, of the top-level value that holds the record.
    pub position: u64,
    /// The record's place among those of that value.
    pub index: u32,
    /// Which normalizer it is for.
    pub shape: Shape,
}

/// One record that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reject: Reject,
    /// Offset, in the decompressed stream, of the top-level value that holds the record.
    pub position: u64,
    /// The record's place among those of that value.
    pub index: u32,
    /// Bytes of the record.
    pub length: u64,
    /// SHA-256 of the record.
    pub sha256: [u8; 32],
    /// The beginning of the record, masked unless asked otherwise.
    pub sample: String,
}

/// Whole records of one input, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// What the records' ranges point into.
    pub bytes: Vec<u8>,
    /// The records, in order.
    pub records: Vec<Piece>,
    /// The records that were not understood, in order.
    pub refused: Vec<Refused>,
    /// How many records were set aside, by why.
    pub asides: Vec<(Aside, u64)>,
    /// The input's name.
    pub source: Arc<str>,
    /// The audit device or trail that the input is the log of, where the input names one.
    pub device: Option<Arc<str>>,
    /// The input's place among [`super::Reader::inputs`].
    pub input: usize,
    /// Where the input is to be continued once this chunk is kept.
    pub next: Mark,
    /// Whether the input ends here.
    pub last: bool,
}

impl Chunk {
    /// The bytes of one record.
    pub fn record(&self, piece: &Piece) -> &[u8] {
        self.bytes.get(piece.range.clone()).unwrap_or_default()
    }

    /// How many records came with this chunk: taken, refused and set aside.
    pub fn received(&self) -> u64 {
        let asides: u64 = self.asides.iter().map(|(_, count)| count).sum();
        self.records.len() as u64 + self.refused.len() as u64 + asides
    }
}
