//! Housekeeping beside the loop: merging small files, removing old rows, digests, and how much space is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Running;
use super::raise::count;
use super::retention;
use crate::alerts::Keeper;
use crate::app::clock::now_micros;
use crate::config::{Retention, Source, SourceKind};
use crate::detect::table::findings_schema;
use crate::history;
use crate::metrics::{Metrics, Transaction};
use crate::store::{BlockingStore, CoverageKind, CoverageRow, Store, StoreError};

/// How often files of a day are merged, and old rows removed: an hour of seals every five seconds is 720 of them.
const MERGE_EVERY: Duration = Duration::from_secs(3600);

/// How often the rest is done.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// When an instance last said that it runs, in microseconds since the epoch: a named value of the store.
const ALIVE: &str = "alive_at";

/// Notes for every source that nobody read since an instance last ran, where that is known.
pub(super) async fn note_stand_by(store: &Store, sources: &[Source], now: i64) -> Result<(), StoreError> {
    let alive: Option<i64> = store.meta(ALIVE).await?.and_then(|text| text.parse().ok());
    let Some(since) = alive.max(store.last_seal().await?) else { return Ok(()) };
    for source in sources {
        let row = CoverageRow {
            source: source.name.clone(),
            identity: source.name.clone(),
            partition: source.name.clone(),
            kind: CoverageKind::StandBy,
            span: format!("stand-by:{since}"),
            from_time: Some(since),
            to_time: Some(now),
            from_position: None,
            to_position: None,
            events: 0,
            reason: Some(what_stands(&source.kind).to_owned()),
            noted_at: now,
        };
        store.note_coverage(&row).await?;
    }
    Ok(())
}

/// What became of what a source had to say while nobody read.
const fn what_stands(kind: &SourceKind) -> &'static str {
    match kind {
        SourceKind::Kafka(_) | SourceKind::Follow(_) => "no instance ran; reading goes on where it stopped",
        SourceKind::Http(_) => "no instance ran; what was posted was not taken",
        SourceKind::Tcp(_) | SourceKind::Unix(_) | SourceKind::Stdin(_) => {
            "no instance ran; what was sent was not seen"
        }
    }
}

/// Starts the housekeeping; it ends with the runtime.
pub(super) fn start(runtime: &Handle, store: &Arc<BlockingStore>, running: &Running, wake: Arc<Notify>) {
    let store = Arc::clone(store);
    let metrics = Arc::clone(&running.metrics);
    let keeper = Keeper::new(running.config.alerts.mode, running.channels());
    let (end, retention) = (running.end.clone(), running.config.retention.clone());
    runtime.spawn(async move {
        let mut merged = tokio::time::Instant::now();
        while !end.is_cancelled() {
            let started = Instant::now();
            match keeper.digest(store.store(), now_micros()).await {
                Ok(raised) => {
                    metrics.transaction(Transaction::Other, started.elapsed());
                    count(&metrics, &raised);
                    if raised.deliveries > 0 {
                        wake.notify_one();
                    }
                }
                Err(error) => tracing::warn!(%error, "the digest could not be made; trying again"),
            }
            if merged.elapsed() >= MERGE_EVERY {
                merged = tokio::time::Instant::now();
                let (retention, metrics) = (retention.clone(), Arc::clone(&metrics));
                hourly(&store, retention, metrics).await;
            }
            measure(&store, &metrics);
            if let Err(error) = store.store().set_meta(ALIVE, &now_micros().to_string()).await {
                tracing::debug!(%error, "could not note that this instance runs");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = end.cancelled() => {}
            }
        }
    });
}

/// Merging computes and waits for the disk: it gets a thread of its own, and what is old goes on it too.
async fn hourly(store: &Arc<BlockingStore>, retention: Retention, metrics: Arc<Metrics>) {
    let store = Arc::clone(store);
    let work = move || {
        retention::expire(&store, &retention, &metrics, now_micros());
        match store.wait(history::compact(store.store(), &findings_schema(), now_micros())) {
            Ok(compacted) => tracing::info!(?compacted, "merged small files of history"),
            Err(error) => tracing::warn!(%error, "small files of history could not be merged; trying again"),
        }
        if let Err(error) = store.wait(history::sweep(store.store(), now_micros())) {
            tracing::warn!(%error, "replaced files of history could not be removed; trying again");
        }
    };
    // Work that panicked has told so itself.
    let _ = tokio::task::spawn_blocking(work).await;
}

/// How large the embedded store is, and how much space is left beside it.
fn measure(store: &BlockingStore, metrics: &Metrics) {
    let folder = store.store().folder();
    let database = std::fs::metadata(folder.database()).map_or(0, |file| file.len());
    let free = rustix::fs::statvfs(folder.root()).map_or(0, |space| space.f_bavail * space.f_frsize);
    metrics.data(database, free);
}
