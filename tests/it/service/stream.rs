//! A company's records, flowing into topics of a real broker and lying in files for a scan: the same ones, a
//! file for each partition.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keyward::domain::event::Provider;
use keyward::domain::identity::uid;
use keyward::pipeline::generate::{Company, Line};
use keyward::store::{BlockingStore, Store};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;

use super::kept::Kept;
use super::{MORNING, PATIENCE, Service, Site, until};
use crate::services::kafka::Broker;
use crate::support::Keyward;

/// Partitions of each topic.
const PARTITIONS: u128 = 2;

/// Lines with which every partition begins: some minutes of the company.
const FIRST_LINES: usize = 200;

/// Two topics, what flows into them, and how much of it may flow yet.
pub struct Stream {
    aws: String,
    vault: String,
    lines: usize,
    /// How many lines may be produced by now.
    pub allowed: Arc<AtomicUsize>,
    /// Whether the test has failed, and nobody waits for more.
    abandoned: AtomicBool,
    /// By topic and partition.
    counts: BTreeMap<(String, i32), i64>,
}

/// See [`Stream::held`].
pub struct Held<'h>(&'h Stream);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.abandoned.store(std::thread::panicking(), Ordering::Relaxed);
    }
}

/// Where a line goes.
struct Placed {
    provider: Provider,
    partition: i32,
    bytes: Vec<u8>,
}

impl Stream {
    /// Topics for `lines` lines; nothing flows yet.
    pub fn new(broker: &Broker, name: &str, lines: usize) -> Self {
        let aws = broker.create_topic(&format!("aws-{name}"), PARTITIONS as i32);
        let vault = broker.create_topic(&format!("vault-{name}"), PARTITIONS as i32);
        let mut stream = Self {
            aws,
            vault,
            lines,
            allowed: Arc::default(),
            abandoned: AtomicBool::new(false),
            counts: BTreeMap::new(),
        };
        let mut counts = BTreeMap::new();
        for line in stream.placed() {
            *counts.entry((stream.topic(line.provider).to_owned(), line.partition)).or_default() += 1;
        }
        stream.counts = counts;
        stream
    }

    /// The sources of a service that reads it.
    pub fn sources(&self, broker: &Broker) -> String {
        let source = |name: &str, topic: &str| {
            format!(
                "{{ name: {name}, kafka: {{ brokers: ['{}'], topics: [{topic}], group: g-{topic} }} }}",
                broker.address
            )
        };
        format!("[{}, {}]", source("aws", &self.aws), source("vault", &self.vault))
    }

    /// The consumer groups, each with its topic.
    pub fn groups(&self) -> [(String, &str); 2] {
        [&self.aws, &self.vault].map(|topic| (format!("g-{topic}"), topic.as_str()))
    }

    fn topic(&self, provider: Provider) -> &str {
        if provider == Provider::Aws { &self.aws } else { &self.vault }
    }

    /// The lines, each with its place. Ends with the responses that are still awaited: a request without one is
    /// an event for a scan, which knows that the log has ended, and none for a service.
    fn placed(&self) -> impl Iterator<Item = Placed> + use<> {
        let mut waiting = BTreeSet::new();
        let (mut taken, lines) = (0, self.lines);
        let mut company = Company::new(7, MORNING);
        std::iter::from_fn(move || {
            loop {
                if taken >= lines && waiting.is_empty() {
                    return None;
                }
                let line = company.next()?;
                let placed = place(line, &mut waiting, taken < lines);
                if placed.is_some() {
                    taken += 1;
                    return placed;
                }
            }
        })
    }

    /// Writes the lines to files that a scan reads.
    pub fn write_files(&self, keyward: &Keyward) {
        fs::create_dir_all(keyward.path("logs")).unwrap();
        let mut files: BTreeMap<String, BufWriter<File>> = BTreeMap::new();
        for line in self.placed() {
            let name = format!("logs/{:?}-{}.ndjson", line.provider, line.partition).to_lowercase();
            let create = || BufWriter::new(File::create(keyward.path(&name)).unwrap());
            let file = files.entry(name.clone()).or_insert_with(create);
            file.write_all(&line.bytes).and_then(|()| file.write_all(b"\n")).unwrap();
        }
    }

    /// Produces all lines, none before it is allowed, and returns when the broker has them.
    pub fn flow(&self, broker: &str) {
        let mut config = rdkafka::ClientConfig::new();
        config.set("bootstrap.servers", broker).set("enable.idempotence", "true").set("linger.ms", "5");
        config.set("reconnect.backoff.max.ms", "500").set("message.timeout.ms", "0");
        let producer: BaseProducer = config.create().unwrap();
        for (number, line) in self.placed().enumerate() {
            while number >= self.allowed.load(Ordering::Relaxed) {
                if self.abandoned.load(Ordering::Relaxed) {
                    return;
                }
                producer.poll(Duration::from_millis(10));
            }
            let mut record = BaseRecord::<(), [u8]>::to(self.topic(line.provider))
                .partition(line.partition)
                .payload(&line.bytes);
            while let Err((error, back)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert_eq!(error, full);
                record = back;
                producer.poll(Duration::from_millis(10));
            }
            producer.poll(Duration::ZERO);
        }
        while producer.flush(Duration::from_secs(1)).is_err() && !self.abandoned.load(Ordering::Relaxed) {}
    }

    /// Ends the flow when a test fails while this is held: whoever produces would wait for ever.
    pub fn held(&self) -> Held<'_> {
        Held(self)
    }

    /// So many more lines may flow.
    pub fn allow(&self, more: usize) {
        self.allowed.fetch_add(more, Ordering::Relaxed);
    }

    /// All lines may flow.
    pub fn allow_all(&self) {
        self.allowed.store(usize::MAX, Ordering::Relaxed);
    }

    /// Lets the first lines flow and a service read them, so that every partition is known. One that was never
    /// heard of is not waited for: windows would close before its first records come.
    #[track_caller]
    pub fn begin(&self, site: &Site, open: impl Fn() -> Store) {
        self.allow(FIRST_LINES.min(self.lines));
        let mut service = site.start();
        service.ready();
        let store = open();
        let known = || {
            let stored = site.runtime.block_on(store.positions());
            stored.is_ok_and(|stored| stored.len() == self.counts.len())
        };
        until(PATIENCE, known, || site.logs());
        service.stop();
    }

    /// How long reading all of it may take.
    pub fn patience(&self) -> Duration {
        PATIENCE + Duration::from_millis(self.lines as u64)
    }

    /// Whether history has all of it.
    pub fn is_sealed(&self, site: &Site, store: &Store) -> bool {
        let stored = site.runtime.block_on(store.positions()).unwrap_or_default();
        self.counts.iter().all(|((topic, partition), count)| {
            let end = format!(":{topic}:{partition}");
            stored.iter().any(|stored| stored.source.ends_with(&end) && stored.next.offset == *count)
        })
    }

    /// Waits until `service` has sealed and told everything, stops it, and compares what it kept and told with a
    /// scan.
    #[track_caller]
    pub fn conclude(&self, site: &Site, service: &mut Service, open: impl Fn() -> Store) {
        service.ready(); // before it is, there may be no store to open
        let store = open();
        let sealed = || self.is_sealed(site, &store);
        until(self.patience(), sealed, || format!("{}\n{:#?}", site.logs(), self.counts));
        let told = || {
            site.runtime.block_on(store.count_deliveries("webhook")).is_ok_and(|(waiting, _)| waiting == 0)
        };
        until(PATIENCE, told, || site.logs());
        service.stop();
        let store = BlockingStore::over(Arc::new(open()), site.runtime.handle().clone());
        let kept = Kept::of_store(&store);
        kept.assert_is(&Kept::of_scan(site), &site.logs());
        kept.assert_told(&store, &site.receiver);
    }
}

/// The line with its place, unless it is left out.
fn place(line: Line, waiting: &mut BTreeSet<String>, more: bool) -> Option<Placed> {
    if line.provider == Provider::Aws {
        let partition = (uid(&[&line.bytes, b"partition"]) % PARTITIONS) as i32;
        return more.then_some(Placed { provider: line.provider, partition, bytes: line.bytes });
    }
    let entry: Value = serde_json::from_slice(&line.bytes).unwrap();
    let id = entry["request"]["id"].as_str().unwrap().to_owned();
    let partition = (uid(&[id.as_bytes()]) % PARTITIONS) as i32;
    let is_awaited = waiting.remove(&id);
    if !more && !is_awaited {
        return None;
    }
    if entry["type"] == "request" {
        waiting.insert(id);
    }
    Some(Placed { provider: line.provider, partition, bytes: line.bytes })
}
