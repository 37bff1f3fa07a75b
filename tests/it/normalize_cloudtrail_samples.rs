//! The CloudTrail normalizer on real and labelled logs, where they are present.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use keyward::domain::event::KeyEvent;
use keyward::domain::reject::Aside;
use keyward::normalize::cloudtrail::{normalize, normalize_plain};
use keyward::normalize::{Arena, Normalized};
use serde_json::Value;

/// The folder of the samples, or nothing where there are none.
fn samples() -> Option<PathBuf> {
    crate::samples::find("cloudtrail")
}

fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    text
}

/// Every record of every file in a folder, whatever it is wrapped in.
fn records_in(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut records = Vec::new();
    for path in paths {
        if let Ok(document) = serde_json::from_str::<Value>(&text_of(&path)) {
            unwrap(&document, &mut records);
        }
    }
    records
}

fn unwrap(value: &Value, records: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| unwrap(item, records)),
        Value::Object(members) if members.contains_key("eventVersion") => records.push(value.to_string()),
        Value::Object(members) => members.values().for_each(|member| unwrap(member, records)),
        _ => {}
    }
}

fn lines_of(path: &Path) -> Vec<String> {
    text_of(path).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What one record comes to, and what `take` makes of each of its events.
fn each<T>(record: &str, take: impl Fn(&KeyEvent<'_>) -> T) -> (keyward::normalize::Result, Vec<T>) {
    let arena = Arena::new();
    let mut taken = Vec::new();
    let result = normalize(record.as_bytes(), &arena, &mut |event| taken.push(take(event)));
    (result, taken)
}

fn key_of(event: &KeyEvent<'_>) -> Option<String> {
    event.key_id.map(str::to_owned)
}

#[test]
fn every_labelled_event_has_the_labelled_keys() {
    let Some(folder) = samples() else { return };
    let mut labels: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    for line in lines_of(&folder.join("labelled/labels.jsonl")) {
        let label: Value = serde_json::from_str(&line).unwrap();
        let key = label["key_id"].as_str().map(str::to_owned);
        labels.entry(label["event_id"].as_str().unwrap().to_owned()).or_default().insert(key);
    }
    for record in lines_of(&folder.join("labelled/events.ndjson.gz")) {
        let id = serde_json::from_str::<Value>(&record).unwrap()["eventID"].as_str().unwrap().to_owned();
        let (result, mut keys) = each(&record, key_of);
        if result == Ok(Normalized::Irrelevant(Aside::OtherCall)) {
            keys.push(None);
        }
        let keys: BTreeSet<_> = keys.into_iter().collect();
        assert_eq!(Some(&keys), labels.get(&id), "{record}");
    }
}

#[test]
fn labelled_events_show_their_path_and_their_callers() {
    let Some(folder) = samples() else { return };
    let mut via: BTreeMap<String, usize> = BTreeMap::new();
    for record in lines_of(&folder.join("labelled/events.ndjson.gz")) {
        let (_, seen) = each(&record, |event| {
            assert!(event.principal.is_some() && event.outcome.is_some());
            if event.principal_type == Some("AWSAccount") {
                assert!(event.principal.unwrap().starts_with("account:"));
            }
            event.via.unwrap().to_owned()
        });
        seen.into_iter().for_each(|seen| *via.entry(seen).or_default() += 1);
    }
    let services: Vec<_> = via.keys().map(String::as_str).collect();
    assert_eq!(services, ["direct", "s3", "secretsmanager", "ssm", "unknown"]);
    assert_eq!(via["unknown"], 6, "AWS Internal that nothing explains");
}

#[test]
fn real_records_are_all_understood() {
    let Some(folder) = samples() else { return };
    for set in ["invictus", "stratus"] {
        for record in records_in(&folder.join(set)) {
            let (result, _) = each(&record, |_| ());
            assert!(result.is_ok(), "{result:?} of {record}");
        }
    }
}

#[test]
fn the_real_decrypts_without_key_id_all_find_their_key() {
    let Some(folder) = samples() else { return };
    let mut decrypts = 0;
    let mut parameter_store = 0;
    for record in records_in(&folder.join("invictus")) {
        let (_, seen) = each(&record, |event| {
            let kms = event.service == Some("kms");
            let internal = kms && event.source_ip == Some("AWS Internal");
            assert!(!internal || event.via == Some("ssm"), "{record}");
            (kms && event.action == Some("Decrypt") && key_of(event).is_some(), internal)
        });
        decrypts += seen.iter().filter(|(decrypt, _)| *decrypt).count();
        parameter_store += seen.iter().filter(|(_, internal)| *internal).count();
    }
    assert_eq!((decrypts, parameter_store), (178, 164));
}

#[test]
fn every_record_of_the_kms_guide_has_its_key_and_function() {
    let Some(folder) = samples() else { return };
    let mut records = lines_of(&folder.join("kms-guide.ndjson"));
    records.extend(lines_of(&folder.join("kms-docs-2026.ndjson")));
    for record in records {
        let source: Value = serde_json::from_str(&record).unwrap();
        let mut expected: BTreeSet<_> = source["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|resource| resource["ARN"].as_str())
            .filter(|arn| !arn.contains(":alias/"))
            .map(str::to_owned)
            .collect();
        // The copy in the second region has no resources.
        expected.extend(
            source["requestParameters"]["keyId"]
                .as_str()
                .filter(|id| id.starts_with("arn:"))
                .map(str::to_owned),
        );
        let (result, events) = each(&record, |event| (key_of(event), event.function));
        if source["eventSource"] == "ec2.amazonaws.com" {
            assert_eq!(result, Ok(Normalized::Irrelevant(Aside::OtherCall)));
            continue;
        }
        let keys: BTreeSet<_> = events.iter().filter_map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, expected, "{record}");
        let named = events.iter().all(|(_, function)| function.is_some());
        assert!(named || source["eventName"] == "GenerateRandom", "{record}");
    }
}

#[test]
fn both_parsers_agree_on_every_sample() {
    let Some(folder) = samples() else { return };
    let mut records = lines_of(&folder.join("labelled/events.ndjson.gz"));
    records.extend(lines_of(&folder.join("kms-guide.ndjson")));
    records.extend(lines_of(&folder.join("kms-docs-2026.ndjson")));
    for set in ["invictus", "stratus", "eventbridge"] {
        records.extend(records_in(&folder.join(set)));
    }
    for record in records {
        let (fast, seen) = each(&record, |event| format!("{event:?}"));
        let arena = Arena::new();
        let mut plainly = Vec::new();
        let plain =
            normalize_plain(record.as_bytes(), &arena, &mut |event| plainly.push(format!("{event:?}")));
        assert_eq!((fast, seen), (plain, plainly), "{record}");
    }
}
