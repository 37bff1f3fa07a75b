//! `keyward backtest` through the front door: what other rules would have raised, alert by alert.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::made::{CATALOG, decrypt, deletion, lines, request, response, with};
use crate::support::{Keyward, Ran};

/// A catalog by which the decryptions are wrong and nothing else is.
fn stricter() -> String {
    CATALOG.replace("role/orders-*", "role/billing-*")
}

/// A history of conforming uses and of one scheduled deletion, judged by the catalog.
fn filled() -> Keyward {
    let records = [decrypt(1), decrypt(2), deletion(3), request(4), response(4)];
    let keyward = Keyward::new()
        .file("log", lines(records))
        .file("catalog.yaml", CATALOG)
        .file("stricter.yaml", stricter());
    let ran = keyward.args(["scan", "log", "--catalog", "catalog.yaml", "--data", "keyward-data"]).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    keyward
}

fn backtest(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["backtest", "--format", "json", "--threads", "2"]).args(args).run()
}

/// The alerts of a scan by id.
fn scanned(keyward: &Keyward, catalog: &str) -> BTreeMap<String, Value> {
    let ran =
        keyward.args(["scan", "log", "--catalog", catalog, "--emit", "alerts", "--format", "json"]).run();
    let by_id = |alert: Value| (alert["id"].as_str().unwrap().to_owned(), alert);
    ran.json().into_iter().map(by_id).collect()
}

#[test]
fn the_alerts_of_before_and_the_changes_make_the_alerts_of_a_scan_with_the_other_catalog() {
    let keyward = filled().file("empty.yaml", "version: 1\n");
    for catalog in ["stricter.yaml", "empty.yaml"] {
        let mut alerts = scanned(&keyward, "catalog.yaml");
        let ran = backtest(&keyward, &["--catalog", catalog]);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let changes = ran.json();
        assert!(!changes.is_empty());
        for change in changes {
            let id = |alert: &Value| alert["id"].as_str().unwrap().to_owned();
            match change["change"].as_str().unwrap() {
                "raised" => assert!(alerts.insert(id(&change["alert"]), change["alert"].clone()).is_none()),
                "gone" => assert_eq!(alerts.remove(&id(&change["alert"])), Some(change["alert"].clone())),
                _ => {
                    let before = alerts.insert(id(&change["after"]), change["after"].clone());
                    assert_eq!(before, Some(change["before"].clone()));
                }
            }
        }
        let expected = scanned(&keyward, catalog);
        assert_eq!(alerts.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (id, alert) in &alerts {
            for field in ["level", "detectors", "aspects", "count"] {
                assert_eq!(alert[field], expected[id][field], "{id} {field}");
            }
        }
    }
}

#[test]
fn rules_that_change_nothing_say_so_and_the_summary_counts_events_and_verdicts() {
    let keyward = filled();
    let same = backtest(&keyward, &["--catalog", "catalog.yaml"]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{}", same.stderr);
    assert!(same.stderr.contains("4 events judged twice"), "{}", same.stderr);
    assert!(same.stderr.contains("0 raised, 0 gone, 0 changed, 1 as before"), "{}", same.stderr);
    let stricter = backtest(&keyward, &["--catalog", "stricter.yaml"]);
    assert!(stricter.stderr.contains("verdicts: 2 conforming → violation"), "{}", stricter.stderr);
}

#[test]
fn other_detectors_are_tried_over_the_span_that_is_asked_for() {
    let keyward = filled().file("rules/every-use.yaml", crate::made::EVERY_USE);
    let count = |args: &[&str]| {
        let ran = backtest(&keyward, &[&["--detectors", "rules"], args].concat());
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let raised = ran.json().into_iter().filter(|change| change["change"] != "gone");
        let findings = |change: Value| {
            let alert = if change["change"] == "changed" { &change["after"] } else { &change["alert"] };
            alert["count"].as_u64().unwrap()
        };
        raised.map(findings).sum::<u64>()
    };
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["--from", "2026-11-20T08:00:02Z", "--to", "2026-11-20T09:00:00Z"]), 1);
}

#[test]
fn without_rules_to_try_or_without_history_it_says_what_to_do() {
    let keyward = filled();
    let ran = backtest(&keyward, &[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--catalog <PATH>"), "{}", ran.stderr);
    let ran = backtest(&keyward, &["--data", "nowhere", "--catalog", "catalog.yaml"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("keyward scan --data"), "{}", ran.stderr);
}

#[test]
fn a_check_says_what_its_catalog_would_change_before_it_is_rolled_out() {
    let keyward = filled();
    let check =
        |catalog: &str| keyward.args(["check", "--catalog", catalog, "--against", "keyward-data"]).run();
    let stricter = check("stricter.yaml");
    assert_eq!(stricter.code, Some(0), "{}", stricter.stderr);
    assert!(stricter.stdout.contains("2 conforming → violation"), "{}", stricter.stdout);
    assert!(check("catalog.yaml").stdout.contains("0 raised, 0 gone, 0 changed"));
}

/// One detector of each kind that a few hours of one key can set off.
const WINDOWS: [(&str, &str, &str); 8] = [
    ("XX-011", "category = 'use'", "{ kind: threshold, over: 12m, count: 4, group_by: [key_id] }"),
    (
        "XX-012",
        "category = 'use'",
        "{ kind: distinct, over: 12m, count: 2, of: session_name, group_by: [key_id] }",
    ),
    (
        "XX-013",
        "category IN ('use', 'key')",
        "{ kind: sequence, over: 30m, group_by: [key_id], steps: [{ name: use, match: \"category = 'use'\" }, { name: deletion, match: \"action = 'ScheduleKeyDeletion'\" }] }",
    ),
    (
        "XX-014",
        "category IN ('use', 'key')",
        "{ kind: sequence, absent: deletion, over: 12m, group_by: [key_id], steps: [{ name: use, match: \"category = 'use'\" }, { name: deletion, match: \"action = 'ScheduleKeyDeletion'\" }] }",
    ),
    ("XX-015", "category = 'use'", "{ kind: first_seen, of: session_name, learn: 30m, group_by: [key_id] }"),
    ("XX-016", "category = 'use'", "{ kind: dormant, after: 20m, group_by: [key_id] }"),
    ("XX-017", "category = 'use'", "{ kind: silence, every: 20m, group_by: [key_id] }"),
    ("XX-018", "category = 'use'", "{ kind: overdue, due: event_time, over: 21m, group_by: [key_id] }"),
];

/// Three hours of uses, with pauses, new sessions and a deletion, and the detectors with a memory in `rules`.
fn remembered() -> Keyward {
    let pauses = |minute: &usize| !(50..75).contains(minute) && !(110..150).contains(minute);
    let used = (0..180).step_by(3).filter(pauses).map(|minute| {
        let record = if minute == 42 { deletion(minute) } else { decrypt(minute) };
        let session = if minute % 45 == 33 { "worker-2" } else { "worker-1" };
        let time = format!("2026-11-20T{:02}:{:02}:07Z", 8 + minute / 60, minute % 60);
        let arn = format!("arn:aws:sts::111122223333:assumed-role/orders-api/{session}");
        with(with(record, "/eventTime", json!(time)), "/userIdentity/arn", json!(arn))
    });
    let keyward = Keyward::new().file("log", lines(used)).file("catalog.yaml", CATALOG);
    WINDOWS.iter().fold(keyward, |keyward, (id, entering, window)| {
        keyward.file(&format!("rules/{id}.yaml"), detector(id, entering, window))
    })
}

fn detector(id: &str, entering: &str, window: &str) -> String {
    format!("id: {id}\ntitle: A title\nlevel: medium\nstatus: stable\nmatch: {entering}\nwindow: {window}\n")
}

/// What a scan with the detectors in `rules` finds, as it keeps the history.
fn found(keyward: &Keyward, emit: &str) -> Vec<Value> {
    let args = ["--catalog", "catalog.yaml", "--detectors", "rules", "--format", "json", "--emit", emit];
    let ran = keyward.args(["scan", "log", "--data", "keyward-data"]).args(args).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    ran.json()
}

#[test]
fn detectors_with_a_memory_find_what_a_scan_with_them_finds() {
    let keyward = remembered();
    let scanned = found(&keyward, "alerts");
    let detectors: Vec<&str> = scanned.iter().flat_map(|alert| texts(&alert["detectors"])).collect();
    for (id, ..) in WINDOWS {
        assert!(detectors.contains(&id), "{id} should be set off: {detectors:?}");
    }
    let ran = backtest(&keyward, &["--detectors", "rules"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(raised(&ran), scanned);
}

/// The alerts that would be raised. Those of the rules in force are gone or changed.
fn raised(ran: &Ran) -> Vec<Value> {
    let changes = ran.json().into_iter().filter(|change| change["change"] == "raised");
    changes.map(|change| change["alert"].clone()).collect()
}

#[test]
fn within_a_span_windows_know_what_came_before_and_see_what_comes_after() {
    let keyward = remembered();
    let scanned = found(&keyward, "findings");
    let time = |hour: &str| format!("2026-11-20T{hour}Z");
    for (from, to) in [
        ("08:00:00", "08:36:00"),
        ("08:36:00", "09:20:30"),
        ("08:47:00", "09:00:00"),
        ("09:20:30", "12:00:00"),
    ] {
        let (from, to) = (time(from), time(to));
        let is_within = |finding: &&Value| {
            let at = finding["event_time"].as_str().unwrap();
            from.as_str() <= at && at < to.as_str()
        };
        let wanted = scanned.iter().filter(is_within).count() as u64;
        let ran = backtest(&keyward, &["--detectors", "rules", "--from", &from, "--to", &to]);
        let count: u64 = raised(&ran).iter().map(|alert| alert["count"].as_u64().unwrap()).sum();
        assert_eq!(count, wanted, "{from} to {to}: {}{}", ran.stdout, ran.stderr);
        assert!(wanted > 0, "{from} to {to}");
    }
}

#[test]
fn a_rotation_that_history_saw_keeps_a_key_from_being_overdue() {
    let timed = CATALOG.replacen(
        "    owner: team-orders\n",
        "    owner: team-orders\n    rotate_every: 10m\n    rotated: 2026-11-20T08:00:00Z\n",
        1,
    );
    for (rotated, overdue) in [(Some(9), 0), (None, 1)] {
        let rotation =
            rotated.map(|minute| with(decrypt(minute * 60), "/eventName", json!("RotateKeyOnDemand")));
        let uses = (0..16).map(|minute| decrypt(minute * 60 + 1));
        let keyward =
            Keyward::new().file("log", lines(uses.chain(rotation))).file("catalog.yaml", &timed).file(
                "rules/XX-066.yaml",
                detector(
                    "XX-066",
                    "category IN ('use', 'key')",
                    "{ kind: overdue, due: rotation_due, group_by: [key_id] }",
                ),
            );
        let scan = ["scan", "log", "--catalog", "catalog.yaml", "--data", "keyward-data", "--format", "json"];
        let scanned = keyward.args(scan).args(["--detectors", "rules"]).run();
        assert_eq!(scanned.json().len(), overdue, "{}{}", scanned.stdout, scanned.stderr);
        let ran = backtest(&keyward, &["--detectors", "rules"]);
        assert_eq!(raised(&ran).len(), overdue, "{}{}", ran.stdout, ran.stderr);
    }
}

/// The built-in detectors in `rules`, with `text` replaced in each by `other`.
fn with_built_in(keyward: Keyward, text: &str, other: &str) -> Keyward {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("detectors");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).fold(keyward, |keyward, path| {
        let name = path.file_name().unwrap().to_string_lossy();
        match name.ends_with(".yaml") {
            true => {
                let rule = std::fs::read_to_string(&path).unwrap().replace(text, other);
                keyward.file(&format!("rules/{name}"), rule)
            }
            false => keyward,
        }
    })
}

#[test]
fn a_window_that_is_the_same_changes_nothing_and_another_count_exactly_what_it_adds() {
    // The built-in KP-080: twenty uses within five minutes by a caller that the key is not for.
    let burst = "over: \"5m\"\n  count: 20\n";
    for (other, differs) in [(burst, false), ("over: \"5m\"\n  count: 5\n", true)] {
        let uses = (0..300).step_by(9).map(decrypt);
        let keyward = Keyward::new().file("log", lines(uses)).file("catalog.yaml", stricter());
        let keyward = with_built_in(keyward, burst, other);
        let count = |args: &[&str]| {
            let args = [&["scan", "log", "--catalog", "catalog.yaml", "--format", "json"], args].concat();
            let found = keyward.args(args).run().json();
            found.iter().filter(|finding| finding["detector"] == "KP-080").count() as i64
        };
        let (before, after) = (count(&["--data", "keyward-data"]), count(&["--detectors", "rules"]));
        assert!(before > 0);
        assert_eq!(before != after, differs, "{before} {after}");
        let ran = backtest(&keyward, &["--detectors", "rules"]);
        assert_eq!(ran.code, Some(i32::from(differs)), "{}{}", ran.stdout, ran.stderr);
        let findings = |alert: &Value| alert["count"].as_i64().unwrap_or_default();
        let difference = |of: Value| findings(&of["after"]) - findings(&of["before"]);
        assert_eq!(ran.json().into_iter().map(difference).sum::<i64>(), after - before, "{}", ran.stdout);
        let told = format!("0 raised, 0 gone, {} changed", usize::from(differs));
        let checked = keyward.args(["check", "--detectors", "rules", "--against", "keyward-data"]).run();
        assert!(checked.stdout.contains(&told), "{}{}", checked.stdout, checked.stderr);
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
