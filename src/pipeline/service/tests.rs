//! The commit rule against a log that can be read again, with everything failing that can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use proptest::prelude::*;

use super::versions::Version;
use super::watch::{Origin, SealTold, Took};
use super::*;
use crate::catalog::{Catalog, SourceText};
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::history::batches;
use crate::metrics::Account;
use crate::pipeline::generate::Company;
use crate::pipeline::lateness::Lateness;
use crate::pipeline::recall::recall;
use crate::source::feed::{Arrival, Partition, Status};
use crate::source::{Chunk, Mark as SourceMark, Piece, Shape};
use crate::store::{CoverageKind, Kind, Position, PositionMove};
use crate::table::columns::{Column, events_schema};
use crate::table::rows::Rows;

#[path = "warming_tests.rs"]
mod warming;

/// Half an hour of the company: some hundred lines, with misuse in them.
fn lines() -> Vec<Vec<u8>> {
    Company::new(7, 1_790_000_000_000_000).take(900).map(|line| line.bytes).collect()
}

fn rules() -> Arc<Rules> {
    let source = SourceText { name: "catalog.yaml".into(), text: Company::catalog_yaml().to_owned() };
    let catalog = Catalog::parse(&[source]).unwrap().catalog;
    let engine = Engine::new(&Detectors::embedded().unwrap()).unwrap();
    Arc::new(Rules::new(catalog, engine))
}

/// A log in two partitions that can be read again from any place.
struct LogFeed {
    rewound: AtomicU64,
    stopped: AtomicBool,
    sealed: Mutex<BTreeMap<String, i64>>,
}

impl Feed for LogFeed {
    fn name(&self) -> &str {
        "log"
    }

    fn sealed(&self, moves: &[PositionMove]) {
        let mut sealed = self.sealed.lock().unwrap();
        for step in moves {
            sealed.insert(step.source.clone(), step.to.offset);
        }
    }

    fn rewind(&self, generation: u64) {
        self.rewound.store(generation, Ordering::Release);
    }

    fn status(&self) -> Status {
        Status { ready: true, ..Status::default() }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }
}

struct Log {
    partitions: Vec<Vec<Vec<u8>>>,
    batch: usize,
}

impl Log {
    fn new(batch: usize) -> Self {
        // Vault's entries must stay in order; each provider has its partition.
        let (vault, aws) = lines().into_iter().partition(|line| line.starts_with(b"{\"time\""));
        Self { partitions: vec![aws, vault], batch }
    }

    fn identity(partition: usize) -> Arc<Partition> {
        let label = format!("log/{partition}");
        Arc::new(Partition { identity: format!("test:{partition}"), label, source: "log".into() })
    }

    fn chunk(&self, partition: usize, from: usize) -> Chunk {
        let mut bytes = Vec::new();
        let mut records = Vec::new();
        let all = &self.partitions[partition];
        let to = all.len().min(from + self.batch);
        for (place, line) in all[from..to].iter().enumerate() {
            let start = bytes.len();
            bytes.extend_from_slice(line);
            let shape = if line.starts_with(b"{\"time\"") { Shape::Vault } else { Shape::CloudTrail };
            records.push(Piece {
                range: start..bytes.len(),
                position: (from + place) as u64,
                index: 0,
                shape,
            });
        }
        Chunk {
            bytes,
            records,
            refused: Vec::new(),
            asides: Vec::new(),
            source: "log".into(),
            device: None,
            input: 0,
            next: SourceMark { offset: to as u64, index: 0 },
            last: false,
        }
    }

    /// Reads from the stored positions on until it is heard of at the end that everything is sealed.
    fn read(&self, store: &BlockingStore, feed: &LogFeed, to: &Sender<Signal>) {
        let mut generation = 0;
        let stored = |partition: usize| {
            let identity = &Self::identity(partition).identity;
            store.wait(store.store().position_of(identity)).unwrap().map(|stored| stored.next.offset)
        };
        let mut next: Vec<Option<i64>> = (0..self.partitions.len()).map(stored).collect();
        loop {
            let newest = feed.rewound.load(Ordering::Acquire);
            if newest > generation {
                generation = newest;
                next = (0..self.partitions.len()).map(stored).collect();
            }
            let mut sent = false;
            for (partition, next) in next.iter_mut().enumerate() {
                let from = next.unwrap_or_default() as usize;
                if from >= self.partitions[partition].len() {
                    continue;
                }
                let chunk = self.chunk(partition, from);
                let to_offset = chunk.next.offset as i64;
                let arrival = Arrival {
                    partition: Self::identity(partition),
                    from: next.map(|offset| Position { offset, index: 0 }),
                    to: Position { offset: to_offset, index: 0 },
                    chunk,
                    generation,
                    received_at: 1_790_000_000_000_000,
                    written_at: None,
                };
                if to.send(Signal::Records(Box::new(arrival))).is_err() {
                    return;
                }
                *next = Some(to_offset);
                sent = true;
            }
            let sealed = feed.sealed.lock().unwrap();
            let done = self.partitions.iter().enumerate().all(|(partition, all)| {
                sealed.get(&Self::identity(partition).identity) == Some(&(all.len() as i64))
            });
            drop(sealed);
            if done || feed.stopped.load(Ordering::Acquire) {
                let _ = to.send(Signal::Ended { source: "log".into() });
                return;
            }
            if !sent {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The ids of all findings ever raised, as a store would keep them; fails when it is told to.
#[derive(Clone, Default)]
struct Raised {
    ids: Arc<Mutex<BTreeSet<String>>>,
    fail_every: Option<u64>,
    lease_is_lost: bool,
    calls: Arc<AtomicU64>,
}

impl Raise for Raised {
    fn raise(&mut self, findings: Vec<(Finding, Folding)>, _now: i64) -> Result<(), AlertError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fail_every.is_some_and(|every| call.is_multiple_of(every)) {
            let error = if self.lease_is_lost { StoreError::LeaseLost } else { StoreError::ReadOnly };
            return Err(error.into());
        }
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.extend(findings.into_iter().map(|(finding, _)| finding.id));
        Ok(())
    }
}

/// What was told of failures.
#[derive(Default)]
struct Ear {
    warming: Mutex<Vec<Vec<String>>>,
    taken: AtomicU64,
    not_restored: AtomicU64,
    rewound: AtomicU64,
    resumed: AtomicU64,
}

impl Watch for Ear {
    fn took(&self, took: &Took<'_>) {
        assert!(matches!(took.source, "log" | ""));
        self.taken.fetch_add(1, Ordering::Relaxed);
    }
    fn stored(&self, origins: &[Origin], _: Duration, _: i64) {
        assert!(!origins.is_empty());
    }
    fn turned(&self, _: usize, _: usize, _: &Arc<Rules>) {}
    fn sealed(&self, _: &SealTold<'_>) {}
    fn windows(&self, _: usize, _: &[crate::detect::window::windows::Forgotten]) {}
    fn warming(&self, of: Vec<String>) {
        self.warming.lock().unwrap().push(of);
    }
    fn not_warmed(&self, reason: &str) {
        panic!("{reason}");
    }
    fn heard(&self, _: &Signal) {}
    fn rewound(&self, _: &str) {
        self.rewound.fetch_add(1, Ordering::Relaxed);
    }
    fn not_restored(&self, _: &HistoryError) {
        self.not_restored.fetch_add(1, Ordering::Relaxed);
    }
    fn resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
    }
}

/// One life of the service over a data folder; `die_at` counts looks at the clock.
fn live(
    data: &Path,
    log: &Log,
    raised: &Raised,
    rows: usize,
    die_at: Option<u64>,
) -> std::thread::Result<Result<(), ServiceError>> {
    live_watched(data, log, raised, rows, die_at, (Arc::default(), &|| ()))
}

fn live_watched(
    data: &Path,
    log: &Log,
    raised: &Raised,
    rows: usize,
    die_at: Option<u64>,
    (ear, begun): (Arc<Ear>, &(dyn Fn() + Sync)),
) -> std::thread::Result<Result<(), ServiceError>> {
    let store = Arc::new(BlockingStore::open(data, 1).unwrap());
    store.wait(crate::history::sweep(store.store(), 1)).unwrap();
    let feed = Arc::new(LogFeed {
        rewound: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        sealed: Mutex::default(),
    });
    for stored in store.wait(store.store().positions()).unwrap() {
        feed.sealed.lock().unwrap().insert(stored.source, stored.next.offset);
    }
    let (to, signals) = crossbeam_channel::bounded(4);
    let started = Instant::now();
    let looks = AtomicU64::new(0);
    let clock: Clock = Arc::new(move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        assert!(die_at != Some(look), "killed");
        1_790_000_000_000_000 + started.elapsed().as_micros() as i64
    });
    let parts = Parts {
        store: Arc::clone(&store),
        feeds: vec![Arc::clone(&feed) as Arc<dyn Feed>],
        signals,
        versions: Versions::new(Version { effective_from: i64::MIN, rules: rules() }),
        raise: Box::new(raised.clone()),
        watch: ear,
        clock,
        limits: Limits { rows, ..Limits::default() },
        seal_every: Duration::from_millis(20),
        sample: Sample::Masked,
        publishes_rejects: false,
        memory: store.wait(Memory::restore(store.store())).unwrap(),
        live: store.wait(recall(store.store(), &rules().engine, &Lateness::default())).unwrap(),
    };
    begun();
    std::thread::scope(|scope| {
        let (service, _handle) = Service::new(parts).unwrap();
        scope.spawn(|| log.read(&store, &feed, &to));
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| service.run()));
        feed.stopped.store(true, Ordering::Release);
        result
    })
}

/// Every event in history, by its id, ordinal and verdict, and how often it is there.
type Kept = BTreeMap<(String, i64, String), usize>;

/// What history holds.
fn kept(data: &Path) -> Kept {
    let store = BlockingStore::open_read_only(data).unwrap();
    let files = store.wait(store.store().files(Kind::Events)).unwrap();
    let mut all = BTreeMap::new();
    for batch in batches(store.store().folder(), files, events_schema()).map(Result::unwrap) {
        let rows = Rows::of(&batch);
        for row in 0..rows.len() {
            let text = |column| rows.text(column, row).unwrap_or_default().to_owned();
            let ordinal = rows.integer(Column::Ordinal, row).unwrap_or_default();
            *all.entry((text(Column::EventId), ordinal, text(Column::Verdict))).or_default() += 1;
        }
    }
    all
}

fn account(data: &Path) -> Account {
    let store = BlockingStore::open_read_only(data).unwrap();
    store.wait(store.store().account()).unwrap()
}

/// A partition, a day, its first and last event time, and how many events.
type CoveredDay = (String, String, Option<i64>, Option<i64>, i64);

/// What coverage says was read.
fn covered(data: &Path) -> Vec<CoveredDay> {
    let store = BlockingStore::open_read_only(data).unwrap();
    let rows = store.wait(store.store().coverage()).unwrap();
    let rows = rows.into_iter().filter(|row| row.kind == CoverageKind::Read);
    rows.map(|row| (row.identity, row.span, row.from_time, row.to_time, row.events)).collect()
}

/// What one undisturbed life gives.
fn undisturbed(log: &Log) -> (Kept, BTreeSet<String>, Account) {
    let (folder, raised) = (tempfile::tempdir().unwrap(), Raised::default());
    live(folder.path(), log, &raised, 1 << 20, None).unwrap().unwrap();
    (kept(folder.path()), raised.ids.lock().unwrap().clone(), account(folder.path()))
}

#[test]
fn everything_read_is_sealed_once_and_accounted_for() {
    let (events, findings, account) = undisturbed(&Log::new(50));
    assert!(events.values().all(|count| *count == 1), "an event is twice in history");
    assert!(events.len() > 400 && !findings.is_empty(), "{} {}", events.len(), findings.len());
    assert_eq!(account.received, lines().len() as u64);
    assert!(account.adds_up(), "{account:?}");
}

#[test]
fn a_disk_that_refuses_for_a_while_costs_nothing() {
    let (events, findings, _) = undisturbed(&Log::new(50));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("history").join("events");
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    // A file where the folder should be: nothing can be written below it.
    std::fs::write(&place, "in the way").unwrap();
    let raised = Raised::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(600));
            std::fs::remove_file(&place).unwrap();
        });
        live(folder.path(), &Log::new(30), &raised, 200, None).unwrap().unwrap();
    });
    assert_eq!(kept(folder.path()), events);
    assert_eq!(*raised.ids.lock().unwrap(), findings);
    assert!(account(folder.path()).adds_up());
}

#[test]
fn findings_that_cannot_be_stored_hold_their_records_back() {
    let (events, findings, _) = undisturbed(&Log::new(50));
    let folder = tempfile::tempdir().unwrap();
    let raised = Raised { fail_every: Some(5), ..Raised::default() };
    live(folder.path(), &Log::new(60), &raised, 100, None).unwrap().unwrap();
    assert_eq!(kept(folder.path()), events);
    assert_eq!(*raised.ids.lock().unwrap(), findings);
}

#[test]
fn an_instance_that_lost_the_lease_ends_however_many_findings_come() {
    let folder = tempfile::tempdir().unwrap();
    let raised = Raised { fail_every: Some(1), lease_is_lost: true, ..Raised::default() };
    let ended = live(folder.path(), &Log::new(60), &raised, 100, None);
    assert!(matches!(ended, Ok(Err(ServiceError::Store(StoreError::LeaseLost)))));
}

#[test]
fn what_was_sealed_and_cannot_be_read_for_a_while_after_a_failure_costs_nothing() {
    let (events, findings, _) = undisturbed(&Log::new(50));
    let folder = tempfile::tempdir().unwrap();
    let (log, raised) = (Log::new(30), Raised::default());
    let half = log.partitions.iter().map(|lines| lines[..lines.len() / 2].to_vec()).collect();
    live(folder.path(), &Log { partitions: half, ..log }, &raised, 100, None).unwrap().unwrap();

    // A file where the folder of the traces should be: no seal succeeds, and none can be read back.
    let traces = folder.path().join("history").join("traces");
    let away = traces.with_extension("away");
    let ear = Arc::<Ear>::default();
    let break_it = || {
        std::fs::rename(&traces, &away).unwrap();
        std::fs::write(&traces, "in the way").unwrap();
    };
    std::thread::scope(|scope| {
        let heard = Arc::clone(&ear);
        let (traces, away) = (&traces, &away);
        scope.spawn(move || {
            let deadline = Instant::now() + Duration::from_secs(60);
            while heard.not_restored.load(Ordering::Relaxed) < 2 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::fs::remove_file(traces).unwrap();
            std::fs::rename(away, traces).unwrap();
        });
        let watched = (Arc::clone(&ear), &break_it as &(dyn Fn() + Sync));
        live_watched(folder.path(), &Log::new(30), &raised, 100, None, watched).unwrap().unwrap();
    });
    assert!(ear.not_restored.load(Ordering::Relaxed) >= 2);
    assert_eq!(ear.rewound.load(Ordering::Relaxed), 1, "nothing is taken before it is remembered");
    assert_eq!(ear.resumed.load(Ordering::Relaxed), 1);
    assert_eq!(kept(folder.path()), events);
    assert_eq!(*raised.ids.lock().unwrap(), findings);
    assert!(account(folder.path()).adds_up());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_deaths_changes_nothing(
        deaths in prop::collection::vec(1_u64..60, 0..5),
        batch in 1_usize..120,
        rows in 20_usize..400,
    ) {
        let (events, findings, undisturbed) = undisturbed(&Log::new(50));
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(batch);
        let raised = Raised::default();
        for death in deaths {
            let _ = live(folder.path(), &log, &raised, rows, Some(death));
        }
        live(folder.path(), &log, &raised, rows, None).unwrap().unwrap();
        prop_assert_eq!(kept(folder.path()), events);
        prop_assert_eq!(&*raised.ids.lock().unwrap(), &findings);
        prop_assert_eq!(account(folder.path()).received, undisturbed.received);
        let quiet = tempfile::tempdir().unwrap();
        live(quiet.path(), &log, &Raised::default(), rows, None).unwrap().unwrap();
        prop_assert_eq!(covered(folder.path()), covered(quiet.path()));
    }
}
