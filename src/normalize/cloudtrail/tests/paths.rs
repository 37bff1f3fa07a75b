use serde_json::{Value, json};

use super::super::via::{service_of_host, service_of_role};
use super::{ACCOUNT, one};

fn via(invoked_by: Value, address: &str, agent: &str, context: Value) -> String {
    let identity = json!({ "type": "IAMUser", "accountId": ACCOUNT, "invokedBy": invoked_by });
    let changes = json!({
        "userIdentity": identity, "sourceIPAddress": address, "userAgent": agent,
        "requestParameters": { "encryptionContext": context }
    });
    one(changes, |event| event.via.unwrap().to_owned())
}

#[test]
fn the_service_that_invoked_comes_first() {
    let seen = via(json!("secretsmanager.amazonaws.com"), "AWS Internal", "x", json!({ "aws:s3:arn": "x" }));
    assert_eq!(seen, "secretsmanager");
    assert_eq!(via(json!("workmail.eu-west-1.amazonaws.com"), "x", "x", json!({})), "workmail");
}

#[test]
fn a_service_address_or_user_agent_tells_the_service() {
    assert_eq!(via(Value::Null, "rds.amazonaws.com", "x", json!({})), "rds");
    assert_eq!(via(Value::Null, "AWS Internal", "dynamodb.amazonaws.com", json!({})), "dynamodb");
}

#[test]
fn a_caller_cannot_pass_for_a_service() {
    let context = json!({ "aws:s3:arn": "arn:aws:s3:::ledger" });
    assert_eq!(via(Value::Null, "198.51.100.20", "s3.amazonaws.com", context.clone()), "direct");
    assert_eq!(via(Value::Null, "198.51.100.20", "AWS Internal", context.clone()), "direct");
    assert_eq!(via(Value::Null, "198.51.100.20, 10.0.0.1", "AWS Internal", context), "direct");
}

#[test]
fn the_context_explains_an_internal_call() {
    for (name, service) in [
        ("PARAMETER_ARN", "ssm"),
        ("SecretARN", "secretsmanager"),
        ("aws:ebs:id", "ec2"),
        ("aws:rds:dbc-id", "rds"),
        ("aws:s3:arn", "s3"),
        ("aws:lambda:FunctionArn", "lambda"),
        ("aws:dynamodb:tableName", "dynamodb"),
    ] {
        assert_eq!(via(json!("AWS Internal"), "AWS Internal", "AWS Internal", json!({ name: "x" })), service);
    }
    let both = json!({ "aws:s3:arn": "x", "aws:cloudtrail:arn": "x" });
    assert_eq!(via(json!("AWS Internal"), "AWS Internal", "AWS Internal", both), "cloudtrail");
}

#[test]
fn an_internal_call_that_nothing_explains_is_unknown() {
    assert_eq!(via(json!("AWS Internal"), "AWS Internal", "AWS Internal", json!({})), "unknown");
    assert_eq!(
        via(json!("AWS Internal"), "AWS Internal", "AWS Internal", json!({ "tenant": "x" })),
        "unknown"
    );
}

#[test]
fn the_role_of_a_service_tells_it() {
    let role = "arn:aws:iam::310987654321:role/aws:ec2-infrastructure";
    let identity = json!({
        "type": "AssumedRole", "accountId": ACCOUNT, "sessionContext": { "sessionIssuer": { "arn": role } }
    });
    assert_eq!(one(json!({ "userIdentity": identity }), |event| event.via.unwrap().to_owned()), "ec2");
    let linked = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    assert_eq!(service_of_role(linked), Some("autoscaling"));
    assert_eq!(service_of_role("app"), None);
}

#[test]
fn host_names_are_shortened_to_the_service() {
    for (host, service) in [
        ("s3.amazonaws.com", Some("s3")),
        ("states.us-gov-east-1.amazonaws.com", Some("states")),
        ("delivery.logs.amazonaws.com", Some("logs")),
        ("ec2.amazonaws.com.cn", Some("ec2")),
        ("amazonaws.com", None),
        ("198.51.100.20", None),
        ("aws-sdk-go/1 s3.amazonaws.com", None),
    ] {
        assert_eq!(service_of_host(host), service, "{host}");
    }
}
