//! From produced records to received pages, through the whole program and a real broker.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use keyward::pipeline::generate::Company;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::PATIENCE;
use crate::alerts_service::receiver::Receiver;
use crate::services::kafka::Broker;
use crate::support::Keyward;

/// An hour of the company, some thousand records, with misuse in it. They begin at 2026-11-24T06:00:00Z, in
/// microseconds.
const LINES: usize = 3_000;
const MORNING: i64 = 1_795_500_000_000_000;

/// The running program; killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(keyward: &Keyward) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(keyward.path("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(keyward.path("."))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.unwrap())
    }
}

/// CloudTrail over two partitions, Vault's entries in one, in their order.
fn produce(broker: &Broker, keyward: &Keyward, trail: &str, vault: &str) {
    let producer: BaseProducer = broker.client().set("linger.ms", "5").create().unwrap();
    let mut logs: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (place, line) in (0_i32..).zip(Company::new(7, MORNING).take(LINES)) {
        let is_vault = line.bytes.starts_with(b"{\"time\"");
        let (topic, partition) = if is_vault { (vault, 0) } else { (trail, place % 2) };
        let record = BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(&line.bytes);
        producer.send(record).unwrap();
        let log = logs.entry(if is_vault { "logs/vault.log" } else { "logs/aws.ndjson" }).or_default();
        log.extend(line.bytes);
        log.push(b'\n');
    }
    producer.flush(PATIENCE).unwrap();
    for (name, log) in logs {
        std::fs::create_dir_all(keyward.path("logs")).unwrap();
        std::fs::write(keyward.path(name), log).unwrap();
    }
}

fn ids(rows: &[Value], name: &str) -> BTreeSet<String> {
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_page_of_what_was_produced_arrives_once() {
    let Some(broker) = Broker::start() else { return };
    let (trail, vault) = (broker.create_topic("paged-trail", 2), broker.create_topic("paged-vault", 1));
    let runtime = Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\nseal: {{ every: 300ms }}\n\
         sources: [{{ name: logs, kafka: {{ brokers: ['{}'], topics: [{trail}, {vault}], group: {trail}, \
         start: earliest }} }}]\nalerts: {{ webhook: {{ url: '{}', allow_networks: ['127.0.0.0/8'] }} }}\n",
        broker.address,
        receiver.url()
    );
    let keyward = Keyward::new().file("catalog.yaml", Company::catalog_yaml()).file("keyward.yaml", config);
    let mut service = Running::start(&keyward);
    produce(&broker, &keyward, &trail, &vault);

    let log = || std::fs::read_to_string(keyward.path("log")).unwrap_or_default();
    let ask = |sql: &str| {
        let ran = keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
        if ran.code == Some(0) { ran.json() } else { Vec::new() }
    };
    let scanned = keyward.args(["scan", "--catalog", "catalog.yaml", "--emit", "alerts"]);
    let scanned = scanned.args(["--format", "json", "logs"]).run().json();
    let deadline = Instant::now() + PATIENCE;
    let alerts = "SELECT alert_id FROM alerts WHERE kind = 'misuse'";
    let waits = "SELECT delivery_id FROM deliveries WHERE state <> 'delivered'";
    // A request that waits for its response when the log ends is an event for a scan alone.
    let expected = ids(&scanned, "id");
    while ids(&ask(alerts), "alert_id").len() + 2 < expected.len() || !ask(waits).is_empty() {
        assert!(Instant::now() < deadline, "not all is told of\n{}", log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let process = service.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    assert!(service.0.wait().unwrap().success(), "{}", log());

    assert!(ids(&ask(alerts), "alert_id").is_subset(&expected), "an alert that no scan has\n{}", log());
    let mut arrivals: BTreeMap<String, usize> = BTreeMap::new();
    for arrival in receiver.arrivals() {
        *arrivals.entry(arrival.headers["webhook-id"].clone()).or_default() += 1;
    }
    let sent = ids(&ask("SELECT delivery_id FROM deliveries WHERE state = 'delivered'"), "delivery_id");
    // Campaigns speak for most alerts, and critical ones mute the low ones on their key.
    assert!(sent.len() >= 5, "{} pages\n{}", sent.len(), log());
    assert_eq!(arrivals, sent.into_iter().map(|id| (id, 1)).collect(), "{}", log());
}
