//! Housekeeping beside the loop: merging small files, digests, and how much space is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Running;
use super::raise::count;
use crate::alerts::Keeper;
use crate::app::clock::now_micros;
use crate::detect::table::findings_schema;
use crate::history;
use crate::metrics::{Channel, Delivered, Metrics, OutboxState, Transaction};
use crate::notify::{Dispatcher, WEBHOOK};
use crate::store::BlockingStore;

/// How often files of a day are merged: an hour of seals every five seconds is 720 of them.
const MERGE_EVERY: Duration = Duration::from_secs(3600);

/// How often the rest is done.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often the counts of the outbox are brought up to date.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Delivers alerts to the webhook until the service ends, and counts it. What comes back is to be notified
/// after deliveries were put into the outbox.
///
/// # Errors
/// Where its address is wrong or must not be reached.
pub(super) fn deliver(
    runtime: &Handle,
    store: &BlockingStore,
    running: &Running,
) -> anyhow::Result<Arc<Notify>> {
    let Some(webhook) = &running.config.alerts.webhook else { return Ok(Arc::default()) };
    let dispatcher =
        Dispatcher::new(store.shared(), webhook, now_micros)?.timed_by(Arc::clone(&running.metrics));
    let (wake, counters, end) = (dispatcher.waker(), dispatcher.counters(), running.end.clone());
    let (store, metrics) = (store.shared(), Arc::clone(&running.metrics));
    runtime.spawn(dispatcher.run(running.end.clone()));
    runtime.spawn(async move {
        let mut before = counters.snapshot();
        while !end.is_cancelled() {
            tokio::time::sleep(COUNT_EVERY).await;
            let now = counters.snapshot();
            (before.delivered..now.delivered)
                .for_each(|_| metrics.delivery(Channel::Webhook, Delivered::Yes));
            (before.failed..now.failed).for_each(|_| metrics.delivery(Channel::Webhook, Delivered::No));
            before = now;
            let Ok((pending, parked)) = store.count_deliveries(WEBHOOK).await else { continue };
            let waits = now.oldest_pending.map_or(0, |since| now_micros().saturating_sub(since));
            metrics.outbox(&OutboxState {
                channel: Channel::Webhook,
                pending: u64::try_from(pending).unwrap_or_default(),
                oldest_seconds: Duration::from_micros(u64::try_from(waits).unwrap_or_default()).as_secs_f64(),
                parked: u64::try_from(parked).unwrap_or_default(),
            });
        }
    });
    Ok(wake)
}

/// Starts the housekeeping; it ends with the runtime.
pub(super) fn start(runtime: &Handle, store: &Arc<BlockingStore>, running: &Running, wake: Arc<Notify>) {
    let store = Arc::clone(store);
    let metrics = Arc::clone(&running.metrics);
    let keeper = Keeper::new(running.config.alerts.mode, running.channels());
    let end = running.end.clone();
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
