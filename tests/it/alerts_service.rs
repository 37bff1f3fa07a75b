//! Alerts as the service keeps and delivers them: a real receiver on loopback that fails in every way it
//! can, and a process that is dropped in the middle.

pub mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward::alerts::Keeper;
use keyward::app::clock::now_micros;
use keyward::config;
use keyward::domain::alert::Folding;
use keyward::domain::event::Outcome;
use keyward::domain::finding::Finding;
use keyward::domain::level::Level;
use keyward::domain::verdict::{Aspect, Verdict};
use keyward::notify::{ChannelError, Counters, Dispatcher, NotifyError, WEBHOOK};
use keyward::store::{DeliveryRow, DeliveryState, Store, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use receiver::{Answer, Receiver};

use crate::verbs_logs::company;

/// Long enough for a slow machine; nothing waits for it where all is well.
const PATIENCE: Duration = Duration::from_secs(30);

fn finding(id: usize, key: usize, level: Level) -> (Finding, Folding) {
    let (key, principal) = (Some(format!("vault:transit/{key}")), Some(format!("approle:{key}")));
    let finding = Finding {
        id: format!("{id:032x}"),
        detector: "KP-001".to_owned(),
        level,
        title: "Function outside the declared purpose".to_owned(),
        event_id: format!("event-{id}"),
        event_time: "2026-11-24T09:00:00Z".to_owned(),
        provider: Some("vault".to_owned()),
        key_id: key.clone(),
        catalog_id: None,
        principal: principal.clone(),
        session_name: None,
        function: None,
        action: None,
        outcome: Some(Outcome::Success),
        verdict: Verdict::Violation,
        violations: vec![Aspect::Function],
        message: format!("event {id} does not fit"),
        tags: Vec::new(),
        source: None,
        position: None,
        window: None,
    };
    (finding, Folding::by([("key_id".into(), key), ("principal".into(), principal)].into()))
}

fn webhook(url: &str, allowed: &[&str]) -> config::Webhook {
    let config = serde_json::json!({
        "url": url,
        "allow_networks": allowed,
        "timeout": "400ms",
        "retry": { "first": "10ms", "longest": "80ms", "give_up_after": "1h" },
    });
    serde_json::from_value(config).unwrap()
}

/// A process that another test starts has our lock for the moment between its fork and its exec.
async fn open(data: &Path) -> Store {
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

/// The part of the service that this is about.
struct Service {
    store: Arc<Store>,
    keeper: Keeper,
    wake: Arc<tokio::sync::Notify>,
    counters: Arc<Counters>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Service {
    async fn start(data: &Path, webhook: &config::Webhook) -> Self {
        let store = Arc::new(open(data).await);
        let dispatcher = Dispatcher::new(store.clone(), &webhook.into(), now_micros).unwrap();
        let (wake, counters) = (dispatcher.waker(), dispatcher.counters());
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatcher.run(stop.clone()));
        let keeper = Keeper::new(config::Mode::Page, vec![WEBHOOK.to_owned()]);
        Self { store, keeper, wake, counters, stop, task }
    }

    async fn raise(&self, findings: &[(Finding, Folding)]) {
        let raised = self.keeper.raise(&self.store, findings, now_micros()).await.unwrap();
        if raised.deliveries > 0 {
            self.wake.notify_one();
        }
    }

    async fn deliveries(&self) -> Vec<DeliveryRow> {
        self.store.deliveries(10_000).await.unwrap()
    }

    async fn until(&self, what: &str, met: impl Fn(&[DeliveryRow]) -> bool) -> Vec<DeliveryRow> {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let deliveries = self.deliveries().await;
                if met(&deliveries) {
                    return deliveries;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    async fn until_delivered(&self) -> Vec<DeliveryRow> {
        let all = |rows: &[DeliveryRow]| rows.iter().all(|row| row.state == DeliveryState::Delivered);
        self.until("everything is delivered", all).await
    }

    /// As if the process were killed.
    async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
        drop(self.store);
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Each delivery arrived, with one body however often, under the headers that say so.
fn assert_one_body_each(receiver: &Receiver, deliveries: &[DeliveryRow]) {
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrival in receiver.arrivals() {
        let body: serde_json::Value = serde_json::from_str(&arrival.body).unwrap();
        assert_eq!(body["delivery"], arrival.headers["webhook-id"]);
        assert_eq!(arrival.headers["webhook-id"], arrival.headers["idempotency-key"]);
        bodies.entry(arrival.headers["webhook-id"].clone()).or_default().insert(arrival.body);
    }
    for delivery in deliveries {
        let seen = bodies.get(&delivery.id).unwrap_or_else(|| panic!("{} never arrived", delivery.id));
        assert_eq!(seen.len(), 1, "{} has {} bodies", delivery.id, seen.len());
    }
    assert_eq!(bodies.len(), deliveries.len(), "nothing else arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_delivery_arrives_with_one_body_whatever_the_receiver_does() {
    let data = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::start().await;
    receiver.answers([
        Answer::Status(500),
        Answer::Slow(Duration::from_millis(700)),
        Answer::Redirect,
        Answer::Status(429),
        Answer::Status(404),
        Answer::HangUp,
        Answer::Endless,
    ]);
    let webhook = webhook(&receiver.url(), &["127.0.0.0/8"]);
    let first: Vec<_> = (0..20).map(|id| finding(id, id, Level::Medium)).collect();
    let higher: Vec<_> = (100..120).map(|id| finding(id, id - 100, Level::High)).collect();

    let service = Service::start(data.path(), &webhook).await;
    service.raise(&first).await;
    service.until("half is delivered", |rows| delivered(rows) >= 10).await;
    receiver.stop();
    service.raise(&higher).await;
    service.until("an attempt failed", |rows| rows.iter().any(|row| row.last_error.is_some())).await;
    service.crash().await;

    let service = Service::start(data.path(), &webhook).await;
    service.raise(&first).await;
    service.raise(&higher).await;
    receiver.restart().await;
    let deliveries = service.until_delivered().await;
    assert_eq!(deliveries.len(), 40, "two pages for each alert");
    service.stop().await;
    assert_one_body_each(&receiver, &deliveries);
    assert_eq!(receiver.redirected(), 0, "a redirect was followed");
}

fn delivered(rows: &[DeliveryRow]) -> usize {
    rows.iter().filter(|row| row.state == DeliveryState::Delivered).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_still_delivers_everything_once_for_a_receiver_that_honours_keys() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver.url(), &["127.0.0.0/8"]);
    let batch =
        |from: usize| -> Vec<_> { (0..=from).map(|id| finding(id, id % 15, Level::Medium)).collect() };
    for round in 0..15 {
        receiver.answers([Answer::Status(503), Answer::Slow(Duration::from_millis(20))]);
        let service = Service::start(data.path(), &webhook).await;
        service.raise(&batch(round)).await;
        tokio::time::sleep(Duration::from_millis(3 * round as u64)).await;
        service.crash().await;
    }
    let service = Service::start(data.path(), &webhook).await;
    let deliveries = service.until_delivered().await;
    assert_eq!(deliveries.len(), 15);
    assert_one_body_each(&receiver, &deliveries);
    let counts = service.counters.snapshot();
    assert_eq!((counts.parked, counts.failed), (0, counts.attempts - counts.delivered));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_one_alert_arrive_in_their_order_and_a_parked_one_releases_the_next() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([const { Answer::Status(410) }; 5]);
    let service = Service::start(data.path(), &webhook(&receiver.url(), &["127.0.0.0/8"])).await;
    for (id, level) in [(1, Level::Low), (2, Level::Medium), (3, Level::High)] {
        service.raise(&[finding(id, 7, level)]).await;
    }
    let settled = |rows: &[DeliveryRow]| rows.iter().all(|row| row.state != DeliveryState::Pending);
    let mut rows = service.until("all is settled", settled).await;
    rows.sort_by_key(|row| row.repeat);
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [DeliveryState::Parked, DeliveryState::Delivered, DeliveryState::Delivered]);
    assert_eq!(rows[0].last_error.as_deref(), Some("given up after 5 attempts: HTTP 410"));
    let repeats: Vec<_> = receiver
        .arrivals()
        .iter()
        .map(|arrival| serde_json::from_str::<serde_json::Value>(&arrival.body).unwrap()["repeat"].as_i64())
        .collect();
    assert_eq!(repeats, [0, 0, 0, 0, 0, 1, 2].map(Some));
    let counts = service.counters.snapshot();
    assert_eq!((counts.attempts, counts.delivered, counts.failed, counts.parked), (7, 2, 5, 1));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_receiver_is_left_the_time_that_it_asks_for() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([Answer::RetryAfter(1)]);
    let service = Service::start(data.path(), &webhook(&receiver.url(), &["127.0.0.0/8"])).await;
    service.raise(&[finding(1, 1, Level::High)]).await;
    service.until("both attempts", |rows| rows.iter().any(|row| row.attempts == 2)).await;
    let times: Vec<_> = receiver.arrivals().iter().map(|arrival| arrival.at).collect();
    assert!(times[1] - times[0] >= Duration::from_millis(950), "{times:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_inside_is_refused_unless_its_network_is_allowed() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let store = Arc::new(Store::open(data.path(), 1).await.unwrap());
    let told =
        Dispatcher::new(store.clone(), &(&webhook(&receiver.url(), &[])).into(), now_micros).unwrap_err();
    assert!(matches!(told, NotifyError::Channel { what: ChannelError::Refused(_), .. }), "{told}");
    drop(store);

    let by_name = receiver.url().replace("127.0.0.1", "localhost");
    let service = Service::start(data.path(), &webhook(&by_name, &["10.0.0.0/8"])).await;
    service.raise(&[finding(1, 1, Level::High)]).await;
    let rows = service.until("it is parked", |rows| rows[0].state == DeliveryState::Parked).await;
    let why = rows[0].last_error.clone().unwrap();
    assert!(why.contains("is a loopback address; list its network in `allow_networks`"), "{why}");
    assert!(receiver.arrivals().is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_alerts_and_deliveries_can_be_listed_and_queried_beside_the_service() {
    let keyward = company();
    let receiver = Receiver::start().await;
    let data = keyward.path("data");
    let nothing =
        keyward.args(["scan", "--catalog", "catalog.yaml", "--data", "data", "logs", "--quiet"]).run();
    assert_eq!(nothing.code, Some(1), "{}", nothing.stderr);
    let count = |table: &str| {
        let sql = format!("SELECT count(*) AS rows FROM {table}");
        keyward.args(["query", "--data", "data", &sql, "--format", "json"]).run().json()[0]["rows"].clone()
    };
    assert_eq!((count("alerts"), count("deliveries")), (0.into(), 0.into()));
    assert_eq!(keyward.args(["alerts", "list", "--data", "data"]).run().stdout, "");

    let service = Service::start(&data, &webhook(&receiver.url(), &["127.0.0.0/8"])).await;
    service.raise(&[finding(1, 1, Level::High), finding(2, 2, Level::Low), finding(3, 2, Level::Low)]).await;
    service.until_delivered().await;
    let sql = "SELECT a.key_id, a.state, a.findings, d.state AS told, d.attempts FROM alerts a \
        JOIN deliveries d USING (alert_id) ORDER BY a.findings";
    let rows = keyward.args(["query", "--data", "data", sql, "--format", "json"]).run().json();
    let row = |key: &str, findings: u64| serde_json::json!({ "key_id": key, "state": "open", "findings": findings, "told": "delivered", "attempts": 1 });
    assert_eq!(rows, [row("vault:transit/1", 1), row("vault:transit/2", 2)]);

    let list = |format: &str| keyward.args(["alerts", "list", "--data", "data", "--format", format]).run();
    let json = list("json").json();
    assert_eq!(json.len(), 2);
    assert_eq!((&json[0]["state"], &json[0]["transition"]), (&"open".into(), &1.into()));
    let csv = list("csv").csv();
    assert_eq!((csv.len(), csv[0][0].as_str(), csv[0][15].as_str()), (3, "id", "state"));
    let table = list("table").stdout;
    assert!(
        table.contains("Function outside the declared purpose") && table.contains("open since "),
        "{table}"
    );
    service.stop().await;
    let missing = keyward.args(["alerts", "list", "--data", "nowhere"]).run();
    assert_eq!(missing.code, Some(4));
    assert!(missing.stderr.contains("there is no data folder nowhere"), "{}", missing.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_signed_and_carries_the_token() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let (key, token) = (data.path().join("key"), data.path().join("token"));
    std::fs::write(&key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    std::fs::write(&token, "opensesame\n").unwrap();
    let mut webhook = webhook(&receiver.url(), &["127.0.0.0/8"]);
    webhook.signing_key = Some(config::SecretFile::new(&key));
    webhook.token = Some(config::SecretFile::new(&token));
    let service = Service::start(data.path(), &webhook).await;
    service.raise(&[finding(1, 1, Level::High)]).await;
    service.until_delivered().await;
    let arrival = receiver.arrivals().remove(0);
    assert_eq!(arrival.headers["authorization"], "Bearer opensesame");
    assert_eq!(arrival.headers["content-type"], "application/json");
    let signature = arrival.headers["webhook-signature"].strip_prefix("v1,").unwrap();
    assert_eq!(signature.len(), 44, "32 bytes in base64");
    let seconds: i64 = arrival.headers["webhook-timestamp"].parse().unwrap();
    assert!((now_micros() / 1_000_000 - seconds).abs() < 60);
    service.stop().await;
}
