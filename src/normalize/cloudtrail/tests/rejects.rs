use serde_json::{Value, json};

use super::super::parse::text;
use super::{KEY, one, record, reject_of};
use crate::domain::reject::RejectReason;

fn reason(changes: Value) -> (RejectReason, String) {
    let reject = reject_of(record(changes).as_bytes());
    (reject.reason, reject.detail)
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (name, value, path) in [
        ("eventName", json!(5), "eventName"),
        ("eventSource", json!({}), "eventSource"),
        ("eventTime", json!(1_788_246_000), "eventTime"),
        ("eventID", json!(["x"]), "eventID"),
        ("eventVersion", json!(1.08), "eventVersion"),
        ("awsRegion", json!(true), "awsRegion"),
        ("errorCode", json!(200), "errorCode"),
        ("recipientAccountId", json!(310_987_654_321_u64), "recipientAccountId"),
        ("userIdentity", json!("root"), "userIdentity"),
        ("userIdentity", json!({ "type": 1 }), "userIdentity.type"),
        ("userIdentity", json!({ "sessionContext": [] }), "userIdentity.sessionContext"),
        ("resources", json!({ "ARN": KEY }), "resources"),
        ("resources", json!([{ "ARN": 7 }]), "resources[].ARN"),
        ("requestParameters", json!({ "keyId": 7 }), "requestParameters.keyId"),
        (
            "requestParameters",
            json!({ "encryptionContext": { "tenant": 7 } }),
            "requestParameters.encryptionContext",
        ),
    ] {
        let expected = (RejectReason::WrongType, format!("`{path}` has another type than it may have"));
        assert_eq!(reason(json!({ name: value })), expected);
    }
}

#[test]
fn a_field_that_nobody_reads_may_have_any_type() {
    let seen = one(
        json!({ "readOnly": "yes", "apiVersion": 7, "requestParameters": { "grantTokens": 7, "secretId": 7 } }),
        |event| event.key_id.is_some(),
    );
    assert!(seen);
}

#[test]
fn request_parameters_that_are_no_object_are_refused() {
    for request in [json!("{\"keyId\":\"cut of"), json!([1, 2]), json!(7)] {
        let expected = "`requestParameters` has another type than it may have";
        assert_eq!(
            reason(json!({ "requestParameters": request })),
            (RejectReason::WrongType, expected.to_owned())
        );
    }
}

#[test]
fn what_the_real_world_writes_as_text_is_understood() {
    let identity = json!({
        "type": "IAMUser", "arn": "arn:aws:iam::310987654321:user/kim", "accountId": "310987654321",
        "sessionContext": { "attributes": { "mfaAuthenticated": "true" } }
    });
    let changes =
        json!({ "errorCode": "200", "sessionCredentialFromConsole": "true", "userIdentity": identity });
    let seen = one(changes, |event| {
        (event.outcome.unwrap().as_str(), event.mfa, event.caller_rule.unwrap().to_owned())
    });
    assert_eq!(seen, ("success", Some(true), "console-session".to_owned()));
}

#[test]
fn a_record_without_name_source_or_time_is_a_reject() {
    for name in ["eventName", "eventSource", "eventTime"] {
        let expected = (RejectReason::MissingField, format!("`{name}` is missing"));
        assert_eq!(reason(json!({ name: null })), expected);
        assert_eq!(reason(json!({ name: "" })), expected);
    }
}

#[test]
fn a_field_given_twice_is_a_reject_even_if_one_is_null() {
    for field in
        [r#""eventName":null"#, r#""userIdentity":{}"#, r#""resources":[]"#, r#""\u0065ventName":"x""#]
    {
        let twice = record(json!({})).replacen('{', &format!("{{{field},"), 1);
        assert_eq!(reject_of(twice.as_bytes()).reason, RejectReason::DuplicateField, "{field}");
    }
    let nested =
        record(json!({})).replace(r#""type":"AssumedRole""#, r#""type":"AssumedRole","type":"Root""#);
    let reject = reject_of(nested.as_bytes());
    assert_eq!(reject.reason, RejectReason::DuplicateField);
    assert!(reject.detail.starts_with("`type` is given twice"), "{}", reject.detail);
}

#[test]
fn an_encryption_context_with_a_name_twice_is_a_reject() {
    for names in [1, 20] {
        let mut pairs: Vec<_> = (0..names).map(|place| format!(r#""n{place}":"v""#)).collect();
        pairs.push(r#""n0":"w""#.to_owned());
        let context = format!(r#"{{"encryptionContext":{{{}}}"#, pairs.join(","));
        let twice = record(json!({})).replace(r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT""#, &context);
        assert_eq!(reject_of(twice.as_bytes()).reason, RejectReason::DuplicateField);
    }
}

#[test]
fn a_time_that_is_none_is_a_reject() {
    assert_eq!(reason(json!({ "eventTime": "yesterday" })).0, RejectReason::InvalidTime);
}

#[test]
fn another_major_version_is_an_unknown_format() {
    assert_eq!(reason(json!({ "eventVersion": "2.1" })).0, RejectReason::UnknownFormat);
    for version in ["1.02", "1.9", "1.11", "1.250"] {
        assert!(one(json!({ "eventVersion": version }), |event| event.key_id.is_some()));
    }
}

#[test]
fn what_is_no_object_is_an_unknown_format() {
    for text in ["5", "null", "\"kms.amazonaws.com\"", "[]", r#"["1.11",{}]"#] {
        assert_eq!(reject_of(text.as_bytes()).reason, RejectReason::UnknownFormat, "{text}");
    }
}

#[test]
fn broken_bytes_are_told_apart() {
    assert_eq!(reject_of(b"").reason, RejectReason::Truncated);
    assert_eq!(reject_of(b"{\"eventName\":").reason, RejectReason::Truncated);
    assert_eq!(reject_of(b"{\"eventName\":x}").reason, RejectReason::InvalidJson);
    assert_eq!(reject_of(b"{\"eventName\":\"a\xff\"}").reason, RejectReason::InvalidUtf8);
    assert_eq!(reject_of(b"{} {}").reason, RejectReason::InvalidJson);
    assert_eq!(reject_of(b"{\"a\":\"\\ud800\",\"eventName\":\"\\udc00\"}").reason, RejectReason::InvalidJson);
}

#[test]
fn deep_nesting_is_a_reject_and_brackets_in_text_are_not_nesting() {
    let deep =
        record(json!({ "extra": "HERE" })).replace("\"HERE\"", &("[".repeat(20_000) + &"]".repeat(20_000)));
    assert_eq!(reject_of(deep.as_bytes()).reason, RejectReason::TooDeep);
    assert_eq!(reject_of("[".repeat(1_000_000).as_bytes()).reason, RejectReason::TooDeep);
    let flat = record(json!({ "extra": "\\\"{[".repeat(500) }));
    assert!(text(flat.as_bytes()).is_ok());
    let side_by_side = record(json!({ "extra": vec![json!([]); 500] }));
    assert!(text(side_by_side.as_bytes()).is_ok());
}

#[test]
fn a_reject_carries_no_value_of_the_record() {
    for changes in [json!({ "eventTime": "hunter2" }), json!({ "eventID": { "x": "hunter2" } })] {
        assert!(!reason(changes).1.contains("hunter2"));
    }
    let broken = record(json!({})).replace("\"Decrypt\"", "hunter2");
    assert!(!reject_of(broken.as_bytes()).detail.contains("hunter2"));
}
