//! `keyward scan` through the front door: exit codes, outputs, and the closing summary.

use keyward::table::columns::COLUMNS;
use serde_json::{Value, json};

use crate::made::{CATALOG, KEY, decrypt, deletion, lines, request, response, with};
use crate::support::{Keyward, Ran};

/// Two conforming uses, and a scheduled deletion.
fn small() -> Keyward {
    Keyward::new()
        .file("log.ndjson", lines([decrypt(1), decrypt(2), deletion(3)]))
        .file("catalog.yaml", CATALOG)
}

fn scan(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["scan", "log.ndjson"]).args(args).run()
}

#[test]
fn conforming_uses_alone_are_nothing_found() {
    let keyward = Keyward::new()
        .file("log.ndjson", lines([decrypt(1), request(2), response(2)]))
        .file("catalog.yaml", CATALOG);
    let ran = scan(&keyward, &["--catalog", "catalog.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("events     2: 2 conforming"), "{}", ran.stderr);
    assert_eq!(ran.account().sum(), 3);
}

#[test]
fn a_finding_makes_the_exit_code_1() {
    let ran = scan(&small(), &["--catalog", "catalog.yaml", "--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let detectors: Vec<_> = ran.json().iter().map(|finding| finding["detector"].clone()).collect();
    assert!(detectors.contains(&json!("KP-060")), "{detectors:?}");
}

#[test]
fn wrong_usage_is_2_and_says_how_to_use_it() {
    let keyward = small();
    for args in [
        &["scan"][..],
        &["scan", "--nonsense", "log.ndjson"],
        &["scan", "log.ndjson", "--threads", "0"],
        &["scan", "log.ndjson", "--format", "xml"],
        &["scan", "log.ndjson", "--emit", "nothing"],
        &["nonsense"],
        &["query"],
        &["query", "SELECT 1", "--file", "x.sql"],
    ] {
        let ran = keyward.args(args).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?} {}", ran.stderr);
        assert!(ran.stderr.contains("--help"), "{args:?} {}", ran.stderr);
    }
}

#[test]
fn a_wrong_catalog_is_3_with_file_line_and_column() {
    let wrong =
        "version: 1\nkeys:\n  - id: orders\n    keys: [\"vault:transit/orders\"]\n    purpose: encryptoin\n";
    let ran = scan(&small().file("wrong.yaml", wrong), &["--catalog", "wrong.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.stderr.contains("wrong.yaml:5:14: error: "), "{}", ran.stderr);
    let ran = scan(&small(), &["--catalog", "absent.yaml"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("absent.yaml: error: "), "{}", ran.stderr);
}

#[test]
fn a_wrong_detector_is_3_with_its_file() {
    let ran = scan(&small().file("rules/one.yaml", "id: [\n"), &["--detectors", "rules"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.stderr.contains("one.yaml:"), "{}", ran.stderr);
}

#[test]
fn a_path_that_is_not_there_is_4_and_said_once() {
    let ran = small().args(["scan", "absent.json"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""));
    assert!(ran.stderr.contains("could not open absent.json"), "{}", ran.stderr);
    assert!(ran.stderr.contains("check the path"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("No such file").count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn an_empty_folder_and_a_glob_without_match_are_4() {
    let keyward = small();
    std::fs::create_dir(keyward.path("nothing")).unwrap();
    for path in ["nothing", "nothing/*.gz", "[", "absent/**/*.json"] {
        let ran = keyward.args(["scan", path]).run();
        assert_eq!(ran.code, Some(4), "{path} {}", ran.stderr);
        assert!(ran.stderr.contains(path), "{path} {}", ran.stderr);
    }
}

#[test]
fn output_that_cannot_be_written_is_4() {
    let ran = scan(&small().file("data", "a file where a folder should be"), &["--data", "data"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("data"), "{}", ran.stderr);
}

#[test]
fn a_finding_has_every_field_that_others_rely_on() {
    let ran = scan(&small(), &["--format", "json"]);
    for finding in ran.json() {
        for field in [
            "id",
            "detector",
            "level",
            "title",
            "event_id",
            "event_time",
            "key_id",
            "catalog_id",
            "principal",
            "function",
            "action",
            "outcome",
            "verdict",
            "violations",
            "message",
        ] {
            assert!(finding.get(field).is_some(), "{field} is absent from {finding}");
        }
        assert_eq!(finding["key_id"], KEY);
        assert_eq!(finding["principal"], "arn:aws:iam::111122223333:role/orders-api");
        assert!(finding["message"].as_str().unwrap().contains("orders-api"));
        assert!(finding["event_time"].as_str().unwrap().starts_with("2026-11-20T08:00:0"));
    }
}

#[test]
fn the_same_log_gives_the_same_ids() {
    let ids = |ran: Ran| ran.json().iter().map(|finding| finding["id"].clone()).collect::<Vec<Value>>();
    let first = ids(scan(&small(), &["--format", "json"]));
    assert_eq!(first, ids(scan(&small(), &["--format", "json"])));
    assert_eq!(first.len(), 3);
}

#[test]
fn an_event_has_every_column() {
    let names: Vec<_> = COLUMNS.iter().map(|spec| spec.name).collect();
    let ran = scan(&small(), &["--emit", "events", "--format", "json"]);
    let events = ran.json();
    assert_eq!(events.len(), 3);
    for event in &events {
        let mut found: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = names.clone();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!((&event["verdict"], &event["provider"]), (&json!("undeclared"), &json!("aws")));
    }
    let ran = scan(&small(), &["--emit", "events", "--format", "csv"]);
    let rows = ran.csv();
    assert_eq!(rows[0], names);
    assert!(rows.len() == 4 && rows.iter().all(|row| row.len() == names.len()), "{rows:?}");
}

#[test]
fn findings_as_csv_have_one_header_and_as_many_cells_in_each_line() {
    let rows = scan(&small(), &["--format", "csv"]).csv();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0][..3], ["id", "detector", "level"]);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
}

#[test]
fn the_feed_for_people_has_two_lines_a_finding_and_no_colour_in_a_pipe() {
    let ran = scan(&small(), &["--catalog", "catalog.yaml"]);
    assert!(ran.stdout.lines().count().is_multiple_of(2), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("2026-11-20T08:00:03 high "), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    let coloured = scan(&small(), &["--color", "always"]);
    assert!(coloured.stdout.contains('\u{1b}'));
}

#[test]
fn the_summary_accounts_for_every_record() {
    let other = with(
        with(decrypt(9), "/eventSource", json!("ec2.amazonaws.com")),
        "/eventName",
        json!("RunInstances"),
    );
    let text = lines([decrypt(1), decrypt(2), decrypt(2), other, request(3), response(3), request(4)])
        + "{\"a\":1}\n{";
    let ran = scan(&Keyward::new().file("log.ndjson", text), &[]);
    let account = ran.account();
    assert_eq!(
        (account.received, account.gave_events, account.merged, account.irrelevant, account.duplicates),
        (9, 4, 1, 1, 1),
        "{}",
        ran.stderr
    );
    assert_eq!((account.rejects, account.sum()), (2, 9));
    assert!(!ran.stderr.contains("DOES NOT ADD UP"));
    assert!(ran.stderr.contains("rejects    1 truncated, 1 unknown_format"), "{}", ran.stderr);
}

#[test]
fn without_a_catalog_keys_are_undeclared_and_what_needs_none_still_works() {
    let ran = scan(&small(), &["--format", "json"]);
    let findings = ran.json();
    assert!(findings.iter().all(|finding| finding["verdict"] == "undeclared"));
    assert!(findings.iter().any(|finding| finding["detector"] == "KP-060" && finding["level"] == "high"));
    assert!(ran.stderr.contains("no catalog every key is undeclared"), "{}", ran.stderr);
}

#[test]
fn detectors_that_cannot_see_are_listed_with_the_reason() {
    let ran = scan(&small(), &[]);
    let blind = ran.stderr.split("blind ").nth(1).unwrap();
    assert!(blind.contains("no catalog") && blind.contains("KP-001"), "{blind}");
    assert!(blind.contains("no event of vault was seen") && blind.contains("KP-031"), "{blind}");
    let ran = scan(&small(), &["--catalog", "catalog.yaml"]);
    let blind = ran.stderr.split("blind ").nth(1).unwrap();
    assert!(!blind.contains("no catalog") && blind.contains("no event of vault was seen"), "{blind}");
}

#[test]
fn quiet_says_nothing_on_standard_error() {
    let ran = scan(&small(), &["--quiet"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(!ran.stdout.is_empty());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let keyward = Keyward::new().file("log.ndjson", lines((0..800).map(decrypt)));
    for format in ["json", "csv", "table"] {
        for emit in ["findings", "events"] {
            let args = ["scan", "log.ndjson", "--quiet", "--emit", emit, "--format", format];
            let ran = keyward.args(args).run_and_hang_up();
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{emit} {format}");
            assert!(!ran.stdout.is_empty());
        }
    }
}
