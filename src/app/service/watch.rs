//! What the loop tells becomes metrics and lines of the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::Array;
use tokio::sync::Notify;

use crate::api::{Health, Part};
use crate::detect::blindness::Seen;
use crate::detect::window::windows::Forgotten;
use crate::domain::event::Provider;
use crate::domain::verdict::Verdict;
use crate::history::HistoryError;
use crate::metrics::{Kept, Metrics, Sealed, Stage, Transaction};
use crate::pipeline::rules::Rules;
use crate::pipeline::service::Clock;
use crate::pipeline::service::versions::Verdicts;
use crate::pipeline::service::watch::{Origin, SealTold, Took, Watch};
use crate::source::feed::{Signal, Trouble};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Watches the loop.
pub struct Watching {
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub clock: Clock,
    /// Somebody else who hears everything.
    pub ear: Option<Arc<dyn Watch>>,
    /// What was there to be seen since the start, and when it was last held against the detectors.
    pub seen: Mutex<(Seen, i64)>,
    /// Notified after every seal.
    pub sealed: Arc<Notify>,
}

/// How often the detectors that could not see are counted, in microseconds: each is asked what it requires.
const COUNT_EVERY: i64 = 10_000_000;

impl Watch for Watching {
    fn took(&self, took: &Took<'_>) {
        if let Some(ear) = &self.ear {
            ear.took(took);
        }
        let metrics = &self.metrics;
        metrics.account(took.source, took.account);
        for verdicts in took.verdicts {
            self.count(verdicts);
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.0.merge(&verdicts.judged.seen);
        }
        let stages = took.stages;
        for (stage, span) in [
            (Stage::Prepare, stages.prepare),
            (Stage::Join, stages.join),
            (Stage::Judge, stages.judge),
            (Stage::Detect, stages.detect),
        ] {
            metrics.stage(stage, span);
        }
    }

    fn stored(&self, origins: &[Origin], took: Duration, at: i64) {
        if let Some(ear) = &self.ear {
            ear.stored(origins, took, at);
        }
        self.metrics.stage(Stage::Alert, took);
        for origin in origins {
            let since = origin.written_at.unwrap_or(origin.received_at);
            self.metrics.alert_latency(&origin.source, since, at);
        }
    }

    fn turned(&self, waiting: usize, open_rows: usize, rules: &Arc<Rules>) {
        self.metrics.waiting(waiting, open_rows as u64);
        let now = (self.clock)();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(seen.1) < COUNT_EVERY {
            return;
        }
        seen.1 = now;
        seen.0.catalog = !rules.catalog.is_empty();
        let (blind, set_aside) = (rules.engine.blind(&seen.0).len(), rules.engine.set_aside().len());
        self.metrics.detectors(Kept::Blind, blind);
        self.metrics.detectors(Kept::SetAside, set_aside);
        self.metrics.detectors(Kept::Active, rules.engine.len().saturating_sub(blind));
    }

    fn sealed(&self, seal: &SealTold<'_>) {
        let SealTold { rows, bytes, took, transaction, result } = *seal;
        if let Some(transaction) = transaction {
            self.metrics.transaction(Transaction::Seal, transaction);
        }
        match result {
            Ok(()) => {
                self.metrics.seal(&Sealed { rows, bytes, took, at: (self.clock)() });
                self.sealed.notify_one();
            }
            Err(error) => {
                self.metrics.seal_failed();
                tracing::error!(%error, rows, "could not seal");
            }
        }
    }

    fn windows(&self, groups: usize, forgotten: &[Forgotten]) {
        self.metrics.windows(groups);
        for Forgotten { detector, count } in forgotten {
            self.metrics.forgotten(detector, *count);
        }
    }

    fn warming(&self, detectors: Vec<String>) {
        self.metrics.detectors(Kept::Warming, detectors.len());
        self.health.warming(detectors);
    }

    fn not_warmed(&self, reason: &str) {
        tracing::warn!(
            reason,
            "new detectors with a memory begin with the reload: history could not be read"
        );
    }

    fn heard(&self, signal: &Signal) {
        match signal {
            Signal::Records(_) => {}
            Signal::Revoked { source, identities, .. } => {
                tracing::info!(%source, partitions = identities.len(), "partitions go to another consumer");
            }
            Signal::Ended { source } => tracing::info!(%source, "the source has ended"),
            Signal::Failed { source, error } => tracing::error!(%source, error, "the source cannot go on"),
            Signal::Trouble { source, trouble } => self.trouble(source, trouble),
        }
    }

    fn rewound(&self, reason: &str) {
        self.health.waits(Part::Store, format!("the end of a failure: {reason}"));
        tracing::warn!(reason, "everything that is not sealed is read again");
    }

    fn not_restored(&self, error: &HistoryError) {
        self.metrics.restore_failed();
        self.health.waits(Part::Store, format!("what was sealed to be readable: {error}"));
        tracing::error!(%error, "what was sealed cannot be read; trying again");
    }

    fn resumed(&self) {
        self.health.ready(Part::Store);
        tracing::info!("records are taken again");
    }
}

impl Watching {
    fn trouble(&self, source: &str, trouble: &Trouble) {
        match trouble {
            Trouble::Gap { partition, lost, from, to } => {
                self.metrics.lost(source, u64::try_from(to.saturating_sub(*from)).unwrap_or_default());
                tracing::error!(source, partition = partition.label, from, to, "{}", lost.sentence());
            }
            Trouble::Dropped { entries, .. } => {
                self.metrics.dropped(source, *entries);
                tracing::error!(source, entries, "entries were dropped: the spool is full");
            }
            Trouble::Unreachable { error } => {
                self.metrics.unreachable(source);
                tracing::warn!(source, error, "the source does not answer; trying again");
            }
            Trouble::Reachable => tracing::info!(source, "the source answers again"),
        }
    }

    /// Counts the events of a batch, by provider and by verdict, and detectors that failed.
    fn count(&self, verdicts: &Verdicts) {
        let rows = Rows::of(&verdicts.judged.batch);
        for (word, count) in words(&rows, Column::Provider) {
            if let Some(provider) = Provider::from_word(word) {
                self.metrics.events(provider, count);
            }
        }
        for (word, count) in words(&rows, Column::Verdict) {
            if let Some(verdict) = Verdict::from_word(word) {
                self.metrics.verdicts(verdict, count);
            }
        }
        for failure in &verdicts.judged.failures {
            let detector = verdicts.rules.engine.detectors().get(failure.detector);
            let detector = detector.map_or("?", |detector| detector.id.as_str());
            self.metrics.detector_failure(detector);
            tracing::error!(
                detector,
                error = failure.message,
                "a detector could not be evaluated on a batch"
            );
        }
    }
}

/// How often each word stands in a dictionary column.
fn words<'r>(rows: &Rows<'r>, column: Column) -> BTreeMap<&'r str, u64> {
    let mut counts = BTreeMap::new();
    let (Some(keys), Some(words)) = (rows.keys(column), rows.dictionary(column)) else { return counts };
    let mut by_key = vec![0_u64; words.len()];
    for key in keys.iter().flatten() {
        if let Some(count) = usize::try_from(key).ok().and_then(|key| by_key.get_mut(key)) {
            *count += 1;
        }
    }
    for (place, count) in by_key.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        *counts.entry(words.value(place)).or_default() += count;
    }
    counts
}
