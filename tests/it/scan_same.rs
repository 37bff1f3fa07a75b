//! One input, one result: whatever the number of threads, the cut into files, or how often it is read.

use std::collections::BTreeSet;

use keyward::domain::event::Provider;
use keyward::pipeline::generate::Company;
use keyward::table::columns::COLUMNS;
use serde_json::Value;

use crate::made::{decrypt, delivered, gzip, keyward, lines, request, response, scan_uses};
use crate::support::{Keyward, Ran};

/// The made-up company's day begins here.
const DAY: i64 = 1_795_420_800_000_000;

/// The company's first `count` log lines of each provider, in order of arrival.
fn company(count: usize) -> [Vec<Vec<u8>>; 2] {
    let mut aws = Vec::new();
    let mut vault = Vec::new();
    for line in Company::new(11, DAY) {
        let log = if line.provider == Provider::Aws { &mut aws } else { &mut vault };
        log.push(line.bytes);
        if aws.len() >= count && vault.len() >= count {
            break;
        }
    }
    aws.truncate(count);
    vault.truncate(count);
    [aws, vault]
}

fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    text
}

/// The findings without where their events were read.
fn findings(ran: &Ran) -> BTreeSet<String> {
    let without_place = |mut finding: Value| {
        let fields = finding.as_object_mut().unwrap();
        fields.remove("source");
        fields.remove("position");
        finding.to_string()
    };
    let findings = ran.json();
    let count = findings.len();
    let set: BTreeSet<_> = findings.into_iter().map(without_place).collect();
    assert_eq!(set.len(), count, "no finding comes twice");
    set
}

/// History without when it was read.
fn history(keyward: &Keyward, data: &str) -> String {
    let ask = |sql: &str| {
        let ran = keyward.args(["query", "--data", data, "--format", "csv", sql]).run();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    let columns: Vec<_> =
        COLUMNS.iter().map(|spec| spec.name).filter(|name| *name != "ingested_at").collect();
    let columns = columns.join(", ");
    ask(&format!("SELECT {columns} FROM events ORDER BY source, position, event_id, ordinal"))
        + &ask("SELECT * FROM findings ORDER BY id")
        + &ask("SELECT source, position, index, reason, detail, sha256, sample FROM rejects ORDER BY 1, 2, 3")
}

fn count(keyward: &Keyward, table: &str) -> String {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let ran = keyward.args(["query", "--data", "data", "--format", "csv", &sql]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.csv()[1][0].clone()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let [aws, vault] = company(700);
    let mut keyward = Keyward::new().file("catalog.yaml", Company::catalog_yaml());
    for (place, part) in aws.chunks(90).chain(vault.chunks(90)).enumerate() {
        keyward = keyward.file(&format!("logs/{place:02}"), joined(part)).file("logs/99-damaged", "{\"a\":");
    }
    let run = |threads: &str| {
        let args = ["--catalog", "catalog.yaml", "--format", "json", "--threads", threads, "--data", threads];
        keyward.args(["scan", "logs"]).args(args).run()
    };
    let (one, four) = (run("1"), run("4"));
    assert!(one.json().len() > 5, "{}", one.stderr);
    assert_eq!(one.stdout, four.stdout);
    assert_eq!(one.account(), four.account());
    let (one, four) = (history(&keyward, "1"), history(&keyward, "4"));
    assert!(one.lines().count() > 700 && one == four);
}

#[test]
fn the_cut_into_files_and_chunks_changes_nothing() {
    let [aws, vault] = company(300);
    let whole = joined(&[aws.clone(), vault.clone()].concat());
    let mut keyward = keyward()
        .file("catalog.yaml", Company::catalog_yaml())
        .file("whole", &whole)
        .file("members", [gzip(joined(&aws)), gzip(joined(&vault))].concat())
        .file("halves/1", joined(&aws))
        .file("halves/2", joined(&vault));
    for (place, part) in aws.chunks(23).chain(vault.chunks(7)).enumerate() {
        keyward = keyward.file(&format!("parts/{place:03}"), joined(part));
    }
    let run =
        |path: &str| scan_uses(&keyward, path, &["--catalog", "catalog.yaml"]).stdin(whole.clone()).run();
    let wanted = findings(&run("whole"));
    assert!(wanted.len() > 100);
    for path in ["members", "halves", "parts", "-"] {
        assert!(findings(&run(path)) == wanted, "{path}");
    }
}

#[test]
fn a_second_scan_prints_the_same_and_appends_nothing() {
    let keyward = keyward()
        .file("logs/a.json", delivered((0..5).map(decrypt)))
        .file("logs/b.ndjson", lines([request(6), response(6), request(7)]))
        .file("logs/c.gz", &gzip(lines((10..15).map(decrypt)))[..150])
        .file("logs/d.ndjson", lines([decrypt(20)]) + "{\"eventVersion\":\"1.11\",\"ev");
    let run = || scan_uses(&keyward, "logs", &["--data", "data"]).run();
    let first = run();
    let before = history(&keyward, "data");
    let second = run();
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.account(), second.account());
    assert_eq!(before, history(&keyward, "data"));
    assert_eq!(count(&keyward, "rejects"), "2");
}

#[test]
fn of_a_file_that_grew_only_what_is_new_is_kept() {
    let mut text = lines([decrypt(1), decrypt(2), request(3)]);
    let last = decrypt(4).to_string();
    let (half, rest) = last.split_at(200);
    let keyward = keyward().file("log", format!("{text}{half}"));
    let run = || scan_uses(&keyward, "log", &["--data", "data"]).run();
    assert_eq!(run().json().len(), 3);
    assert_eq!(count(&keyward, "events"), "3");
    text = format!("{text}{half}{rest}\n\n{}", lines([decrypt(5), response(6)]));
    std::fs::write(keyward.path("log"), &text).unwrap();
    assert_eq!(run().json().len(), 6, "everything is printed again");
    assert_eq!(count(&keyward, "events"), "6");
    assert_eq!(count(&keyward, "findings"), "6");
    std::fs::write(keyward.path("log"), text + &lines([decrypt(7)])).unwrap();
    run();
    assert_eq!(count(&keyward, "events"), "7");
    assert_eq!(count(&keyward, "(SELECT DISTINCT event_id FROM events)"), "7");
}

#[test]
fn a_renamed_file_is_known_again() {
    let keyward = keyward().file("audit.log", lines([decrypt(1), decrypt(2)]));
    scan_uses(&keyward, "audit.log", &["--data", "data"]).run();
    std::fs::rename(keyward.path("audit.log"), keyward.path("audit.log.1")).unwrap();
    std::fs::write(keyward.path("audit.log"), lines([decrypt(3)])).unwrap();
    let ran = keyward
        .args([
            "scan",
            "audit.log",
            "audit.log.1",
            "--detectors",
            "rules",
            "--data",
            "data",
            "--format",
            "json",
        ])
        .run();
    assert_eq!(ran.json().len(), 3, "{}", ran.stderr);
    assert_eq!(count(&keyward, "events"), "3");
}

/// The same call as another audit device wrote it: some milliseconds later.
fn by_another_device(line: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    let (head, rest) = text.split_once("Z\"").unwrap();
    let (whole, fraction) = head.rsplit_once('.').unwrap();
    let later = (fraction.parse::<u64>().unwrap() + 1) % 10_u64.pow(fraction.len() as u32);
    format!("{whole}.{later:0width$}Z\"{rest}", width = fraction.len()).into_bytes()
}

#[test]
fn two_audit_devices_of_one_server_tell_of_each_call_once() {
    let [_, vault] = company(400);
    let other: Vec<_> = vault.iter().map(|line| by_another_device(line)).collect();
    assert!(vault.iter().zip(&other).all(|(one, other)| one != other));
    let keyward = Keyward::new().file("a.log", joined(&vault)).file("b.log", joined(&other));
    let scan = |paths: &[&str], data: &str| keyward.args(["scan", "--data", data]).args(paths).run();
    let one = scan(&["a.log"], "one").account();
    let both = scan(&["a.log", "b.log"], "both").account();
    assert_eq!((both.received, both.gave_events), (2 * one.received, one.gave_events));
    assert_eq!(both.sum(), both.received);
    let conflicts = "SELECT count(*) AS c FROM events WHERE conflicts";
    let ran = keyward.args(["query", "--data", "both", "--format", "json", conflicts]).run();
    assert_eq!(ran.json()[0]["c"], 0, "{}", ran.stdout);
}
