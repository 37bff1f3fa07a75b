//! The Kafka source against a real broker.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use base64::Engine;
use keyward::config::{Kafka, Sasl, SaslMechanism, SecretFile, Start, Tls};
use keyward::source::Limits;
use rdkafka::admin::AdminOptions;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::{PATIENCE, Store, numbers, record, start};
use crate::services::kafka::{Broker, PASSWORD, USERNAME, run};

fn config(broker: &str, topic: &str, start: Start) -> Kafka {
    Kafka {
        brokers: vec![broker.to_owned()],
        topics: vec![topic.to_owned()],
        group: format!("group-of-{topic}"),
        instance: None,
        start,
        tls: None,
        sasl: None,
        settings: BTreeMap::new(),
    }
}

fn produce(producer: &BaseProducer, topic: &str, partition: i32, range: std::ops::Range<u64>) {
    for number in range {
        let payload = record(number);
        let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(&payload);
        producer.send(record).unwrap();
    }
}

fn identity(producer: &BaseProducer, topic: &str, partition: i32) -> String {
    let cluster = producer.client().fetch_cluster_id(PATIENCE).unwrap();
    format!("kafka:{cluster}:{topic}:{partition}")
}

#[test]
fn ten_thousand_records_come_once_each_through_a_restart_of_the_broker() {
    let Some(mut broker) = Broker::start() else { return };
    let topic = broker.create_topic("restart", 2);
    let producer: BaseProducer =
        broker.client().set("enable.idempotence", "true").set("linger.ms", "5").create().unwrap();
    let store = Store::default();
    let limits = Limits { chunk_records: 500, ..Limits::default() };
    let mut source = start(&config(&broker.address, &topic, Start::Earliest), &store, 4, limits);
    for partition in 0..2 {
        produce(&producer, &topic, partition, 0..2500);
    }
    producer.flush(PATIENCE).unwrap();
    source.until(|source| source.count() >= 3000);
    for partition in 0..2 {
        produce(&producer, &topic, partition, 2500..5000);
    }
    std::thread::scope(|scope| {
        // Who hears a source has to hear it all the time: what is revoked is sealed within five seconds.
        let restart = scope.spawn(|| broker.restart(Duration::from_millis(500)));
        while !restart.is_finished() {
            if let Ok(signal) = source.signals.recv_timeout(Duration::from_millis(20)) {
                source.heard(signal);
            }
        }
    });
    source.until(|source| source.count() >= 5000);
    producer.flush(PATIENCE).unwrap();
    source.until(|source| source.count() >= 10_000);
    for partition in 0..2 {
        assert_eq!(source.of(&identity(&producer, &topic, partition)), numbers(0..5000));
    }
    source.feed.stop();
    source.until(|source| source.ended);
    drop(source);

    // The same member again, at once: nothing is there but what comes now.
    let mut again = start(&config(&broker.address, &topic, Start::Earliest), &store, 4, limits);
    produce(&producer, &topic, 1, 5000..5001);
    producer.flush(PATIENCE).unwrap();
    again.until(|again| again.count() >= 1);
    assert_eq!(again.of(&identity(&producer, &topic, 1)), [5000]);
    assert_eq!(again.count(), 1);
}

#[test]
fn transactions_times_deleted_records_and_identities_are_a_real_brokers() {
    let Some(broker) = Broker::start() else { return };
    aborted_transactions_are_left_out(&broker);
    a_start_time_is_asked_of_the_broker(&broker);
    deleted_records_are_a_gap(&broker);
    two_members_of_one_name_cannot_run(&broker);
    if broker.sasl.is_some() {
        identities_are_proven(&broker);
    }
}

fn aborted_transactions_are_left_out(broker: &Broker) {
    let topic = broker.create_topic("transactions", 1);
    let producer: BaseProducer = broker.client().set("transactional.id", &topic).create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    for (round, commit) in [true, false, true].into_iter().enumerate() {
        producer.begin_transaction().unwrap();
        let first = round as u64 * 10;
        produce(&producer, &topic, 0, first..first + 10);
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.flush(PATIENCE).unwrap();
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }
    let store = Store::default();
    let mut source = start(&config(&broker.address, &topic, Start::Earliest), &store, 10, Limits::default());
    source.until(|source| source.count() >= 20);
    // Ten records and a marker a transaction.
    let expected: Vec<u64> = (0..10).chain(22..32).collect();
    assert_eq!(source.of(&identity(&producer, &topic, 0)), expected);
}

fn a_start_time_is_asked_of_the_broker(broker: &Broker) {
    let topic = broker.create_topic("times", 1);
    let producer: BaseProducer = broker.client().create().unwrap();
    for number in 0..10_u64 {
        let time = 1_795_521_600_000 + number as i64 * 1000; // 2026-11-24T12:00:00Z and on
        let payload = record(number);
        let record = BaseRecord::<(), str>::to(&topic).partition(0).payload(&payload).timestamp(time);
        producer.send(record).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let time = Start::Time("2026-11-24T12:00:06Z".to_owned());
    let mut source = start(&config(&broker.address, &topic, time), &Store::default(), 10, Limits::default());
    source.until(|source| source.count() >= 4);
    assert_eq!(source.of(&identity(&producer, &topic, 0)), numbers(6..10));
}

fn deleted_records_are_a_gap(broker: &Broker) {
    let topic = broker.create_topic("deleted", 1);
    let producer: BaseProducer = broker.client().create().unwrap();
    produce(&producer, &topic, 0, 0..100);
    producer.flush(PATIENCE).unwrap();
    let mut until = TopicPartitionList::new();
    until.add_partition_offset(&topic, 0, Offset::Offset(60)).unwrap();
    run(broker.admin().delete_records(&until, &AdminOptions::new())).unwrap();
    let store = Store::default();
    store.put(&identity(&producer, &topic, 0), 40);
    let mut source = start(&config(&broker.address, &topic, Start::Earliest), &store, 10, Limits::default());
    source.until(|source| source.count() >= 40);
    assert_eq!(source.of(&identity(&producer, &topic, 0)), numbers(60..100));
    assert_eq!(source.gaps(), [(format!("{topic}/0"), 40, 60)]);
}

fn two_members_of_one_name_cannot_run(broker: &Broker) {
    let topic = broker.create_topic("fenced", 1);
    let config = config(&broker.address, &topic, Start::Earliest);
    let mut rivals: Vec<_> = (0..2)
        .map(|_| {
            let mut source = start(&config, &Store::default(), 10, Limits::default());
            source.until_ready();
            source
        })
        .collect();
    // Each comes back once, since a member can be fenced by an earlier self.
    let deadline = Instant::now() + PATIENCE;
    while rivals.iter().all(|source| source.failed.is_none()) {
        assert!(Instant::now() < deadline);
        for source in &mut rivals {
            while let Ok(signal) = source.signals.recv_timeout(Duration::from_millis(20)) {
                source.heard(signal);
            }
        }
    }
    let failed: Vec<_> = rivals.iter().filter_map(|source| source.failed.as_deref()).collect();
    assert!(matches!(failed.as_slice(), [error] if error.contains("the same `instance`")), "{failed:?}");
}

fn identities_are_proven(broker: &Broker) {
    let topic = broker.create_topic("identities", 1);
    let producer: BaseProducer = broker.client().create().unwrap();
    produce(&producer, &topic, 0, 0..10);
    producer.flush(PATIENCE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        Some(SecretFile::new(path))
    };
    let (sasl, tls) = (broker.sasl.clone().unwrap(), broker.tls.clone().unwrap());
    let with = |address: &str, mechanism, password, token| {
        let username = Some(USERNAME.to_owned());
        let sasl = Sasl { mechanism, username, password, token };
        Kafka { sasl: Some(sasl), ..config(address, &topic, Start::Earliest) }
    };
    let plain = with(&sasl, SaslMechanism::Plain, secret("right", PASSWORD), None);
    let bearer = with(&sasl, SaslMechanism::OauthBearer, None, secret("token", &token()));
    let trusted = Tls { authorities: Some(broker.certificate()), ..Tls::default() };
    let encrypted = Kafka { tls: Some(trusted), ..config(&tls, &topic, Start::Earliest) };
    for (name, config) in [("plain", plain), ("bearer", bearer), ("encrypted", encrypted)] {
        let config = Kafka { group: name.to_owned(), ..config };
        let mut source = start(&config, &Store::default(), 10, Limits::default());
        source.until(|source| source.count() >= 10);
        assert_eq!(source.troubles, [], "{name}");
    }
    let wrong = with(&sasl, SaslMechanism::Plain, secret("wrong", "let me in"), None);
    let stranger = Kafka { tls: Some(Tls::default()), ..config(&tls, &topic, Start::Earliest) };
    for (config, what) in [(wrong, "check `sasl`"), (stranger, "check `tls`")] {
        let mut source = start(&config, &Store::default(), 10, Limits::default());
        source.until(|source| !source.troubles.is_empty());
        let trouble = format!("{:?}", source.troubles[0]);
        assert!(trouble.contains(what) && !trouble.contains("let me in"), "{trouble}");
    }
}

/// An unsigned token (RFC 7515 §A.5), as a broker takes it that was not told whom to trust.
fn token() -> String {
    let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = format!(r#"{{"sub":"{USERNAME}","iat":{now},"exp":{}}}"#, now + 600);
    format!("{}.{}.", encode(r#"{"alg":"none"}"#.to_owned()), encode(claims))
}
