use serde_json::json;

use super::*;

/// The reason for which both parsers reject a record.
fn reason(record: &[u8]) -> RejectReason {
    let (fast, events) = outcome_of(record, Parser::Fast);
    assert_eq!(fast, outcome_of(record, Parser::Plain).0);
    assert!(events.is_empty());
    fast.unwrap_err().reason
}

/// The record with one piece of text replaced.
fn changed(from: &str, to: &str) -> String {
    let record = entry().to_string();
    assert!(record.contains(from), "{from} in {record}");
    record.replacen(from, to, 1)
}

#[test]
fn each_kind_of_damage_has_its_reason() {
    let whole = entry().to_string();
    assert_eq!(reason(&whole.as_bytes()[..whole.len() / 2]), RejectReason::Truncated);
    assert_eq!(reason(b""), RejectReason::Truncated);
    assert_eq!(reason(b"{\"time\":\xff}"), RejectReason::InvalidUtf8);
    assert_eq!(reason(b"{\"time\" \"type\"}"), RejectReason::InvalidJson);
    assert_eq!(reason(format!("{whole} {{}}").as_bytes()), RejectReason::InvalidJson);
    assert_eq!(
        reason(changed(r#""type":"response""#, r#""type":"reply""#).as_bytes()),
        RejectReason::UnknownFormat
    );
    assert_eq!(reason(changed("2026-03-02T09", "2026-03-02 at 9").as_bytes()), RejectReason::InvalidTime);
}

#[test]
fn a_missing_field_is_named() {
    for (pointer, name) in [
        ("/time", "`time`"),
        ("/type", "`type`"),
        ("/request", "`request`"),
        ("/request/path", "`request.path`"),
        ("/request/operation", "`request.operation`"),
    ] {
        let record = without(entry(), pointer).to_string();
        assert_eq!(reason(record.as_bytes()), RejectReason::MissingField, "{pointer}");
        let reject = outcome_of(record.as_bytes(), Parser::Fast).0.unwrap_err();
        assert!(reject.detail.contains(name), "{}", reject.detail);
    }
}

#[test]
fn a_structural_field_of_another_type_is_a_reject_that_repeats_no_value() {
    for (pointer, value) in [
        ("/time", json!(17)),
        ("/error", json!({"a": 1})),
        ("/auth", json!(["s3cr3t"])),
        ("/auth/policies", json!("root")),
        ("/auth/display_name", json!(5)),
        ("/auth/policy_results", json!(["s3cr3t", []])),
        ("/request", json!(["s3cr3t"])),
        ("/request/path", json!(7)),
        ("/request/namespace", json!("tenant")),
        ("/response", json!("s3cr3t")),
    ] {
        let record = with(entry(), pointer, value).to_string();
        assert_eq!(reason(record.as_bytes()), RejectReason::WrongType, "{pointer}");
        assert!(!outcome_of(record.as_bytes(), Parser::Fast).0.unwrap_err().detail.contains("s3cr3t"));
    }
    assert_eq!(reason(b"[]"), RejectReason::WrongType);
    assert_eq!(reason(b"7"), RejectReason::WrongType);
}

#[test]
fn a_field_that_is_read_must_not_be_given_twice() {
    for (from, to) in [
        (r#"{"auth":"#, r#"{"type":"request","auth":"#),
        (r#"{"auth":"#, r#"{"auth":null,"auth":"#),
        (r#""path":"#, r#""path":"transit/sign/k","path":"#),
        (r#""plaintext":"#, r#""plaintext":"hmac-sha256:00","plaintext":"#),
        (r#""role_name":"#, r#""role_name":"admin","role_name":"#),
        (r#""path":"#, r#""pa\u0074h":"transit/sign/k","path":"#),
    ] {
        assert_eq!(reason(changed(from, to).as_bytes()), RejectReason::DuplicateField, "{to}");
    }
    let ignored = changed(r#""remote_port":"#, r#""remote_port":1,"remote_port":"#);
    assert!(outcome_of(ignored.as_bytes(), Parser::Fast).0.is_ok());
}

#[test]
fn data_is_read_leniently() {
    for data in
        [json!(null), json!("text"), json!([1, 2]), json!({"batch_input": "hmac-sha256:00"}), json!(1.5)]
    {
        let record = with(entry(), "/request/data", data).to_string();
        assert!(outcome_of(record.as_bytes(), Parser::Fast).0.is_ok(), "{record}");
        assert_eq!(outcome_of(record.as_bytes(), Parser::Fast), outcome_of(record.as_bytes(), Parser::Plain));
    }
    one(&with(entry(), "/response/data/key_version", json!("4")), |event| {
        assert_eq!(event.key_version, Some(4))
    });
}

#[test]
fn deep_nesting_is_a_reject_and_never_the_end_of_the_stack() {
    let deep = format!(r#"{{"time":"t","request":{{"data":{}{}}}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(reason(deep.as_bytes()), RejectReason::TooDeep);
    assert_eq!(request_id(deep.as_bytes()), None);
    let open = "{\"a\":".repeat(20_000);
    assert_eq!(reason(open.as_bytes()), RejectReason::TooDeep);
    let brackets_in_text = with(entry(), "/request/data/note", json!("[{".repeat(500)));
    assert!(outcome_of(brackets_in_text.to_string().as_bytes(), Parser::Fast).0.is_ok());
    let wide = with(entry(), "/request/data/list", json!(vec![json!({}); 500]));
    assert!(outcome_of(wide.to_string().as_bytes(), Parser::Fast).0.is_ok());
}

#[test]
fn escaped_names_and_values_are_the_same_entry() {
    let plain = outcome_of(entry().to_string().as_bytes(), Parser::Fast);
    let record =
        changed(r#""path":"transit/encrypt/orders""#, r#""p\u0061th":"transit\/encrypt\/\u006frders""#);
    let record = record.replacen(r#""type":"response""#, r#""ty\u0070e":"r\u0065sponse""#, 1);
    assert_eq!(outcome_of(record.as_bytes(), Parser::Fast), plain);
    assert_eq!(outcome_of(record.as_bytes(), Parser::Plain), plain);
}

#[test]
fn a_broken_line_is_never_peeked_as_a_request() {
    let whole = with(entry(), "/type", json!("request")).to_string();
    assert!(request_id(whole.as_bytes()).is_some());
    assert_eq!(request_id(&whole.as_bytes()[..whole.len() - 1]), None);
    assert_eq!(request_id(b"null"), None);
    for (pointer, value) in [
        ("/time", json!("soon")),
        ("/time", json!(5)),
        ("/type", json!("reply")),
        ("/auth", json!([])),
        ("/request/path", json!(5)),
        ("/request/operation", json!(null)),
    ] {
        assert_eq!(request_id(with(entry(), pointer, value).to_string().as_bytes()), None, "{pointer}");
    }
    let empty = with(entry(), "/request/id", json!(""));
    assert_eq!(request_id(empty.to_string().as_bytes()), None);
}

#[test]
fn a_response_is_told_by_its_first_bytes() {
    assert!(seems_response(br#"{"time":"2026-11-24T03:20:39.394374697Z","type":"response","auth":{}}"#));
    assert!(seems_response(br#"{"time":"2026-11-24T03:20:39.394374697Z", "type": "kmip-response"}"#));
    assert!(!seems_response(br#"{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{}}"#));
    assert!(!seems_response(b""));
}
