//! Classes that take keys by their tags: known from the calls that tag, as of the event's time.

use serde_json::{Value, json};

use crate::made::{KEY, decrypt, lines, with};
use crate::support::Keyward;

const CATALOG: &str = "\
version: 1
classes:
  - { id: customer-data, match: { tags: { data: customer } }, purpose: data-encryption, use: customer-data }
";

/// A call that tags the key.
fn tagging(number: usize) -> Value {
    let request = json!({ "keyId": KEY, "tags": [{ "tagKey": "data", "tagValue": "customer" }] });
    let record = with(decrypt(number), "/eventName", json!("TagResource"));
    with(with(record, "/requestParameters", request), "/readOnly", json!(false))
}

/// A call that takes the tag away.
fn untagging(number: usize) -> Value {
    let request = json!({ "keyId": KEY, "tagKeys": ["data"] });
    let record = with(decrypt(number), "/eventName", json!("UntagResource"));
    with(with(record, "/requestParameters", request), "/readOnly", json!(false))
}

#[test]
fn a_class_takes_a_key_from_when_it_is_tagged_until_it_is_not_in_scans_and_in_history() {
    let records = [decrypt(1), tagging(2), decrypt(3), untagging(4), decrypt(5)];
    let keyward = Keyward::new().file("log", lines(records)).file("catalog.yaml", CATALOG);
    let scan = ["scan", "log", "--catalog", "catalog.yaml", "--emit", "events", "--format", "json"];
    let ran = keyward.args(scan).args(["--data", "keyward-data"]).run();
    let verdicts: Vec<_> = ran
        .json()
        .into_iter()
        .filter(|event| event["action"] == "Decrypt")
        .map(|event| (event["verdict"].clone(), event["catalog_id"].clone()))
        .collect();
    let expected = [
        (json!("undeclared"), Value::Null),
        (json!("conforming"), json!("customer-data")),
        (json!("undeclared"), Value::Null),
    ];
    assert_eq!(verdicts, expected, "{}", ran.stderr);
    let again = keyward.args(["backtest", "--catalog", "catalog.yaml", "--format", "json"]).run();
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""), "{}", again.stderr);
    assert!(!again.stderr.contains("→"), "{}", again.stderr);
}

#[test]
fn a_later_scan_into_the_same_folder_knows_what_an_earlier_one_learnt() {
    let keyward = Keyward::new()
        .file("one", lines([tagging(2)]))
        .file("two", lines([decrypt(1), decrypt(3)]))
        .file("catalog.yaml", CATALOG);
    let scan = |file: &str| keyward.args(["scan", file, "--catalog", "catalog.yaml", "--data", "data"]).run();
    scan("one");
    scan("two");
    let ask = "SELECT verdict FROM events WHERE action = 'Decrypt' ORDER BY event_time";
    let ran = keyward.args(["query", "--data", "data", "--format", "json", ask]).run();
    assert_eq!(
        ran.json(),
        [json!({ "verdict": "undeclared" }), json!({ "verdict": "conforming" })],
        "{}",
        ran.stderr
    );
}
