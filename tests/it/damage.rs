//! Damaged input through the front door: what is good around it is kept, each bad record is one reject.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::made::{decrypt, delivered, gzip, keyward, lines, request, response, scan_uses, with};
use crate::support::{Keyward, Ran};

/// One rejected record.
#[derive(Debug, PartialEq)]
struct Rejected {
    position: u64,
    index: u64,
    reason: String,
}

fn rejected(position: usize, index: u64, reason: &str) -> Rejected {
    Rejected { position: position as u64, index, reason: reason.to_owned() }
}

/// What a scan of `bytes` came to.
struct Scanned {
    ran: Ran,
    rejects: Vec<Rejected>,
}

impl Scanned {
    /// How many events stand.
    fn events(&self) -> usize {
        self.ran.json().len()
    }
}

/// Scans `bytes` and asks history for the rejects. The account adds up, whatever it is.
#[track_caller]
fn scan(bytes: impl AsRef<[u8]>) -> Scanned {
    let keyward = keyward().file("log", bytes);
    let ran = scan_uses(&keyward, "log", &["--data", "data"]).run();
    let account = ran.account();
    assert_eq!(account.sum(), account.received, "{}", ran.stderr);
    assert_eq!(ran.code, Some(i32::from(!ran.stdout.is_empty())), "rejects change no exit code");
    let rejects = rejects(&keyward);
    assert_eq!(account.rejects, rejects.len() as u64, "{}", ran.stderr);
    Scanned { ran, rejects }
}

fn rejects(keyward: &Keyward) -> Vec<Rejected> {
    let sql = "SELECT position, index, reason, detail, sha256 FROM rejects ORDER BY position, index";
    let ran = keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap();
    ran.json()
        .iter()
        .inspect(|row| assert!(!row["detail"].as_str().unwrap().is_empty()))
        .inspect(|row| assert_eq!(row["sha256"].as_str().unwrap().len(), 64))
        .map(|row| Rejected {
            position: number(row, "position"),
            index: number(row, "index"),
            reason: row["reason"].as_str().unwrap().to_owned(),
        })
        .collect()
}

/// A bad line between good ones: it alone is lost, and said where it is.
#[track_caller]
fn costs_only_itself(bad: &[u8], reason: &str) {
    let before = lines([decrypt(1), request(2), response(2)]);
    let after = lines([decrypt(3), decrypt(4)]);
    let scanned = scan([before.as_bytes(), bad, b"\n", after.as_bytes()].concat());
    assert_eq!(scanned.rejects, [rejected(before.len(), 0, reason)]);
    assert_eq!(scanned.events(), 4, "{}", scanned.ran.stderr);
}

#[test]
fn a_truncated_gzip_keeps_what_came_before_the_cut() {
    let packed = gzip((0..1_500).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", decrypt(number * 7)).unwrap();
        text
    }));
    let scanned = scan(&packed[..packed.len() / 2]);
    assert!((100..1_500).contains(&scanned.events()), "{}", scanned.events());
    assert_eq!(scanned.rejects.len(), 1);
    assert_eq!(scanned.rejects[0].reason, "truncated");
    let kept = lines((0..scanned.events()).map(|number| decrypt(number * 7))).len() as u64;
    assert_eq!(scanned.rejects[0].position, kept, "the reject is at the cut record");
}

#[test]
fn an_array_cut_in_half_keeps_the_records_before_the_cut() {
    let whole = delivered((0..10).map(decrypt));
    let scanned = scan(&whole[..whole.len() / 2]);
    assert_eq!(scanned.events(), 4);
    assert_eq!(scanned.rejects, [rejected(0, 4, "truncated")]);
}

#[test]
fn three_megabytes_without_a_newline_are_one_reject() {
    let mut noise = "x".repeat(3 << 20).into_bytes();
    costs_only_itself(&noise, "invalid_json");
    noise.splice(..0, *b"{\"eventVersion\":\"1.11\",\"note\":\"");
    noise.extend_from_slice(b"\"}");
    costs_only_itself(&noise, "missing_field");
}

#[test]
fn twenty_thousand_levels_of_nesting_are_one_reject() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        let bad =
            format!("{{\"eventVersion\":\"1.11\",\"eventSource\":\"kms.amazonaws.com\",\"x\":{nested}}}");
        costs_only_itself(bad.as_bytes(), "too_deep");
    }
}

#[test]
fn invalid_utf8_is_one_reject() {
    let mut bad = decrypt(9).to_string().into_bytes();
    let place = bad.windows(7).position(|bytes| bytes == b"Decrypt").unwrap();
    bad[place..place + 2].copy_from_slice(&[0xC3, 0x28]);
    costs_only_itself(&bad, "invalid_utf8");
    let mut array = delivered([decrypt(1), decrypt(2), decrypt(3)]).into_bytes();
    let second = array.windows(12).position(|bytes| bytes == b"000000000002").unwrap();
    array[second] = 0xFF;
    let scanned = scan(array);
    assert_eq!((scanned.events(), scanned.rejects), (2, vec![rejected(0, 1, "invalid_utf8")]));
}

#[test]
fn wrong_types_are_one_reject_each() {
    for (pointer, value) in [
        ("/eventName", json!({ "a": 1 })),
        ("/eventName", json!(7)),
        ("/userIdentity", json!("root")),
        ("/requestParameters", json!([1, 2])),
        ("/resources", json!("arn:aws:kms:eu-west-1:111122223333:key/x")),
        ("/eventTime", json!(1_795_420_800)),
    ] {
        let bad = with(decrypt(9), pointer, value);
        costs_only_itself(bad.to_string().as_bytes(), "wrong_type");
    }
    for (pointer, value) in [("/request", json!([])), ("/auth", json!("root")), ("/request/path", json!(5))] {
        let bad = with(response(9), pointer, value);
        costs_only_itself(bad.to_string().as_bytes(), "wrong_type");
    }
}

#[test]
fn what_is_absent_or_no_time_is_one_reject() {
    let mut bad = decrypt(9);
    bad.as_object_mut().unwrap().remove("eventTime");
    costs_only_itself(bad.to_string().as_bytes(), "missing_field");
    let bad = with(decrypt(9), "/eventTime", json!("yesterday"));
    costs_only_itself(bad.to_string().as_bytes(), "invalid_time");
    let bad = with(response(9), "/time", json!("2026-13-40T99:00:00Z"));
    costs_only_itself(bad.to_string().as_bytes(), "invalid_time");
}

#[test]
fn a_field_given_twice_is_one_reject() {
    let bad = decrypt(9).to_string().replacen('{', "{\"eventName\":\"ListKeys\",", 1);
    costs_only_itself(bad.as_bytes(), "duplicate_field");
    let bad = response(9).to_string().replacen('{', "{\"type\":\"request\",", 1);
    costs_only_itself(bad.as_bytes(), "duplicate_field");
}

#[test]
fn text_that_is_no_json_is_one_reject() {
    for bad in ["plain words", "{\"eventVersion\":\"1.11\",}", "{\"a\" 1}", "{'a': 1}", "\u{0}\u{1}\u{2}"] {
        costs_only_itself(bad.as_bytes(), "invalid_json");
    }
    costs_only_itself(b"{\"hello\":\"world\"}", "unknown_format");
    costs_only_itself(b"42", "unknown_format");
}

#[test]
fn numbers_as_strings_are_read_as_the_numbers_they_are() {
    let bad = with(response(9), "/response/data/key_version", json!("3"));
    let scanned = scan(lines([decrypt(1), bad, decrypt(2)]));
    assert_eq!(scanned.events() + scanned.rejects.len(), 3);
    assert!(scanned.rejects.iter().all(|reject| reject.reason == "wrong_type"));
}

#[test]
fn much_damage_in_one_file_costs_no_good_record() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let notification = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "Time": "t",
        "RequestId": "r", "HostId": "h" });
    let bad = [
        "garbage".to_owned(),
        deep,
        decrypt(50).to_string().replacen("\"1.11\"", "\"1.11", 1),
        with(decrypt(51), "/userIdentity", json!(5)).to_string(),
    ];
    let mut text = String::new();
    for (number, bad) in bad.iter().enumerate() {
        writeln!(text, "{}\n{bad}\n{notification}", decrypt(number)).unwrap();
    }
    text.push_str(&delivered([decrypt(60), decrypt(61)]));
    let scanned = scan(&text);
    let account = scanned.ran.account();
    assert_eq!((scanned.events(), account.rejects, account.irrelevant), (6, 4, 4), "{}", scanned.ran.stderr);
}
