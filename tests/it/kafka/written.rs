//! Alerts and rejects as messages: the whole service against a cluster in this process that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use keyward::pipeline::generate::Company;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;

use super::PATIENCE;
use crate::services::kafka::Broker;
use crate::serving::Serving;
use crate::support::Keyward;

/// The made-up company's day begins here, in microseconds since the epoch.
const MORNING: i64 = 1_795_420_800_000_000;

/// Its first lines, with misuse in them.
const LINES: usize = 1_500;

/// Records that nobody understands.
const REJECTS: usize = 40;

const ALERTS: &str = "alerts";
const DEAD: &str = "dead";

/// Logs of a company with damaged records among them, and a service that watches them.
fn watching(brokers: &str, topics: [&str; 2]) -> Serving {
    let mut logs: [Vec<u8>; 2] = Default::default();
    for (place, line) in Company::new(7, MORNING).take(LINES).enumerate() {
        let log = &mut logs[usize::from(line.bytes.starts_with(b"{\"time\""))];
        log.extend_from_slice(&line.bytes);
        log.push(b'\n');
        if place % (LINES / REJECTS) == 0 {
            let secret = format!(
                "{{\"eventSource\":\"kms.amazonaws.com\",\"eventName\":7,\"n\":\"hunter{place}\"}}\n"
            );
            logs[0].extend_from_slice(secret.as_bytes());
        }
    }
    let [alerts, dead] = topics;
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\n\
         seal: {{ every: 200ms }}\n\
         sources: [{{ name: logs, follow: {{ paths: [logs] }} }}]\n\
         alerts: {{ kafka: {{ brokers: ['{brokers}'], topic: {alerts} }} }}\n\
         rejects: {{ kafka: {{ brokers: ['{brokers}'], topic: {dead} }} }}\n"
    );
    let [aws, vault] = logs;
    Serving::new(
        Keyward::new()
            .file("catalog.yaml", Company::catalog_yaml())
            .file("keyward.yaml", config)
            .file("logs/aws.ndjson", aws)
            .file("logs/vault.log", vault),
    )
}

/// One message as it was read.
struct Written {
    key: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Everything in a topic of one partition.
fn read(client: &ClientConfig, topic: &str, at_least: usize) -> Vec<Written> {
    let mut client = client.clone();
    client.set("group.id", "reader").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = client.create().unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&partitions).unwrap();
    let until = Instant::now() + PATIENCE;
    let mut read = Vec::new();
    let mut is_at_end = false;
    while !is_at_end || read.len() < at_least {
        assert!(Instant::now() < until, "{} of {at_least} messages in {topic}", read.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => read.push(Written {
                key: String::from_utf8(message.key().unwrap().to_vec()).unwrap(),
                headers: headers(&message),
                body: String::from_utf8(message.payload().unwrap().to_vec()).unwrap(),
            }),
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => is_at_end = true,
            Some(Err(_)) | None => {}
        }
    }
    read
}

fn headers(message: &impl Message) -> BTreeMap<String, String> {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
    headers.map(|header| (header.key.to_owned(), text(header.value))).collect()
}

/// Every delivery of the outbox is a message, under its alert, with one body; nothing else is there.
fn assert_alerts(serving: &Serving, messages: &[Written]) {
    let deliveries = serving.ask("SELECT delivery_id, alert_id, channel, state FROM deliveries");
    assert!(deliveries.len() >= 5, "{deliveries:?}");
    let mut bodies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for message in messages {
        let body: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!((&body["class_uid"], &body["category_uid"]), (&2004.into(), &2.into()));
        assert_eq!(body["finding_info"]["uid"], *message.key);
        assert_eq!(body["metadata"]["uid"], message.headers["keyward-delivery"]);
        assert_eq!(message.headers["content-type"], "application/json");
        assert!(body["finding_info"]["desc"].as_str().is_some_and(|desc| !desc.is_empty()), "{body}");
        bodies.entry(&message.headers["keyward-delivery"]).or_default().insert(&message.body);
    }
    for delivery in &deliveries {
        assert_eq!((&delivery["channel"], &delivery["state"]), (&"kafka".into(), &"delivered".into()));
        let written = bodies.get(delivery["delivery_id"].as_str().unwrap());
        assert_eq!(written.map(BTreeSet::len), Some(1), "{delivery}");
    }
    assert_eq!(bodies.len(), deliveries.len());
}

/// Every reject of history is a message, under its id, with one body and nothing secret in it.
fn assert_rejects(serving: &Serving, messages: &[Written]) {
    let listed = serving.keyward.args(["rejects", "list", "--data", "data", "--format", "json"]).run().json();
    assert!(listed.len() >= REJECTS, "{listed:?}");
    let mut bodies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for message in messages {
        assert!(!message.body.contains("hunter"), "{}", message.body);
        bodies.entry(&message.key).or_default().insert(&message.body);
    }
    for reject in &listed {
        let written = bodies.get(reject["id"].as_str().unwrap());
        let written = written.unwrap_or_else(|| panic!("{reject} was never written"));
        assert_eq!(written.len(), 1, "{written:?}");
        let body: Value = serde_json::from_str(written.first().unwrap()).unwrap();
        assert_eq!(body["reason"], reject["reason"]);
        assert_eq!(body["sha256"].as_str().map(str::len), Some(64));
        assert!(body["sample"].as_str().is_some_and(|sample| sample.contains("xxxxxx")), "{body}");
    }
    assert_eq!(bodies.len(), listed.len());
}

fn all_delivered(rows: &[Value]) -> bool {
    !rows.is_empty() && rows.iter().all(|row| row["state"] == "delivered")
}

#[test]
fn alerts_and_rejects_are_written_whatever_brokers_and_crashes_do() {
    let mock: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).unwrap();
    mock.create_topic(ALERTS, 1, 1).unwrap();
    mock.create_topic(DEAD, 1, 1).unwrap();
    mock.broker_down(1).unwrap();
    let mut serving = watching(&mock.bootstrap_servers(), [ALERTS, DEAD]);
    serving.start();
    // Nothing is written, and nothing waits for it: history and alerts go on.
    serving.until("SELECT 1 FROM deliveries", |rows| rows.len() >= 5);
    serving.until("SELECT 1 FROM rejects", |rows| rows.len() >= REJECTS);
    serving.kill();
    serving.start();
    let gone = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    let late = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    mock.request_errors(RDKafkaApiKey::Produce, &[gone, late, gone, late]);
    mock.broker_up(1).unwrap();
    serving.until("SELECT state FROM deliveries", all_delivered);
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", mock.bootstrap_servers());
    let rejects = read(&client, DEAD, REJECTS);
    serving.stop();
    // Rejects of the last seal are written at the next start: here there were none.
    assert_alerts(&serving, &read(&client, ALERTS, 5));
    assert_rejects(&serving, &rejects);
}

#[test]
fn a_real_broker_takes_alerts_and_rejects() {
    let Some(broker) = Broker::start() else { return };
    let (alerts, dead) = (broker.create_topic("alerts", 1), broker.create_topic("dead", 1));
    let mut serving = watching(&broker.address, [&alerts, &dead]);
    serving.start();
    serving.until("SELECT state FROM deliveries", |rows| rows.len() >= 5 && all_delivered(rows));
    serving.until("SELECT 1 FROM rejects", |rows| rows.len() >= REJECTS);
    let rejects = read(&broker.client(), &dead, REJECTS);
    serving.stop();
    assert_rejects(&serving, &rejects);
    let delivered = serving.ask("SELECT 1 FROM deliveries WHERE state = 'delivered'").len();
    assert!(read(&broker.client(), &alerts, delivered).len() >= delivered);
}
