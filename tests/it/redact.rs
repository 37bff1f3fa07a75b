//! What is redacted before it is stored means what it meant, and no secret is left in it.

use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::normalize::{Arena, cloudtrail, redact_raw, vault};
use serde_json::{Value, json};

use crate::secrets::MARK;

/// The events of a record as text, or why there are none.
fn events(record: &[u8], cloudtrail: bool) -> Vec<String> {
    let arena = Arena::new();
    let mut seen = Vec::new();
    let mut emit = |event: &keyward::domain::event::KeyEvent<'_>| seen.push(format!("{event:?}"));
    let result = if cloudtrail {
        cloudtrail::normalize_plain(record, &arena, &mut emit)
    } else {
        vault::normalize(record, &arena, &mut emit)
    };
    seen.push(match result {
        Ok(normalized) => format!("{normalized:?}"),
        Err(reject) => format!("{:?}", reject.reason),
    });
    seen
}

/// Compares the events of a record with those of the redacted one, and says whether it was changed.
fn check(record: &[u8], cloudtrail: bool) -> bool {
    let clean = redact_raw(record);
    assert_eq!(
        events(&clean, cloudtrail),
        events(record, cloudtrail),
        "{}\nbecame\n{}",
        String::from_utf8_lossy(record),
        String::from_utf8_lossy(&clean)
    );
    assert!(matches!(redact_raw(&clean), Cow::Borrowed(_)), "redacting twice is redacting once");
    matches!(clean, Cow::Owned(_))
}

fn unpacked(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn raw_entries_give_the_same_events_without_their_secrets() {
    for entry in crate::secrets::vault_log() {
        let text = entry.to_string();
        assert!(check(text.as_bytes(), false), "{text}");
        let clean = redact_raw(text.as_bytes()).into_owned();
        assert_eq!(crate::secrets::leak(&clean), None, "{}", String::from_utf8_lossy(&clean));
    }
}

#[test]
fn cloudtrail_records_give_the_same_events_without_their_secrets() {
    for record in crate::secrets::aws_log() {
        let text = record.to_string();
        check(text.as_bytes(), true);
        let clean = redact_raw(text.as_bytes()).into_owned();
        assert_eq!(crate::secrets::leak(&clean), None, "{}", String::from_utf8_lossy(&clean));
    }
}

#[test]
fn fixtures_give_the_same_events() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in ["vault/paths.ndjson", "vault/kmip.ndjson"] {
        for line in unpacked(&folder.join(name)).lines() {
            check(line.as_bytes(), false);
        }
    }
    for name in ["cloudtrail/other_calls.ndjson", "cloudtrail/kms_operations.ndjson"] {
        for line in unpacked(&folder.join(name)).lines() {
            check(line.as_bytes(), true);
        }
    }
}

/// Every so many lines of a long sample are compared.
const EVERY: usize = 23;

#[test]
fn samples_give_the_same_events() {
    for (name, is_cloudtrail) in [
        ("openbao/audit.log.gz", false),
        ("vault/vault-audit-2020.log.gz", false),
        ("vault/vault-kmip.ndjson", false),
        ("cloudtrail/kms-docs-2026.ndjson", true),
        ("cloudtrail/kms-guide.ndjson", true),
    ] {
        let Some(path) = crate::samples::find(name) else { continue };
        let text = unpacked(&path);
        let every = if text.len() > 1 << 20 { EVERY } else { 1 };
        for line in text.lines().step_by(every) {
            check(line.as_bytes(), is_cloudtrail);
        }
    }
}

#[test]
fn what_holds_no_secret_stays_as_it_is_byte_for_byte() {
    for text in [
        "",
        "not JSON at all {",
        "{\"a\": 1.0e5 ,\t\"a\":[1, 2]}\n\n{\"password\":\"outside of a record\"}",
        r#"{"eventVersion":"1.08","eventName":"Decrypt","requestParameters":{"keyId":"k"}}"#,
    ] {
        assert!(matches!(redact_raw(text.as_bytes()), Cow::Borrowed(_)), "{text}");
    }
    assert!(matches!(redact_raw(b"\xFF\xFE{}"), Cow::Borrowed(_)));
}

/// An entry of a raw device, on one line.
fn entry() -> String {
    crate::secrets::vault_log()[0].to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn secrets_are_found_in_every_envelope() {
    let entry = entry();
    let value: Value = serde_json::from_str(&entry).unwrap();
    let plain = [
        format!("{entry}\n{entry}\n"),
        format!("[{entry},{entry}]"),
        format!("prefix: {entry}\n"),
        format!("{entry}{entry}"),
        json!({ "Records": [value] }).to_string(),
        json!({ "logEvents": [{ "message": entry }] }).to_string(),
        json!({ "detail": { "x": [{ "message": json!({ "body": entry }).to_string() }] } }).to_string(),
    ];
    for text in &plain {
        let clean = String::from_utf8(redact_raw(text.as_bytes()).into_owned()).unwrap();
        assert!(text.contains(MARK) && !clean.contains(MARK), "{clean}");
        assert!(clean.contains("redacted:"));
    }
    let packed = json!({ "data": STANDARD.encode(gzip(plain[5].as_bytes())) }).to_string();
    let clean: Value = serde_json::from_slice(&redact_raw(packed.as_bytes())).unwrap();
    let held = STANDARD.decode(clean["data"].as_str().unwrap()).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(held.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.contains("redacted:") && !text.contains(MARK), "{text}");
}

#[test]
fn damaged_entries_lose_the_texts_behind_known_names() {
    let entry = entry();
    for end in (1..entry.len()).step_by(7) {
        let cut = &entry.as_bytes()[..end];
        let clean = redact_raw(cut).into_owned();
        assert_eq!(crate::secrets::leak(&clean), None, "{}", String::from_utf8_lossy(&clean));
    }
    let not_utf8 = [b"\xFF", entry.as_bytes()].concat();
    assert!(!String::from_utf8_lossy(&redact_raw(&not_utf8)).contains(MARK));
}

#[test]
fn the_version_of_a_clear_ciphertext_stays_readable() {
    let mut entry: Value = serde_json::from_str(&entry()).unwrap();
    entry["request"]["path"] = json!("transit/decrypt/orders");
    entry["request"]["data"] = json!({ "ciphertext": format!("vault:v7:{MARK}") });
    let text = entry.to_string();
    assert!(check(text.as_bytes(), false));
    let clean = String::from_utf8(redact_raw(text.as_bytes()).into_owned()).unwrap();
    assert!(clean.contains("vault:v7:redacted:"), "{clean}");
}
