//! `keyward explain` through the front door.

use serde_json::Value;

use crate::support::{Keyward, Ran};
use crate::verbs_logs::{CATALOG, EVENT_ID, company, record};

fn explained(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn aspect<'v>(explained: &'v Value, name: &str) -> &'v Value {
    let aspects = explained["explanation"]["aspects"].as_array().unwrap();
    aspects.iter().find(|aspect| aspect["aspect"] == name).unwrap()
}

#[test]
fn a_violation_is_explained_by_entry_aspect_and_detector() {
    let keyward = company();
    let args = ["explain", "--catalog", "catalog.yaml", "--in", "logs", "--format", "json", EVENT_ID];
    let told = explained(&keyward.args(args).run());
    assert_eq!(told["event"]["event_id"], EVENT_ID);
    assert_eq!(told["explanation"]["verdict"], "violation");
    assert_eq!(told["explanation"]["entry"]["id"], "orders");
    assert_eq!(told["explanation"]["entry"]["matched_by"], "exact");
    assert_eq!(told["explanation"]["entry"]["declared_at"], "catalog.yaml:3");
    assert_eq!(aspect(&told, "function")["finding"], "violated");
    assert_eq!(aspect(&told, "function")["seen"], "sign");
    assert_eq!(aspect(&told, "principal")["finding"], "fits");
    assert_eq!(aspect(&told, "via")["finding"], "not_judged");
    let fires = told["detectors"].as_array().unwrap();
    let first = fires.iter().find(|fires| fires["id"] == "KP-001").unwrap();
    assert!(first["match"].as_str().unwrap().contains("array_has(violations"), "{first}");
}

#[test]
fn the_table_says_who_did_what_and_what_was_declared() {
    let keyward = company();
    let ran =
        keyward.args(["explain", "--catalog", "catalog.yaml", "--in", "logs/audit.log", EVENT_ID]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for told in ["approle:shop", "vault:transit/orders", "violation, function", "ASPECT", "KP-001", "match: "]
    {
        assert!(ran.stdout.contains(told), "{told} is missing in\n{}", ran.stdout);
    }
}

#[test]
fn a_record_may_be_given_as_file_standard_input_or_text() {
    let record = record(EVENT_ID, "sign", "shop");
    let keyward = Keyward::new().file("catalog.yaml", CATALOG).file("event.json", &record);
    let args = ["explain", "--catalog", "catalog.yaml", "--format", "json"];
    let verdict = |ran: Ran| explained(&ran)["explanation"]["verdict"].clone();
    assert_eq!(verdict(keyward.args(args).args(["event.json"]).run()), "violation");
    assert_eq!(verdict(keyward.args(args).args(["-"]).stdin(record.clone()).run()), "violation");
    assert_eq!(verdict(keyward.args(args).args([record]).run()), "violation");
}

#[test]
fn history_explains_by_the_catalog_that_judged_last_and_by_another() {
    let keyward = company().file("other.yaml", CATALOG.replace("signature", "data-encryption"));
    keyward.args(["scan", "--catalog", "catalog.yaml", "--data", "history", "logs"]).run();
    let args = ["explain", "--data", "history", "--format", "json", EVENT_ID];
    let told = explained(&keyward.args(args).run());
    assert_eq!(told["explanation"]["verdict"], "violation");
    assert_eq!(told["kept"]["verdict"], "violation");
    let clean = CATALOG.replace("data-encryption", "signature");
    let keyward = keyward.file("other.yaml", clean);
    let told = explained(&keyward.args(args).args(["--catalog", "other.yaml"]).run());
    assert_eq!(told["explanation"]["verdict"], "conforming");
    assert_eq!(told["kept"]["verdict"], "violation");
}

#[test]
fn what_is_not_there_ends_with_4_and_says_where_was_looked() {
    let keyward = company();
    let ran = keyward.args(["explain", "--in", "logs", "nothing-of-the-kind"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""));
    assert!(ran.stderr.contains("nothing-of-the-kind"), "{}", ran.stderr);
    assert_eq!(keyward.args(["explain", "{\"eventVersion\": 7"]).run().code, Some(4));
}
