//! Everything that is counted, and the text that is scraped.
//!
//! One method for each thing that happens. No method fails or blocks for long; a source that the
//! configuration does not name counts as `other`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

use super::account::Account;
use super::labels::{Channel, Expired, Kept, Stage, Transaction};
use super::snapshot::{OutboxState, SourceCounts};
use super::table::Families;
use crate::config::{Source, SourceKind};
use crate::domain::alert::Suppression;
use crate::domain::event::Provider;
use crate::domain::level::Level;
use crate::domain::reject::{Aside, RejectReason};
use crate::domain::verdict::Verdict;
use crate::domain::vocabulary::vocabulary;

/// What names a source or partition that is beyond the bounds of its label.
const OTHER: &str = "other";

/// Partitions of one source that have a label of their own; what is beyond is summed as `other`. The
/// largest clusters give a topic some hundred.
const MOST_PARTITIONS: usize = 512;

/// Microseconds in a second: our times against those of Prometheus.
const MICROSECONDS: f64 = 1e6;

vocabulary! {
    /// How a reload of the rules ended.
    pub enum Reload as "reload result" {
        Changed = "changed",
        Unchanged = "unchanged",
        Refused = "refused",
    }
}

/// How a delivery's attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    Yes,
    /// It is tried again, or parked.
    No,
}

/// What one seal wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    pub rows: u64,
    pub bytes: u64,
    pub took: Duration,
    /// Microseconds since the epoch.
    pub at: i64,
}

/// The rules in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesInfo {
    /// Content hash of the catalog.
    pub catalog: String,
    /// Content hash of the detectors.
    pub detectors: String,
    /// Declared keys.
    pub keys: usize,
    /// When they were loaded, in microseconds since the epoch.
    pub loaded_at: i64,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(super) families: Families,
    sources: BTreeMap<String, Unit>,
    partitions: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

/// What a source's lag is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Records,
    Bytes,
}

impl Metrics {
    /// Metrics of a service with these sources; `at` is now, in microseconds since the epoch.
    ///
    /// # Errors
    /// Never in practice: the table is tested.
    pub fn new(version: &str, sources: &[Source], at: i64) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let families = Families::register(&registry)?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let unit = |source: &Source| match source.kind {
            SourceKind::Kafka(_) => Unit::Records,
            _ => Unit::Bytes,
        };
        let sources = sources.iter().map(|source| (source.name.clone(), unit(source))).collect();
        let metrics = Self { registry, families, sources, partitions: Mutex::default() };
        metrics.families.build.with_label_values(&[version]).set(1.0);
        metrics.families.started.with_label_values::<&str>(&[]).set(seconds(at));
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// Closed sets show as 0 from the start: a rate over what appears with 1 misses its first.
    fn begin_at_zero(&self) {
        let families = &self.families;
        for source in self.sources.keys().map(String::as_str) {
            self.account(source, &Account::default());
            for family in [&families.gaps, &families.dropped, &families.unreachable] {
                family.with_label_values(&[source]);
            }
            for reason in RejectReason::ALL {
                families.rejected.with_label_values(&[source, reason.as_str()]);
            }
            for aside in Aside::ALL {
                families.irrelevant.with_label_values(&[source, aside.as_str()]);
            }
            families.alert_latency.with_label_values(&[source]);
        }
        let one = |family: &prometheus::IntCounterVec, word: &str| drop(family.with_label_values(&[word]));
        Provider::ALL.iter().for_each(|word| one(&families.events, word.as_str()));
        Verdict::ALL.iter().for_each(|word| one(&families.verdicts, word.as_str()));
        Level::ALL.iter().for_each(|word| one(&families.alerts, word.as_str()));
        Suppression::ALL.iter().for_each(|word| one(&families.suppressed, word.as_str()));
        Expired::ALL.iter().for_each(|word| one(&families.expired, word.as_str()));
        Reload::ALL.iter().for_each(|word| one(&families.reloads, word.as_str()));
        self.actions_at_zero();
        self.channels(Channel::ALL.iter().map(|channel| channel.as_str()));
        self.lease(false);
        self.waiting(0, 0);
        self.unpublished(0);
        for stage in Stage::ALL {
            families.stage.with_label_values(&[stage.as_str()]);
        }
        for transaction in Transaction::ALL {
            families.transaction.with_label_values(&[transaction.as_str()]);
        }
    }

    /// These channels are delivered to. Their names are those of the configuration, which bounds them.
    pub fn channels<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        for channel in names {
            self.families.attempts.with_label_values(&[channel]);
            self.families.deliveries.with_label_values(&[channel]);
            self.outbox(&OutboxState { channel, pending: 0, oldest_seconds: 0.0, parked: 0 });
        }
    }

    /// What became of some records of a source.
    pub fn account(&self, source: &str, account: &Account) {
        let families = &self.families;
        let source = self.known(source);
        for (family, count) in [
            (&families.received, account.received),
            (&families.gave_events, account.gave_events),
            (&families.merged, account.merged),
            (&families.duplicate, account.duplicates),
        ] {
            family.with_label_values(&[source]).inc_by(count);
        }
        for (aside, count) in &account.irrelevant {
            families.irrelevant.with_label_values(&[source, aside.as_str()]).inc_by(*count);
        }
        for (reason, count) in &account.rejects {
            families.rejected.with_label_values(&[source, reason.as_str()]).inc_by(*count);
        }
    }

    /// Key events that a batch held.
    pub fn events(&self, provider: Provider, count: u64) {
        self.families.events.with_label_values(&[provider.as_str()]).inc_by(count);
    }

    /// Key events that got this verdict.
    pub fn verdicts(&self, verdict: Verdict, count: u64) {
        self.families.verdicts.with_label_values(&[verdict.as_str()]).inc_by(count);
    }

    /// A finding. The detector is one of the rules in force, which bounds its values.
    pub fn finding(&self, detector: &str, level: Level) {
        self.families.findings.with_label_values(&[detector, level.as_str()]).inc();
    }

    /// A detector of the rules in force could not be evaluated on a batch.
    pub fn detector_failure(&self, detector: &str) {
        self.families.detector_failures.with_label_values(&[detector]).inc();
    }

    /// So many groups are remembered by windows.
    pub fn windows(&self, groups: usize) {
        self.families.window_groups.with_label_values::<&str>(&[]).set(groups as f64);
    }

    /// A window had no room for so many groups and values since the start.
    pub fn forgotten(&self, detector: &str, count: u64) {
        self.families.window_forgotten.with_label_values(&[detector]).set(count as f64);
    }

    /// An alert was raised.
    pub fn alert(&self, level: Level) {
        self.families.alerts.with_label_values(&[level.as_str()]).inc();
    }

    /// Nobody was told of so many changes to alerts.
    pub fn suppressed(&self, reason: Suppression, pages: u64) {
        self.families.suppressed.with_label_values(&[reason.as_str()]).inc_by(pages);
    }

    /// A stage took this long for one batch. [`Self::seal`] counts its own.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.families.stage.with_label_values(&[stage.as_str()]).observe(took.as_secs_f64());
    }

    /// Alerts about a record were committed at `at`; it was written to its source at `written_at`, both in
    /// microseconds since the epoch. A clock that is behind the source's counts as no time.
    pub fn alert_latency(&self, source: &str, written_at: i64, at: i64) {
        let took = seconds(at.saturating_sub(written_at)).max(0.0);
        self.families.alert_latency.with_label_values(&[self.known(source)]).observe(took);
    }

    /// What a source says of itself: whether it reads, and how far each partition is behind, in records for
    /// Kafka and in bytes for everything else. Partitions that it no longer names are forgotten.
    pub fn source<'l>(&self, source: &str, ready: bool, lags: impl IntoIterator<Item = (&'l str, u64)>) {
        let unit = self.sources.get(source).copied().unwrap_or(Unit::Bytes);
        let source = self.known(source);
        let family = match unit {
            Unit::Records => &self.families.lag_records,
            Unit::Bytes => &self.families.lag_bytes,
        };
        self.families.source_ready.with_label_values(&[source]).set(f64::from(u8::from(ready)));
        let mut behind: BTreeMap<&str, u64> = BTreeMap::new();
        for (partition, lag) in lags {
            let full = behind.len() >= MOST_PARTITIONS && !behind.contains_key(partition);
            *behind.entry(if full { OTHER } else { partition }).or_default() += lag;
        }
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = partitions.entry(source.to_owned()).or_default();
        known.retain(|partition| {
            let stays = behind.contains_key(partition.as_str());
            // It was there, or was never set: either is well.
            let _ = if stays { Ok(()) } else { family.remove_label_values(&[source, partition.as_str()]) };
            stays
        });
        for (partition, lag) in behind {
            family.with_label_values(&[source, partition]).set(lag as f64);
            if !known.contains(partition) {
                known.insert(partition.to_owned());
            }
        }
    }

    /// The topic of rejects took so many.
    pub fn published(&self, rejects: u64) {
        self.families.published.with_label_values::<&str>(&[]).inc_by(rejects);
    }

    /// So many sealed files of rejects wait for their topic.
    pub fn unpublished(&self, files: usize) {
        self.families.unpublished.with_label_values::<&str>(&[]).set(files as f64);
    }

    /// So many rows were removed, being older than they are kept.
    pub fn expired(&self, what: Expired, rows: u64) {
        self.families.expired.with_label_values(&[what.as_str()]).inc_by(rows);
    }

    /// Records were gone before they were read.
    pub fn lost(&self, source: &str, records: u64) {
        self.families.gaps.with_label_values(&[self.known(source)]).inc_by(records);
    }

    /// Entries were dropped because the spool was full.
    pub fn dropped(&self, source: &str, entries: u64) {
        self.families.dropped.with_label_values(&[self.known(source)]).inc_by(entries);
    }

    /// A source stopped answering.
    pub fn unreachable(&self, source: &str) {
        self.families.unreachable.with_label_values(&[self.known(source)]).inc();
    }

    /// What waits between the sources and the loop, and what the loop has judged and not sealed.
    pub fn waiting(&self, signals: usize, open_rows: u64) {
        self.families.queue.with_label_values::<&str>(&[]).set(signals as f64);
        self.families.open_rows.with_label_values::<&str>(&[]).set(open_rows as f64);
    }

    /// A seal was committed.
    pub fn seal(&self, sealed: &Sealed) {
        let families = &self.families;
        for (family, count) in
            [(&families.seals, 1), (&families.seal_rows, sealed.rows), (&families.seal_bytes, sealed.bytes)]
        {
            family.with_label_values::<&str>(&[]).inc_by(count);
        }
        families.last_seal.with_label_values::<&str>(&[]).set(seconds(sealed.at));
        self.stage(Stage::Seal, sealed.took);
    }

    /// A seal failed.
    pub fn seal_failed(&self) {
        self.families.seal_failures.with_label_values::<&str>(&[]).inc();
    }

    /// What was sealed could not be read back after a failure; it is tried again.
    pub fn restore_failed(&self) {
        self.families.restore_failures.with_label_values::<&str>(&[]).inc();
    }

    /// A transaction of the store took this long.
    pub fn transaction(&self, transaction: Transaction, took: Duration) {
        self.families.transaction.with_label_values(&[transaction.as_str()]).observe(took.as_secs_f64());
    }

    /// How large the embedded store is, and how much space is left beside it, in bytes.
    pub fn data(&self, store: u64, free: u64) {
        self.families.store_bytes.with_label_values::<&str>(&[]).set(store as f64);
        self.families.free_bytes.with_label_values::<&str>(&[]).set(free as f64);
    }

    /// Whether this instance holds the lease.
    pub fn lease(&self, held: bool) {
        self.families.lease.with_label_values::<&str>(&[]).set(f64::from(u8::from(held)));
    }

    /// What waits in the outbox.
    pub fn outbox(&self, state: &OutboxState<'_>) {
        let channel = [state.channel];
        self.families.outbox_pending.with_label_values(&channel).set(state.pending as f64);
        self.families.outbox_oldest.with_label_values(&channel).set(state.oldest_seconds);
        self.families.outbox_parked.with_label_values(&channel).set(state.parked as f64);
    }

    /// An attempt to deliver came to its end.
    pub fn delivery(&self, channel: &str, delivered: Delivered) {
        self.families.attempts.with_label_values(&[channel]).inc();
        if delivered == Delivered::Yes {
            self.families.deliveries.with_label_values(&[channel]).inc();
        }
    }

    /// These rules are in force from now on.
    pub fn rules(&self, rules: &RulesInfo) {
        let families = &self.families;
        families.rules.reset();
        families.rules.with_label_values(&[&rules.catalog, &rules.detectors]).set(1.0);
        families.rules_loaded.with_label_values::<&str>(&[]).set(seconds(rules.loaded_at));
        families.catalog_keys.with_label_values::<&str>(&[]).set(rules.keys as f64);
    }

    /// How many detectors are in this state.
    pub fn detectors(&self, state: Kept, count: usize) {
        self.families.detectors.with_label_values(&[state.as_str()]).set(count as f64);
    }

    /// A reload came to its end.
    pub fn reload(&self, result: Reload) {
        self.families.reloads.with_label_values(&[result.as_str()]).inc();
    }

    /// A request was answered. `route` is the pattern of the route, never the path that was asked for.
    pub fn request(&self, route: &str, status: u16) {
        self.families.requests.with_label_values(&[route, &status.to_string()]).inc();
    }

    /// Connections open at the HTTP server.
    pub fn connections(&self, open: usize) {
        self.families.connections.with_label_values::<&str>(&[]).set(open as f64);
    }

    /// A connection was closed to make room.
    pub fn evicted(&self) {
        self.families.evicted.with_label_values::<&str>(&[]).inc();
    }

    /// The loop went round at `at`, in microseconds since the epoch.
    pub fn heartbeat(&self, at: i64) {
        self.families.heartbeat.with_label_values::<&str>(&[]).set(seconds(at));
    }

    /// What became of a source's records since the start.
    pub fn counts(&self, source: &str) -> SourceCounts {
        let (families, source) = (&self.families, self.known(source));
        let one = |family: &prometheus::IntCounterVec| family.with_label_values(&[source]).get();
        let sum = |family: &prometheus::IntCounterVec, words: &mut dyn Iterator<Item = &'static str>| {
            words.map(|word| family.with_label_values(&[source, word]).get()).sum()
        };
        SourceCounts {
            received: one(&families.received),
            gave_events: one(&families.gave_events),
            merged: one(&families.merged),
            irrelevant: sum(&families.irrelevant, &mut Aside::ALL.iter().map(|aside| aside.as_str())),
            duplicates: one(&families.duplicate),
            rejects: sum(&families.rejected, &mut RejectReason::ALL.iter().map(|reason| reason.as_str())),
        }
    }

    /// Everything, in the text format of Prometheus 0.0.4.
    ///
    /// # Errors
    /// Where the process's own figures cannot be written down.
    pub fn scrape(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// The name of a source as a label.
    fn known<'n>(&self, source: &'n str) -> &'n str {
        if self.sources.contains_key(source) { source } else { OTHER }
    }
}

/// Microseconds as seconds.
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / MICROSECONDS
}
