//! Delivers alerts beside the loop: pages are routed, each channel has a dispatcher, and all of it is counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Running, remedy};
use crate::app::clock::now_micros;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::domain::ownership::Ownership;
use crate::metrics::{Delivered, Metrics, OutboxState};
use crate::notify::{Counters, Dispatcher, KAFKA, NotifyError, Owners, Router};
use crate::respond::RESPOND;
use crate::store::{BlockingStore, ROUTES, Store};

/// How often the counts of the outbox are brought up to date.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Whose keys are, by the catalog in force.
#[derive(Debug, Clone, Default)]
pub struct OwnerBook(Arc<ArcSwap<HashMap<String, Ownership>>>);

impl OwnerBook {
    /// As a catalog says.
    pub fn of(catalog: &Catalog) -> Self {
        let book = Self::default();
        book.replace(catalog.ownerships());
        book
    }

    /// From now on this is said.
    pub fn replace(&self, ownerships: HashMap<String, Ownership>) {
        self.0.store(Arc::new(ownerships));
    }

    fn asked(self) -> Owners {
        Arc::new(move |id| self.0.load().get(id).cloned())
    }
}

/// One channel being counted.
struct Counted {
    name: String,
    counters: Arc<Counters>,
    delivered: u64,
    failed: u64,
}

/// Whom to notify.
pub(super) struct Wakes {
    /// After pages were put into the outbox.
    pub wake: Arc<Notify>,
    /// After deliveries were put back into it.
    pub dispatchers: Vec<Arc<Notify>>,
}

/// What pages are put into the outbox for: to be routed where there is a channel, and for the topic and for
/// remediation as they are.
pub(super) fn channels(config: &Config) -> Vec<String> {
    let alerts = &config.alerts;
    let asked = [
        (ROUTES, !alerts.all_channels().is_empty()),
        (KAFKA, alerts.kafka.is_some()),
        (RESPOND, remedy::is_on(&config.respond)),
    ];
    asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned()).collect()
}

/// Routes and delivers until the service ends.
///
/// # Errors
/// Where a channel, a route or a template is wrong.
pub(super) fn start(
    runtime: &Handle,
    store: &BlockingStore,
    running: &Running,
    owners: OwnerBook,
) -> Result<Wakes, NotifyError> {
    let alerts = &running.config.alerts;
    let (mut wakers, mut counted, mut dispatchers) = (Vec::new(), Vec::new(), Vec::new());
    for channel in &alerts.all_channels() {
        dispatchers.push((channel.name.clone(), Dispatcher::new(store.shared(), channel, now_micros)?));
    }
    let mut router = Router::new(store.shared(), alerts, owners.asked(), now_micros)?;
    dispatchers.iter().for_each(|(_, dispatcher)| router.wakes(dispatcher.waker()));
    if let Some(topic) = &alerts.kafka {
        let dispatcher = Dispatcher::kafka(store.shared(), topic, now_micros)?;
        dispatchers.push((KAFKA.to_owned(), dispatcher));
    }
    for (name, dispatcher) in dispatchers {
        let dispatcher = dispatcher.timed_by(Arc::clone(&running.metrics));
        wakers.push(dispatcher.waker());
        counted.push(Counted { name, counters: dispatcher.counters(), delivered: 0, failed: 0 });
        runtime.spawn(dispatcher.run(running.end.clone()));
    }
    // The topic gets its pages without the router.
    let wake = Arc::<Notify>::default();
    let heard: Vec<_> = wakers.iter().cloned().chain([router.waker()]).collect();
    let told = Arc::clone(&wake);
    runtime.spawn(async move {
        loop {
            told.notified().await;
            heard.iter().for_each(|waker| waker.notify_one());
        }
    });
    runtime.spawn(router.run(running.end.clone()));
    let (store, metrics, end) = (store.shared(), Arc::clone(&running.metrics), running.end.clone());
    metrics.channels(counted.iter().map(|channel| channel.name.as_str()).chain([ROUTES]));
    runtime.spawn(count(store, metrics, counted, end));
    Ok(Wakes { wake, dispatchers: wakers })
}

async fn count(store: Arc<Store>, metrics: Arc<Metrics>, mut counted: Vec<Counted>, end: CancellationToken) {
    while !end.is_cancelled() {
        tokio::time::sleep(COUNT_EVERY).await;
        for channel in &mut counted {
            let now = channel.counters.snapshot();
            let name = channel.name.as_str();
            (channel.delivered..now.delivered).for_each(|_| metrics.delivery(name, Delivered::Yes));
            (channel.failed..now.failed).for_each(|_| metrics.delivery(name, Delivered::No));
            (channel.delivered, channel.failed) = (now.delivered, now.failed);
            waiting(&store, &metrics, name, now.oldest_pending).await;
        }
        let oldest = store.oldest_pending(ROUTES).await.ok().flatten();
        waiting(&store, &metrics, ROUTES, oldest).await;
    }
}

/// What waits in the outbox for a channel, and since when.
async fn waiting(store: &Store, metrics: &Metrics, channel: &str, oldest: Option<i64>) {
    // The next round tries again; whoever writes to a store that fails has told so.
    let Ok((pending, parked)) = store.count_deliveries(channel).await else { return };
    let waits = oldest.map_or(0, |since| now_micros().saturating_sub(since));
    metrics.outbox(&OutboxState {
        channel,
        pending: u64::try_from(pending).unwrap_or_default(),
        oldest_seconds: Duration::from_micros(u64::try_from(waits).unwrap_or_default()).as_secs_f64(),
        parked: u64::try_from(parked).unwrap_or_default(),
    });
}
