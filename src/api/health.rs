//! Whether the service is alive and ready, as the loop and the sources tell it.
//!
//! In: heartbeats of the loop, what each part waits for, the running sources. Out: what `/healthz` and
//! `/readyz` answer. One [`Health`] is shared by the app, which writes, and the routes, which read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::domain::vocabulary::vocabulary;
use crate::metrics::{Metrics, RulesInfo};
use crate::source::feed::Feed;

/// How old the last heartbeat may be. The longest that the loop does in one go is a seal, whose store waits
/// up to 10 s for its lock; three times that is a loop that hangs.
pub const STALE: Duration = Duration::from_secs(30);

vocabulary! {
    /// What has to be there before events are judged, sources apart.
    pub enum Part as "part of the service" {
        Store = "store",
        Lease = "lease",
        Rules = "rules",
    }
}

/// What is known of the service's health.
#[derive(Default)]
pub struct Health {
    /// When the loop last went round, in microseconds since the epoch; 0 before it began.
    beat: AtomicI64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What each part waits for; a part that is absent has not begun, one with `None` is ready.
    parts: BTreeMap<Part, Option<String>>,
    feeds: Vec<Arc<dyn Feed>>,
    warming: BTreeSet<String>,
    rules: RulesInfo,
    stopping: bool,
}

/// One thing that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// `store`, `lease`, `rules`, `source NAME`, or `stop`.
    pub what: String,
    pub waits_for: String,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// What is waited for; empty when ready.
    pub waiting: Vec<Waiting>,
    /// Detectors whose state is being rebuilt: they are late, and keep nothing from being ready.
    pub warming: Vec<String>,
}

/// One source, as `/api/v1/status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    pub name: String,
    pub ready: bool,
    pub waits_for: Option<String>,
    /// Partitions and how far they are behind, in records or bytes.
    pub lags: Vec<(String, u64)>,
}

impl Health {
    /// The loop went round at `at`, in microseconds since the epoch.
    pub fn beat(&self, at: i64) {
        self.beat.store(at, Ordering::Relaxed);
    }

    /// A part waits for something.
    pub fn waits(&self, part: Part, waits_for: impl Into<String>) {
        self.change(|known| known.parts.insert(part, Some(waits_for.into())));
    }

    /// A part is ready.
    pub fn ready(&self, part: Part) {
        self.change(|known| known.parts.insert(part, None));
    }

    /// These sources run from now on.
    pub fn watch(&self, feeds: Vec<Arc<dyn Feed>>) {
        self.change(|known| known.feeds = feeds);
    }

    /// The detectors whose state is being rebuilt.
    pub fn warming(&self, detectors: impl IntoIterator<Item = String>) {
        self.change(|known| known.warming = detectors.into_iter().collect());
    }

    /// The rules in force from now on.
    pub fn rules(&self, rules: RulesInfo) {
        self.change(|known| {
            known.parts.insert(Part::Rules, None);
            known.rules = rules;
        });
    }

    /// The service stops: it takes nothing new.
    pub fn stopping(&self) {
        self.change(|known| known.stopping = true);
    }

    /// How long ago the loop went round; none before it began.
    pub fn age(&self, now: i64) -> Option<Duration> {
        let beat = self.beat.load(Ordering::Relaxed);
        let age = u64::try_from(now.saturating_sub(beat)).unwrap_or(0);
        (beat != 0).then(|| Duration::from_micros(age))
    }

    /// Whether the process and its loop are alive. Before the loop began the process alone has to be.
    pub fn alive(&self, now: i64) -> bool {
        self.age(now).is_none_or(|age| age < STALE)
    }

    /// Whether events are taken and judged, and what that waits for.
    pub fn readiness(&self) -> Readiness {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = Vec::new();
        let mut wait = |what: String, waits_for: &str| {
            waiting.push(Waiting { what, waits_for: waits_for.to_owned() });
        };
        if known.stopping {
            wait("stop".to_owned(), "what was taken to be sealed; nothing new is taken");
        }
        for part in Part::ALL {
            match known.parts.get(part) {
                Some(None) => {}
                Some(Some(reason)) => wait(part.to_string(), reason),
                None => wait(part.to_string(), "its start"),
            }
        }
        if known.feeds.is_empty() {
            wait("sources".to_owned(), "their start");
        }
        for feed in &known.feeds {
            let status = feed.status();
            if !status.ready {
                wait(format!("source {}", feed.name()), status.waits_for.as_deref().unwrap_or("its start"));
            }
        }
        let warming = known.warming.iter().cloned().collect();
        Readiness { ready: waiting.is_empty(), waiting, warming }
    }

    /// Every source, with its lag counted in `metrics`.
    pub fn sources(&self, metrics: &Metrics) -> Vec<SourceState> {
        let feeds = self.known.lock().unwrap_or_else(PoisonError::into_inner).feeds.clone();
        let mut sources = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let status = feed.status();
            let lags: Vec<(String, u64)> =
                status.lags.into_iter().map(|lag| (lag.partition, lag.behind)).collect();
            let behind = lags.iter().map(|(partition, lag)| (partition.as_str(), *lag));
            metrics.source(feed.name(), status.ready, behind);
            let (name, ready, waits_for) = (feed.name().to_owned(), status.ready, status.waits_for);
            sources.push(SourceState { name, ready, waits_for, lags });
        }
        sources
    }

    /// The rules in force.
    pub fn rules_in_force(&self) -> RulesInfo {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).rules.clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
