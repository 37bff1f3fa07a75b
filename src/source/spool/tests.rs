use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::segment::{Cursor, Step};
use super::*;
use crate::config::{Size, WhenFull};
use crate::source::feed::{Arrival, Feed, Signal, Trouble};
use crate::source::limits::Limits;
use crate::store::Position;

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A folder with a spool in it, that can be opened again and again.
struct Bench {
    folder: tempfile::TempDir,
    stored: Arc<Mutex<Option<Position>>>,
    config: config::Spool,
}

struct Running {
    spool: Spool,
    feed: SpoolFeed,
    signals: crossbeam_channel::Receiver<Signal>,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            stored: Arc::default(),
            config: config::Spool::default(),
        }
    }

    fn surroundings(&self) -> Surroundings {
        let stored = Arc::clone(&self.stored);
        Surroundings {
            config: self.config.clone(),
            budget: Arc::new(Budget::new(self.config.most.bytes())),
            redact: Arc::new(|payload| Cow::Borrowed(payload)),
            clock: Arc::new(|| 7),
            positions: Arc::new(move |identity| {
                let next = *stored.lock().unwrap();
                Ok(next.map(|next| StoredPosition {
                    source: identity.to_owned(),
                    label: "vault".to_owned(),
                    next,
                    watermark: None,
                }))
            }),
        }
    }

    fn open(&self) -> (Spool, Unread) {
        Spool::open(self.folder.path(), "vault", self.surroundings()).unwrap()
    }

    fn run(&self, queue: usize) -> Running {
        let (spool, unread) = self.open();
        let (sender, signals) = crossbeam_channel::bounded(queue);
        let feed = unread.read(&spool, None, Limits::default(), sender).unwrap();
        Running { spool, feed, signals }
    }

    fn segments(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("vault");
        segment::list(&folder).unwrap().iter().map(|(first, _)| segment::path(&folder, *first)).collect()
    }

    /// Stores the end of an arrival, as a seal does.
    fn seal(&self, running: &Running, arrival: &Arrival) {
        *self.stored.lock().unwrap() = Some(arrival.to);
        running.feed.sealed(&[crate::store::PositionMove {
            source: arrival.partition.identity.clone(),
            label: arrival.partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark: None,
        }]);
    }
}

impl Running {
    fn put(&self, number: usize) -> Result<Appended, AppendError> {
        self.spool.append_blocking(&[record(number)], Priority::Normal)
    }

    fn signal(&self) -> Signal {
        self.signals.recv_timeout(PATIENCE).unwrap()
    }

    fn arrival(&self) -> Arrival {
        match self.signal() {
            Signal::Records(arrival) => *arrival,
            other => panic!("{other:?}"),
        }
    }

    /// The numbers of the records that come until there are `count`.
    fn numbers(&self, count: usize) -> Vec<usize> {
        let mut found = Vec::new();
        while found.len() < count {
            found.extend(numbers(&self.arrival()));
        }
        found
    }
}

fn record(number: usize) -> String {
    let head = r#"{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{},"request":{"id":"#;
    format!("{head}\"{number}\",\"path\":\"transit/encrypt/orders\"}}}}")
}

fn numbers(arrival: &Arrival) -> Vec<usize> {
    let id = |piece| {
        let value: serde_json::Value = serde_json::from_slice(arrival.chunk.record(piece)).unwrap();
        value["request"]["id"].as_str().unwrap().parse().unwrap()
    };
    arrival.chunk.records.iter().map(id).collect()
}

#[test]
fn what_was_answered_comes_out_in_order_with_positions_that_join() {
    let bench = Bench::new();
    let running = bench.run(8);
    let mut next = None;
    for number in 0..20 {
        assert_eq!(running.put(number), Ok(Appended::Stored));
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let arrival = running.arrival();
        assert_eq!((arrival.from, arrival.generation, arrival.received_at), (next, 0, 7));
        assert_eq!(arrival.partition.identity, "spool:vault");
        next = Some(arrival.to);
        seen.extend(numbers(&arrival));
    }
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    assert_eq!(running.feed.status().lags[0].behind, 0);
}

#[test]
fn a_spool_that_was_dropped_without_a_close_still_holds_what_was_answered() {
    let bench = Bench::new();
    let (spool, _unread) = bench.open();
    for number in 0..50 {
        spool.append_blocking(&[record(number)], Priority::Normal).unwrap();
    }
    drop(spool);
    assert_eq!(bench.run(8).numbers(50), (0..50).collect::<Vec<_>>());
}

#[test]
fn copies_of_a_living_spool_hold_everything_that_was_answered_before() {
    let bench = Bench::new();
    let running = bench.run(10_000);
    let answered = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..2_000 {
                running.put(number).unwrap();
                answered.store(number as u64 + 1, Ordering::SeqCst);
            }
        });
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(20));
            let before = usize::try_from(answered.load(Ordering::SeqCst)).unwrap();
            let copy = Bench::new();
            let to = copy.folder.path().join("vault");
            fs::create_dir(&to).unwrap();
            for file in bench.segments() {
                fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
            }
            let again = copy.run(10_000);
            assert_eq!(again.numbers(before)[..before], (0..before).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_torn_tail_is_cut_off_and_the_log_goes_on() {
    for cut in [1, 5, 19, 30] {
        let bench = Bench::new();
        let (spool, _unread) = bench.open();
        for number in 0..3 {
            spool.append_blocking(&[record(number)], Priority::Normal).unwrap();
        }
        drop(spool);
        let file = bench.segments().pop().unwrap();
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - cut]).unwrap();
        let running = bench.run(8);
        running.put(9).unwrap();
        assert_eq!(running.numbers(3), [0, 1, 9], "{cut}");
    }
    // A tail of zeros, as a file system leaves it.
    let bench = Bench::new();
    bench.run(8).put(1).unwrap();
    let file = bench.segments().pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(&[0; 5_000]);
    fs::write(&file, &bytes).unwrap();
    let running = bench.run(8);
    running.put(2).unwrap();
    assert_eq!(running.numbers(2), [1, 2]);
}

#[test]
fn a_damaged_middle_is_told_and_passed_over() {
    let bench = Bench::new();
    let (spool, _unread) = bench.open();
    for number in 0..5 {
        spool.append_blocking(&[record(number)], Priority::Normal).unwrap();
    }
    drop(spool);
    let file = bench.segments().pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len() / 5;
    bytes[length * 2 + 40] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let running = bench.run(8);
    let (mut seen, mut gaps) = (Vec::new(), Vec::new());
    while seen.len() < 4 || gaps.is_empty() {
        match running.signal() {
            Signal::Records(arrival) => seen.extend(numbers(&arrival)),
            Signal::Trouble { trouble: Trouble::Gap { from, to, .. }, .. } => gaps.push((from, to)),
            other => panic!("{other:?}"),
        }
    }
    let length = i64::try_from(length).unwrap();
    assert_eq!((seen, gaps), (vec![0, 1, 3, 4], vec![(length * 2, length * 3)]));
}

#[test]
fn every_single_flipped_byte_costs_one_entry_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Vec::new();
    for number in 0..4 {
        entry::encode(&mut log, format!("payload {number}").as_bytes(), 1);
    }
    let length = log.len() / 4;
    for place in 0..log.len() {
        let mut bytes = log.clone();
        bytes[place] ^= 0x55;
        fs::write(segment::path(folder.path(), 0), &bytes).unwrap();
        let mut cursor = Cursor::open(folder.path(), 0, 0).unwrap();
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        loop {
            match cursor.next(bytes.len() as u64).unwrap() {
                Step::Entry { .. } => entries.push(cursor.payload().to_vec()),
                Step::Damaged { from, to } => damaged.push((from as usize, to as usize)),
                Step::End => break,
            }
        }
        let hit = place / length;
        assert_eq!(damaged, [(hit * length, (hit + 1) * length)], "{place}");
        assert_eq!(entries.len(), 3);
    }
}

#[test]
fn a_rewind_reads_again_from_the_stored_position_as_its_generation() {
    let bench = Bench::new();
    let running = bench.run(8);
    running.put(0).unwrap();
    let first = running.arrival();
    bench.seal(&running, &first);
    running.put(1).unwrap();
    assert_eq!(numbers(&running.arrival()), [1]);
    running.feed.rewind(4);
    let again = running.arrival();
    assert_eq!((numbers(&again), again.generation, again.from), (vec![1], 4, Some(first.to)));
}

#[test]
fn stopping_hands_over_what_is_there_and_then_ends() {
    let bench = Bench::new();
    let running = bench.run(1);
    for number in 0..30 {
        running.put(number).unwrap();
    }
    running.feed.stop();
    assert_eq!(running.put(31), Err(AppendError::Closed));
    let mut seen = Vec::new();
    loop {
        match running.signal() {
            Signal::Records(arrival) => seen.extend(numbers(&arrival)),
            Signal::Ended { source } => break assert_eq!(&*source, "vault"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    // What was not sealed can still be asked for again.
    running.feed.rewind(1);
    assert_eq!(running.numbers(30).len(), 30);
    assert!(matches!(running.signal(), Signal::Ended { .. }));
}

fn size(text: &str) -> Size {
    Size::try_from(text.to_owned()).unwrap()
}

/// Room for 64 KiB.
fn small(when_full: WhenFull) -> Bench {
    let config = config::Spool { most: size("64KiB"), segment: size("8KiB"), when_full };
    Bench { config, ..Bench::new() }
}

#[test]
fn a_full_spool_refuses_keeps_a_tenth_for_audit_devices_and_takes_again_what_is_sealed() {
    let bench = small(WhenFull::Refuse);
    let running = bench.run(10_000);
    let fill = |priority| {
        let mut number = 0;
        while running.spool.append_blocking(&[record(number)], priority).is_ok() {
            number += 1;
        }
        number
    };
    let normal = fill(Priority::Normal);
    let audit = fill(Priority::Audit);
    assert!(normal > 200 && audit > normal / 12 && audit < normal / 7, "{normal} {audit}");
    let mut last = None;
    let mut seen = 0;
    while seen < normal + audit {
        let arrival = running.arrival();
        seen += arrival.chunk.records.len();
        last = Some(arrival);
    }
    bench.seal(&running, &last.unwrap());
    until(|| running.put(1).is_ok());
    assert_eq!(bench.segments().len(), 1);
}

#[test]
fn a_full_spool_that_drops_says_how_many() {
    let bench = small(WhenFull::Drop);
    let running = bench.run(10_000);
    let (mut stored, mut dropped) = (0, 0);
    for number in 0..600 {
        match running.put(number).unwrap() {
            Appended::Stored => stored += 1,
            Appended::Dropped => dropped += 1,
        }
    }
    let (mut seen, mut told) = (0, 0);
    while seen < stored || told < dropped {
        match running.signal() {
            Signal::Records(arrival) => seen += arrival.chunk.records.len(),
            Signal::Trouble { trouble: Trouble::Dropped { entries, .. }, .. } => told += entries,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((seen, told), (stored, dropped));
    assert!(dropped > 100);
}

#[test]
fn segments_go_only_when_they_are_sealed_and_positions_go_on_after_that() {
    let bench = small(WhenFull::Refuse);
    let running = bench.run(10_000);
    for number in 0..150 {
        running.put(number).unwrap();
    }
    let before = bench.segments().len();
    assert!(before >= 3);
    let mut last = running.arrival();
    let mut seen = last.chunk.records.len();
    while seen < 150 {
        last = running.arrival();
        seen += last.chunk.records.len();
    }
    assert_eq!(bench.segments().len(), before, "nothing is sealed yet");
    bench.seal(&running, &last);
    until(|| bench.segments().len() <= 1);
    drop(running);
    // Even where all files are gone, positions do not begin anew.
    for file in bench.segments() {
        fs::remove_file(file).unwrap();
    }
    let running = bench.run(8);
    running.put(7).unwrap();
    let arrival = running.arrival();
    assert_eq!((arrival.from, numbers(&arrival)), (Some(last.to), vec![7]));
    assert!(arrival.to > last.to);
}

#[test]
fn secrets_are_taken_out_before_the_disk() {
    let bench = Bench::new();
    let surroundings = Surroundings {
        redact: Arc::new(|payload| {
            Cow::Owned(String::from_utf8_lossy(payload).replace("orders", "hidden").into_bytes())
        }),
        ..bench.surroundings()
    };
    let (spool, _unread) = Spool::open(bench.folder.path(), "vault", surroundings).unwrap();
    spool.append_blocking(&[record(1)], Priority::Normal).unwrap();
    let text = String::from_utf8_lossy(&fs::read(&bench.segments()[0]).unwrap()).into_owned();
    assert!(text.contains("hidden") && !text.contains("orders"));
}

#[test]
fn a_name_that_leaves_the_folder_is_refused() {
    let bench = Bench::new();
    for name in ["", "..", "a/b", ".hidden", "ä"] {
        let opened = Spool::open(bench.folder.path(), name, bench.surroundings());
        assert!(matches!(opened, Err(OpenError::Name { .. })), "{name}");
    }
}

/// Entries a second, of 900 bytes, for two seconds: what OpenBao must never wait for.
#[test]
fn two_thousand_entries_a_second_are_answered_in_time() {
    const RATE: u32 = 2_000;
    let bench = Bench::new();
    let running = bench.run(10_000);
    let payload = format!("{}{}", record(1), " ".repeat(750));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let spool = Arc::new(running.spool);
    let mut waits: Vec<Duration> = runtime.block_on(async {
        let begin = tokio::time::Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..RATE * 2 {
            tokio::time::sleep_until(begin + Duration::from_secs(1) * number / RATE).await;
            let (spool, payload) = (Arc::clone(&spool), payload.clone());
            tasks.spawn(async move {
                let asked = Instant::now();
                spool.append(&[payload], Priority::Audit).await.unwrap();
                asked.elapsed()
            });
        }
        tasks.join_all().await
    });
    waits.sort_unstable();
    let at = |part: usize| waits[waits.len() * part / 1000];
    let (p50, p99, most) = (at(500), at(990), waits.last());
    writeln!(std::io::stdout(), "spool: p50 {p50:?}, p99 {p99:?}, most {most:?}").unwrap();
    // Other tests share the machine; what it takes is printed.
    assert!(p50 < PATIENCE);
}
