//! How a source that goes on and the service speak to each other.
//!
//! A source reads on threads of its own and hands [`Signal`]s into one bounded queue, which is its only
//! back-pressure: where it is full, Kafka partitions are paused, spools are left unread, files are not
//! read on. The service answers through [`Feed`]: what was sealed, and where to read again.

use std::sync::Arc;

use super::chunk::Chunk;
use crate::store::{Position, PositionMove};

/// A part of a source that is read in order and has one position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partition {
    /// As in [`PositionMove::source`]: `kafka:CLUSTER:TOPIC:PARTITION`, `spool:NAME`, `file:…`.
    pub identity: String,
    /// For people: `cloudtrail/0`, a path.
    pub label: String,
    /// The configured name of the source: bounds the values of metric labels.
    pub source: Arc<str>,
}

/// Whole records of one partition, and where it goes on after them.
#[derive(Debug)]
pub struct Arrival {
    pub partition: Arc<Partition>,
    /// Where these records begin: what the last arrival of the partition ended with, or its stored
    /// position; nothing where it was never sealed.
    pub from: Option<Position>,
    /// Where the partition goes on.
    pub to: Position,
    pub chunk: Chunk,
    /// As in [`Feed::rewind`]: older generations are no longer valid.
    pub generation: u64,
    /// When the first record of it reached this process, in microseconds since the epoch.
    pub received_at: i64,
    /// When its newest record was written to the source, as the source says, likewise.
    pub written_at: Option<i64>,
}

/// What a source says.
#[derive(Debug)]
pub enum Signal {
    /// Records were read.
    Records(Box<Arrival>),
    /// These partitions go to somebody else: whoever hears this seals what was read of them and then
    /// answers, or answers with `false` where that failed and they are given up unsealed.
    Revoked { source: Arc<str>, identities: Vec<String>, sealed: crossbeam_channel::Sender<bool> },
    /// The source is at its end and will say no more.
    Ended { source: Arc<str> },
    /// Something that an operator must know, and that does not end the source.
    Trouble { source: Arc<str>, trouble: Trouble },
    /// The source cannot go on.
    Failed { source: Arc<str>, error: String },
}

/// How a part of a source was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The stored position lies outside of what the source still holds.
    Outside,
    /// The spool cannot be read there.
    Damaged,
    /// A followed file was cut off; what stood between is all that was seen to be unread.
    Truncated,
}

impl Lost {
    /// What happened, as the beginning of a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Outside => "records were gone before they were read",
            Self::Damaged => "a part of the spool is damaged",
            Self::Truncated => "a followed file was truncated",
        }
    }
}

/// Something that may lose or delay events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A part of the source was gone before it was read: positions `from..to`. Where the source begins
    /// anew, `to` lies before `from`.
    Gap { partition: Arc<Partition>, lost: Lost, from: i64, to: i64 },
    /// New entries were dropped because the spool was full.
    Dropped { partition: Arc<Partition>, entries: u64 },
    /// The source does not answer; it keeps trying.
    Unreachable { error: String },
    /// It answers again.
    Reachable,
}

/// How far a partition is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    pub partition: String,
    /// Records (Kafka) or bytes (files, spools) not yet handed over.
    pub behind: u64,
}

/// What is known of a running source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Whether it reads, or would if there were something.
    pub ready: bool,
    /// What it waits for where it is not ready.
    pub waits_for: Option<String>,
    pub lags: Vec<Lag>,
}

/// A running source, as the service sees it. All methods return at once.
pub trait Feed: Send + Sync {
    /// Its configured name.
    fn name(&self) -> &str;

    /// These positions are stored: what is before them may be forgotten.
    fn sealed(&self, moves: &[PositionMove]);

    /// What was handed over and not sealed is dropped: read again from the stored positions, and mark
    /// what comes then with this generation.
    fn rewind(&self, generation: u64);

    /// What is known of it.
    fn status(&self) -> Status;

    /// Takes nothing new any more; what was taken is still handed over. [`Signal::Ended`] follows.
    fn stop(&self);
}

/// Where sources put their signals.
pub type Signals = crossbeam_channel::Sender<Signal>;
