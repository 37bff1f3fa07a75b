//! Files that grow, are rotated, truncated, compressed, and followed again after a restart.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::Receiver;
use keyward::config::{Follow, Start};
use keyward::source::Limits;
use keyward::source::feed::{Arrival, Feed, Lost, Signal, Trouble};
use keyward::source::follow::{FollowFeed, Surroundings, follow};
use keyward::store::{Position, PositionMove, StoredPosition};

use super::harness::{PATIENCE, entry, gzip, ids};

/// Long enough for several looks at the files, and for one to settle.
const A_WHILE: Duration = Duration::from_millis(2_500);

#[derive(Clone)]
struct Bench {
    folder: Arc<tempfile::TempDir>,
    stored: Arc<Mutex<HashMap<String, Position>>>,
}

struct Running {
    feed: FollowFeed,
    signals: Receiver<Signal>,
    bench: Bench,
}

impl Bench {
    fn new() -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), stored: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn lines(&self, name: &str, numbers: std::ops::Range<usize>) {
        let text: String = numbers.map(|number| entry(number) + "\n").collect();
        self.append(name, &text);
    }

    fn run(&self, pattern: &str, start: Start) -> Running {
        let stored = Arc::clone(&self.stored);
        let surroundings = Surroundings {
            config: Follow { paths: vec![self.path(pattern).display().to_string()], start },
            device: None,
            limits: Limits::default(),
            clock: Arc::new(|| 5),
            positions: Arc::new(move |identity| {
                let next = stored.lock().unwrap().get(identity).copied();
                let (source, label) = (identity.to_owned(), String::new());
                Ok(next.map(|next| StoredPosition { source, label, next, watermark: None }))
            }),
        };
        let (sender, signals) = crossbeam_channel::bounded(100);
        Running { feed: follow("logs", surroundings, sender).unwrap(), signals, bench: self.clone() }
    }
}

impl Running {
    /// Checks that arrivals join, and seals each one.
    fn take(&self, arrival: &Arrival) -> Vec<String> {
        let mut stored = self.bench.stored.lock().unwrap();
        let identity = &arrival.partition.identity;
        assert_eq!(stored.get(identity).copied(), arrival.from, "{identity}");
        stored.insert(identity.clone(), arrival.to);
        self.feed.sealed(&[PositionMove {
            source: identity.clone(),
            label: arrival.partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark: None,
        }]);
        ids(arrival)
    }

    fn ids(&self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        while found.len() < count {
            match self.signals.recv_timeout(PATIENCE).unwrap() {
                Signal::Records(arrival) => found.extend(self.take(&arrival)),
                other => panic!("{other:?}"),
            }
        }
        found
    }

    /// The next that comes says that a file was cut off.
    fn cut_off(&self) {
        match self.signals.recv_timeout(PATIENCE).unwrap() {
            Signal::Trouble { trouble: Trouble::Gap { lost: Lost::Truncated, from, to, .. }, .. } => {
                assert!(from > 0 && from <= to, "{from} to {to}");
            }
            other => panic!("{other:?}"),
        }
    }

    fn nothing_comes(&self) {
        let came = self.signals.recv_timeout(A_WHILE);
        assert!(came.is_err(), "{came:?}");
    }

    fn stop(self) -> Vec<String> {
        self.feed.stop();
        let mut found = Vec::new();
        loop {
            match self.signals.recv_timeout(PATIENCE).unwrap() {
                Signal::Records(arrival) => found.extend(self.take(&arrival)),
                Signal::Ended { .. } => return found,
                other => panic!("{other:?}"),
            }
        }
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn a_growing_file_is_read_on_and_an_unfinished_line_waits_for_its_rest() {
    let bench = Bench::new();
    bench.lines("audit.log", 0..3);
    let running = bench.run("audit.log", Start::Earliest);
    assert_eq!(running.ids(3), numbers(0..3));
    let line = entry(3) + "\n";
    bench.append("audit.log", &line[..60]);
    running.nothing_comes();
    bench.append("audit.log", &line[60..]);
    assert_eq!(running.ids(1), numbers(3..4));
    bench.append("audit.log", "prefix: ");
    std::thread::sleep(Duration::from_millis(300));
    bench.append("audit.log", &(entry(4) + "\n"));
    assert_eq!(running.ids(1), numbers(4..5));
}

#[test]
fn a_rotated_file_is_read_to_its_end_and_so_is_the_new_one() {
    for pattern in ["audit.log", "audit.log*"] {
        let bench = Bench::new();
        bench.lines("audit.log", 0..20);
        let running = bench.run(pattern, Start::Earliest);
        assert_eq!(running.ids(20), numbers(0..20));
        let mut old = OpenOptions::new().append(true).open(bench.path("audit.log")).unwrap();
        fs::rename(bench.path("audit.log"), bench.path("audit.log.1")).unwrap();
        bench.lines("audit.log", 100..110);
        // The writer goes on in the old one for a while.
        old.write_all((entry(20) + "\n").as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(700));
        old.write_all((entry(21) + "\n").as_bytes()).unwrap();
        let mut seen = running.ids(12);
        seen.sort_by_key(|id| id.parse::<usize>().unwrap());
        assert_eq!(seen, [numbers(20..22), numbers(100..110)].concat(), "{pattern}");
        assert_eq!(running.stop(), [""; 0]);
    }
}

#[test]
fn a_truncated_file_is_read_from_its_start() {
    let bench = Bench::new();
    bench.lines("audit.log", 0..20);
    let running = bench.run("audit.log", Start::Earliest);
    assert_eq!(running.ids(20), numbers(0..20));
    // copytruncate
    let file = OpenOptions::new().write(true).open(bench.path("audit.log")).unwrap();
    file.set_len(0).unwrap();
    bench.lines("audit.log", 50..55);
    running.cut_off();
    assert_eq!(running.ids(5), numbers(50..55));
    // The same, and longer again than before until somebody looks.
    file.set_len(0).unwrap();
    bench.lines("audit.log", 200..400);
    running.cut_off();
    assert_eq!(running.ids(200), numbers(200..400));
}

#[test]
fn new_files_are_found_and_packed_ones_read_when_they_are_whole() {
    let bench = Bench::new();
    let running = bench.run("*.log*", Start::Earliest);
    bench.lines("one.log", 0..2);
    assert_eq!(running.ids(2), numbers(0..2));
    let text: String = (10..200).map(|number| entry(number) + "\n").collect();
    let packed = gzip(text.as_bytes());
    let (first, second) = packed.split_at(packed.len() / 2);
    fs::write(bench.path("two.log.gz"), first).unwrap();
    std::thread::sleep(Duration::from_millis(100)); // a small part of the second that it has to rest
    OpenOptions::new().append(true).open(bench.path("two.log.gz")).unwrap().write_all(second).unwrap();
    assert_eq!(running.ids(190), numbers(10..200));
    fs::write(bench.path("three.log"), format!("[{},\n{}]", entry(7), entry(8))).unwrap();
    assert_eq!(running.ids(2), numbers(7..9));
}

#[test]
fn after_a_restart_reading_goes_on_where_it_was_sealed() {
    let bench = Bench::new();
    bench.lines("audit.log", 0..1);
    let running = bench.run("audit.log", Start::Earliest);
    assert_eq!(running.ids(1), numbers(0..1));
    bench.lines("audit.log", 1..30);
    assert_eq!(running.ids(29), numbers(1..30));
    drop(running);
    bench.lines("audit.log", 30..40);
    let running = bench.run("audit.log", Start::Latest);
    assert_eq!(running.ids(10), numbers(30..40), "it was known by its first line");
    assert_eq!(running.stop(), [""; 0]);
}

#[test]
fn a_rewind_reads_again_what_was_not_sealed() {
    let bench = Bench::new();
    bench.lines("audit.log", 0..10);
    let running = bench.run("audit.log", Start::Earliest);
    assert_eq!(running.ids(10), numbers(0..10));
    bench.lines("audit.log", 10..12);
    let Signal::Records(lost) = running.signals.recv_timeout(PATIENCE).unwrap() else { panic!() };
    assert_eq!((ids(&lost), lost.generation), (numbers(10..12), 0));
    running.feed.rewind(3);
    let Signal::Records(again) = running.signals.recv_timeout(PATIENCE).unwrap() else { panic!() };
    assert_eq!((again.generation, running.take(&again)), (3, numbers(10..12)));
}

#[test]
fn the_latest_start_leaves_out_what_is_there_and_stopping_takes_all_of_the_rest() {
    let bench = Bench::new();
    bench.lines("audit.log", 0..10);
    let running = bench.run("audit.log", Start::Latest);
    running.nothing_comes();
    bench.lines("audit.log", 10..12);
    bench.append("audit.log", &entry(12));
    assert_eq!(running.stop(), numbers(10..13));
}
