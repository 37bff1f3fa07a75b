//! `keyward backtest` through the front door: what other rules would have raised, alert by alert.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::made::{CATALOG, decrypt, deletion, lines, request, response};
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
