use serde_json::{Value, json};

use super::{ACCOUNT, one, owned};
use crate::domain::event::KeyEvent;

fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

fn principal(identity: Value) -> Option<String> {
    one(json!({ "userIdentity": identity }), |event| owned(event.principal))
}

fn kind(identity: Value, agent: &str) -> (String, String) {
    let changes = json!({ "userIdentity": identity, "userAgent": agent });
    one(changes, |event: &KeyEvent<'_>| {
        (event.caller_kind.unwrap().to_string(), event.caller_rule.unwrap().to_owned())
    })
}

fn words(kind: &str, rule: &str) -> (String, String) {
    (kind.to_owned(), rule.to_owned())
}

fn role(session: &str, context: Value) -> Value {
    json!({
        "type": "AssumedRole", "accountId": ACCOUNT,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/ledger-writer/{session}"), "sessionContext": context
    })
}

#[test]
fn a_session_is_its_role_with_the_session_apart() {
    let seen = one(json!({}), |event| {
        (
            owned(event.principal),
            owned(event.session_name),
            owned(event.principal_account),
            owned(event.credential_id),
        )
    });
    let role = "arn:aws:iam::310987654321:role/services/ledger-writer";
    assert_eq!(seen.0.as_deref(), Some(role));
    assert_eq!(seen.1.as_deref(), Some("run-7"));
    assert_eq!(seen.2.as_deref(), Some(ACCOUNT));
    assert_eq!(seen.3.as_deref(), Some("ASIAFIXTURE000000001"));
}

#[test]
fn a_role_is_derived_where_the_issuer_is_missing_or_empty() {
    let expected = Some("arn:aws:iam::310987654321:role/ledger-writer".to_owned());
    assert_eq!(principal(role("run-7", json!({}))), expected);
    assert_eq!(principal(role("run-7", json!({ "sessionIssuer": {} }))), expected);
}

#[test]
fn every_type_of_identity_has_a_principal() {
    for (identity, expected) in [
        (json!({ "type": "IAMUser", "arn": user_arn("kim") }), user_arn("kim")),
        (json!({ "type": "IAMUser", "userName": "kim", "accountId": ACCOUNT }), user_arn("kim")),
        (json!({ "type": "Root", "accountId": ACCOUNT }), format!("arn:aws:iam::{ACCOUNT}:root")),
        (
            json!({ "type": "AWSService", "invokedBy": "workmail.eu-west-1.amazonaws.com" }),
            "service:workmail".into(),
        ),
        (
            json!({ "type": "AWSAccount", "principalId": "AROAX:y", "accountId": "420987654321" }),
            "account:420987654321".into(),
        ),
        (json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" }), "service:aws-internal".into()),
        (
            json!({ "accountId": ACCOUNT, "invokedBy": "secretsmanager.amazonaws.com" }),
            "service:secretsmanager".into(),
        ),
        (json!({ "type": "Unknown", "accountId": ACCOUNT }), format!("account:{ACCOUNT}")),
        (
            json!({ "type": "FederatedUser", "arn": format!("arn:aws:sts::{ACCOUNT}:federated-user/kim") }),
            format!("arn:aws:sts::{ACCOUNT}:federated-user/kim"),
        ),
    ] {
        assert_eq!(principal(identity.clone()), Some(expected), "{identity}");
    }
    assert_eq!(principal(Value::Null), None);
}

#[test]
fn a_service_has_no_account() {
    let identity = json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" });
    let seen = one(json!({ "userIdentity": identity }), |event| {
        (owned(event.principal_account), owned(event.account))
    });
    assert_eq!(seen, (None, Some(ACCOUNT.to_owned())));
    let seen =
        one(json!({ "userIdentity": identity, "recipientAccountId": null }), |event| owned(event.account));
    assert_eq!(seen, Some(ACCOUNT.to_owned()));
}

#[test]
fn people_are_told_from_workloads() {
    let user = json!({ "type": "IAMUser", "arn": user_arn("kim"), "accountId": ACCOUNT });
    let with_mfa = json!({
        "type": "IAMUser", "arn": user_arn("kim"), "sessionContext": { "attributes": { "mfaAuthenticated": true } }
    });
    let sso = json!({ "sessionIssuer": {
        "arn": format!("arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_00") } });
    let linked = json!({ "sessionIssuer": {
        "arn": format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS") } });
    let web = json!({ "webIdFederationData": { "federatedProvider": "arn:aws:iam::1:oidc-provider/x" } });
    for (identity, agent, expected) in [
        (user.clone(), "aws-sdk-go/1.44", words("unknown", "iam-user")),
        (user.clone(), "aws-cli/2.17.0 md/prompt#off", words("human", "command-line")),
        (user.clone(), "[S3Console/0.4, aws-internal/3]", words("human", "console-user-agent")),
        (user, "Mozilla/5.0 (X11)", words("human", "console-user-agent")),
        (with_mfa, "Boto3/1.26", words("human", "mfa-session")),
        (role("run-7", json!({})), "aws-cli/2.17.0", words("workload", "role-session")),
        (role("i-0a1b2c3d4e5f60718", json!({})), "Boto3", words("workload", "instance-role")),
        (role("x", json!({ "ec2RoleDelivery": "2.0" })), "Boto3", words("workload", "instance-role")),
        (role("GitHubActions", web), "Boto3", words("workload", "web-identity")),
        (role("kim@example.com", json!({})), "Boto3", words("human", "session-address")),
        (role("kim@example.com", sso), "Boto3", words("human", "sso-role")),
        (role("x", linked), "x", words("service", "service-role")),
        (role("x", json!({ "assumedRoot": "true" })), "x", words("root", "assumed-root")),
        (json!({ "type": "Root", "accountId": ACCOUNT }), "Mozilla/5.0", words("root", "root")),
        (json!({ "type": "IdentityCenterUser" }), "x", words("human", "identity-center-user")),
        (json!({ "type": "SAMLUser" }), "x", words("human", "saml-user")),
        (json!({ "type": "WebIdentityUser" }), "x", words("workload", "web-identity")),
        (
            json!({ "type": "AWSAccount", "accountId": "1" }),
            "Mozilla/5.0",
            words("unknown", "foreign-account"),
        ),
        (json!({ "invokedBy": "AWS Internal" }), "AWS Internal", words("service", "service-identity")),
    ] {
        assert_eq!(kind(identity.clone(), agent), expected, "{identity}");
    }
}

#[test]
fn credentials_are_told_by_identity_and_key() {
    for (identity, console, expected) in [
        (json!({ "type": "IAMUser", "accessKeyId": "AKIA00" }), "false", "long_term"),
        (json!({ "type": "IAMUser", "accessKeyId": "ASIA00" }), "false", "temporary"),
        (json!({ "type": "IAMUser", "accessKeyId": "ASIA00" }), "true", "console"),
        (json!({ "type": "AssumedRole", "accessKeyId": "" }), "false", "temporary"),
        (json!({ "type": "Root", "accessKeyId": "AKIA00" }), "false", "root"),
        (json!({ "type": "AWSService", "invokedBy": "s3.amazonaws.com" }), "false", "service"),
        (json!({ "type": "IAMUser", "accessKeyId": "EXAMPLE" }), "false", "unknown"),
    ] {
        let changes = json!({ "userIdentity": identity, "sessionCredentialFromConsole": console });
        assert_eq!(one(changes, |event| event.credential_kind.unwrap().to_string()), expected);
    }
}

#[test]
fn the_source_identity_and_the_second_factor_are_kept() {
    let identity =
        role("run-7", json!({ "sourceIdentity": "kim", "attributes": { "mfaAuthenticated": "false" } }));
    let seen = one(json!({ "userIdentity": identity }), |event| (owned(event.source_identity), event.mfa));
    assert_eq!(seen, (Some("kim".to_owned()), Some(false)));
}
