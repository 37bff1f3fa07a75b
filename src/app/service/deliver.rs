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

/// Wakes the dispatchers after deliveries were put into the outbox.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Vec<Arc<Notify>>>);

impl Wake {
    /// There is something to deliver.
    pub fn wake(&self) {
        self.0.iter().for_each(|dispatcher| dispatcher.notify_one());
    }
}

/// The channels that alerts are delivered on, by name.
pub(super) fn channels(alerts: &Alerts) -> Vec<String> {
    let asked = [(WEBHOOK, alerts.webhook.is_some()), (KAFKA, alerts.kafka.is_some())];
    asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned()).collect()
}

/// Delivers alerts on every channel until the service ends.
///
/// # Errors
/// Where what is configured of a channel is wrong.
pub(super) fn start(runtime: &Handle, store: &BlockingStore, running: &Running) -> Result<Wake, NotifyError> {
    let alerts = &running.config.alerts;
    let mut dispatchers = Vec::new();
    if let Some(webhook) = &alerts.webhook {
        let dispatcher = Dispatcher::new(store.shared(), webhook, now_micros)?;
        dispatchers.push((Channel::Webhook, dispatcher));
    }
    if let Some(topic) = &alerts.kafka {
        dispatchers.push((Channel::Kafka, Dispatcher::kafka(store.shared(), topic, now_micros)?));
    }
    let wakers = dispatchers.iter().map(|(_, dispatcher)| dispatcher.waker()).collect();
    for (channel, dispatcher) in dispatchers {
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
    Ok(Wake(Arc::new(wakers)))
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
