//! Killed again and again while the logs that it follows grow.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use keyward::domain::event::Provider;
use keyward::pipeline::generate::Company;
use keyward::store::{BlockingStore, Store};
use serde_json::Value;

use super::kept::Kept;
use super::{MORNING, PATIENCE, Site, until};
use crate::support::Keyward;

/// Lines of the logs: half an hour of the company, with misuse in it.
const LINES: usize = 1_500;

/// How long the service lives each time before it is killed, in milliseconds: in its start, while it reads,
/// while it seals.
const LIVES: [u64; 8] = [40, 900, 250, 1_400, 120, 600, 1_900, 330];

/// A site whose services follow the two logs in `logs`, which are empty.
fn watched() -> Site {
    let site = Site::new("[{ name: logs, follow: { paths: [logs] } }]");
    std::fs::create_dir(site.keyward.path("logs")).unwrap();
    for name in ["logs/aws.ndjson", "logs/vault.log"] {
        File::create(site.keyward.path(name)).unwrap();
    }
    site
}

/// The company's lines, each with whether it is Vault's, and none that tells of a request without its response at
/// the end: for a scan that is an event.
fn lines() -> Vec<(bool, Vec<u8>)> {
    let mut waiting = BTreeSet::new();
    let mut lines = Vec::new();
    for line in Company::new(7, MORNING) {
        let more = lines.len() < LINES;
        if !more && waiting.is_empty() {
            break;
        }
        let is_vault = line.provider == Provider::Vault;
        let entry: Value = serde_json::from_slice(&line.bytes).unwrap();
        let id = entry["request"]["id"].to_string();
        let is_awaited = is_vault && waiting.remove(&id);
        if !more && !is_awaited {
            continue;
        }
        if is_vault && !is_awaited {
            waiting.insert(id);
        }
        lines.push((is_vault, line.bytes));
    }
    lines
}

/// Appends lines to the two logs, a few at a time.
fn append(keyward: &Keyward, lines: &[(bool, Vec<u8>)], pause: Duration) {
    let open = |name: &str| OpenOptions::new().append(true).open(keyward.path(name)).unwrap();
    let (mut aws, mut vault): (File, File) = (open("logs/aws.ndjson"), open("logs/vault.log"));
    for few in lines.chunks(25) {
        for (is_vault, line) in few {
            let log = if *is_vault { &mut vault } else { &mut aws };
            log.write_all(line).and_then(|()| log.write_all(b"\n")).unwrap();
        }
        std::thread::sleep(pause);
    }
}

#[test]
fn killed_again_and_again_while_logs_grow_it_keeps_and_tells_what_one_scan_does() {
    let (site, lines) = (watched(), lines());
    // Both logs are known before it dies: one that was never heard of is not waited for by windows.
    let (first, rest) = lines.split_at(200);
    append(&site.keyward, first, Duration::ZERO);
    let mut service = site.start();
    service.ready();
    let store = site.runtime.block_on(Store::open_read_only(&site.data())).unwrap();
    let known = || site.runtime.block_on(store.positions()).is_ok_and(|stored| stored.len() == 2);
    until(PATIENCE, known, || site.logs());
    service.stop();
    std::thread::scope(|scope| {
        scope.spawn(|| append(&site.keyward, rest, Duration::from_millis(100)));
        for life in LIVES {
            let mut service = site.start();
            if life > 300 {
                service.says("listening");
            }
            std::thread::sleep(Duration::from_millis(life));
            service.kill();
        }
    });
    let expected = Kept::of_scan(&site);
    let mut service = site.start();
    let open = || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap();
    service.ready(); // before it is, there may be no store to open
    let store = open();
    let sealed = || {
        let account = site.runtime.block_on(store.account());
        account.is_ok_and(|account| account.received == expected.received())
    };
    until(PATIENCE, sealed, || site.logs());
    let told =
        || site.runtime.block_on(store.count_deliveries("webhook")).is_ok_and(|(waiting, _)| waiting == 0);
    until(PATIENCE, told, || site.logs());
    service.stop();
    let store = BlockingStore::over(std::sync::Arc::new(open()), site.runtime.handle().clone());
    let kept = Kept::of_store(&store);
    kept.assert_is(&expected, &site.logs());
    kept.assert_told(&store, &site.receiver);
}

#[test]
fn a_misuse_is_told_within_seconds_of_its_line() {
    let site = watched();
    let mut service = site.start();
    service.says("listening");
    append(&site.keyward, &lines(), Duration::ZERO);
    let until = Instant::now() + PATIENCE;
    while site.receiver.arrivals().is_empty() {
        assert!(Instant::now() < until, "{}", service.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let body: Value = serde_json::from_str(&site.receiver.arrivals()[0].body).unwrap();
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}
