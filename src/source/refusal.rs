//! Builds the account of one record that was not understood, from as much of it as comes at a time.

use sha2::{Digest, Sha256};

use super::chunk::Refused;
use super::limits::{SAMPLE_BYTES, Sample};
use super::mask;
use crate::domain::reject::Reject;

/// A record being refused. Only its beginning is kept, its hash and length are of the whole.
pub(super) struct Refusal {
    reject: Reject,
    hash: Sha256,
    length: u64,
    head: Vec<u8>,
}

impl Refusal {
    /// Begins with no byte of the record.
    pub(super) fn new(reject: Reject) -> Self {
        Self { reject, hash: Sha256::new(), length: 0, head: Vec::new() }
    }

    /// Adds the next bytes of the record.
    pub(super) fn absorb(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        let wanted = SAMPLE_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..wanted).unwrap_or(bytes));
    }

    /// Bytes of the record so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The record was all absorbed.
    pub(super) fn finish(self, position: u64, index: u32, sample: Sample) -> Refused {
        Refused {
            reject: self.reject,
            position,
            index,
            length: self.length,
            sha256: self.hash.finalize().into(),
            sample: mask::sample(&self.head, sample),
        }
    }
}

/// The account of a record that a normalizer refused.
pub fn refuse(text: &[u8], reject: Reject, position: u64, index: u32, sample: Sample) -> Refused {
    let mut refusal = Refusal::new(reject);
    refusal.absorb(text);
    refusal.finish(position, index, sample)
}
