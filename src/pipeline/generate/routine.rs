//! An ordinary minute at the company: calls that fit what the catalog declares, or that touch no key.

use serde_json::{Value, json};

use super::Call;
use super::cast::{
    APP_SECRETS, ARCHIVE, AWS_S3, AWS_S3_ALIAS, BACKUP_WRAPPING, CUSTOMER_RECORDS, DATABASE_PASSWORD,
    ENCLAVE_IMAGE, ISSUING_CA, MIGRATION, MODEL_SIGNING, MODEL_WEIGHTS, ORDERS, ORDERS_ALIAS, ORDERS_APPS,
    ORDERS_BUCKET, RELEASE_SIGNING, SESSION_MAC, SHOP_PASSWORD, TENANTS,
};
use super::random::Random;
use super::{aws, vault};

/// What the S3 and Parameter Store calls of an application say of themselves.
const AWS_INTERNAL: &str = "AWS Internal";
const SECRETS_MANAGER: &str = "secretsmanager.amazonaws.com";

/// One thing that the company does, and how often beside the others.
type Habit = (u64, fn(&mut Random) -> Vec<Call>);

const HABITS: &[Habit] = &[
    (18, orders),
    (14, order_documents),
    (5, fetch_database_password),
    (5, read_parameter),
    (2, sign_model),
    (4, verify_model),
    (2, open_weights),
    (10, session_cookie),
    (2, wrap_backup),
    (1, read_archive),
    (4, default_bucket),
    (2, look_round),
    (1, rotate),
    (16, other_calls),
    (14, customer_records),
    (3, release),
    (6, login_token),
    (3, backup_key),
    (2, certificate),
    (5, shop_password),
    (3, look_up_token),
    (2, log_in),
];

/// The calls of one habit, drawn by weight.
pub fn calls(random: &mut Random, micros: i64) -> Vec<Call> {
    if MIGRATION.contains(&micros) && random.chance(1, 120) {
        return migration(random);
    }
    let mut ticket = random.below(HABITS.iter().map(|(weight, _)| weight).sum());
    for (weight, habit) in HABITS {
        if ticket < *weight {
            return habit(random);
        }
        ticket -= weight;
    }
    Vec::new()
}

fn role(name: &'static str) -> aws::Caller {
    aws::Caller::Role(name)
}

fn tenant_context(random: &mut Random, key: &str) -> Value {
    json!({
        "keyId": key,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": { "tenant": random.word(TENANTS) },
    })
}

fn orders(random: &mut Random) -> Vec<Call> {
    let action = random.word(&["Encrypt", "Decrypt", "Decrypt"]);
    let named = if random.chance(1, 3) { ORDERS_ALIAS } else { ORDERS };
    let request = tenant_context(random, named);
    vec![aws::Call::kms(action, role(random.word(ORDERS_APPS)), ORDERS).asking(request).into()]
}

/// Under EX-7: the migration is no principal of the key, and an exception lets it be.
fn migration(random: &mut Random) -> Vec<Call> {
    let request = tenant_context(random, ORDERS);
    vec![aws::Call::kms("Decrypt", role("migrator"), ORDERS).asking(request).into()]
}

/// S3 shows itself only through the context; its Decrypts name no key in the request.
fn order_documents(random: &mut Random) -> Vec<Call> {
    let caller = aws::Caller::For { role: random.word(ORDERS_APPS), service: AWS_INTERNAL };
    let object = format!("arn:aws:s3:::harbour-orders/{:04}/{}.pdf", random.below(400), random.below(90_000));
    let context = json!({ "aws:s3:arn": object });
    vec![if random.chance(1, 3) {
        let request = json!({ "keyId": ORDERS_BUCKET, "keySpec": "AES_256", "encryptionContext": context });
        aws::Call::kms("GenerateDataKey", caller, ORDERS_BUCKET).asking(request).into()
    } else {
        let request = json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context });
        aws::Call::kms("Decrypt", caller, ORDERS_BUCKET).asking(request).into()
    }]
}

fn fetch_database_password(random: &mut Random) -> Vec<Call> {
    secret_fetched_by(random.word(ORDERS_APPS), random)
}

/// Reading a secret leaves two records: the read, and the service's Decrypt on the caller's behalf.
pub fn secret_fetched_by(name: &'static str, random: &mut Random) -> Vec<Call> {
    let context = json!({ "SecretARN": DATABASE_PASSWORD, "SecretVersionId": random.uuid() });
    let request = json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context });
    let behind = aws::Caller::For { role: name, service: SECRETS_MANAGER };
    vec![
        aws::Call::new("secretsmanager", "GetSecretValue", role(name))
            .asking(json!({ "secretId": DATABASE_PASSWORD }))
            .into(),
        aws::Call::kms("Decrypt", behind, APP_SECRETS).asking(request).into(),
    ]
}

fn read_parameter(random: &mut Random) -> Vec<Call> {
    let caller = aws::Caller::For { role: "web-gateway", service: AWS_INTERNAL };
    let name = random.word(&["theme", "mail-relay", "limits"]);
    let parameter = format!("arn:aws:ssm:eu-west-1:123456789012:parameter/web/{name}");
    let request = json!({
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": { "PARAMETER_ARN": parameter },
    });
    vec![aws::Call::kms("Decrypt", caller, APP_SECRETS).asking(request).into()]
}

/// What a signing call with the declared algorithm asks.
pub fn signing(key: &str) -> Value {
    json!({ "keyId": key, "messageType": "DIGEST", "signingAlgorithm": "RSASSA_PSS_SHA_256" })
}

fn sign_model(_: &mut Random) -> Vec<Call> {
    vec![aws::Call::kms("Sign", role("model-release"), MODEL_SIGNING).asking(signing(MODEL_SIGNING)).into()]
}

fn verify_model(_: &mut Random) -> Vec<Call> {
    vec![aws::Call::kms("Verify", role("model-gateway"), MODEL_SIGNING).asking(signing(MODEL_SIGNING)).into()]
}

fn open_weights(_: &mut Random) -> Vec<Call> {
    let call = aws::Call::kms("Decrypt", role("model-gateway"), MODEL_WEIGHTS)
        .asking(json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" }));
    let recipient = json!({
        "attestationDocumentModuleId": "i-04d1f7a90b3c5e826-enc0199a4c7e2b3d5f1",
        "attestationDocumentEnclaveImageDigest": ENCLAVE_IMAGE,
    });
    vec![aws::Call { additional: Some(json!({ "recipient": recipient })), ..call }.into()]
}

/// What a MAC call asks.
pub fn mac(key: &str) -> Value {
    json!({ "keyId": key, "macAlgorithm": "HMAC_SHA_256" })
}

fn session_cookie(random: &mut Random) -> Vec<Call> {
    let action = random.word(&["GenerateMac", "VerifyMac", "VerifyMac"]);
    vec![aws::Call::kms(action, role("web-gateway"), SESSION_MAC).asking(mac(SESSION_MAC)).into()]
}

fn wrap_backup(random: &mut Random) -> Vec<Call> {
    let action = random.word(&["GenerateDataKey", "Decrypt"]);
    let request = if action == "Decrypt" {
        json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" })
    } else {
        json!({ "keyId": BACKUP_WRAPPING, "keySpec": "AES_256" })
    };
    vec![aws::Call::kms(action, role("backup-runner"), BACKUP_WRAPPING).asking(request).into()]
}

/// Right although the key is deactivated: it only reads back.
fn read_archive(_: &mut Random) -> Vec<Call> {
    let request = json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" });
    vec![aws::Call::kms("Decrypt", role("backup-runner"), ARCHIVE).asking(request).into()]
}

/// A bucket without a key of its own falls back on AWS's.
fn default_bucket(random: &mut Random) -> Vec<Call> {
    let caller = aws::Caller::For { role: "web-gateway", service: AWS_INTERNAL };
    let request = json!({
        "keyId": AWS_S3_ALIAS,
        "keySpec": "AES_256",
        "encryptionContext": { "aws:s3:arn": format!("arn:aws:s3:::harbour-site/{}.png", random.below(300)) },
    });
    vec![aws::Call::kms("GenerateDataKey", caller, AWS_S3).asking(request).into()]
}

fn look_round(random: &mut Random) -> Vec<Call> {
    if random.chance(1, 2) {
        return vec![aws::Call::new("kms", "ListAliases", role("cspm")).into()];
    }
    let key = random.pick(&[ORDERS, MODEL_SIGNING, BACKUP_WRAPPING]).copied().unwrap_or(ORDERS);
    vec![aws::Call::kms("DescribeKey", role("cspm"), key).asking(json!({ "keyId": key })).into()]
}

fn rotate(random: &mut Random) -> Vec<Call> {
    if random.chance(1, 12) {
        return vec![aws::Call::kms("RotateKey", aws::Caller::Aws, BACKUP_WRAPPING).writing().into()];
    }
    let call = aws::Call::kms("EnableKeyRotation", role("terraform"), BACKUP_WRAPPING);
    vec![call.asking(json!({ "keyId": BACKUP_WRAPPING })).writing().into()]
}

/// Most of what a trail holds touches no key at all.
fn other_calls(random: &mut Random) -> Vec<Call> {
    let (service, action) = random
        .pick(&[
            ("s3", "GetBucketAcl"),
            ("ec2", "DescribeInstances"),
            ("logs", "CreateLogStream"),
            ("dynamodb", "DescribeTable"),
            ("ecs", "ListTasks"),
        ])
        .copied()
        .unwrap_or(("s3", "ListBuckets"));
    let name = random.word(&["orders-api", "web-gateway", "backup-runner", "cspm"]);
    let request = json!({ "maxResults": 100, "name": format!("thing-{}", random.below(40)) });
    vec![aws::Call::new(service, action, role(name)).asking(request).into()]
}

fn customer_records(random: &mut Random) -> Vec<Call> {
    let number = random.below(5_000);
    let crm = vault::Caller::AppRole("crm");
    let (ciphertext, plaintext) = (format!("vault:v3:{number}"), format!("customer {number}"));
    vec![
        if random.chance(1, 3) {
            vault::Call::new("update", "transit/encrypt/customer-records", crm)
                .asking(json!({ "plaintext": plaintext }))
                .answered(json!({ "ciphertext": ciphertext, "key_version": 3 }))
        } else {
            vault::Call::new("update", "transit/decrypt/customer-records", crm)
                .asking(json!({ "ciphertext": ciphertext }))
                .answered(json!({ "plaintext": plaintext }))
        }
        .about(CUSTOMER_RECORDS)
        .into(),
    ]
}

fn release(random: &mut Random) -> Vec<Call> {
    let input = format!("release {}", random.below(900));
    let signature = format!("vault:v1:signature of {input}");
    let by = vault::Caller::AppRole("release-ci");
    vec![
        if random.chance(1, 2) {
            vault::Call::new("update", "transit/sign/release-signing/sha2-256", by)
                .asking(json!({ "input": input }))
                .answered(json!({ "signature": signature, "key_version": 1 }))
        } else {
            vault::Call::new("update", "transit/verify/release-signing/sha2-256", by)
                .asking(json!({ "input": input, "signature": signature }))
                .answered(json!({ "valid": true }))
        }
        .about(RELEASE_SIGNING)
        .into(),
    ]
}

fn login_token(random: &mut Random) -> Vec<Call> {
    let identity = vault::Caller::AppRole("identity");
    vec![
        vault::Call::new("update", "transit/sign/login-tokens/sha2-256", identity)
            .asking(json!({ "input": format!("token {}", random.number()) }))
            .answered(json!({ "signature": format!("vault:v1:{}", random.number()), "key_version": 1 }))
            .into(),
    ]
}

fn backup_key(random: &mut Random) -> Vec<Call> {
    let number = random.below(700);
    let ciphertext = format!("vault:v1:data key {number}");
    let backup = vault::Caller::AppRole("backup");
    vec![if random.chance(1, 2) {
        vault::Call::new("update", "transit/datakey/wrapped/backup-keys", backup)
            .asking(json!({ "bits": 256 }))
            .answered(json!({ "ciphertext": ciphertext, "key_version": 1 }))
            .into()
    } else {
        vault::Call::new("update", "transit/decrypt/backup-keys", backup)
            .asking(json!({ "ciphertext": ciphertext }))
            .answered(json!({ "plaintext": format!("data key {number}") }))
            .into()
    }]
}

fn certificate(random: &mut Random) -> Vec<Call> {
    let issuer = vault::Caller::Pod { namespace: "cert-manager", account: "issuer" };
    let name = format!("{}.harbour.internal", random.word(&["orders", "web", "crm"]));
    vec![vault::Call::new("update", "pki_int/sign/services", issuer)
        .asking(json!({ "common_name": name, "csr": "request", "ttl": "24h" }))
        .answered(json!({ "certificate": "certificate", "serial_number": random.uuid(), "expiration": 1_795_000_000 }))
        .about(ISSUING_CA)
        .into()]
}

fn shop_password(_: &mut Random) -> Vec<Call> {
    let storefront = vault::Caller::Pod { namespace: "shop", account: "storefront" };
    vec![vault::Call::new("read", "kv/data/shop/database", storefront)
        .answered(json!({ "data": { "username": "shop", "password": "secret" }, "metadata": { "version": 4, "destroyed": false } }))
        .about(SHOP_PASSWORD)
        .into()]
}

fn look_up_token(random: &mut Random) -> Vec<Call> {
    let caller = vault::Caller::AppRole(random.word(&["crm", "identity", "backup"]));
    vec![
        vault::Call::new("read", "auth/token/lookup-self", caller)
            .answered(json!({ "display_name": "approle", "ttl": 9_000 }))
            .into(),
    ]
}

fn log_in(random: &mut Random) -> Vec<Call> {
    let role = random.word(&["crm", "identity", "backup", "release-ci"]);
    let call = vault::Call::new("update", "auth/approle/login", vault::Caller::Nobody)
        .asking(json!({ "role_id": format!("id of {role}"), "secret_id": random.uuid() }));
    vec![vault::Call { logged_in: Some(vault::Caller::AppRole(role)), ..call }.into()]
}
