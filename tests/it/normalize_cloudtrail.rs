//! The CloudTrail normalizer on fixtures: every KMS operation, and the fast path against the plain one.

use std::fmt::Write;

use keyward::domain::event::KeyEvent;
use keyward::domain::reject::{Aside, RejectReason};
use keyward::normalize::cloudtrail::{is_irrelevant, normalize, normalize_plain};
use keyward::normalize::{Arena, Normalized, Result};
use proptest::prelude::*;
use serde_json::Value;

/// Written for this project in the shapes of the KMS developer guide: one record and more for each
/// operation and service event, with keys, aliases and callers of its own.
const KMS_OPERATIONS: &str = include_str!("../fixtures/cloudtrail/kms_operations.ndjson");

/// Calls of the other services, and calls that touch no key.
const OTHER_CALLS: &str = include_str!("../fixtures/cloudtrail/other_calls.ndjson");

fn fixtures() -> Vec<&'static str> {
    KMS_OPERATIONS.lines().chain(OTHER_CALLS.lines()).collect()
}

fn fast(record: &[u8]) -> (Result, Vec<String>) {
    let arena = Arena::new();
    let mut events = Vec::new();
    let result = normalize(record, &arena, &mut |event| events.push(format!("{event:?}")));
    (result, events)
}

fn plain(record: &[u8]) -> (Result, Vec<String>) {
    let arena = Arena::new();
    let mut events = Vec::new();
    let result = normalize_plain(record, &arena, &mut |event| events.push(format!("{event:?}")));
    (result, events)
}

/// Both paths give the same events and the same reject. Only what the prefilter proves to touch no
/// key is not looked at for what else may be wrong with it.
fn assert_paths_agree(record: &[u8]) {
    let (fast, plain) = (fast(record), plain(record));
    if is_irrelevant(record) {
        assert_eq!(fast, (Ok(Normalized::Irrelevant(Aside::OtherCall)), vec![]));
        assert!(plain.1.is_empty() && !matches!(plain.0, Ok(Normalized::Events(_))), "{plain:?}");
    } else {
        assert_eq!(fast, plain);
    }
}

/// The columns that tell one event from another, without those that are the same on all.
fn picture(event: &KeyEvent<'_>) -> String {
    let mut text = format!(
        "{} {} {} {}\n",
        event.action.unwrap(),
        event.category.unwrap(),
        event.function.map_or("-", |function| function.as_str()),
        event.outcome.unwrap(),
    );
    let columns = [
        ("key_id", event.key_id),
        ("key_alias", event.key_alias),
        ("other_key_id", event.other_key_id),
        ("algorithm", event.algorithm),
        ("key_material", event.key_material),
        ("attestation", event.attestation),
        ("principal", event.principal),
        ("via", event.via.filter(|via| *via != "direct")),
        ("tls", event.tls_version),
        ("request", event.request),
        ("response", event.response),
        ("learns", event.alias_fact.map(|fact| fact.key.unwrap_or("alias is gone"))),
    ];
    for (name, value) in columns {
        if let Some(value) = value {
            writeln!(text, "  {name}: {value}").unwrap();
        }
    }
    if let Some(plaintext) = event.wrap_plaintext {
        writeln!(text, "  wrap_plaintext: {plaintext}").unwrap();
    }
    if let Some(context) = event.context {
        writeln!(text, "  context: {context:?}").unwrap();
    }
    if event.key_by_alias {
        text.push_str("  key_by_alias\n");
    }
    text
}

fn pictures(records: &str) -> String {
    let mut text = String::new();
    for record in records.lines() {
        let arena = Arena::new();
        let result = normalize(record.as_bytes(), &arena, &mut |event| text.push_str(&picture(event)));
        if !matches!(result, Ok(Normalized::Events(_))) {
            let name = serde_json::from_str::<Value>(record).unwrap()["eventName"].clone();
            writeln!(text, "{name} {result:?}").unwrap();
        }
    }
    text
}

#[test]
fn every_kms_operation_has_its_function_its_keys_and_its_outcome() {
    insta::assert_snapshot!(pictures(KMS_OPERATIONS));
}

#[test]
fn the_other_services_calls_have_their_function_and_keys() {
    insta::assert_snapshot!(pictures(OTHER_CALLS));
}

#[test]
fn no_secret_of_the_fixtures_reaches_an_event() {
    for record in fixtures() {
        for event in fast(record.as_bytes()).1 {
            for secret in ["not-in-real-logs", "bm90IHRoZXJlIGluIHJlYWwgbG9ncw==", "dG9rZW4="] {
                assert!(!event.contains(secret), "{event}");
            }
        }
    }
}

#[test]
fn a_record_cut_off_anywhere_is_a_reject_on_both_paths() {
    let record = KMS_OPERATIONS.lines().next().unwrap().as_bytes();
    for end in 0..record.len() {
        let (result, events) = fast(&record[..end]);
        assert_eq!(result.map_err(|reject| reject.reason), Err(RejectReason::Truncated), "{end}");
        assert!(events.is_empty());
        assert_paths_agree(&record[..end]);
    }
}

/// Decisions of a test case, taken from random bytes.
struct Dice<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl Dice<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let high = usize::from(*self.0.next().unwrap());
        let low = usize::from(*self.0.next().unwrap());
        (high * 256 + low) % bound
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// Writes the same JSON another way: white space, `\u` escapes, other order of members.
fn respell(value: &Value, depth: usize, dice: &mut Dice<'_>, text: &mut String) {
    space(dice, text);
    match value {
        Value::String(string) => respell_string(string, dice, text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                respell(item, depth + 1, dice, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // Deeper down the order is that of the encryption context, which is kept.
            if depth < 2 {
                (1..members.len()).for_each(|place| members.swap(place, dice.below(place + 1)));
            }
            text.push('{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                space(dice, text);
                respell_string(name, dice, text);
                space(dice, text);
                text.push(':');
                respell(value, depth + 1, dice, text);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
    space(dice, text);
}

fn space(dice: &mut Dice<'_>, text: &mut String) {
    if dice.one_in(12) {
        text.push_str([" ", "\n", "\t\t", "\r\n  "][dice.below(4)]);
    }
}

fn respell_string(string: &str, dice: &mut Dice<'_>, text: &mut String) {
    if !dice.one_in(8) {
        text.push_str(&Value::String(string.to_owned()).to_string());
        return;
    }
    text.push('"');
    for character in string.chars() {
        if character.is_ascii_graphic() && !matches!(character, '"' | '\\') && !dice.one_in(3) {
            text.push(character);
        } else {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().for_each(|unit| write!(text, "\\u{unit:04x}").unwrap());
        }
    }
    text.push('"');
}

fn decisions() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 64..512)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn arbitrary_bytes_are_a_reject_or_nothing_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        assert_paths_agree(&bytes);
    }

    #[test]
    fn the_same_record_spelt_another_way_gives_the_same_events(place in 0..1000_usize, bytes in decisions()) {
        let records = fixtures();
        let record = records[place % records.len()];
        let value: Value = serde_json::from_str(record).unwrap();
        let mut respelt = String::new();
        respell(&value, 0, &mut Dice(bytes.iter().cycle()), &mut respelt);
        prop_assert_eq!(fast(respelt.as_bytes()), fast(record.as_bytes()), "{}", respelt);
        assert_paths_agree(respelt.as_bytes());
    }

    #[test]
    fn a_field_given_twice_is_a_reject_where_it_is_read(place in 0..1000_usize, bytes in decisions()) {
        let records: Vec<_> = KMS_OPERATIONS.lines().collect();
        let record = records[place % records.len()];
        let fields = ["eventName", "eventSource", "eventTime", "awsRegion", "eventID", "userIdentity"];
        let mut dice = Dice(bytes.iter().cycle());
        let field = fields[dice.below(fields.len())];
        let twice = format!("{{\"{field}\" : {},{}", ["null", "1", "\"x\""][dice.below(3)], &record[1..]);
        let (result, events) = fast(twice.as_bytes());
        prop_assert_eq!(result.map_err(|reject| reject.reason), Err(RejectReason::DuplicateField));
        prop_assert!(events.is_empty());
        assert_paths_agree(twice.as_bytes());
    }

    #[test]
    fn damaged_records_never_panic_and_both_paths_agree_on_them(
        place in 0..1000_usize,
        damage in prop::collection::vec((any::<u16>(), 0..5_usize, any::<u8>()), 1..6),
    ) {
        let records = fixtures();
        let mut record = records[place % records.len()].as_bytes().to_vec();
        for (at, kind, byte) in damage {
            let at = usize::from(at) % record.len().max(1);
            match kind {
                0 => record.truncate(at),
                1 => record.insert(at, byte),
                2 if !record.is_empty() => { record.remove(at); }
                3 if !record.is_empty() => record[at] = byte,
                _ => { let tail = record.split_off(at); record.extend(tail.iter().take(40)); record.extend(&tail); }
            }
        }
        assert_paths_agree(&record);
    }
}
