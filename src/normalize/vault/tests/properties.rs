use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Entries of several kinds to start from.
fn seeds() -> Vec<String> {
    let sys =
        with(with(entry(), "/request/mount_type", json!("system")), "/request/mount_point", json!("sys/"));
    let node = json!({"kmip_request": {"tag": "RequestMessage", "value": [{"tag": "BatchItem", "value": [
        {"tag": "Operation", "type": "Enumeration", "value": "0x0000000a"},
        {"tag": "RequestPayload", "value": [{"tag": "UniqueIdentifier", "value": "k1"}]},
    ]}]}});
    let kmip = json!({"time": "2026-03-02T09:00:00Z", "type": "kmip-request", "request": {
        "client_certificate_serial_number": "17", "data": node, "remote_address": "10.0.0.1:5000"}});
    vec![
        entry().to_string(),
        with(entry(), "/type", json!("request")).to_string(),
        with(sys, "/request/path", json!("sys/audit/file")).to_string(),
        with(
            entry(),
            "/request/data",
            json!({"plaintext": "cl\"ear\n", "n": 1.25, "big": 1e300, "list": [null, -0.0]}),
        )
        .to_string(),
        kmip.to_string(),
    ]
}

/// One change to a record's bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    /// Writes the byte at this place as `\u00XX`, which is the same text inside a string.
    Escape(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        Just(b"\"path\":\"transit/sign/k\",".to_vec()),
        Just(b"\"data\":{},".to_vec()),
        Just(b"\\u0041".to_vec()),
        Just(b"\\ud800".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b" ".to_vec()),
        Just(b"[".to_vec()),
        Just(b"null".to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<usize>(), 1..60_usize, any::<usize>())
            .prop_map(|(from, length, to)| Change::Copy(from, length, to)),
        any::<usize>().prop_map(Change::Escape),
    ]
}

fn apply(record: &mut Vec<u8>, change: &Change) {
    let length = record.len().max(1);
    let place = |at: usize| (at % length).min(record.len());
    match change {
        Change::Set(at, byte) => {
            let at = place(*at);
            if at < record.len() {
                record[at] = *byte;
            }
        }
        Change::Insert(at, piece) => {
            let at = place(*at);
            record.splice(at..at, piece.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = place(*at);
            let end = (at + count).min(record.len());
            record.drain(at..end);
        }
        Change::Copy(from, count, to) => {
            let (from, to) = (place(*from), place(*to));
            let piece = record[from..(from + count).min(record.len())].to_vec();
            record.splice(to..to, piece);
        }
        Change::Escape(at) => {
            let at = place(*at);
            if let Some(byte) = record.get(at).filter(|byte| byte.is_ascii_alphanumeric()).copied() {
                record.splice(at..=at, format!("\\u{:04x}", byte).into_bytes());
            }
        }
    }
}

fn agree(record: &[u8]) {
    let (fast, plain) = (outcome_of(record, Parser::Fast), outcome_of(record, Parser::Plain));
    assert_eq!(fast, plain, "{}", String::from_utf8_lossy(record));
    let _ = request_id(record);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_entries_never_panic_and_both_parsers_agree(
        seed in 0..5_usize,
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let mut record = seeds()[seed].clone().into_bytes();
        changes.iter().for_each(|change| apply(&mut record, change));
        agree(&record);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_both_parsers_agree(record in prop::collection::vec(any::<u8>(), 0..200)) {
        agree(&record);
    }

    #[test]
    fn the_order_of_fields_does_not_matter(rotation in 0..6_usize, inner in 0..12_usize) {
        let rotated = |value: &Value, by: usize| {
            let members = value.as_object().unwrap();
            let mut parts: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            let by = by % parts.len();
            parts.rotate_left(by);
            format!("{{{}}}", parts.join(", "))
        };
        let mut whole = entry();
        let request = rotated(&whole["request"], inner);
        whole["request"] = json!("@request");
        let record = rotated(&whole, rotation).replace("\"@request\"", &request);
        prop_assert_eq!(outcome_of(record.as_bytes(), Parser::Fast), outcome_of(entry().to_string().as_bytes(), Parser::Plain));
    }
}
