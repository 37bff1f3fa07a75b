use serde_json::{Value, json};

use super::super::is_irrelevant;
use super::record;

fn of(source: &str, name: &str, more: Value) -> String {
    let mut changes = json!({ "eventSource": source, "eventName": name, "resources": null });
    changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record(changes)
}

#[test]
fn calls_of_other_services_and_other_operations_are_dropped() {
    for (source, name) in [
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("ec2.amazonaws.com", "Decrypt"),
        ("iam.amazonaws.com", "ListRoles"),
        ("s3.amazonaws.com", "GetObject"),
        ("s3.amazonaws.com", "PutObject"),
    ] {
        assert!(is_irrelevant(of(source, name, json!({})).as_bytes()), "{source} {name}");
    }
}

#[test]
fn a_dropped_call_may_name_handled_services_and_operations_in_its_values() {
    let call = of(
        "ec2.amazonaws.com",
        "DescribeInstances",
        json!({
            "userAgent": "kms.amazonaws.com", "requestParameters": { "field": "eventName", "other": "eventSource" }
        }),
    );
    assert!(is_irrelevant(call.as_bytes()));
}

#[test]
fn calls_of_interest_are_kept() {
    for (source, name) in [
        ("kms.amazonaws.com", "Decrypt"),
        ("kms.amazonaws.com", "AnOperationOfTomorrow"),
        ("secretsmanager.amazonaws.com", "GetSecretValue"),
        ("s3.amazonaws.com", "PutBucketEncryption"),
        ("s3.amazonaws.com", "DeleteBucket"),
        ("cloudtrail.amazonaws.com", "StopLogging"),
    ] {
        assert!(!is_irrelevant(of(source, name, json!({})).as_bytes()), "{source} {name}");
    }
    let object =
        json!({ "requestParameters": { "x-amz-server-side-encryption-customer-algorithm": "AES256" } });
    assert!(!is_irrelevant(of("s3.amazonaws.com", "PutObject", object).as_bytes()));
}

#[test]
fn white_space_loses_no_event() {
    let spaced = record(json!({})).replace("\":", "\" \t\r\n:\n ").replace(',', " , ");
    assert!(!is_irrelevant(format!("  {spaced}\n").as_bytes()));
    let other = of("ec2.amazonaws.com", "DescribeInstances", json!({})).replace("\":", "\" \t\r\n:\n ");
    assert!(is_irrelevant(format!("  {other}\n").as_bytes()));
}

#[test]
fn whatever_looks_odd_is_left_to_the_parser() {
    let call = of("ec2.amazonaws.com", "DescribeInstances", json!({}));
    for odd in [
        call.replace("ec2", r"\u006bms"),
        call.replace("\"eventName\"", r#""\u0065ventName""#),
        call.replace("\"eventName\":\"DescribeInstances\"", "\"eventName\":5"),
        call.replace("DescribeInstances", r"Describe\/Instances"),
        call.replace("\"eventName\":\"DescribeInstances\",", ""),
        call.replace("ec2.amazonaws.com", "aws:s3"),
        call.replacen('{', "{\"eventName\":\"Decrypt\",", 1),
        call.replacen('{', "{\"eventSource\":\"kms.amazonaws.com\",", 1),
        call.replace("\"userIdentity\"", "\"identity\""),
        call.trim_end_matches('}').to_owned(),
        call[1..].to_owned(),
        String::new(),
        "no JSON at all".to_owned(),
    ] {
        assert!(!is_irrelevant(odd.as_bytes()), "{odd}");
    }
}

#[test]
fn a_name_that_is_given_twice_hides_nothing_whatever_the_order() {
    let call = of("ec2.amazonaws.com", "DescribeInstances", json!({}));
    for twice in [
        call.replace("\"eventSource\"", "\"eventSource\" : \"ec2.amazonaws.com\",\"eventSource\""),
        call.replace("\"eventName\"", "\"eventName\" : \"Decrypt\",\"eventName\""),
        call.replacen('{', "{\"x\":{\"eventSource\":\"kms.amazonaws.com\"},", 1),
        call.replacen('{', "{\"x\":{\"eventName\":\"Decrypt\"},", 1),
    ] {
        assert!(!is_irrelevant(twice.as_bytes()), "{twice}");
    }
    for harmless in [
        call.replacen('{', "{\"x\":[\"eventSource\",\"eventName\",\"event\",\"eventNames\"],", 1),
        call.replacen('{', "{\"eventNames\":\"Decrypt\",\"eventSources\":\"kms.amazonaws.com\",", 1),
    ] {
        assert!(is_irrelevant(harmless.as_bytes()), "{harmless}");
    }
}

#[test]
fn an_escape_changes_nothing_in_what_a_record_gives() {
    let key = |record: &str| super::each(record, |event| super::owned(event.key_id));
    let plain = record(json!({}));
    assert_eq!(key(&plain.replace("kms.amazonaws", r"\u006bms.amazonaws")), key(&plain));
}
