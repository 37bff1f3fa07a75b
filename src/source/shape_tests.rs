use super::*;

fn class(text: &str) -> Class {
    classify(text.as_bytes())
}

#[test]
fn cloudtrail_records_are_known_by_their_names_in_any_order() {
    for text in [
        r#"{"eventVersion":"1.08","userIdentity":{}}"#,
        r#"{"eventVersion": "1.11", "userIdentity": {}}"#,
        r#"{"awsRegion":"eu-west-1","eventVersion":"1.05"}"#,
        r#"{"awsRegion":"eu-west-1","eventName":"Decrypt"}"#,
        r#"{"\u0065ventVersion":"1.08","x":1}"#,
        r#"{"p_log_type":"AWS.CloudTrail","eventSource":"kms.amazonaws.com","eventName":"Sign"}"#,
        r#"{"@timestamp":"t","@version":"1","eventID":"i","eventName":"Sign","message":"kept"}"#,
        r#"{"eventVersion":"1.0","eventCategory":"Aggregated","eventId":"i"}"#,
    ] {
        assert_eq!(class(text), Class::Record(Shape::CloudTrail), "{text}");
    }
}

#[test]
fn vault_entries_are_known_by_their_names_in_any_order() {
    for text in [
        r#"{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{"token_type":"default"},"request":{}}"#,
        r#"{"request":{"id":"x"},"time":"t","type":"kmip-request"}"#,
        r#"{"type":"response","error":"e","response":{},"time":"t"}"#,
    ] {
        assert_eq!(class(text), Class::Record(Shape::Vault), "{text}");
    }
    assert_eq!(class(r#"{"time":"t","type":"access","request":"GET / HTTP/1.1"}"#), Class::Unknown);
    assert_eq!(class(r#"{"time":"t","level":"info","msg":"x"}"#), Class::Unknown);
}

#[test]
fn an_s3_notification_is_not_a_record_although_it_looks_like_one() {
    let text = r#"{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"r","eventTime":"t","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"p"},"requestParameters":{},"responseElements":{},"s3":{}}"#;
    assert_eq!(class(text), Class::Aside(Aside::Notification));
    let reordered =
        r#"{"awsRegion":"r","eventName":"ObjectCreated:Put","eventSource":"aws:s3","eventTime":"t"}"#;
    assert_eq!(class(reordered), Class::Aside(Aside::Notification));
    let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"t","Bucket":"b"}"#;
    assert_eq!(class(test), Class::Aside(Aside::Notification));
}

#[test]
fn a_digest_and_a_control_message_are_set_aside() {
    let digest = r#"{"awsAccountId":"111122223333","digestStartTime":"t","digestEndTime":"t","digestS3Bucket":"b","logFiles":[]}"#;
    assert_eq!(class(digest), Class::Aside(Aside::Digest));
    let control =
        r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[{"message":"x"}]}"#;
    assert_eq!(class(control), Class::Aside(Aside::Control));
}

#[test]
fn a_kinesis_record_is_an_envelope_although_it_has_a_version() {
    for text in [
        r#"{"kinesis":{"data":"e30="},"eventSource":"aws:kinesis","eventVersion":"1.0","eventName":"aws:kinesis:record"}"#,
        r#"{"eventVersion":"1.0","eventSource":"aws:kinesis","kinesis":{"data":"e30="},"awsRegion":"r"}"#,
    ] {
        assert!(matches!(class(text), Class::Holds([Some(Content::Base64(_)), ..], _)), "{text}");
    }
}

#[test]
fn event_bridge_says_what_it_carries() {
    let record = r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.kms","detail":{"eventVersion":"1.08"}}"#;
    assert!(matches!(class(record), Class::Detail(_)));
    let native =
        r#"{"version":"0","detail-type":"KMS CMK Rotation","source":"aws.kms","detail":{"key-id":"k"}}"#;
    assert!(matches!(class(native), Class::Holds(_, Otherwise::Aside(Aside::OtherCall))));
    let written = r#"{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{}}"#;
    assert!(matches!(class(written), Class::Holds(_, Otherwise::Aside(Aside::Notification))));
}

#[test]
fn a_token_is_the_brace_and_the_first_key() {
    assert_eq!(token(b"{\"eventVersion\":\"1\"}"), Some(&b"{\"eventVersion\""[..]));
    assert_eq!(token(b"{ \n \"a\" : 1}"), Some(&b"{ \n \"a\""[..]));
    assert_eq!(token(b"{}"), None);
    assert_eq!(token(b"[1]"), None);
    assert_eq!(token(b"{\"cut"), None);
}
