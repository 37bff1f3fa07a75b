//! Turns one chunk of records into a batch of events, by itself.
//!
//! In: a chunk as a source cut it. Out: the built batch, the rejects, and what became of the records
//! that gave no event. What needs other chunks is left to [`super::join`].

use std::borrow::Cow;
use std::collections::HashSet;

use arrow::error::ArrowError;
use bumpalo::Bump;

use crate::domain::reject::{Aside, Reject};
use crate::metrics::Account;
use crate::normalize::vault::{EntryType, request_id};
use crate::normalize::{Normalized, cloudtrail, vault};
use crate::source::{Chunk, Piece, Refused, Sample, Shape, refuse};
use crate::table::build::{Built, Origin, TableBuilder};

/// A chunk after normalizing.
#[derive(Debug)]
pub struct Prepared {
    pub built: Built,
    pub rejects: Vec<Refused>,
    /// All but what the join step decides: events, duplicates, and requests that met no response here.
    pub account: Account,
}

/// Normalizes chunks; keeps its memory from one to the next.
#[derive(Default)]
pub struct Preparer {
    sample: Sample,
    arena: Bump,
    table: TableBuilder,
}

impl Preparer {
    /// A preparer that keeps this much of a rejected record.
    pub fn new(sample: Sample) -> Self {
        Self { sample, ..Self::default() }
    }

    /// Normalizes every record of `chunk`.
    ///
    /// # Errors
    /// Where Arrow refuses the columns, which a consistent builder never makes it do.
    pub fn prepare(&mut self, chunk: &Chunk, ingested_at: i64) -> Result<Prepared, ArrowError> {
        let mut work = Work {
            chunk,
            ingested_at,
            sample: self.sample,
            arena: &mut self.arena,
            table: &mut self.table,
            rejects: chunk.refused.clone(),
            account: Account::default(),
        };
        for refused in &chunk.refused {
            work.account.received += 1;
            *work.account.rejects.entry(refused.reject.reason).or_default() += 1;
        }
        for (aside, count) in &chunk.asides {
            work.account.received += count;
            *work.account.irrelevant.entry(*aside).or_default() += count;
        }
        work.records();
        let Work { rejects, account, .. } = work;
        Ok(Prepared { built: self.table.finish()?, rejects, account })
    }
}

struct Work<'w> {
    chunk: &'w Chunk,
    ingested_at: i64,
    sample: Sample,
    arena: &'w mut Bump,
    table: &'w mut TableBuilder,
    rejects: Vec<Refused>,
    account: Account,
}

impl Work<'_> {
    /// Vault writes each call twice, as request and as response, which repeats the request in full. A
    /// request whose response is in the same chunk is merged without being normalized; only when that
    /// response turns out broken is the request looked at after all.
    fn records(&mut self) {
        let chunk = self.chunk;
        let responses = response_ids(chunk);
        let mut answered: HashSet<&str> = HashSet::new();
        let mut deferred: Vec<(&Piece, &str)> = Vec::new();
        for piece in &chunk.records {
            self.account.received += 1;
            let bytes = chunk.record(piece);
            let entry = if responses.is_empty() || piece.shape != Shape::Vault { None } else { request_id(bytes) };
            match entry {
                Some((EntryType::Request | EntryType::KmipRequest, id)) => match responses.get(id.as_ref()) {
                    Some(id) => deferred.push((piece, id)),
                    None => _ = self.record(piece, bytes),
                },
                Some((EntryType::Response | EntryType::KmipResponse, id)) => {
                    if self.record(piece, bytes)
                        && let Some(id) = responses.get(id.as_ref())
                    {
                        answered.insert(id);
                    }
                }
                None => _ = self.record(piece, bytes),
            }
        }
        for (piece, id) in deferred {
            if answered.contains(id) {
                self.account.merged += 1;
            } else {
                self.record(piece, chunk.record(piece));
            }
        }
    }

    /// Normalizes one record; whether it was understood.
    fn record(&mut self, piece: &Piece, bytes: &[u8]) -> bool {
        let origin = Origin {
            source: &self.chunk.source,
            device: self.chunk.device.as_deref(),
            position: i64::try_from(piece.position).unwrap_or(i64::MAX),
            ingested_at: self.ingested_at,
        };
        let Self { table, arena, .. } = self;
        let mut emit = |event: &crate::domain::event::KeyEvent<'_>| table.push(event, origin);
        let result = match piece.shape {
            Shape::CloudTrail => cloudtrail::normalize(bytes, arena, &mut emit),
            Shape::Vault => vault::normalize(bytes, arena, &mut emit),
        };
        arena.reset();
        match result {
            Ok(Normalized::Events(count)) => self.account.events += u64::from(count),
            Ok(Normalized::Irrelevant(aside)) => self.set_aside(aside),
            Err(reject) => {
                self.refuse(piece, bytes, reject);
                return false;
            }
        }
        true
    }

    fn set_aside(&mut self, aside: Aside) {
        *self.account.irrelevant.entry(aside).or_default() += 1;
    }

    fn refuse(&mut self, piece: &Piece, bytes: &[u8], reject: Reject) {
        *self.account.rejects.entry(reject.reason).or_default() += 1;
        self.rejects.push(refuse(bytes, reject, piece.position, piece.index, self.sample));
    }
}

/// The request ids of all response entries of the chunk.
fn response_ids(chunk: &Chunk) -> HashSet<Cow<'_, str>> {
    chunk
        .records
        .iter()
        .filter(|piece| piece.shape == Shape::Vault)
        .filter_map(|piece| match request_id(chunk.record(piece)) {
            Some((EntryType::Response | EntryType::KmipResponse, id)) => Some(id),
            _ => None,
        })
        .collect()
}
