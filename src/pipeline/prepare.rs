//! Turns one chunk of records into a batch of events, by itself.
//!
//! In: a chunk as a source cut it. Out: the built batch, the rejects, and what became of the records
//! that gave no event. What needs other chunks is left to [`super::join`].

use arrow::error::ArrowError;
use bumpalo::Bump;

use super::answers::Answers;
use crate::domain::event::{KeyEvent, Provider};
use crate::domain::member::Members;
use crate::domain::reject::{Aside, Reject};
use crate::metrics::Account;
use crate::normalize::{Normalized, cloudtrail, members, vault};
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
    members: Members,
}

impl Preparer {
    /// A preparer that keeps this much of a rejected record.
    pub fn new(sample: Sample) -> Self {
        Self { sample, ..Self::default() }
    }

    /// The same, and what detectors read of raw records goes into the `record` column.
    pub fn reading(mut self, members: &Members) -> Self {
        self.read(members);
        self
    }

    /// From now on these members go into the `record` column, beside those that were asked for before.
    pub fn read(&mut self, members: &Members) {
        self.members.extend(members);
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
            members: &self.members,
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
    members: &'w Members,
    rejects: Vec<Refused>,
    account: Account,
}

impl Work<'_> {
    /// Vault writes each call twice, as request and as response, which repeats the request in full. So
    /// responses come first, and a request that the join step would merge into one of them is merged
    /// without being normalized.
    fn records(&mut self) {
        let chunk = self.chunk;
        let mut answers = Answers::default();
        let mut deferred = Vec::new();
        for (place, piece) in chunk.records.iter().enumerate() {
            self.account.received += 1;
            let bytes = chunk.record(piece);
            match piece.shape {
                Shape::CloudTrail => self.record(place, piece, bytes, &mut |_| {}),
                Shape::Vault if vault::seems_response(bytes) => {
                    self.answer(place, piece, bytes, &mut answers)
                }
                Shape::Vault => deferred.push((place, piece)),
            }
        }
        let mut requests = Vec::new();
        for (place, piece) in deferred {
            let bytes = chunk.record(piece);
            match vault::half(bytes) {
                Some(half) if half.kind.awaits_response() => requests.push((place, piece, half)),
                _ => self.answer(place, piece, bytes, &mut answers),
            }
        }
        for (place, _, half) in &requests {
            answers.ask(&half.id, *place, half.time);
        }
        for (place, piece, half) in &requests {
            if answers.merge(&half.id) {
                self.account.merged += 1;
            } else {
                self.record(*place, piece, chunk.record(piece), &mut |_| {});
            }
        }
    }

    /// Normalizes what is probably a response, and notes what it answers.
    fn answer(&mut self, place: usize, piece: &Piece, bytes: &[u8], answers: &mut Answers) {
        self.record(place, piece, bytes, &mut |event| {
            if event.provider == Some(Provider::Vault) && !event.awaits_response {
                answers.add(event.event_id, place, event.event_time);
            }
        });
    }

    /// Normalizes one record, and shows `watch` the events it gives.
    fn record(&mut self, place: usize, piece: &Piece, bytes: &[u8], watch: &mut dyn FnMut(&KeyEvent<'_>)) {
        let origin = Origin {
            source: &self.chunk.source,
            device: self.chunk.device.as_deref(),
            position: i64::try_from(piece.position).unwrap_or(i64::MAX),
            ingested_at: self.ingested_at,
        };
        let Self { table, arena, .. } = self;
        table.begin_record(u32::try_from(place).unwrap_or(u32::MAX));
        let wanted = self.members.of(provider_of(piece.shape));
        let mut read = None;
        let mut emit = |event: &KeyEvent<'_>| {
            watch(event);
            if read.is_none() && !wanted.is_empty() {
                read = Some(members(bytes, wanted));
            }
            table.push_with(event, origin, read.as_deref());
        };
        let result = match piece.shape {
            Shape::CloudTrail => cloudtrail::normalize(bytes, arena, &mut emit),
            Shape::Vault => vault::normalize(bytes, arena, &mut emit),
        };
        arena.reset();
        match result {
            Ok(Normalized::Events(_)) => {}
            Ok(Normalized::Irrelevant(aside)) => self.set_aside(aside),
            Err(reject) => self.refuse(piece, bytes, reject),
        }
    }

    fn set_aside(&mut self, aside: Aside) {
        *self.account.irrelevant.entry(aside).or_default() += 1;
    }

    fn refuse(&mut self, piece: &Piece, bytes: &[u8], reject: Reject) {
        *self.account.rejects.entry(reject.reason).or_default() += 1;
        self.rejects.push(refuse(bytes, reject, piece.position, piece.index, self.sample));
    }
}

const fn provider_of(shape: Shape) -> Provider {
    match shape {
        Shape::CloudTrail => Provider::Aws,
        Shape::Vault => Provider::Vault,
    }
}
