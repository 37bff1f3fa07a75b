//! Misuse that shows in a Vault or OpenBao audit file.

use serde_json::json;

use super::{Misuse, change, violation};
use crate::domain::verdict::{Aspect, Verdict};
use crate::pipeline::generate::Call;
use crate::pipeline::generate::cast::{
    CUSTOMER_RECORDS, ISSUING_CA, RELEASE_SIGNING, SCRATCHPAD, SHOP_PASSWORD,
};
use crate::pipeline::generate::vault::{Call as VaultCall, Caller};

pub const FAMILIES: &[Misuse] = &[
    violation(
        "the release job computes MACs with the release-signing key, and the engine lets it",
        &[Aspect::Function],
        &["KP-001"],
        |_| {
            let call = update("transit/hmac/release-signing", Caller::AppRole("release-ci"), RELEASE_SIGNING);
            done(call.asking(json!({ "input": "session" })).answered(json!({ "hmac": "vault:v1:mac" })))
        },
    ),
    violation(
        "the release job encrypts with the RSA key that it signs with",
        &[Aspect::Function],
        &["KP-001"],
        |_| {
            let call =
                update("transit/encrypt/release-signing", Caller::AppRole("release-ci"), RELEASE_SIGNING);
            let answer = json!({ "ciphertext": "vault:v1:sealed", "key_version": 1 });
            done(call.asking(json!({ "plaintext": "build cache" })).answered(answer))
        },
    ),
    violation(
        "the reporting job decrypts customer records, which it was never declared to do",
        &[Aspect::Principal],
        &["KP-004"],
        |_| {
            let call =
                update("transit/decrypt/customer-records", Caller::AppRole("reporting"), CUSTOMER_RECORDS);
            let answer = json!({ "plaintext": "customer 17" });
            done(call.asking(json!({ "ciphertext": "vault:v3:17" })).answered(answer))
        },
    ),
    violation(
        "a person tries to decrypt a customer record, which policy denies",
        &[Aspect::Principal],
        &[],
        |_| {
            let call = update("transit/decrypt/customer-records", Caller::User("dave"), CUSTOMER_RECORDS);
            done(call.asking(json!({ "ciphertext": "vault:v3:18" })).denied())
        },
    ),
    violation(
        "a customer record is encrypted with a version of the key that was given up",
        &[Aspect::Version],
        &["KP-069"],
        |_| {
            let call = update("transit/encrypt/customer-records", Caller::AppRole("crm"), CUSTOMER_RECORDS);
            let answer = json!({ "ciphertext": "vault:v1:19", "key_version": 1 });
            done(call.asking(json!({ "plaintext": "customer 19", "key_version": 1 })).answered(answer))
        },
    ),
    violation("the customer-records key itself is exported", &[Aspect::Function], &["KP-030"], |_| {
        let path = "transit/export/encryption-key/customer-records";
        let call = VaultCall::new("read", path, Caller::User("dave")).about(CUSTOMER_RECORDS);
        let answer =
            json!({ "name": "customer-records", "type": "aes256-gcm96", "keys": { "3": "material" } });
        done(call.answered(answer))
    }),
    violation("the customer-records key is backed up in clear", &[Aspect::Function], &["KP-032"], |_| {
        let path = "transit/backup/customer-records";
        let call = VaultCall::new("read", path, Caller::User("dave")).about(CUSTOMER_RECORDS);
        done(call.answered(json!({ "backup": "everything" })))
    }),
    violation(
        "a customer record is decrypted with the root token",
        &[Aspect::Principal],
        &["KP-110"],
        |_| {
            let call = update("transit/decrypt/customer-records", Caller::Root, CUSTOMER_RECORDS);
            let answer = json!({ "plaintext": "customer 20" });
            done(call.asking(json!({ "ciphertext": "vault:v3:20" })).answered(answer))
        },
    ),
    violation(
        "a certificate is signed word for word as the requester wrote it",
        &[Aspect::Principal],
        &["KP-112", "KP-113"],
        |_| {
            let call = update("pki_int/sign-verbatim", Caller::AppRole("reporting"), ISSUING_CA);
            let answer = json!({ "certificate": "certificate", "serial_number": "1f:aa", "expiration": 1_800_000_000 });
            done(call.asking(json!({ "csr": "request" })).answered(answer))
        },
    ),
    violation(
        "the reporting job reads the shop database's password",
        &[Aspect::Principal],
        &["KP-004"],
        |_| {
            let call = VaultCall::new("read", "kv/data/shop/database", Caller::AppRole("reporting"));
            let secret = json!({ "username": "shop", "password": "secret" });
            let metadata = json!({ "version": 4, "destroyed": false });
            done(call.answered(json!({ "data": secret, "metadata": metadata })).about(SHOP_PASSWORD))
        },
    ),
    Misuse {
        story: "a misspelt key name makes a new key, which nobody declared",
        verdict: Some(Verdict::Undeclared),
        aspects: &[],
        detectors: &["KP-016", "KP-017"],
        calls: |_| {
            let path = "transit/encrypt/scratchpad";
            let call = VaultCall::new("create", path, Caller::AppRole("crm")).about(SCRATCHPAD);
            let answer = json!({ "ciphertext": "vault:v1:21", "key_version": 1 });
            done(call.asking(json!({ "plaintext": "customer 21" })).answered(answer))
        },
    },
    violation(
        "the customer-records key is made exportable, which can never be undone",
        &[Aspect::Principal],
        &["KP-031"],
        |_| done(configured(json!({ "exportable": true }))),
    ),
    violation("the customer-records key may now be deleted", &[Aspect::Principal], &["KP-060"], |_| {
        done(configured(json!({ "deletion_allowed": true })))
    }),
    change("the audit device is switched off", &["KP-115"], |_| {
        done(VaultCall::new("delete", "sys/audit/file", Caller::User("dave")))
    }),
];

fn update(path: &'static str, caller: Caller, key: &'static str) -> VaultCall {
    VaultCall::new("update", path, caller).about(key)
}

/// A change to the customer-records key by somebody who is not its administrator.
fn configured(request: serde_json::Value) -> VaultCall {
    update("transit/keys/customer-records/config", Caller::User("dave"), CUSTOMER_RECORDS).asking(request)
}

fn done(call: VaultCall) -> Vec<Call> {
    vec![call.into()]
}
