//! `keyward check`: says that all is well, or where it is not, with file, line and column.

use crate::made::{CATALOG, EVERY_USE};
use crate::support::{Keyward, Ran};

/// A detector with one case, whose event fires it.
const WITH_CASE: &str = r#"id: XX-002
title: A use by somebody
level: low
status: stable
match: category = 'use' AND outcome = 'success'
cases:
  - name: a decryption
    events:
      - { eventVersion: "1.11", userIdentity: { type: Root, arn: "arn:aws:iam::111122223333:root",
          accountId: "111122223333" }, eventTime: "2026-11-20T08:00:00Z", eventSource: kms.amazonaws.com,
          eventName: Decrypt, awsRegion: eu-west-1, eventID: e1, eventType: AwsApiCall,
          requestParameters: { encryptionAlgorithm: SYMMETRIC_DEFAULT },
          resources: [{ ARN: "arn:aws:kms:eu-west-1:111122223333:key/88acedf4-6299-4d1c-83e4-474181999ca8" }],
          recipientAccountId: "111122223333" }
    expect: [{ function: decrypt }]
  - name: a listing
    events: [{ eventVersion: "1.11", eventTime: "2026-11-20T08:00:00Z", eventSource: kms.amazonaws.com,
        eventName: ListKeys, awsRegion: eu-west-1, eventID: e2, userIdentity: { type: Root } }]
    expect: []
"#;

fn check(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["check"]).args(args).run()
}

/// Checks one detector file, which must be told to be wrong at `place`.
#[track_caller]
fn wrong_detector(text: &str, code: i32, place: &str, told: &str) {
    let ran = check(&Keyward::new().file("rules/it.yaml", text), &["--detectors", "rules"]);
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(&format!("rules/it.yaml:{place}: ")), "{place}\n{}", ran.stderr);
    assert!(ran.stderr.contains(told), "{told}\n{}", ran.stderr);
}

#[test]
fn the_project_s_own_rules_are_right() {
    let root = env!("CARGO_MANIFEST_DIR");
    let (catalog, queries) = (format!("{root}/deploy/example/catalog.yaml"), format!("{root}/queries"));
    let ran = check(&Keyward::new(), &["--catalog", &catalog, "--queries", &queries]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("error:"), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("checked: ") && ran.stdout.contains("detectors with"), "{}", ran.stdout);
}

#[test]
fn a_detector_whose_cases_hold_is_right() {
    let ran = check(&Keyward::new().file("rules/it.yaml", WITH_CASE), &["--detectors", "rules"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("1 detectors with 2 cases"), "{}", ran.stdout);
    assert!(ran.stderr.contains("rules/it.yaml:1:5: warning: "), "what it lacks is said: {}", ran.stderr);
    let strict =
        check(&Keyward::new().file("rules/it.yaml", WITH_CASE), &["--detectors", "rules", "--strict"]);
    assert_eq!(strict.code, Some(3), "{}", strict.stderr);
}

#[test]
fn a_misspelt_column_is_pointed_at_with_a_proposal() {
    wrong_detector(&WITH_CASE.replace("outcome =", "outcom ="), 3, "5:29", "outcome");
    wrong_detector(
        &WITH_CASE.replace("match: category", "match: |-\n  category IS NOT NULL\n    AND categori"),
        3,
        "7:9",
        "category",
    );
}

#[test]
fn a_wrong_type_is_pointed_at() {
    wrong_detector(&WITH_CASE.replace("outcome = 'success'", "ordinal = 'success'"), 3, "5:29", "ordinal");
    wrong_detector(&WITH_CASE.replace("category = 'use' AND outcome = 'success'", "category"), 3, "5:8", "");
    wrong_detector(&WITH_CASE.replace("level: low", "level: loud"), 3, "3:8", "loud");
    wrong_detector(&WITH_CASE.replace("status:", "statis:"), 3, "4:1", "statis");
}

#[test]
fn a_case_that_fails_is_pointed_at_and_is_a_failed_check() {
    wrong_detector(&WITH_CASE.replace("function: decrypt", "function: encrypt"), 1, "7:5", "a decryption");
    wrong_detector(&WITH_CASE.replace("[{ function: decrypt }]", "[]"), 1, "7:5", "a decryption");
    wrong_detector(&WITH_CASE.replace("'success'", "'denied'"), 1, "7:5", "a decryption");
}

#[test]
fn an_id_given_twice_is_pointed_at() {
    let keyward = Keyward::new().file("rules/a.yaml", WITH_CASE).file("rules/b.yaml", WITH_CASE);
    let ran = check(&keyward, &["--detectors", "rules"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("rules/b.yaml:1:5: error: ") && ran.stderr.contains("XX-002"),
        "{}",
        ran.stderr
    );
}

#[test]
fn every_mistake_of_a_broken_catalog_is_told_with_its_place() {
    let broken = CATALOG
        .replace(
            "purpose: data-encryption\n    principals: [\"approle",
            "purpose: encrypting\n    principals: [\"approle",
        )
        .replace("id: orders-transit", "id: orders-encryption");
    let keyward = Keyward::new().file("catalog.yaml", broken).file("rules/it.yaml", EVERY_USE);
    let ran = check(&keyward, &["--catalog", "catalog.yaml", "--detectors", "rules"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    for place in ["catalog.yaml:8:9: error: ", "catalog.yaml:10:14: error: "] {
        assert!(ran.stderr.contains(place), "{place}\n{}", ran.stderr);
    }
    let keyward = Keyward::new().file("catalog.yaml", "version: 1\nkeys:\n  - id: [\n");
    let ran = check(&keyward, &["--catalog", "catalog.yaml"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("catalog.yaml:"), "{}", ran.stderr);
}

#[test]
fn one_name_claimed_by_two_entries_is_an_error() {
    let twice = CATALOG.replace(
        "vault:transit/orders",
        "arn:aws:kms:eu-west-1:111122223333:key/88acedf4-6299-4d1c-83e4-474181999ca8",
    );
    let keyward = Keyward::new().file("catalog.yaml", twice).file("rules/it.yaml", EVERY_USE);
    let ran = check(&keyward, &["--catalog", "catalog.yaml", "--detectors", "rules"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("catalog.yaml:9:") && ran.stderr.contains("orders-encryption"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_question_with_a_broken_header_or_a_wrong_column_is_pointed_at() {
    let head = "-- title: T\n-- description: D.\n-- reads: events\n-- columns: event_id\n";
    for (text, place) in [
        (head.replace("-- columns", "-- colums") + "SELECT event_id FROM events\n", "asked/it.sql:4"),
        (head.to_owned() + "SELECT evnt_id FROM events\n", "asked/it.sql:5"),
        (head.to_owned() + "SELECT key_id FROM events\n", "asked/it.sql:"),
        ("-- param a nonsense: x\n".to_owned() + head + "SELECT event_id FROM events\n", "asked/it.sql:1"),
    ] {
        let keyward = Keyward::new().file("asked/it.sql", &text).file("rules/it.yaml", EVERY_USE);
        let ran = check(&keyward, &["--queries", "asked", "--detectors", "rules"]);
        assert_eq!(ran.code, Some(3), "{text}{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(place), "{text}{}", ran.stderr);
    }
}

#[test]
fn what_is_not_there_is_told() {
    let keyward = Keyward::new().file("rules/it.yaml", EVERY_USE);
    for (args, code) in
        [(["--catalog", "absent.yaml"], 3), (["--detectors", "absent"], 3), (["--queries", "absent"], 4)]
    {
        let ran = check(&keyward, &args);
        assert_eq!(ran.code, Some(code), "{args:?} {}", ran.stderr);
        assert!(ran.stderr.contains("absent"), "{args:?} {}", ran.stderr);
    }
}
