//! The Kafka source against a cluster in this process, which can be made to fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use keyward::config::{Kafka, Start};
use keyward::source::feed::{Signal, Trouble};
use keyward::source::kafka::{Consumer, Positions, Setup};
use keyward::source::{Limits, Shape};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{PATIENCE, Source, Store, numbers, record, start, start_with};

const TOPIC: &str = "trail";

struct Cluster {
    mock: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
}

impl Cluster {
    fn new(partitions: i32) -> Self {
        let mock = MockCluster::new(1).unwrap();
        mock.create_topic(TOPIC, partitions, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", mock.bootstrap_servers());
        config.set("queue.buffering.max.messages", "1000000");
        config.set("linger.ms", "1");
        let producer = config.create().unwrap();
        Self { mock, producer }
    }

    fn produce(&self, partition: i32, payload: &str) {
        let record = BaseRecord::<(), str>::to(TOPIC).partition(partition).payload(payload);
        self.producer.send(record).unwrap();
    }

    fn produce_records(&self, partition: i32, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.produce(partition, &record(number));
        }
        self.flush();
    }

    fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    fn identity(&self, partition: i32) -> String {
        let cluster = self.producer.client().fetch_cluster_id(PATIENCE).unwrap();
        format!("kafka:{cluster}:{TOPIC}:{partition}")
    }

    fn config(&self, instance: &str, start: Start) -> Kafka {
        Kafka {
            brokers: self.mock.bootstrap_servers().split(',').map(str::to_owned).collect(),
            topics: vec![TOPIC.to_owned()],
            group: "keyward".to_owned(),
            instance: Some(instance.to_owned()),
            start,
            tls: None,
            sasl: None,
            settings: BTreeMap::new(),
        }
    }
}

#[test]
fn partitions_begin_at_their_stored_positions_and_new_ones_at_the_oldest_record() {
    let cluster = Cluster::new(2);
    cluster.produce_records(0, 0..100);
    cluster.produce_records(1, 0..50);
    let store = Store::default();
    store.put(&cluster.identity(0), 40);
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 100, Limits::default());
    source.until(|source| source.count() >= 110);
    assert_eq!(source.of(&cluster.identity(0)), numbers(40..100));
    assert_eq!(source.of(&cluster.identity(1)), numbers(0..50));
    assert_eq!(source.troubles, []);
    source.until_status(|status| status.ready && status.lags.iter().map(|lag| lag.behind).eq([0, 0]));
}

#[test]
fn a_source_that_begins_at_the_end_has_that_end_stored_before_anything_comes() {
    let cluster = Cluster::new(1);
    cluster.produce_records(0, 0..10);
    let store = Store::default();
    let mut source = start(&cluster.config("a", Start::Latest), &store, 100, Limits::default());
    source.until(|source| source.arrivals == 1);
    assert_eq!((source.count(), store.get(&cluster.identity(0))), (0, Some(10)));
    cluster.produce_records(0, 10..20);
    source.until(|source| source.count() >= 10);
    assert_eq!(source.of(&cluster.identity(0)), numbers(10..20));
}

#[test]
fn a_position_outside_of_the_log_is_a_gap_and_reading_goes_on_with_the_oldest_record() {
    let cluster = Cluster::new(2);
    cluster.produce_records(0, 0..10);
    cluster.produce_records(1, 0..10);
    let store = Store::default();
    store.put(&cluster.identity(0), 500);
    store.put(&cluster.identity(1), 4);
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 100, Limits::default());
    source.until(|source| source.of(&cluster.identity(0)).len() >= 10);
    source.until(|source| source.of(&cluster.identity(1)).len() >= 6);
    assert_eq!(source.gaps(), [(format!("{TOPIC}/0"), 500, 0)]);
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..10));
    assert_eq!(source.of(&cluster.identity(1)), numbers(4..10));
    cluster.produce_records(0, 10..20);
    source.until(|source| source.count() >= 26);
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..20));
}

#[test]
fn a_full_queue_of_one_loses_nothing_and_doubles_nothing() {
    let cluster = Cluster::new(3);
    for partition in 0..3 {
        cluster.produce_records(partition, 0..4000);
    }
    let limits = Limits { chunk_records: 100, ..Limits::default() };
    let mut source = start(&cluster.config("a", Start::Earliest), &Store::default(), 1, limits);
    let deadline = Instant::now() + PATIENCE;
    let mut heard = 0;
    while source.count() < 12_000 {
        heard += 1;
        if heard % 20 == 0 {
            std::thread::sleep(Duration::from_millis(300)); // longer than the source waits
        }
        source.hear(deadline);
    }
    for partition in 0..3 {
        assert_eq!(source.of(&cluster.identity(partition)), numbers(0..4000));
    }
}

#[test]
fn a_rewind_gives_exactly_what_was_not_sealed_again() {
    let cluster = Cluster::new(2);
    cluster.produce_records(0, 0..1000);
    cluster.produce_records(1, 0..1000);
    let store = Store::default();
    let limits = Limits { chunk_records: 100, ..Limits::default() };
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 4, limits);
    for generation in 1..=5 {
        let enough = 2000 * generation as usize / 8;
        source.until(|source| source.count() >= enough);
        let deadline = Instant::now() + Duration::from_millis(200);
        while let Ok(signal) = source.signals.recv_deadline(deadline) {
            assert!(matches!(signal, Signal::Records(_))); // read, and lost with a failed seal
        }
        source.feed.rewind(generation);
        source.generation = generation;
    }
    source.until(|source| source.count() >= 2000);
    cluster.produce_records(0, 1000..1001);
    source.until(|source| source.count() >= 2001);
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..1001));
    assert_eq!(source.of(&cluster.identity(1)), numbers(0..1000));
}

#[test]
fn a_rewind_before_anything_was_sealed_begins_where_it_first_began() {
    let cluster = Cluster::new(1);
    cluster.produce_records(0, 0..10);
    let store = Store::default();
    let mut source = start(&cluster.config("a", Start::Latest), &store, 100, Limits::default());
    let first = source.signals.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(first, Signal::Records(arrival) if arrival.to.offset == 10));
    cluster.produce_records(0, 10..20);
    let unsealed = source.signals.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(unsealed, Signal::Records(_)));
    source.feed.rewind(1);
    source.generation = 1;
    source.until(|source| source.count() >= 10);
    assert_eq!(source.of(&cluster.identity(0)), numbers(10..20));
}

#[test]
fn partitions_that_go_to_another_member_are_sealed_first_and_go_on_there() {
    let cluster = Cluster::new(4);
    for partition in 0..4 {
        cluster.produce_records(partition, 0..500);
    }
    let store = Store::default();
    let mut one = start(&cluster.config("one", Start::Earliest), &store, 100, Limits::default());
    one.until(|one| one.count() >= 2000);
    let mut two = start(&cluster.config("two", Start::Earliest), &store, 100, Limits::default());
    let deadline = Instant::now() + PATIENCE;
    let mut revoked = Vec::new();
    while revoked.is_empty() {
        cluster.produce_records(0, 0..10);
        match one.signals.recv_deadline(deadline).unwrap() {
            Signal::Revoked { identities, sealed, .. } => {
                revoked = identities;
                sealed.send(true).unwrap();
            }
            signal => one.heard(signal),
        }
    }
    assert_eq!(revoked.len(), 2, "cooperative: only what moves is given up");
    for partition in 0..4 {
        cluster.produce_records(partition, 500..600);
    }
    let total = |one: &Source, two: &Source| one.count() + two.count();
    let produced = || (0..4).map(|partition| end(&cluster, partition)).sum::<usize>();
    while total(&one, &two) < produced() {
        assert!(Instant::now() < deadline, "{} of {}", total(&one, &two), produced());
        for source in [&mut one, &mut two] {
            while let Ok(signal) = source.signals.recv_timeout(Duration::from_millis(50)) {
                source.heard(signal);
            }
        }
    }
    for partition in 0..4 {
        let identity = cluster.identity(partition);
        let both = [one.of(&identity), two.of(&identity)].concat();
        assert_eq!(both, numbers(0..end(&cluster, partition) as u64));
        assert_eq!(two.of(&identity).is_empty(), !revoked.contains(&identity));
    }
}

fn end(cluster: &Cluster, partition: i32) -> usize {
    let (_, end) = cluster.producer.client().fetch_watermarks(TOPIC, partition, PATIENCE).unwrap();
    end as usize
}

#[test]
fn a_store_that_fails_is_asked_again_and_nothing_is_read_before_it_answers() {
    let cluster = Cluster::new(2);
    cluster.produce_records(0, 0..10);
    cluster.produce_records(1, 0..10);
    let store = Store::default();
    store.put(&cluster.identity(1), 7);
    let (asked, known) = (AtomicUsize::new(0), store.clone());
    let positions: Positions = Arc::new(move |source| match asked.fetch_add(1, Ordering::Relaxed) {
        0..2 => Err("the disk is full".to_owned()),
        _ => Ok(known.stored(source)),
    });
    let config = cluster.config("a", Start::Earliest);
    let mut source = start_with(&config, &store, 100, Limits::default(), positions);
    let deadline = Instant::now() + PATIENCE;
    while !source.feed.status().waits_for.is_some_and(|waits| waits.contains("the disk is full")) {
        assert!(Instant::now() < deadline && source.signals.is_empty());
        std::thread::sleep(Duration::from_millis(10));
    }
    source.until(|source| source.count() >= 13);
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..10));
    assert_eq!(source.of(&cluster.identity(1)), numbers(7..10));
    source.until_ready();
}

#[test]
fn an_outage_is_told_once_and_costs_nothing() {
    let cluster = Cluster::new(1);
    cluster.produce_records(0, 0..100);
    let store = Store::default();
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 100, Limits::default());
    source.until(|source| source.count() >= 100);
    cluster.mock.broker_down(-1).unwrap();
    source.until(|source| !source.troubles.is_empty());
    assert!(matches!(&source.troubles[0], Trouble::Unreachable { error } if error.contains("brokers")));
    source.until_status(|status| !status.ready && status.waits_for.is_some());
    cluster.mock.broker_up(-1).unwrap();
    source.until(|source| source.troubles.contains(&Trouble::Reachable));
    cluster.produce_records(0, 100..200);
    source.until(|source| source.count() >= 200);
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..200));
    source.until_ready();
    // A slow machine may see a second outage; never two beginnings, or two ends, of one.
    let ends = source.troubles.iter().map(|trouble| *trouble == Trouble::Reachable);
    assert!(ends.enumerate().all(|(place, ends)| ends == (place % 2 == 1)), "{:?}", source.troubles);
}

#[test]
fn failing_requests_lose_nothing() {
    let cluster = Cluster::new(1);
    let store = Store::default();
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 100, Limits::default());
    for round in 0..5 {
        let transport = RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT;
        let leader = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
        cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[transport, leader]);
        let coordinator = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
        cluster.mock.request_errors(RDKafkaApiKey::OffsetCommit, &[coordinator]);
        cluster.produce_records(0, round * 100..(round + 1) * 100);
        source.until(|source| source.count() >= 100 * (round as usize + 1));
    }
    assert_eq!(source.of(&cluster.identity(0)), numbers(0..500));
}

#[test]
fn a_stop_hands_over_what_was_taken_and_then_says_so() {
    let cluster = Cluster::new(2);
    cluster.produce_records(0, 0..5000);
    cluster.produce_records(1, 0..5000);
    let store = Store::default();
    let limits = Limits { chunk_records: 1000, ..Limits::default() };
    let mut source = start(&cluster.config("a", Start::Earliest), &store, 2, limits);
    source.until(|source| source.count() >= 1000);
    source.feed.stop();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match source.signals.recv_deadline(deadline).unwrap() {
            Signal::Ended { .. } => break,
            signal => source.heard(signal),
        }
    }
    cluster.produce_records(0, 5000..5010);
    assert!(source.signals.recv_timeout(Duration::from_millis(300)).is_err());
    for partition in 0..2 {
        let identity = cluster.identity(partition);
        let stored = store.get(&identity).unwrap_or_default();
        assert_eq!(source.of(&identity), numbers(0..stored as u64));
    }
    drop(source);
    let mut again = start(&cluster.config("a", Start::Earliest), &store, 100, limits);
    let rest = (0..2).map(|n| end(&cluster, n) - store.get(&cluster.identity(n)).unwrap_or(0) as usize).sum();
    again.until(|again| again.count() >= rest);
    assert_eq!(again.count(), rest);
}

#[test]
fn a_message_in_any_envelope_keeps_its_offset_and_numbers_its_records() {
    let cluster = Cluster::new(1);
    cluster.produce(0, &record(0));
    cluster.produce(0, "");
    cluster.produce(0, &format!("{}\n{}", record(1), record(2)));
    cluster.produce(0, &format!("{{\"Records\":[{},{}]}}", record(3), record(4)));
    cluster.flush();
    let mut source = start(&cluster.config("a", Start::Earliest), &Store::default(), 100, Limits::default());
    let deadline = Instant::now() + PATIENCE;
    let mut places = Vec::new();
    while places.len() < 5 {
        match source.signals.recv_deadline(deadline).unwrap() {
            Signal::Records(arrival) => {
                assert!(arrival.written_at.is_some_and(|at| at > 0));
                assert_eq!(arrival.received_at, 1_795_521_600_000_000);
                for piece in &arrival.chunk.records {
                    assert_eq!(piece.shape, Shape::CloudTrail);
                    places.push((piece.position, piece.index));
                }
            }
            signal => source.heard(signal),
        }
    }
    assert_eq!(places, [(0, 0), (2, 0), (2, 1), (3, 0), (3, 1)]);
}

#[test]
fn a_wrong_configuration_says_what_to_do() {
    let cluster = Cluster::new(1);
    let attempt = |change: fn(&mut Kafka)| {
        let mut config = cluster.config("a", Start::Earliest);
        change(&mut config);
        let (signals, _heard) = bounded(1);
        let setup = Setup {
            name: "trail".into(),
            device: None,
            limits: Limits::default(),
            positions: Arc::new(|_| Ok(None)),
            signals,
            clock: || 0,
        };
        Consumer::start(&config, setup).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(attempt(|config| config.topics.clear()).contains("`topics`"));
    assert!(attempt(|config| config.start = Start::Time("noon".into())).contains("RFC 3339"));
    let refused = attempt(|config| {
        config.settings.insert("enable.auto.commit".into(), "true".into());
    });
    assert!(refused.contains("enable.auto.commit"), "{refused}");
    let unknown = attempt(|config| {
        config.settings.insert("fetch.min.byte".into(), "12345678".into());
    });
    assert!(unknown.contains("fetch.min.byte") && !unknown.contains("12345678"), "{unknown}");
}
