use serde_json::{Value, json};

use super::super::arn::{Arn, first_in, partition_of};
use super::{ACCOUNT, ALIAS, KEY, OTHER_KEY, SECRET, each, one, owned, record};
use crate::domain::event::KeyEvent;

type Named = (Option<String>, Option<String>, bool);

fn named(event: &KeyEvent<'_>) -> Named {
    (owned(event.key_id), owned(event.key_alias), event.key_by_alias)
}

fn resource(arn: &str) -> Value {
    json!({ "accountId": ACCOUNT, "ARN": arn })
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_resources_win_over_the_request() {
    let changes = json!({ "requestParameters": { "keyId": OTHER_KEY } });
    assert_eq!(one(changes, named), (some(KEY), None, false));
}

#[test]
fn a_bare_id_is_completed_by_account_and_region() {
    let id = KEY.rsplit('/').next().unwrap();
    let changes = json!({ "resources": null, "requestParameters": { "keyId": id } });
    assert_eq!(one(changes, named), (some(KEY), None, false));
    let changes = json!({
        "resources": null, "awsRegion": "cn-north-1", "requestParameters": { "keyId": "mrk-00aa" }
    });
    let arn = "arn:aws-cn:kms:cn-north-1:310987654321:key/mrk-00aa";
    assert_eq!(one(changes, named), (some(arn), None, false));
}

#[test]
fn a_bare_id_without_region_or_account_is_no_key() {
    let changes =
        json!({ "resources": null, "awsRegion": null, "requestParameters": { "keyId": "mrk-00aa" } });
    assert_eq!(one(changes, named), (None, None, false));
}

#[test]
fn an_alias_beside_the_key_is_learnt() {
    for name in ["alias/ledger", ALIAS] {
        let changes = json!({ "requestParameters": { "keyId": name } });
        let seen = one(changes, |event| {
            let fact = event.alias_fact.unwrap();
            (named(event), fact.alias.to_owned(), owned(fact.key))
        });
        assert_eq!(seen, ((some(KEY), some(ALIAS), false), ALIAS.to_owned(), some(KEY)));
    }
}

#[test]
fn an_alias_alone_stands_for_the_key() {
    let changes = json!({ "resources": null, "requestParameters": { "keyId": "alias/ledger" } });
    let seen = one(changes, |event| (named(event), event.alias_fact.is_some(), owned(event.key_account)));
    assert_eq!(seen, ((some(ALIAS), some(ALIAS), true), false, some(ACCOUNT)));
}

#[test]
fn a_denied_call_finds_its_key_in_the_message() {
    let message = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/a/b is not authorized to perform: kms:Decrypt on resource: {KEY} because no policy allows it"
    );
    let changes = json!({
        "resources": null, "requestParameters": null, "errorCode": "AccessDenied", "errorMessage": message
    });
    assert_eq!(one(changes, named), (some(KEY), None, false));
}

#[test]
fn a_denied_call_that_names_no_key_has_none() {
    let changes = json!({
        "resources": null, "requestParameters": null, "errorCode": "AccessDenied",
        "errorMessage": "The ciphertext refers to a key that does not exist or that you may not use."
    });
    assert_eq!(one(changes, named), (None, None, false));
}

#[test]
fn account_and_region_are_those_of_the_key() {
    let foreign = "arn:aws:kms:us-west-2:420987654321:key/mrk-00aa";
    let changes = json!({ "resources": [{ "accountId": "420987654321", "ARN": foreign }] });
    let seen = one(changes, |event| (owned(event.key_account), owned(event.key_region), owned(event.region)));
    assert_eq!(seen, (some("420987654321"), some("us-west-2"), some("eu-central-1")));
}

fn reencrypted(changes: Value) -> Vec<(Named, Option<String>, u8, Option<String>)> {
    let mut all = json!({ "eventName": "ReEncrypt" });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    each(&record(all), |event| {
        (
            named(event),
            owned(event.other_key_id),
            event.ordinal,
            event.function.map(|function| function.to_string()),
        )
    })
}

#[test]
fn a_re_encryption_is_a_use_of_its_source_and_of_its_destination() {
    let seen = reencrypted(json!({
        "requestParameters": { "destinationKeyId": OTHER_KEY },
        "resources": [resource(KEY), resource(OTHER_KEY)]
    }));
    assert_eq!(
        seen,
        [
            ((some(KEY), None, false), some(OTHER_KEY), 0, some("reencrypt_from")),
            ((some(OTHER_KEY), None, false), some(KEY), 1, some("reencrypt_to")),
        ]
    );
}

#[test]
fn a_lone_resource_is_the_side_that_the_request_calls_it() {
    let bare = OTHER_KEY.rsplit('/').next().unwrap();
    let seen = reencrypted(json!({
        "requestParameters": { "destinationKeyId": bare }, "resources": [resource(OTHER_KEY)]
    }));
    assert_eq!(seen[0].0, (None, None, false));
    assert_eq!(seen[1].0, (some(OTHER_KEY), None, false));
    let seen = reencrypted(json!({
        "requestParameters": { "destinationKeyId": "alias/ledger" }, "resources": [resource(KEY)]
    }));
    assert_eq!(seen[0].0, (some(KEY), None, false));
    assert_eq!(seen[1].0, (some(ALIAS), some(ALIAS), true));
}

#[test]
fn a_denied_re_encryption_puts_the_named_key_on_the_side_that_was_denied() {
    for (permission, side) in [("kms:ReEncryptFrom", 0), ("kms:ReEncryptTo", 1)] {
        let message = format!("User: x is not authorized to perform: {permission} on resource: {KEY}");
        let seen = reencrypted(json!({
            "requestParameters": null, "resources": null, "errorCode": "AccessDenied", "errorMessage": message
        }));
        assert_eq!(seen[side].0.0, some(KEY));
        assert_eq!(seen[1 - side].0.0, None);
    }
}

#[test]
fn each_side_of_a_re_encryption_has_its_own_context_and_algorithm() {
    let changes = json!({
        "eventName": "ReEncrypt",
        "requestParameters": {
            "sourceEncryptionContext": { "a": "1" }, "destinationEncryptionContext": { "b": "2" },
            "sourceEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT"
        }
    });
    let seen =
        each(&record(changes), |event| (format!("{:?}", event.context.unwrap()), owned(event.algorithm)));
    assert_eq!(seen[0], ("[(\"a\", \"1\")]".to_owned(), some("RSAES_OAEP_SHA_256")));
    assert_eq!(seen[1], ("[(\"b\", \"2\")]".to_owned(), some("SYMMETRIC_DEFAULT")));
}

#[test]
fn a_failed_change_of_an_alias_teaches_nothing() {
    let changes = json!({
        "eventName": "UpdateAlias", "errorCode": "AccessDenied",
        "requestParameters": { "aliasName": "alias/ledger", "targetKeyId": KEY }, "resources": null
    });
    let seen = one(changes, |event| (named(event), event.alias_fact.is_some()));
    assert_eq!(seen, ((some(KEY), some(ALIAS), false), false));
}

#[test]
fn a_deleted_alias_points_at_nothing_from_then_on() {
    let changes = json!({
        "eventName": "DeleteAlias", "requestParameters": { "aliasName": "alias/ledger" }, "resources": [resource(ALIAS)]
    });
    let fact = one(changes, |event| event.alias_fact.map(|fact| (fact.alias.to_owned(), owned(fact.key))));
    assert_eq!(fact, Some((ALIAS.to_owned(), None)));
}

#[test]
fn a_secret_goes_by_its_arn_where_the_record_has_it_anywhere() {
    let call = |name: &str, request: Value, answer: Value| {
        json!({
            "eventSource": "secretsmanager.amazonaws.com", "eventName": name, "resources": null,
            "requestParameters": request, "responseElements": answer
        })
    };
    let by_name = call("GetSecretValue", json!({ "secretId": "ledger/db" }), json!({}));
    let completed = "arn:aws:secretsmanager:eu-central-1:310987654321:secret:ledger/db";
    assert_eq!(one(by_name, named).0, some(completed));
    let by_arn = call("GetSecretValue", json!({ "secretId": SECRET }), json!({}));
    assert_eq!(one(by_arn, named).0, some(SECRET));
    for answer in [json!({ "aRN": SECRET }), json!({ "arn": SECRET }), json!({ "ARN": SECRET })] {
        let answered = call("DeleteSecret", json!({ "secretId": "ledger/db" }), answer);
        assert_eq!(one(answered, named).0, some(SECRET));
    }
}

#[test]
fn a_batch_of_secrets_is_one_event_each_up_to_the_bound() {
    let many: Vec<String> = (0..300).map(|place| format!("s{place}")).collect();
    let batch = record(json!({
        "eventSource": "secretsmanager.amazonaws.com", "eventName": "BatchGetSecretValue", "resources": null,
        "requestParameters": { "secretIdList": many }
    }));
    let seen = each(&batch, |event| (event.ordinal, event.batch_size));
    assert_eq!((seen.len(), seen[254]), (255, (254, Some(300))));
}

#[test]
fn arns_are_found_in_sentences() {
    assert_eq!(
        first_in("Key 'arn:aws:kms:eu-west-1:1:key/a' does not exist", "kms"),
        Some("arn:aws:kms:eu-west-1:1:key/a")
    );
    assert_eq!(
        first_in("arn:aws:kms:eu-west-1:1:key/a is pending deletion.", "kms"),
        Some("arn:aws:kms:eu-west-1:1:key/a")
    );
    assert_eq!(first_in("User: arn:aws:iam::1:user/a on resource: *", "kms"), None);
    assert_eq!(
        Arn::parse("arn:aws:sts::1:assumed-role/aws:ec2-infrastructure/i-1").unwrap().resource,
        "assumed-role/aws:ec2-infrastructure/i-1"
    );
    assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
}
