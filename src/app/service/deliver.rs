//! Starts the dispatchers of the outbox, one a channel, and counts what they do.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Running;
use crate::app::clock::now_micros;
use crate::config::Alerts;
use crate::metrics::{Channel, Delivered, Metrics, OutboxState};
use crate::notify::{Counters, Dispatcher, KAFKA, NotifyError, Snapshot, WEBHOOK};
use crate::store::{BlockingStore, Store};

/// How often the counts of an outbox are brought up to date.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The channels that alerts are delivered on, by name.
pub(super) fn channels(alerts: &Alerts) -> Vec<String> {
    let asked = [(WEBHOOK, alerts.webhook.is_some()), (KAFKA, alerts.kafka.is_some())];
    asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned()).collect()
}

/// Delivers alerts on every channel until the service ends. What comes back is to be notified after deliveries
/// were put into the outbox.
///
/// # Errors
/// Where what is configured of a channel is wrong.
pub(super) fn start(
    runtime: &Handle,
    store: &BlockingStore,
    running: &Running,
) -> Result<Arc<Notify>, NotifyError> {
    let alerts = &running.config.alerts;
    let mut dispatchers = Vec::new();
    if let Some(webhook) = &alerts.webhook {
        let dispatcher = Dispatcher::new(store.shared(), webhook, now_micros)?;
        dispatchers.push((Channel::Webhook, dispatcher));
    }
    if let Some(topic) = &alerts.kafka {
        dispatchers.push((Channel::Kafka, Dispatcher::kafka(store.shared(), topic, now_micros)?));
    }
    let wake = Arc::<Notify>::default();
    let wakers: Vec<_> = dispatchers.iter().map(|(_, dispatcher)| dispatcher.waker()).collect();
    let heard = Arc::clone(&wake);
    runtime.spawn(async move {
        loop {
            heard.notified().await;
            wakers.iter().for_each(|waker| waker.notify_one());
        }
    });
    for (channel, dispatcher) in dispatchers {
        let dispatcher = dispatcher.timed_by(Arc::clone(&running.metrics));
        let counters = dispatcher.counters();
        runtime.spawn(dispatcher.run(running.end.clone()));
        let (store, metrics, end) = (store.shared(), Arc::clone(&running.metrics), running.end.clone());
        runtime.spawn(async move {
            let mut before = counters.snapshot();
            while !end.is_cancelled() {
                tokio::time::sleep(COUNT_EVERY).await;
                before = count(channel, &counters, before, &store, &metrics).await;
            }
        });
    }
    Ok(wake)
}

/// Counts what a dispatcher did since `before`, and what waits for it.
async fn count(
    channel: Channel,
    counters: &Counters,
    before: Snapshot,
    store: &Store,
    metrics: &Metrics,
) -> Snapshot {
    let now = counters.snapshot();
    (before.delivered..now.delivered).for_each(|_| metrics.delivery(channel, Delivered::Yes));
    (before.failed..now.failed).for_each(|_| metrics.delivery(channel, Delivered::No));
    if let Ok((pending, parked)) = store.count_deliveries(channel.as_str()).await {
        let waits = now.oldest_pending.map_or(0, |since| now_micros().saturating_sub(since));
        metrics.outbox(&OutboxState {
            channel,
            pending: u64::try_from(pending).unwrap_or_default(),
            oldest_seconds: Duration::from_micros(u64::try_from(waits).unwrap_or_default()).as_secs_f64(),
            parked: u64::try_from(parked).unwrap_or_default(),
        });
    }
    now
}
