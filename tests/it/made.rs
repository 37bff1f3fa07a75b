//! Records made up for the tests of the whole program, in the shape of the real ones.

use std::io::Write;

use serde_json::{Value, json};

use crate::support::{Keyward, Run};

/// The key of [`decrypt`].
pub const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/88acedf4-6299-4d1c-83e4-474181999ca8";

/// A catalog that declares this key and the one of [`request`] and [`response`], which conform to it.
pub const CATALOG: &str = "\
version: 1
keys:
  - id: orders-encryption
    keys: [\"arn:aws:kms:eu-west-1:111122223333:key/88acedf4-6299-4d1c-83e4-474181999ca8\"]
    purpose: data-encryption
    principals: [\"arn:aws:iam::111122223333:role/orders-*\"]
    owner: team-orders
  - id: orders-transit
    keys: [\"vault:transit/orders\"]
    purpose: data-encryption
    principals: [\"approle:orders-api\"]
    owner: team-orders
";

/// The `number`-th decryption by an orders role: one second after the one before it.
pub fn decrypt(number: usize) -> Value {
    let (minute, second) = (number / 60 % 60, number % 60);
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLEORDERSAPI:worker-1",
            "arn": "arn:aws:sts::111122223333:assumed-role/orders-api/worker-1",
            "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLEORDERSAPI",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": "AROAEXAMPLEORDERSAPI",
                    "arn": "arn:aws:iam::111122223333:role/orders-api",
                    "accountId": "111122223333", "userName": "orders-api"
                },
                "attributes": { "creationDate": "2026-11-20T07:55:00Z", "mfaAuthenticated": "false" }
            }
        },
        "eventTime": format!("2026-11-20T08:{minute:02}:{second:02}Z"),
        "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "awsRegion": "eu-west-1",
        "sourceIPAddress": "10.20.3.4", "userAgent": "aws-sdk-java/2.29.1",
        "requestParameters": { "keyId": KEY, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" },
        "responseElements": null,
        "requestID": format!("82460c28-d174-4507-bd8b-{number:012}"),
        "eventID": format!("8c894557-f75c-4ee5-94cd-{number:012}"),
        "readOnly": true,
        "resources": [{ "accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": KEY }],
        "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

/// A scheduled deletion of the key: a detector that needs no catalog fires on it.
pub fn deletion(number: usize) -> Value {
    let request = json!({ "keyId": KEY, "pendingWindowInDays": 7 });
    let record = with(decrypt(number), "/eventName", json!("ScheduleKeyDeletion"));
    with(with(record, "/requestParameters", request), "/readOnly", json!(false))
}

/// Vault's entry before the `number`-th encryption with a transit key.
pub fn request(number: usize) -> Value {
    json!({
        "time": format!("2026-11-20T09:{:02}:{:02}.482913675Z", number / 60 % 60, number % 60),
        "type": "request",
        "auth": {
            "client_token": "hmac-sha256:e3b98a4da31a", "accessor": "hmac-sha256:ca978112ca1b",
            "display_name": "approle", "policies": ["orders"], "policy_results": { "allowed": true },
            "metadata": { "role_name": "orders-api" }, "token_type": "service", "token_ttl": 3600
        },
        "request": {
            "id": format!("00000000-0000-4000-8000-{number:012}"), "operation": "update",
            "mount_point": "transit/", "mount_type": "transit", "mount_class": "secret",
            "namespace": { "id": "root" }, "path": "transit/encrypt/orders", "remote_address": "10.1.2.3",
            "data": { "plaintext": "hmac-sha256:148de9c5a7a4" }
        }
    })
}

/// Vault's entry after it.
pub fn response(number: usize) -> Value {
    let data = json!({ "ciphertext": "hmac-sha256:2e7d2c03a950", "key_version": 2 });
    let mut entry = with(request(number), "/type", json!("response"));
    entry["response"] = json!({ "mount_type": "transit", "mount_class": "secret", "data": data });
    entry
}

/// `record` with another value at a JSON pointer, whose parent must be there.
pub fn with(mut record: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    record.pointer_mut(parent).unwrap()[name] = value;
    record
}

/// JSON lines.
pub fn lines(records: impl IntoIterator<Item = Value>) -> String {
    records.into_iter().map(|record| format!("{record}\n")).collect()
}

/// The file that CloudTrail writes to S3.
pub fn delivered(records: impl IntoIterator<Item = Value>) -> String {
    json!({ "Records": records.into_iter().collect::<Vec<_>>() }).to_string()
}

/// Packed with gzip.
pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Packed with zstd.
pub fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).unwrap()
}

/// One detector, that every use of a key sets off: quick to load, and easy to count.
pub const EVERY_USE: &str = "\
id: XX-001
title: Every use
level: low
status: stable
match: category = 'use'
";

/// The program in a folder with the detector [`EVERY_USE`] in `rules` and the [`CATALOG`].
pub fn keyward() -> Keyward {
    Keyward::new().file("rules/every-use.yaml", EVERY_USE).file("catalog.yaml", CATALOG)
}

/// Scans `path` for every use with `args`, as JSON lines.
pub fn scan_uses(keyward: &Keyward, path: &str, args: &[&str]) -> Run {
    keyward.args(["scan", path, "--detectors", "rules", "--format", "json"]).args(args)
}
