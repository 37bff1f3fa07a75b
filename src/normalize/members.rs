//! Members of a raw record, for detectors that ask for more than the columns hold.
//!
//! In: the bytes of a record that gave an event, and paths. Out: a flat JSON object from path to value,
//! secrets redacted. What is absent or null is null, so that it shows which members were asked for.
//!
//! Lists are opened on the way, so a path can have several values; an object at the end of a path is its
//! JSON text. A name that has dots itself is found as well.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::redact_raw;
use crate::domain::member::WHOLE;

/// The members of `record` at `paths`. One that is no JSON has none.
pub fn members(record: &[u8], paths: &BTreeSet<String>) -> String {
    let record: Value = serde_json::from_slice(&redact_raw(record)).unwrap_or_default();
    let mut found = Map::new();
    for path in paths {
        let mut values = Vec::new();
        if path == WHOLE {
            everything(&record, &mut values);
        } else {
            at(&record, path, &mut values);
        }
        let value = match values.len() {
            0 => Value::Null,
            1 => values.swap_remove(0),
            _ => Value::Array(values),
        };
        found.insert(path.clone(), value);
    }
    Value::Object(found).to_string()
}

/// Adds the values at `path` below `value`.
fn at(value: &Value, path: &str, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| at(item, path, found)),
        Value::Object(members) => {
            if let Some(member) = members.get(path) {
                leaves(member, found);
            }
            for (dot, _) in path.match_indices('.') {
                let (Some(name), Some(rest)) = (path.get(..dot), path.get(dot + 1..)) else { continue };
                if let Some(member) = members.get(name) {
                    at(member, rest, found);
                }
            }
        }
        _ => {}
    }
}

/// Adds a value at the end of a path.
fn leaves(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(_) => found.push(Value::String(value.to_string())),
        scalar => found.push(scalar.clone()),
    }
}

/// Adds every scalar, wherever it stands.
fn everything(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| everything(item, found)),
        Value::Object(members) => members.values().for_each(|member| everything(member, found)),
        scalar => found.push(scalar.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str, paths: &[&str]) -> String {
        members(record.as_bytes(), &paths.iter().map(|path| (*path).to_owned()).collect())
    }

    #[test]
    fn lists_are_opened_and_objects_are_their_text() {
        let record = r#"{"a":{"b":[{"c":1},{"c":[2,null,"x"]}],"d":{"e":true}},"f":null,"g.h":"dot"}"#;
        assert_eq!(read(record, &["a.b.c"]), r#"{"a.b.c":[1,2,"x"]}"#);
        assert_eq!(
            read(record, &["a.d", "f", "a.d.e.x"]),
            r#"{"a.d":"{\"e\":true}","a.d.e.x":null,"f":null}"#
        );
        assert_eq!(read(record, &["g.h", "a.d.e"]), r#"{"a.d.e":true,"g.h":"dot"}"#);
        assert_eq!(read(record, &[""]), r#"{"":[1,2,"x",true,"dot"]}"#);
        assert_eq!(read("no JSON", &["a"]), r#"{"a":null}"#);
    }

    #[test]
    fn secrets_are_redacted_wherever_a_path_finds_them() {
        let record = r#"{"eventSource":"kms.amazonaws.com","eventName":"Encrypt",
            "requestParameters":{"plaintext":"hunter2","keyId":"k"}}"#;
        for path in ["requestParameters.plaintext", "requestParameters", ""] {
            let found = read(record, &[path]);
            assert!(found.contains("redacted:") && !found.contains("hunter2"), "{path}: {found}");
        }
    }
}
