//! Secrets put into a log come out nowhere: not on standard output or error, not in any file of history.

use serde_json::{Value, json};

use crate::made::{decrypt, keyward, lines, response, with};
use crate::support::Keyward;

/// What every secret of these logs contains; it means nothing in base64 or hex.
pub const MARK: &str = "q9Zx7SecretMarkw3";

/// Other things that must not come out: as they are written, or with what JSON makes of them.
const KEY_TEXT: &str = "-----BEGIN PRIVATE KEY-----\nMIIEq9Zx7PrivateKeyw3\n-----END PRIVATE KEY-----\n";

/// A raw device's entry: `request` and `response` in clear.
fn raw(
    number: usize,
    mount: (&str, &str),
    operation: &str,
    path: &str,
    asked: Value,
    answered: Value,
) -> Value {
    let (kind, point) = mount;
    let mut entry = response(number);
    entry["auth"]["client_token"] = json!(format!("hvs.{MARK}"));
    entry["request"]["client_token"] = json!(format!("hvs.{MARK}"));
    for (name, value) in
        [("mount_type", kind), ("mount_point", point), ("operation", operation), ("path", path)]
    {
        entry["request"][name] = json!(value);
    }
    entry["request"]["data"] = asked;
    entry["request"]["headers"] = json!({ "x-vault-token": [format!("hvs.{MARK}")] });
    entry["response"] = json!({ "mount_type": kind, "data": answered });
    entry["response"]["auth"] = json!({ "client_token": format!("hvs.{MARK}"), "policies": ["default"] });
    entry["response"]["wrap_info"] = json!({ "token": format!("hvs.{MARK}"), "ttl": 60 });
    entry
}

pub fn vault_log() -> Vec<Value> {
    let s = format!("vault:v1:{MARK}==");
    let transit = ("transit", "transit/");
    vec![
        raw(
            1,
            transit,
            "update",
            "transit/encrypt/orders",
            json!({ "plaintext": s }),
            json!({ "ciphertext": s }),
        ),
        raw(
            2,
            transit,
            "update",
            "transit/decrypt/orders",
            json!({ "ciphertext": s }),
            json!({ "plaintext": s }),
        ),
        raw(
            3,
            transit,
            "update",
            "transit/encrypt/orders",
            json!({ "batch_input": [{ "plaintext": s, "context": "dGVuYW50" }] }),
            json!({ "batch_results": [{ "ciphertext": s }, { "error": s }] }),
        ),
        raw(
            4,
            transit,
            "read",
            "transit/export/signing-key/orders/1",
            json!(null),
            json!({ "keys": { "1": KEY_TEXT } }),
        ),
        raw(5, transit, "read", "transit/backup/orders", json!(null), json!({ "backup": s })),
        raw(
            6,
            transit,
            "update",
            "transit/datakey/plaintext/orders",
            json!({}),
            json!({ "plaintext": s, "ciphertext": s }),
        ),
        raw(
            7,
            ("pki", "pki/"),
            "update",
            "pki/issue/web",
            json!({ "common_name": "web" }),
            json!({ "private_key": KEY_TEXT }),
        ),
        raw(
            8,
            ("kv", "kv/"),
            "read",
            "kv/data/shop",
            json!(null),
            json!({ "data": { "password": s, "pin": 918_273_645 } }),
        ),
        raw(
            9,
            ("kv", "kv/"),
            "update",
            "kv/data/shop",
            json!({ "data": { "anything": { "deep": [s] } } }),
            json!({ "version": 2 }),
        ),
        raw(10, ("kv", "secret/"), "update", "secret/shop", json!({ "anything": s }), json!(null)),
        raw(
            11,
            ("approle", "auth/approle/"),
            "update",
            "auth/approle/login",
            json!({ "secret_id": s }),
            json!(null),
        ),
        raw(12, ("token", "auth/token/"), "update", "auth/token/create", json!({ "id": s }), json!(null)),
        with(
            raw(
                13,
                transit,
                "update",
                "transit/decrypt/orders",
                json!({ "ciphertext": s }),
                json!({ "error": s }),
            ),
            "/error",
            json!(format!("1 error occurred: could not decrypt {s}")),
        ),
        raw(
            14,
            ("novel", "novel/"),
            "update",
            "novel/thing",
            json!({ "token": s }),
            json!({ "secret_key": s }),
        ),
        raw(
            15,
            transit,
            "update",
            "transit/restore/orders",
            json!({ "backup": s, "force": true }),
            json!(null),
        ),
        raw(
            16,
            ("transit", "transit/"),
            "update",
            "transit/keys/orders/import",
            json!({ "ciphertext": s }),
            json!(null),
        ),
    ]
}

/// A Secrets Manager call; CloudTrail hides these fields, but a record made by hand may hold them.
fn aws(number: usize, source: &str, name: &str, asked: Value, answered: Value) -> Value {
    let record = with(with(decrypt(number), "/eventSource", json!(source)), "/eventName", json!(name));
    with(with(record, "/requestParameters", asked), "/responseElements", answered)
}

pub fn aws_log() -> Vec<Value> {
    let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-AbCdEf";
    let s = format!("{MARK}+/=");
    let (manager, kms) = ("secretsmanager.amazonaws.com", "kms.amazonaws.com");
    vec![
        aws(
            30,
            manager,
            "PutSecretValue",
            json!({ "secretId": secret, "secretString": s }),
            json!({ "arn": secret }),
        ),
        aws(
            31,
            manager,
            "CreateSecret",
            json!({ "name": "shop", "secretBinary": s }),
            json!({ "arn": secret }),
        ),
        aws(32, manager, "UpdateSecret", json!({ "secretId": secret, "secretString": s }), json!(null)),
        aws(33, manager, "GetSecretValue", json!({ "secretId": secret }), json!({ "secretString": s })),
        aws(34, kms, "Encrypt", json!({ "plaintext": s }), json!({ "ciphertextBlob": s })),
        aws(35, kms, "GenerateDataKey", json!({}), json!({ "plaintext": s, "ciphertextBlob": s })),
        aws(
            36,
            kms,
            "ImportKeyMaterial",
            json!({ "encryptedKeyMaterial": s, "importToken": s }),
            json!(null),
        ),
        aws(
            37,
            "iam.amazonaws.com",
            "CreateAccessKey",
            json!({ "userName": "a" }),
            json!({ "accessKey": { "accessKeyId": "AKIAEXAMPLE", "secretAccessKey": s, "userName": "a" } }),
        ),
        aws(
            38,
            "sts.amazonaws.com",
            "AssumeRole",
            json!({ "roleArn": "arn:aws:iam::111122223333:role/x" }),
            json!({ "credentials": { "sessionToken": s, "secretAccessKey": s, "accessKeyId": "ASIAEXAMPLE" } }),
        ),
        aws(
            39,
            "acm.amazonaws.com",
            "ExportCertificate",
            json!({ "passphrase": s }),
            json!({ "privateKey": KEY_TEXT }),
        ),
        aws(40, "acm.amazonaws.com", "ImportCertificate", json!({ "privateKey": KEY_TEXT }), json!(null)),
    ]
}

/// Records that cannot be understood and that hold secrets too.
fn damaged() -> String {
    let s = MARK;
    [
        format!("plain words and {s}"),
        format!("{{\"{s}\": \"{s}\", \"plaintext\": \"{s}\"}}"),
        with(
            aws(50, "kms.amazonaws.com", "Encrypt", json!({ "plaintext": s }), json!(null)),
            "/userIdentity",
            json!(s),
        )
        .to_string(),
        with(decrypt(51), "/eventTime", json!(s)).to_string(),
        with(decrypt(52), "/eventVersion", json!(s)).to_string(),
        with(response(53), "/time", json!(s)).to_string(),
        with(response(54), "/request", json!([s])).to_string(),
        format!("{s}: {}", &response(55).to_string()[..200]),
        format!("{{\"time\":\"{s}\",\"type\":\"response\",\"response\":{{\"data\":{{\"plaintext\":\"{s}"),
    ]
    .join("\n")
}

/// Where in `bytes` a secret stands, as text for the complaint.
pub fn leak(bytes: &[u8]) -> Option<String> {
    let marks = [MARK, "q9Zx7PrivateKeyw3", "918273645", "BEGIN PRIVATE"];
    marks.iter().find_map(|mark| {
        let place = bytes.windows(mark.len()).position(|window| window == mark.as_bytes())?;
        let around = &bytes[place.saturating_sub(200)..bytes.len().min(place + 40)];
        Some(String::from_utf8_lossy(around).into_owned())
    })
}

/// Every row of every table, as text.
fn all_rows(keyward: &Keyward) -> String {
    ["events", "findings", "rejects", "usage", "facts", "coverage", "catalog"]
        .map(|table| {
            let args = ["query", "--data", "data", "--format", "json", &format!("SELECT * FROM {table}")];
            let ran = keyward.args(args).run();
            assert_eq!(ran.code, Some(0), "{table} {}", ran.stderr);
            ran.stdout
        })
        .concat()
}

#[test]
fn no_secret_of_a_raw_log_comes_out_anywhere() {
    let text = lines(vault_log()) + &lines(aws_log()) + &damaged();
    assert!(leak(text.as_bytes()).is_some());
    let keyward = keyward().file("log", &text);
    for (emit, format) in [("findings", "json"), ("findings", "table"), ("events", "json"), ("events", "csv")]
    {
        let args = ["scan", "log", "--catalog", "catalog.yaml", "--emit", emit, "--format", format];
        let ran = keyward.args(args).args(["--data", "data", "--raw", "none"]).run();
        assert_eq!(
            (ran.code, leak(ran.stdout.as_bytes()), leak(ran.stderr.as_bytes())),
            (Some(1), None, None)
        );
        let account = ran.account();
        assert!(account.gave_events >= 25 && account.rejects >= 8, "{}", ran.stderr);
    }
    let rows = all_rows(&keyward);
    assert!(rows.contains("redacted:"), "values that are kept are kept as their hash");
    assert_eq!(leak(rows.as_bytes()), None);
    let files = walkdir::WalkDir::new(keyward.path("data")).into_iter().flatten();
    let mut read = 0;
    for file in files.filter(|entry| entry.file_type().is_file()) {
        assert_eq!(leak(&std::fs::read(file.path()).unwrap()), None, "{}", file.path().display());
        read += 1;
    }
    assert!(read > 3);
}

#[test]
fn raw_records_are_kept_without_their_secrets() {
    let keyward = keyward().file("log", lines(vault_log()) + &lines(aws_log()));
    let scan = ["scan", "log", "--catalog", "catalog.yaml", "--data", "data", "--raw", "all"];
    assert_eq!(keyward.args(scan).run().code, Some(1));
    let ask = ["query", "--data", "data", "--format", "json", "SELECT record FROM raw"];
    let ran = keyward.args(ask).run();
    assert!(ran.json().len() >= 20 && ran.stdout.contains("redacted:"), "{}", ran.stderr);
    assert_eq!(leak(ran.stdout.as_bytes()), None);
}
