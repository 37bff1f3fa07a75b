//! Rejects: listing them, looking at one, reading them again after a fix.

use keyward::domain::reject::{Reject, RejectReason};
use keyward::history::OpenSet;
use keyward::history::rejects::{RejectedRecord, RejectsBuilder};
use keyward::metrics::Account;
use keyward::store::{BlockingStore, Kind};
use sha2::{Digest, Sha256};

use crate::made::{decrypt, deletion, with};
use crate::support::{Keyward, Ran};

/// A good record, one that lacks its time, and one that is cut off.
fn filled() -> Keyward {
    let mut timeless = decrypt(2);
    timeless.as_object_mut().unwrap().remove("eventTime");
    let cut = decrypt(3).to_string();
    let log = format!("{}\n{timeless}\n{}", decrypt(1), &cut[..cut.len() / 2]);
    let keyward = Keyward::new().file("logs/a.ndjson", log);
    let ran = keyward.args(["scan", "--data", "data", "logs/a.ndjson"]).run();
    assert_eq!(ran.account().rejects, 2, "{}", ran.stderr);
    keyward
}

fn rejects(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["rejects"]).args(args.iter().copied()).args(["--data", "data"]).run()
}

fn query(keyward: &Keyward, question: &str) -> String {
    keyward.args(["query", "--data", "data", "--format", "csv", question]).run().stdout
}

#[test]
fn rejects_are_listed_by_reason_source_and_time_and_shown_in_full() {
    let keyward = filled();
    let all = rejects(&keyward, &["list", "--format", "json"]);
    assert_eq!((all.code, all.json().len()), (Some(0), 2), "{}", all.stderr);
    let cut = rejects(&keyward, &["list", "--format", "json", "--reason", "truncated"]).json();
    assert_eq!(cut.len(), 1);
    let id = cut[0]["id"].as_str().unwrap();
    assert!(rejects(&keyward, &["list", "--format", "json", "--source", "other"]).json().is_empty());
    let later = rejects(&keyward, &["list", "--format", "json", "--since", "2100-01-01T00:00:00Z"]);
    assert!(later.json().is_empty());

    let shown = rejects(&keyward, &["show", &id[..16]]);
    for part in [id, "truncated", "logs/a.ndjson", "sha256", "sample"] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("orders-api"), "the sample is masked: {}", shown.stdout);
    assert_eq!(rejects(&keyward, &["show", "ffffffff"]).code, Some(2));
    assert_eq!(rejects(&keyward, &["list", "--reason", "nonsense"]).code, Some(2));
}

#[test]
fn what_is_still_not_understood_stays_a_reject() {
    let keyward = filled();
    let ran = rejects(&keyward, &["replay"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("understood 0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("rejected   2 again"), "{}", ran.stdout);
    assert_eq!(query(&keyward, "SELECT count(*) FROM events").lines().nth(1), Some("1"));
}

#[test]
fn a_record_is_not_read_again_from_a_file_that_changed_or_went() {
    let keyward = filled();
    let changed = with(decrypt(2), "/awsRegion", "eu-west-2".into()).to_string();
    std::fs::write(keyward.path("logs/a.ndjson"), format!("{changed}\n{changed}\n")).unwrap();
    let ran = rejects(&keyward, &["replay"]);
    assert!(ran.stdout.contains("not read   2"), "{}", ran.stdout);
    assert!(ran.stdout.contains("no longer holds"), "{}", ran.stdout);
    std::fs::remove_file(keyward.path("logs/a.ndjson")).unwrap();
    let ran = rejects(&keyward, &["replay"]);
    assert!(ran.stdout.contains("is not there"), "{}", ran.stdout);
    assert!(!query(&keyward, "SELECT key_id FROM events").is_empty());
}

/// A history in which an older version rejected a good record: the second line of the file.
fn rejected_by_an_older_version() -> Keyward {
    let lines = [decrypt(1).to_string(), deletion(2).to_string()];
    let keyward = Keyward::new().file("a.ndjson", format!("{}\n{}\n", lines[0], lines[1]));
    let reason = RejectReason::WrongType;
    let sha256 = Sha256::digest(&lines[1]).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let record = RejectedRecord {
        source: "a.ndjson",
        position: lines[0].len() as i64 + 1,
        index: 0,
        sha256: &sha256,
        sample: None,
        ingested_at: 1_793_600_000_000_000,
    };
    let mut builder = RejectsBuilder::default();
    builder.push(record, &Reject::new(reason, "not known yet"));
    let mut set = OpenSet::default();
    set.push(Kind::Rejects, &builder.finish().unwrap()).unwrap();
    set.count(&Account { received: 1, rejects: [(reason, 1)].into(), ..Account::default() });
    let store = BlockingStore::open(&keyward.path("data"), 1).unwrap();
    let written = set.write(store.store(), 1).unwrap();
    store.wait(written.commit(store.store())).unwrap();
    keyward
}

#[test]
fn a_record_that_is_understood_by_now_becomes_events_and_counts_once() {
    let keyward = rejected_by_an_older_version();
    let ran = rejects(&keyward, &["replay"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("understood 1 (1 events) with 1 findings"), "{}", ran.stdout);
    let events = query(&keyward, "SELECT action, source, position FROM events");
    assert!(events.contains("ScheduleKeyDeletion,a.ndjson,"), "{events}");
    assert_eq!(query(&keyward, "SELECT count(*) FROM findings").lines().nth(1), Some("1"));
    assert_eq!(rejects(&keyward, &["list", "--format", "json"]).json()[0]["came_to"], "events");

    let again = rejects(&keyward, &["replay"]);
    assert!(again.stdout.contains("understood 0") && again.code == Some(0), "{}", again.stdout);
    let store = BlockingStore::open(&keyward.path("data"), 2).unwrap();
    let account = store.wait(store.store().account()).unwrap();
    assert_eq!((account.received, account.gave_events, account.rejects_total()), (1, 1, 0));
    assert!(account.adds_up());
    drop(store);

    let scanned = keyward.args(["scan", "--data", "data", "a.ndjson"]).run();
    assert!(scanned.stderr.contains("held 1 of these events already"), "{}", scanned.stderr);
    assert_eq!(query(&keyward, "SELECT count(*) FROM events").lines().nth(1), Some("2"));
}
