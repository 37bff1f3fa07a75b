//! What the tests of each topic share: a plain record, changes to it, and a look at its events.

mod asides;
mod callers;
mod documents;
mod keys;
mod outcomes;
mod paths;
mod prefilter;
mod rejects;

use serde_json::{Value, json};

use super::{normalize, normalize_plain};
use crate::domain::event::KeyEvent;
use crate::domain::reject::Reject;
use crate::normalize::{Arena, Normalized};

const ACCOUNT: &str = "310987654321";
const KEY: &str = "arn:aws:kms:eu-central-1:310987654321:key/5a0c9e11-7f3b-4d7e-9c55-0d8e1b6f2a41";
const OTHER_KEY: &str = "arn:aws:kms:eu-central-1:310987654321:key/6b1d0f22-8a4c-4e8f-8d66-1e9f2c703b52";
const ALIAS: &str = "arn:aws:kms:eu-central-1:310987654321:alias/ledger";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:310987654321:secret:ledger/db-Qw3rTy";

/// A role's Decrypt, with `changes` to its members; a member changed to null is taken out.
fn record(changes: Value) -> String {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::310987654321:assumed-role/ledger-writer/run-7",
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAFIXTURE000000001",
            "sessionContext": { "sessionIssuer": { "arn": "arn:aws:iam::310987654321:role/services/ledger-writer" } }
        },
        "eventTime": "2026-09-01T07:00:00Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": "Decrypt",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.20",
        "userAgent": "aws-sdk-rust/1.3.14",
        "requestParameters": { "encryptionAlgorithm": "SYMMETRIC_DEFAULT" },
        "responseElements": null,
        "eventID": "f1c70e00-0000-4000-8000-000000000001",
        "resources": [{ "accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": KEY }],
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT
    });
    let members = record.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    record.to_string()
}

fn each<T>(record: &str, take: impl Fn(&KeyEvent<'_>) -> T) -> Vec<T> {
    let arena = Arena::new();
    let mut taken = Vec::new();
    let result = normalize(record.as_bytes(), &arena, &mut |event| taken.push(take(event)));
    assert_eq!(result, Ok(Normalized::Events(u8::try_from(taken.len()).unwrap())), "{record}");
    taken
}

/// What `take` makes of the one event of a changed record.
fn one<T>(changes: Value, take: impl Fn(&KeyEvent<'_>) -> T) -> T {
    let mut taken = each(&record(changes), take);
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

/// The reject of a record, which is the same on both paths.
fn reject_of(record: &[u8]) -> Reject {
    let arena = Arena::new();
    let fast = normalize(record, &arena, &mut |_| panic!("a reject gives no event")).unwrap_err();
    let plain = normalize_plain(record, &arena, &mut |_| panic!("a reject gives no event")).unwrap_err();
    assert_eq!(fast, plain);
    fast
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}
