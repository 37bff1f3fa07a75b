//! Channels, routes and provable delivery: real receivers on loopback, and a clock that the test turns.

mod command;
mod delivering;
mod formats;
mod mail;
mod receivers;
mod routing;
mod schema;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward::app::clock::now_micros;
use keyward::config::{Alerts, Channel};
use keyward::domain::ownership::Ownership;
use keyward::notify::{Dispatcher, Owners, Router};
use keyward::store::{DeliveryRow, DeliveryState, NewDelivery, ROUTES, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine; nothing waits for it where all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;

/// Tuesday, 24 November 2026, nine o'clock.
pub const MORNING: i64 = 1_795_510_800 * SECOND;

thread_local! {
    static CLOCK: Cell<i64> = const { Cell::new(MORNING) };
}

/// The clock of a test on one thread.
pub fn clock() -> i64 {
    CLOCK.get()
}

pub fn set_clock(at: i64) {
    CLOCK.set(at);
}

pub fn alerts(config: Value) -> Alerts {
    serde_json::from_value(config).unwrap()
}

pub fn channel(config: Value) -> Channel {
    serde_json::from_value(config).unwrap()
}

/// Of every key one team is the owner, but of that with no entry nobody.
pub fn owners() -> Owners {
    Arc::new(|id| {
        Some(Ownership {
            owner: Some("team-ml".to_owned()),
            contact: Some(format!("{id}@example.com")),
            tenant: Some("acme".to_owned()),
            environment: Some("production".to_owned()),
        })
    })
}

/// A page as `alerts` puts it into the outbox.
pub fn page(alert: &str, repeat: i64, news: &str, level: &str) -> Value {
    json!({
        "version": 1,
        "delivery": "of the outbox",
        "alert": alert,
        "kind": "misuse",
        "transition": 1,
        "repeat": repeat,
        "news": news,
        "level": level,
        "title": "Function outside the declared purpose",
        "message": "approle:overbroad succeeded in signing with model-signing",
        "key": "vault:transit/model-signing",
        "catalog_id": "model-signing",
        "principal": "approle:overbroad",
        "owner": "team-ml",
        "detectors": ["KP-001"],
        "aspects": ["function"],
        "count": 3,
        "outcomes": { "success": 3 },
        "first": "2026-11-24T08:59:00Z",
        "last": "2026-11-24T08:59:30Z",
        "success_after_attempts": null,
    })
}

/// Puts a page into the outbox, to be routed.
pub async fn put(store: &Store, page: &Value) {
    let mut transaction = store.begin_alerts().await.unwrap();
    let id = format!("{}-{}-{}", page["alert"], page["transition"], page["repeat"]);
    let delivery = NewDelivery {
        id,
        alert_id: page["alert"].as_str().unwrap().to_owned(),
        channel: ROUTES.to_owned(),
        transition: page["transition"].as_i64().unwrap(),
        repeat: page["repeat"].as_i64().unwrap(),
        payload: page.to_string(),
        created_at: clock(),
    };
    transaction.insert_deliveries(&[delivery]).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A process that another test starts has our lock for the moment between its fork and its exec.
pub async fn open(data: &Path) -> Store {
    let opened = tokio::time::timeout(PATIENCE, async {
        loop {
            match Store::open(data, now_micros()).await {
                Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
                other => return other.unwrap(),
            }
        }
    });
    opened.await.unwrap()
}

/// The part of the service that this is about, by the real clock.
pub struct Service {
    pub store: Arc<Store>,
    wake: Arc<Notify>,
    dispatchers: Vec<Arc<Notify>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Service {
    pub async fn start(data: &Path, config: &Alerts) -> Self {
        let store = Arc::new(open(data).await);
        let mut router = Router::new(Arc::clone(&store), config, owners(), now_micros).unwrap();
        let stop = CancellationToken::new();
        let (mut tasks, mut dispatchers) = (Vec::new(), Vec::new());
        for channel in config.all_channels() {
            let dispatcher = Dispatcher::new(Arc::clone(&store), &channel, now_micros).unwrap();
            router.wakes(dispatcher.waker());
            dispatchers.push(dispatcher.waker());
            tasks.push(tokio::spawn(dispatcher.run(stop.clone())));
        }
        let wake = router.waker();
        tasks.push(tokio::spawn(router.run(stop.clone())));
        Self { store, wake, dispatchers, stop, tasks }
    }

    pub async fn tell(&self, page: &Value) {
        put(&self.store, page).await;
        self.wake.notify_one();
    }

    /// What wakes the first channel.
    pub fn dispatcher(&self) -> Arc<Notify> {
        Arc::clone(&self.dispatchers[0])
    }

    /// The deliveries, once each of so many is what `met` says.
    pub async fn until(&self, many: usize, met: impl Fn(&DeliveryRow) -> bool) -> Vec<DeliveryRow> {
        let mut rows = Vec::new();
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                rows = self.store.deliveries(100_000).await.unwrap();
                if rows.len() >= many && rows.iter().all(&met) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let in_time = waited.await.is_ok();
        let wrong: Vec<_> = rows.iter().filter(|row| !met(row)).collect();
        assert!(in_time, "never: {} of {many} deliveries, {wrong:#?}", rows.len());
        rows
    }

    pub async fn until_delivered(&self, many: usize) -> Vec<DeliveryRow> {
        self.until(many, |row| row.state == DeliveryState::Delivered).await
    }

    /// As if the process were killed.
    pub async fn crash(self) {
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        drop(self.store);
    }

    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}
