//! Kafka as a source, through [`Feed`]: what stands in for the service, and for its store. And as what alerts and
//! rejects are written to.

mod mock;
mod paged;
mod real;
mod written;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use keyward::config::Kafka;
use keyward::source::Limits;
use keyward::source::feed::{Arrival, Feed, Lost, Signal, Status, Trouble};
use keyward::source::kafka::{Consumer, Positions, Setup};
use keyward::store::{Position, PositionMove, StoredPosition};

/// How long anything may take; a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

fn record(number: u64) -> String {
    format!(r#"{{"eventVersion":"1.11","eventName":"Decrypt","userIdentity":{{}},"eventID":"{number}"}}"#)
}

/// Stands in for the store: positions, moved as a seal moves them.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<HashMap<String, StoredPosition>>>);

impl Store {
    fn put(&self, source: &str, offset: i64) {
        let next = Position { offset, index: 0 };
        let stored = StoredPosition { source: source.into(), label: String::new(), next, watermark: None };
        self.0.lock().unwrap().insert(source.to_owned(), stored);
    }

    fn stored(&self, source: &str) -> Option<StoredPosition> {
        self.0.lock().unwrap().get(source).cloned()
    }

    fn get(&self, source: &str) -> Option<i64> {
        self.stored(source).map(|stored| stored.next.offset)
    }

    fn seal(&self, arrival: &Arrival) -> PositionMove {
        let source = arrival.partition.identity.clone();
        let from = arrival.from.map(|from| from.offset);
        assert_eq!(self.get(&source), from, "a seal goes on where the last one ended");
        self.put(&source, arrival.to.offset);
        PositionMove {
            source,
            label: arrival.partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark: None,
        }
    }
}

struct Source {
    feed: Arc<dyn Feed>,
    signals: Receiver<Signal>,
    store: Store,
    read: Read,
    troubles: Vec<Trouble>,
    arrivals: usize,
    generation: u64,
    ended: bool,
    failed: Option<String>,
}

/// The offsets of what was read, by the partition's identity.
type Read = BTreeMap<String, Vec<u64>>;

fn start(config: &Kafka, store: &Store, queue: usize, limits: Limits) -> Source {
    let positions = store.clone();
    let positions: Positions = Arc::new(move |source| Ok(positions.stored(source)));
    start_with(config, store, queue, limits, positions)
}

fn start_with(config: &Kafka, store: &Store, queue: usize, limits: Limits, positions: Positions) -> Source {
    let (sender, signals) = bounded(queue);
    let setup = Setup {
        name: "trail".into(),
        device: Some("device".into()),
        limits,
        positions,
        signals: sender,
        clock: || 1_795_521_600_000_000,
    };
    let feed = Consumer::start(config, setup).unwrap();
    let (read, troubles) = (Read::new(), Vec::new());
    Source {
        feed,
        signals,
        store: store.clone(),
        read,
        troubles,
        arrivals: 0,
        generation: 0,
        ended: false,
        failed: None,
    }
}

impl Source {
    /// Hears signals until `done`, sealing all that comes.
    #[track_caller]
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            self.hear(deadline);
        }
    }

    #[track_caller]
    fn hear(&mut self, deadline: Instant) {
        match self.signals.recv_deadline(deadline) {
            Ok(signal) => self.heard(signal),
            Err(error) => {
                let seen = (self.count(), &self.troubles, &self.failed, self.feed.status());
                panic!("{error}, {seen:?}")
            }
        }
    }

    #[track_caller]
    fn until_ready(&mut self) {
        self.until_status(|status| status.ready);
    }

    #[track_caller]
    fn until_status(&mut self, done: impl Fn(&Status) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.feed.status()) {
            assert!(Instant::now() < deadline, "{:?}", self.feed.status());
            if let Ok(signal) = self.signals.recv_timeout(Duration::from_millis(20)) {
                self.heard(signal);
            }
        }
    }

    #[track_caller]
    fn heard(&mut self, signal: Signal) {
        match signal {
            Signal::Records(arrival) => {
                if arrival.generation != self.generation {
                    return;
                }
                self.take(&arrival);
                let step = self.store.seal(&arrival);
                self.feed.sealed(&[step]);
            }
            Signal::Revoked { sealed, .. } => sealed.send(true).unwrap(),
            Signal::Trouble { trouble, .. } => self.troubles.push(trouble),
            Signal::Ended { .. } => self.ended = true,
            Signal::Failed { error, .. } => self.failed = Some(error),
        }
    }

    fn take(&mut self, arrival: &Arrival) {
        self.arrivals += 1;
        assert!(arrival.chunk.refused.is_empty());
        assert_eq!((&*arrival.chunk.source, arrival.chunk.device.as_deref()), ("trail", Some("device")));
        assert_eq!(arrival.chunk.next.offset, arrival.to.offset as u64);
        let read = self.read.entry(arrival.partition.identity.clone()).or_default();
        read.extend(arrival.chunk.records.iter().map(|piece| piece.position));
    }

    /// The partition and the positions of each gap; that nothing else was wrong.
    fn gaps(&self) -> Vec<(String, i64, i64)> {
        let gap = |trouble: &Trouble| match trouble {
            Trouble::Gap { partition, lost: Lost::Outside, from, to } => {
                (partition.label.clone(), *from, *to)
            }
            other => panic!("{other:?}"),
        };
        self.troubles.iter().map(gap).collect()
    }

    fn count(&self) -> usize {
        self.read.values().map(Vec::len).sum()
    }

    fn of(&self, identity: &str) -> &[u64] {
        self.read.get(identity).map_or(&[], Vec::as_slice)
    }
}

fn numbers(range: std::ops::Range<u64>) -> Vec<u64> {
    range.collect()
}
