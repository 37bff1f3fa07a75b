//! Housekeeping beside the loop: merging small files, digests, and how much space is left.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Running;
use super::raise::count;
use crate::alerts::Keeper;
use crate::app::clock::now_micros;
use crate::detect::table::findings_schema;
use crate::history;
use crate::metrics::Metrics;
use crate::store::BlockingStore;

/// How often files of a day are merged: an hour of seals every five seconds is 720 of them.
const MERGE_EVERY: Duration = Duration::from_secs(3600);

/// How often the rest is done.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Starts it; it ends with the runtime.
pub(super) fn start(runtime: &Handle, store: &Arc<BlockingStore>, running: &Running) {
    let store = Arc::clone(store);
    let metrics = Arc::clone(&running.metrics);
    let keeper = Keeper::new(running.config.alerts.mode, running.channels());
    let (wake, end) = (Arc::clone(&running.wake), running.end.clone());
    runtime.spawn(async move {
        let mut merged = tokio::time::Instant::now();
        while !end.is_cancelled() {
            match keeper.digest(store.store(), now_micros()).await {
                Ok(raised) => {
                    count(&metrics, &raised);
                    if raised.deliveries > 0 {
                        wake.notify_one();
                    }
                }
                Err(error) => tracing::warn!(%error, "the digest could not be made; trying again"),
            }
            if merged.elapsed() >= MERGE_EVERY {
                merged = tokio::time::Instant::now();
                merge(&store).await;
            }
            measure(&store, &metrics);
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = end.cancelled() => {}
            }
        }
    });
}

/// Merging computes and waits for the disk: it gets a thread of its own.
async fn merge(store: &Arc<BlockingStore>) {
    let store = Arc::clone(store);
    let merging = move || {
        match store.wait(history::compact(store.store(), &findings_schema(), now_micros())) {
            Ok(compacted) => tracing::info!(?compacted, "merged small files of history"),
            Err(error) => tracing::warn!(%error, "small files of history could not be merged; trying again"),
        }
        if let Err(error) = store.wait(history::sweep(store.store(), now_micros())) {
            tracing::warn!(%error, "replaced files of history could not be removed; trying again");
        }
    };
    // A merge that panicked has told so itself.
    let _ = tokio::task::spawn_blocking(merging).await;
}

/// How large the embedded store is, and how much space is left beside it.
fn measure(store: &BlockingStore, metrics: &Metrics) {
    let folder = store.store().folder();
    let database = std::fs::metadata(folder.database()).map_or(0, |file| file.len());
    let free = rustix::fs::statvfs(folder.root()).map_or(0, |space| space.f_bavail * space.f_frsize);
    metrics.data(database, free);
}
