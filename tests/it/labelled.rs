//! The labelled logs through the front door, where they are present: every verdict, every aspect, every
//! detector that a label names, and silence on quiet calls.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::samples;
use crate::support::{Keyward, Ran};

/// Levels that nobody is called for.
const QUIET_LEVELS: &[&str] = &["informational", "low"];

fn lines_of(path: &Path) -> Vec<Value> {
    let mut text = String::new();
    std::fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn scan(log: &Path, catalog: &Path, emit: &str) -> Ran {
    let (log, catalog) = (log.to_str().unwrap(), catalog.to_str().unwrap());
    let args = ["scan", log, "--catalog", catalog, "--emit", emit, "--format", "json"];
    let ran = Keyward::new().args(args).run();
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    assert_eq!(ran.account().sum(), ran.account().received, "{}", ran.stderr);
    ran
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The rows by event id.
fn by_event(rows: &[Value]) -> HashMap<&str, Vec<&Value>> {
    let mut map: HashMap<&str, Vec<&Value>> = HashMap::new();
    for row in rows {
        map.entry(text(row, "event_id")).or_default().push(row);
    }
    map
}

fn aspects(value: &Value) -> Vec<&str> {
    let mut aspects: Vec<_> = value.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    aspects.sort_unstable();
    aspects
}

#[test]
fn every_labelled_cloudtrail_event_has_its_verdict_and_no_event_is_without_label() {
    let Some(folder) = samples::find("cloudtrail/labelled") else { return };
    let events = scan(&folder.join("events.ndjson.gz"), &folder.join("catalog.yaml"), "events").json();
    let labels = lines_of(&folder.join("labels.jsonl"));
    let events: HashMap<_, _> =
        events.iter().map(|event| ((text(event, "event_id"), text(event, "key_id")), event)).collect();
    let mut wrong = Vec::new();
    for label in &labels {
        let Some(event) = events.get(&(text(label, "event_id"), text(label, "key_id"))) else {
            // A call that touches no key gives no event.
            if label["verdict"] != "not_applicable" || !label["key_id"].is_null() {
                wrong.push(format!("absent: {label}"));
            }
            continue;
        };
        let same = event["verdict"] == label["verdict"]
            && aspects(&event["violations"]) == aspects(&label["aspects"]);
        if !same {
            wrong.push(format!("{label} came out {} {}", event["verdict"], event["violations"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), wrong.first());
    let labelled: HashSet<_> =
        labels.iter().map(|label| (text(label, "event_id"), text(label, "key_id"))).collect();
    let without: Vec<_> = events.keys().filter(|event| !labelled.contains(*event)).collect();
    assert!(without.is_empty(), "without label: {without:?}");
}

/// What is wrong about what came of one labelled call.
fn complaint(expect: &Value, events: &[&Value], findings: &[&Value], windows: &[&Value]) -> Option<String> {
    let detectors: Vec<_> = findings.iter().map(|finding| text(finding, "detector")).collect();
    if expect["quiet"] == true {
        let loud = findings.iter().find(|finding| !QUIET_LEVELS.contains(&text(finding, "level")));
        let misuse = events.iter().any(|event| event["verdict"] == "violation");
        return (misuse || loud.is_some()).then(|| format!("is not quiet: {detectors:?}"));
    }
    let [event] = events else { return Some(format!("has {} events", events.len())) };
    if expect.get("verdict").is_some_and(|verdict| *verdict != event["verdict"]) {
        return Some(format!("has the verdict {}", event["verdict"]));
    }
    if expect.get("aspects").is_some_and(|wanted| aspects(wanted) != aspects(&event["violations"])) {
        return Some(format!("violates {}", event["violations"]));
    }
    let wanted = expect.get("detector").and_then(Value::as_str)?;
    let in_a_window =
        windows.iter().any(|finding| text(finding, "detector") == wanted && covers(finding, event));
    (!detectors.contains(&wanted) && !in_a_window).then(|| format!("set off {detectors:?}"))
}

/// Whether the window of a finding is about this event: of the same caller and key, as far as it names them.
fn covers(finding: &Value, event: &Value) -> bool {
    let same = |name: &str| finding[name].is_null() || finding[name] == event[name];
    let time = text(event, "event_time");
    let (from, to) = (text(&finding["window"], "from"), text(&finding["window"], "to"));
    same("key_id") && same("principal") && from <= time && time <= to
}

#[test]
fn every_labelled_openbao_call_comes_out_as_labelled() {
    let Some(folder) = samples::find("openbao") else { return };
    let (log, catalog) = (folder.join("audit.log.gz"), folder.join("catalog.yaml"));
    let events = scan(&log, &catalog, "events").json();
    let findings = scan(&log, &catalog, "findings").json();
    let windows: Vec<_> = findings.iter().filter(|finding| finding["window"].is_object()).collect();
    let (events, findings) = (by_event(&events), by_event(&findings));
    let none = Vec::new();
    let mut wrong = Vec::new();
    for label in lines_of(&folder.join("labels.jsonl")) {
        let id = text(&label, "event_id");
        if let Some(expect) = label.get("expect").filter(|expect| !expect.is_null())
            && let Some(complaint) = complaint(
                expect,
                events.get(id).unwrap_or(&none),
                findings.get(id).unwrap_or(&none),
                &windows,
            )
        {
            wrong.push(format!("{label} {complaint}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), wrong.first());
}

#[test]
fn the_real_attack_simulation_has_no_reject_and_every_keyless_decrypt_its_key() {
    let Some(folder) = samples::find("cloudtrail/invictus") else { return };
    let logs = folder.join("*.json.gz");
    let args = ["scan", logs.to_str().unwrap(), "--emit", "events", "--format", "json"];
    let ran = Keyward::new().args(args).run();
    assert_eq!(ran.account().rejects, 0, "{}", ran.stderr);
    let events = ran.json();
    let decrypts: Vec<_> = events.iter().filter(|event| event["action"] == "Decrypt").collect();
    assert!(decrypts.len() >= 178 && decrypts.iter().all(|event| event["key_id"].is_string()));
    assert!(events.iter().any(|event| event["via"] == "ssm"), "Parameter Store is behind AWS Internal");
    let found = Keyward::new().args(["scan", logs.to_str().unwrap(), "--format", "json"]).run().json();
    for wanted in ["KP-081", "KP-130"] {
        assert!(found.iter().any(|finding| text(finding, "detector") == wanted), "{wanted}");
    }
}
