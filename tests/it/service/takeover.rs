//! Two services on one store: one works, the other stands by and takes over.

use std::io::Write;
use std::time::{Duration, Instant};

use keyward::config::StoreAddress;
use keyward::store::{Place, Store};
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::stream::Stream;
use super::{PATIENCE, Service, Site, ask, size, until};
use crate::services::kafka::Broker;
use crate::services::postgres;

/// What is promised of a machine with time to spare; three times as long on a busy one.
const TAKES_OVER_WITHIN: Duration = Duration::from_secs(10);

/// A store, and how to look into it.
struct Shared {
    site: Site,
    address: StoreAddress,
}

impl Shared {
    fn postgres(sources: &str) -> Option<Self> {
        let address = super::Runtime::new().unwrap().block_on(postgres::new_database())?;
        let site = Site::with(&address, sources);
        Some(Self { site, address: StoreAddress::Postgres(address) })
    }

    fn embedded(sources: &str) -> Self {
        Self { site: Site::new(sources), address: StoreAddress::Embedded }
    }

    fn open(&self) -> Store {
        let data = self.site.data();
        let place = Place { root: &data, address: &self.address, instance: "test" };
        self.site.runtime.block_on(Store::read_at(place)).unwrap()
    }

    /// Waits until the standby says that it is one.
    fn standby(&self) -> Service {
        let mut service = self.site.start();
        let address = service.address();
        until(PATIENCE, || ask(&address, "/readyz").contains("standing by"), || service.log());
        service
    }
}

/// Waits until a standby works; how long that took.
fn takes_over(standby: &mut Service) -> Duration {
    let began = Instant::now();
    let address = standby.address();
    let works = || ask(&address, "/metrics").contains("keyward_lease_held 1");
    until(3 * TAKES_OVER_WITHIN, works, || ask(&address, "/readyz"));
    let took = began.elapsed();
    let _ = writeln!(std::io::stdout(), "took over within {took:?}");
    took
}

#[test]
fn a_standby_takes_over_from_a_killed_and_from_a_paused_service_which_can_do_nothing_any_more() {
    let Some(broker) = Broker::start() else { return };
    let stream = Stream::new(&broker, "takeover", size::events());
    let Some(shared) = Shared::postgres(&stream.sources(&broker)) else { return };
    let site = &shared.site;
    stream.write_files(&site.keyward);
    std::thread::scope(|scope| {
        scope.spawn(|| stream.flow(&broker.address));
        let _held = stream.held();
        stream.begin(site, || shared.open());
        let share = size::events() / 5;
        let mut first = site.start();
        stream.allow(share);
        first.ready();
        let mut second = shared.standby();
        stream.allow(share);
        first.kill();
        takes_over(&mut second);
        second.ready();

        let mut third = shared.standby();
        stream.allow(share);
        second.signal("-STOP");
        takes_over(&mut third);
        third.ready();
        stream.allow(share);
        second.signal("-CONT");
        let ended = second.ended(PATIENCE).unwrap_or_else(|| panic!("the zombie lives\n{}", second.log()));
        assert_eq!(ended.code(), Some(4), "{}", second.log());
        assert!(second.log().contains("another instance"), "{}", second.log());
        stream.allow_all();
        stream.conclude(site, &mut third, || shared.open());
    });
}

#[test]
fn a_standby_on_the_same_folder_takes_over_and_a_foreign_consumer_loses_nothing() {
    let Some(broker) = Broker::start() else { return };
    let stream = Stream::new(&broker, "foreign", size::events());
    let shared = Shared::embedded(&stream.sources(&broker));
    let site = &shared.site;
    stream.write_files(&site.keyward);
    std::thread::scope(|scope| {
        scope.spawn(|| stream.flow(&broker.address));
        let _held = stream.held();
        stream.begin(site, || shared.open());
        let share = size::events() / 5;
        let mut first = site.start();
        stream.allow(share);
        first.ready();
        for _ in 0..2 {
            join_and_leave(&stream, &broker, || stream.allow(share));
        }
        let mut second = shared.standby();
        stream.allow(share);
        first.kill();
        takes_over(&mut second);
        stream.allow_all();
        stream.conclude(site, &mut second, || shared.open());
    });
}

/// Somebody else's consumer in our groups: it gets partitions, reads of them, commits what it read, and leaves.
fn join_and_leave(stream: &Stream, broker: &Broker, meanwhile: impl Fn()) {
    for (group, topic) in stream.groups() {
        let mut config = broker.client();
        config.set("group.id", &group).set("partition.assignment.strategy", "cooperative-sticky");
        config.set("auto.offset.reset", "latest").set("session.timeout.ms", "6000");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        meanwhile();
        let has_some = || {
            let _ = consumer.poll(Duration::from_millis(100));
            consumer.assignment().is_ok_and(|assigned| assigned.count() > 0)
        };
        until(PATIENCE, has_some, || format!("the consumer of {group} gets no partition"));
        for _ in 0..10 {
            let _ = consumer.poll(Duration::from_millis(50));
        }
        // It may have read nothing.
        let _ = consumer.commit_consumer_state(rdkafka::consumer::CommitMode::Sync);
    }
}
