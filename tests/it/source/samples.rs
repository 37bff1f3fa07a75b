//! Real logs, where they are present: every record in them is found.

use std::fs;
use std::io::Read;

use keyward::domain::reject::RejectReason;
use keyward::source::{Limits, Reader, Shape, find};
use serde_json::Value;

use super::{Seen, read_all};

/// The folder of samples, or nothing: then there is nothing to test.
fn samples(name: &str) -> Option<String> {
    crate::samples::find(name).map(|path| path.to_string_lossy().into_owned())
}

fn seen(path: &str) -> Seen {
    read_all(Reader::open(&[path.to_owned()], Limits::default()).unwrap())
}

/// The values in a file, as `serde_json` finds them, lists opened.
fn values(path: &str) -> Vec<Value> {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    if bytes.starts_with(&[0x1F, 0x8B]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    values.flat_map(|value| opened(value.unwrap())).collect()
}

fn opened(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.into_iter().flat_map(opened).collect(),
        Value::Object(mut object) => {
            for wrapper in ["Records", "detail", "data"] {
                if let Some(inner) = object.remove(wrapper) {
                    return opened(inner);
                }
            }
            vec![Value::Object(object)]
        }
        other => vec![other],
    }
}

/// Compares a set with what `serde_json` finds, and says how many records it has.
fn agrees(name: &str, extension: &str, shape: Shape) -> Option<usize> {
    let folder = samples(name)?;
    let mut count = 0;
    for input in find(&[folder]).unwrap() {
        let path = input.path().unwrap().to_string_lossy().into_owned();
        if !path.ends_with(extension) || path.ends_with("labels.jsonl") {
            continue;
        }
        let seen = seen(&path);
        let found: Vec<Value> = seen.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(found, values(&path), "{path}");
        assert_eq!(seen.refused, [], "{path}");
        assert!(seen.records.iter().all(|(.., found)| *found == shape), "{path}");
        count += found.len();
    }
    Some(count)
}

#[test]
fn every_cloudtrail_record_is_found() {
    for (name, extension, count) in [
        ("cloudtrail/invictus", ".gz", 2_900),
        ("cloudtrail/labelled", ".gz", 6_303),
        ("cloudtrail/stratus", ".json", 310),
        ("cloudtrail/kms-guide.ndjson", "", 68),
        ("cloudtrail/kms-docs-2026.ndjson", "", 4),
    ] {
        if let Some(found) = agrees(name, extension, Shape::CloudTrail) {
            assert_eq!(found, count, "{name}");
        }
    }
    agrees("cloudtrail/eventbridge", ".json", Shape::CloudTrail);
}

#[test]
fn every_audit_entry_is_found() {
    for (name, extension, count) in [
        ("openbao", ".gz", 9_157),
        ("vault/vault-audit-2020.log.gz", "", 1_397),
        ("vault/vault-kmip.ndjson", "", 2),
    ] {
        if let Some(found) = agrees(name, extension, Shape::Vault) {
            assert_eq!(found, count, "{name}");
        }
    }
}

#[test]
fn other_files_beside_logs_are_refused_and_stop_nothing() {
    let Some(folder) = samples("") else { return };
    let seen = seen(&folder);
    assert!(seen.records.len() > 20_000);
    assert!(seen.refused.iter().all(|refused| {
        matches!(refused.reject.reason, RejectReason::InvalidJson | RejectReason::UnknownFormat)
    }));
}
