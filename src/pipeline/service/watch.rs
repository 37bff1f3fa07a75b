//! What the loop tells while it runs.

use std::sync::Arc;
use std::time::Duration;

use super::versions::Verdicts;
use crate::detect::window::windows::Forgotten;
use crate::history::HistoryError;
use crate::metrics::Account;
use crate::pipeline::rules::Rules;
use crate::source::feed::Signal;

/// Who hears how the service fares: metrics and the log. All methods return at once.
pub trait Watch: Send + Sync {
    /// One arrival was taken.
    fn took(&self, arrival: &Took<'_>);

    /// Findings of some arrivals were stored, in one transaction that took so long.
    fn stored(&self, origins: &[Origin], took: Duration, at: i64);

    /// The loop goes round: so many signals wait, and so many rows are not sealed yet; these rules are the
    /// newest.
    fn turned(&self, waiting: usize, open_rows: usize, rules: &Arc<Rules>);

    /// A set was sealed, or could not be.
    fn sealed(&self, seal: &SealTold<'_>);

    /// What windows remember, and what they had no room for since the start.
    fn windows(&self, groups: usize, forgotten: &[Forgotten]);

    /// The detectors whose memory is being read from history, after a reload; none any more where it is empty.
    fn warming(&self, detectors: Vec<String>);

    /// Such detectors go on with what they have seen since the reload, for this reason.
    fn not_warmed(&self, reason: &str);

    /// Something that is worth a line in the log.
    fn heard(&self, signal: &Signal);

    /// Everything unsealed was dropped, to be read again; nothing is taken until the loop has resumed.
    fn rewound(&self, reason: &str);

    /// What was sealed cannot be read back, without which nothing is taken; it is tried again.
    fn not_restored(&self, error: &HistoryError);

    /// Records are taken again.
    fn resumed(&self);
}

/// What there is to tell of an arrival.
#[derive(Debug)]
pub struct Took<'t> {
    pub source: &'t str,
    pub account: &'t Account,
    pub verdicts: &'t [Verdicts],
    pub stages: Stages,
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stages {
    pub prepare: Duration,
    pub join: Duration,
    pub judge: Duration,
    pub detect: Duration,
}

/// Where findings come from.
#[derive(Debug, Clone)]
pub struct Origin {
    pub source: Arc<str>,
    /// When the newest record of the arrival was written to the source, as far as it tells, in
    /// microseconds since the epoch, as is the next.
    pub written_at: Option<i64>,
    pub received_at: i64,
}

/// What there is to tell of a seal.
#[derive(Debug)]
pub struct SealTold<'s> {
    pub rows: u64,
    pub bytes: u64,
    /// From the first file to the end of the transaction.
    pub took: Duration,
    /// The transaction alone; none where it did not come to that.
    pub transaction: Option<Duration>,
    pub result: Result<(), &'s HistoryError>,
}
