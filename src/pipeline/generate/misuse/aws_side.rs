//! Misuse that shows in CloudTrail.

use serde_json::{Value, json};

use super::{Misuse, change, violation};
use crate::domain::verdict::{Aspect, Verdict};
use crate::pipeline::generate::aws::{Call as AwsCall, Caller};
use crate::pipeline::generate::cast::{
    ARCHIVE, BACKUP_WRAPPING, DATABASE_PASSWORD, DECOY, FIRMWARE, FOREIGN, MODEL_SIGNING, MODEL_WEIGHTS,
    ORDERS, ORDERS_BUCKET, SCRATCH, SESSION_MAC, SESSION_MAC_ABROAD, STRANGER,
};
use crate::pipeline::generate::routine::{mac, secret_fetched_by, signing};
use crate::pipeline::generate::{Call, random::Random};

pub const FAMILIES: &[Misuse] = &[
    violation(
        "an orders application takes data keys from a key declared only to encrypt and decrypt",
        &[Aspect::Function],
        &["KP-001"],
        |_| {
            let request =
                json!({ "keyId": ORDERS, "keySpec": "AES_256", "encryptionContext": { "tenant": "acme" } });
            kms("GenerateDataKey", "orders-api", ORDERS, request)
        },
    ),
    violation(
        "the nightly export decrypts order records, which it was never declared to do",
        &[Aspect::Principal],
        &["KP-004"],
        |_| kms("Decrypt", "etl-nightly", ORDERS, orders_for("globex")),
    ),
    violation(
        "a person decrypts order records from a terminal",
        &[Aspect::Principal, Aspect::Caller],
        &["KP-004", "KP-006"],
        |_| vec![AwsCall::kms("Decrypt", Caller::User("bert"), ORDERS).asking(orders_for("acme")).into()],
    ),
    violation(
        "an application goes round S3 and opens a document's data key itself",
        &[Aspect::Via],
        &["KP-005"],
        |_| {
            let context = json!({ "aws:s3:arn": "arn:aws:s3:::harbour-orders/0007/41.pdf" });
            kms("Decrypt", "orders-api", ORDERS_BUCKET, symmetric(&context))
        },
    ),
    violation(
        "order records are encrypted for a tenant that does not exist",
        &[Aspect::Context],
        &["KP-007"],
        |_| kms("Encrypt", "orders-worker", ORDERS, orders_for("hooli")),
    ),
    violation("order records are encrypted for no tenant at all", &[Aspect::Context], &["KP-008"], |_| {
        let request = json!({ "keyId": ORDERS, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" });
        kms("Encrypt", "orders-worker", ORDERS, request)
    }),
    violation(
        "session cookies are authenticated with the key's replica on another continent",
        &[Aspect::Region],
        &["KP-012"],
        |_| {
            let call = AwsCall::kms("GenerateMac", Caller::Role("web-gateway"), SESSION_MAC_ABROAD);
            vec![AwsCall { region: "us-east-1", ..call.asking(mac(SESSION_MAC_ABROAD)) }.into()]
        },
    ),
    violation(
        "session cookies are authenticated from an address outside the company's network",
        &[Aspect::Network],
        &["KP-020"],
        |_| {
            let call = AwsCall::kms("GenerateMac", Caller::Role("web-gateway"), SESSION_MAC);
            vec![AwsCall { address: Some("198.51.100.77"), ..call.asking(mac(SESSION_MAC)) }.into()]
        },
    ),
    violation(
        "an account that nobody knows decrypts order records",
        &[Aspect::Principal, Aspect::Account],
        &["KP-004", "KP-011"],
        |_| {
            vec![
                AwsCall::kms("Decrypt", Caller::Foreign(STRANGER), ORDERS)
                    .asking(orders_for("initech"))
                    .into(),
            ]
        },
    ),
    violation(
        "a model is signed with an older padding than the declared one",
        &[Aspect::Algorithm],
        &["KP-003"],
        |_| {
            let request = json!({
                "keyId": MODEL_SIGNING, "messageType": "DIGEST", "signingAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
            });
            kms("Sign", "model-release", MODEL_SIGNING, request)
        },
    ),
    violation("a model is signed over TLS 1.1", &[Aspect::Requirement], &["KP-021"], |_| {
        let call = AwsCall::kms("Sign", Caller::Role("model-release"), MODEL_SIGNING);
        vec![AwsCall { tls: "TLSv1.1", ..call.asking(signing(MODEL_SIGNING)) }.into()]
    }),
    violation(
        "the release job tries to encrypt with the model-signing key, which KMS refuses",
        &[Aspect::Function],
        &["KP-001", "KP-002"],
        |_| {
            let request = json!({ "keyId": MODEL_SIGNING, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" });
            vec![
                AwsCall::kms("Encrypt", Caller::Role("model-release"), MODEL_SIGNING)
                    .asking(request)
                    .failing("InvalidKeyUsageException", "The key usage of this key is SIGN_VERIFY.")
                    .into(),
            ]
        },
    ),
    violation(
        "the nightly export tries to sign a model, which policy denies",
        &[Aspect::Principal],
        &[],
        |_| {
            vec![
                AwsCall::kms("Sign", Caller::Role("etl-nightly"), MODEL_SIGNING)
                    .asking(signing(MODEL_SIGNING))
                    .failing("AccessDenied", "User: etl-nightly is not authorized to perform: kms:Sign")
                    .into(),
            ]
        },
    ),
    violation(
        "the model weights are opened outside of the enclave",
        &[Aspect::Attestation],
        &["KP-019"],
        |_| {
            let request = json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" });
            kms("Decrypt", "model-gateway", MODEL_WEIGHTS, request)
        },
    ),
    violation(
        "something new is encrypted with the retired archive key",
        &[Aspect::State],
        &["KP-063"],
        |_| {
            let request = json!({ "keyId": ARCHIVE, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" });
            kms("Encrypt", "backup-runner", ARCHIVE, request)
        },
    ),
    violation(
        "something is signed with a key that is known to have leaked",
        &[Aspect::State],
        &["KP-064"],
        |_| kms("Sign", "model-release", FIRMWARE, signing(FIRMWARE)),
    ),
    violation("somebody tries the decoy key", &[Aspect::Principal], &["KP-139"], |_| {
        kms("Decrypt", "etl-nightly", DECOY, json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
    }),
    violation(
        "the nightly export reads the orders database's password",
        &[Aspect::Principal],
        &["KP-004"],
        |random| secret_fetched_by("etl-nightly", random),
    ),
    violation(
        "order records are re-encrypted to a key of an unknown account, as ransomware does",
        &[Aspect::Function, Aspect::Principal],
        &["KP-001", "KP-100"],
        reencryption_to_a_foreign_key,
    ),
    Misuse {
        story: "data keys are taken from a key that nobody declared",
        verdict: Some(Verdict::Undeclared),
        aspects: &[],
        detectors: &["KP-016"],
        calls: |_| {
            let request = json!({ "keyId": SCRATCH, "keySpec": "AES_256" });
            kms("GenerateDataKey", "etl-nightly", SCRATCH, request)
        },
    },
    violation(
        "the model-signing key is opened to everybody by a policy that also locks its keepers out",
        &[Aspect::Principal],
        &["KP-040", "KP-041"],
        |_| {
            let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;
            let request = json!({
                "keyId": MODEL_SIGNING, "policyName": "default", "policy": policy, "bypassPolicyLockoutSafetyCheck": true,
            });
            change_by("bert", "PutKeyPolicy", MODEL_SIGNING, request)
        },
    ),
    violation("an unknown account is granted the orders key", &[Aspect::Principal], &["KP-042"], |_| {
        let request = json!({
            "keyId": ORDERS,
            "granteePrincipal": "arn:aws:iam::999988887777:role/collector",
            "operations": ["Decrypt", "CreateGrant"],
        });
        change_by("bert", "CreateGrant", ORDERS, request)
    }),
    violation(
        "the backup key is scheduled for deletion, as soon as KMS allows",
        &[Aspect::Principal],
        &["KP-060"],
        |_| {
            let request = json!({ "keyId": BACKUP_WRAPPING, "pendingWindowInDays": 7 });
            change_by("bert", "ScheduleKeyDeletion", BACKUP_WRAPPING, request)
        },
    ),
    violation("the backup key's rotation is switched off", &[Aspect::Principal], &["KP-067"], |_| {
        change_by("bert", "DisableKeyRotation", BACKUP_WRAPPING, json!({ "keyId": BACKUP_WRAPPING }))
    }),
    change(
        "key material from outside, good for three days, is imported into a key nobody declared",
        &["KP-035"],
        |_| {
            let request = json!({
                "keyId": SCRATCH, "expirationModel": "KEY_MATERIAL_EXPIRES", "validTo": "Nov 27, 2026, 8:00:00 AM",
            });
            change_by("bert", "ImportKeyMaterial", SCRATCH, request)
        },
    ),
    change("a key is created by hand, past the pipeline", &["KP-017"], |_| {
        let request =
            json!({ "keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT", "origin": "EXTERNAL" });
        change_by("bert", "CreateKey", SCRATCH, request)
    }),
    change("the orders database's password is deleted for good", &["KP-070"], |_| {
        let request = json!({ "secretId": DATABASE_PASSWORD, "forceDeleteWithoutRecovery": true });
        vec![
            AwsCall::new("secretsmanager", "DeleteSecret", Caller::User("bert"))
                .asking(request)
                .writing()
                .into(),
        ]
    }),
    change("the trail is stopped", &["KP-130"], |_| {
        let request = json!({ "name": "arn:aws:cloudtrail:eu-west-1:123456789012:trail/main" });
        vec![AwsCall::new("cloudtrail", "StopLogging", Caller::User("bert")).asking(request).writing().into()]
    }),
    change("KMS is taken out of the trail", &["KP-131"], |_| {
        let selector = json!({
            "readWriteType": "All",
            "includeManagementEvents": true,
            "dataResources": [],
            "excludeManagementEventSources": ["kms.amazonaws.com"],
        });
        let request = json!({ "trailName": "main", "eventSelectors": [selector] });
        vec![
            AwsCall::new("cloudtrail", "PutEventSelectors", Caller::User("bert"))
                .asking(request)
                .writing()
                .into(),
        ]
    }),
];

fn kms(action: &'static str, role: &'static str, key: &'static str, request: Value) -> Vec<Call> {
    vec![AwsCall::kms(action, Caller::Role(role), key).asking(request).into()]
}

fn change_by(user: &'static str, action: &'static str, key: &'static str, request: Value) -> Vec<Call> {
    vec![AwsCall::kms(action, Caller::User(user), key).asking(request).writing().into()]
}

fn symmetric(context: &Value) -> Value {
    json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context })
}

fn orders_for(tenant: &str) -> Value {
    json!({
        "keyId": ORDERS,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": { "tenant": tenant },
    })
}

/// One record, two uses: the label is about the source key.
fn reencryption_to_a_foreign_key(_: &mut Random) -> Vec<Call> {
    let call = AwsCall::kms("ReEncrypt", Caller::Role("etl-nightly"), ORDERS).asking(json!({
        "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "sourceEncryptionContext": { "tenant": "acme" },
        "destinationKeyId": FOREIGN,
        "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "destinationEncryptionContext": { "tenant": "acme" },
    }));
    vec![AwsCall { resources: vec![ORDERS, FOREIGN], ..call }.into()]
}
