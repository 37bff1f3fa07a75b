use serde_json::json;

use super::*;
use crate::domain::identity::redacted;
use crate::normalize::vault::secrets::{Rule, SECRET_NAMES, each_clear, is_hidden};

/// Every secret of the raw entries below contains this.
const MARK: &str = "Zm9yYmlkZGVu";

/// An entry as a `log_raw` device writes it.
fn raw(kind: &str, mount: &str, operation: &str, path: &str, asked: Value, answered: Value) -> Value {
    let mut entry = with(entry(), "/auth/client_token", json!(format!("hvs.{MARK}")));
    entry = with(entry, "/request/client_token", json!(format!("hvs.{MARK}")));
    entry = with(with(entry, "/request/mount_type", json!(kind)), "/request/mount_point", json!(mount));
    entry = with(with(entry, "/request/operation", json!(operation)), "/request/path", json!(path));
    let class = if path.starts_with("auth/") { "auth" } else { "secret" };
    entry = with(entry, "/request/mount_class", json!(class));
    entry = with(with(entry, "/request/data", asked), "/response/data", answered);
    with(entry, "/response/auth", json!({"client_token": format!("hvs.{MARK}"), "policies": ["default"]}))
}

#[test]
fn no_secret_of_a_raw_entry_reaches_an_event() {
    let s = format!("x{MARK}");
    let entries = [
        raw(
            "transit",
            "transit/",
            "update",
            "transit/encrypt/k",
            json!({"plaintext": s}),
            json!({"ciphertext": s}),
        ),
        raw(
            "transit",
            "transit/",
            "update",
            "transit/decrypt/k",
            json!({"batch_input": [{"ciphertext": s}]}),
            json!({"batch_results": [{"plaintext": s}]}),
        ),
        raw("transit", "transit/", "update", "transit/sign/k", json!({"input": s}), json!({"signature": s})),
        raw(
            "transit",
            "transit/",
            "read",
            "transit/export/signing-key/k",
            json!(null),
            json!({"keys": {"1": s, "2": s}, "name": "k"}),
        ),
        raw("transit", "transit/", "read", "transit/byok-export/d/k", json!(null), json!({"keys": {"1": s}})),
        raw("transit", "transit/", "read", "transit/backup/k", json!(null), json!({"backup": s})),
        raw("transit", "transit/", "update", "transit/restore/k", json!({"backup": s}), json!(null)),
        raw("transit", "transit/", "update", "transit/keys/k/import", json!({"ciphertext": s}), json!(null)),
        raw("transit", "transit/", "update", "transit/random/32", json!({}), json!({"random_bytes": s})),
        raw(
            "transit",
            "transit/",
            "update",
            "transit/novelty/k",
            json!({"anything": {"at": [s]}}),
            json!({"all": s}),
        ),
        raw(
            "pki",
            "pki/",
            "update",
            "pki/issue/web",
            json!({"common_name": "web"}),
            json!({"private_key": s}),
        ),
        raw(
            "pki",
            "pki/",
            "update",
            "pki/root/generate/exported",
            json!({}),
            json!({"private_key": s, "key": s}),
        ),
        raw("pki", "pki/", "update", "pki/config/ca", json!({"pem_bundle": s}), json!(null)),
        raw("ssh", "ssh/", "update", "ssh/config/ca", json!({"private_key": s}), json!(null)),
        raw(
            "kv",
            "kv/",
            "read",
            "kv/data/app",
            json!(null),
            json!({"data": {"user": s, "deep": [{"x": s}]}, "metadata": {"version": 1}}),
        ),
        raw("kv", "kv/", "update", "kv/data/app", json!({"data": {"anything": s}}), json!({"version": 2})),
        raw(
            "kv",
            "kv/",
            "read",
            "kv/data/gone",
            json!(null),
            json!({"http_raw_body": s, "http_status_code": 404}),
        ),
        raw("kv", "secret/", "update", "secret/app", json!({"anything": s}), json!(null)),
        raw("kv", "secret/", "delete", "secret/app", json!({"anything": s}), json!(null)),
        raw(
            "totp",
            "totp/",
            "update",
            "totp/keys/a",
            json!({"key": s, "url": s}),
            json!({"barcode": s, "url": s}),
        ),
        raw("identity", "identity/", "read", "identity/oidc/token/r", json!(null), json!({"token": s})),
        raw(
            "token",
            "auth/token/",
            "update",
            "auth/token/create",
            json!({"id": s, "policies": ["p"]}),
            json!(null),
        ),
        raw(
            "token",
            "auth/token/",
            "update",
            &format!("auth/token/revoke/{s}"),
            json!({"token": s}),
            json!(null),
        ),
        raw(
            "approle",
            "auth/approle/",
            "update",
            "auth/approle/login",
            json!({"role_id": "r", "secret_id": s}),
            json!(null),
        ),
        raw(
            "approle",
            "auth/approle/",
            "update",
            "auth/approle/role/r/secret-id",
            json!({}),
            json!({"secret_id": s}),
        ),
        raw(
            "userpass",
            "auth/userpass/",
            "update",
            "auth/userpass/users/a",
            json!({"password": s}),
            json!(null),
        ),
        raw(
            "oidc",
            "auth/oidc/",
            "update",
            "auth/oidc/config",
            json!({"oidc_client_secret": s}),
            json!(null),
        ),
        raw(
            "kubernetes",
            "auth/kubernetes/",
            "update",
            "auth/kubernetes/config",
            json!({"token_reviewer_jwt": s}),
            json!(null),
        ),
        raw(
            "system",
            "sys/",
            "update",
            "sys/audit-hash/file",
            json!({"input": s}),
            json!({"hash": "hmac-sha256:00"}),
        ),
        raw(
            "system",
            "sys/",
            "update",
            "sys/generate-root/update",
            json!({"key": s}),
            json!({"encoded_token": s, "otp": s}),
        ),
        raw(
            "system",
            "sys/",
            "update",
            "sys/rekey/update",
            json!({"key": s}),
            json!({"keys": [s], "keys_base64": [s]}),
        ),
        raw("system", "sys/", "read", "sys/raw/core", json!(null), json!({"value": s})),
        raw("system", "sys/", "update", "sys/plugins/catalog/secret/x", json!({"env": [s]}), json!(null)),
        raw(
            "kv",
            "secret/",
            "read",
            "secret/app",
            json!(null),
            json!({"error": s, "algorithm": s, "context": s, "http_status_code": 500, "valid": false}),
        ),
        raw(
            "kv",
            "secret/",
            "update",
            "secret/app",
            json!({"algorithm": s, "context": s, "key_version": 7, "batch_input": [1]}),
            json!(null),
        ),
        with(
            raw("kv", "apps/", "update", "apps/db", json!({"anything": s}), json!(null)),
            "/request/mount_type",
            json!(""),
        ),
    ];
    for entry in &entries {
        one(entry, |event| {
            let written = format!("{event:?}");
            assert!(!written.contains(MARK), "{written}");
            assert!(event.request.unwrap_or_default().contains(r#""clear_secrets":true"#), "{written}");
        });
    }
}

#[test]
fn a_secret_is_cut_out_of_the_error_text_too() {
    let failing =
        raw("transit", "transit/", "update", "transit/decrypt/k", json!({"ciphertext": MARK}), json!(null));
    one(&with(failing, "/error", json!(format!("cannot read {MARK}: bad"))), |event| {
        let expected = format!("cannot read {}: bad", redacted(MARK.as_bytes()));
        assert_eq!(event.error_message, Some(&*expected));
    });
}

#[test]
fn equal_secrets_stay_equal_and_hashes_stay_as_they_are() {
    let import = raw(
        "transit",
        "transit/",
        "update",
        "transit/keys/k/import",
        json!({"ciphertext": MARK, "public_key": "p", "exportable": true, "plaintext": "hmac-sha256:0a"}),
        json!(null),
    );
    one(&import, |event| {
        let expected = format!(
            r#"{{"request_path":"transit/keys/k/import","ciphertext":"{}","exportable":true,"plaintext":"hmac-sha256:0a","public_key":"p","clear_secrets":true}}"#,
            redacted(MARK.as_bytes())
        );
        let (sorted, wanted): (Value, Value) =
            (serde_json::from_str(event.request.unwrap()).unwrap(), serde_json::from_str(&expected).unwrap());
        assert_eq!(sorted, wanted);
    });
}

#[test]
fn what_operators_tune_to_come_in_clear_is_no_secret() {
    let data = json!({"input": "hmac-sha256:0a", "hash_algorithm": "sha2-256", "context": "dGVuYW50PWE=", "type": "aes256-gcm96"});
    let sign = with(with(entry(), "/request/path", json!("transit/sign/k")), "/request/data", data);
    one(&sign, |event| {
        assert_eq!(event.request, None);
        assert_eq!(event.context, Some(&[("context", "dGVuYW50PWE=")][..]));
    });
}

#[test]
fn a_kv_field_tuned_to_come_in_clear_raises_no_alarm_and_is_not_kept() {
    let mut read =
        with(with(entry(), "/request/mount_type", json!("kv")), "/request/mount_point", json!("kv/"));
    read = with(with(read, "/request/path", json!("kv/data/app")), "/request/operation", json!("read"));
    read = without(read, "/request/data");
    one(
        &with(read, "/response/data", json!({"data": {"password": MARK}, "metadata": {"version": 3}})),
        |event| {
            assert_eq!((event.request, event.response, event.key_version), (None, None, Some(3)));
        },
    );
}

#[test]
fn a_secret_cannot_pass_by_beginning_like_a_hash() {
    assert!(is_hidden("hmac-sha256:00ff"));
    assert!(is_hidden(""));
    assert!(!is_hidden("hmac-sha256:my secret"));
    assert!(!is_hidden("hmac-sha256:"));
    assert!(!is_hidden("redacted:00000000"));
}

#[test]
fn names_are_matched_whatever_their_case_and_length() {
    let tree = |name: &str| -> Json<'static> {
        serde_json::from_value::<Value>(json!({name: MARK}))
            .map(|value| {
                let text: &'static str = Box::leak(value.to_string().into_boxed_str());
                serde_json::from_str(text).unwrap()
            })
            .unwrap()
    };
    let clear = |name: &str| {
        let tree = tree(name);
        let mut count = 0;
        each_clear(&tree, Rule::default(), &mut |_| count += 1);
        count
    };
    let long = format!("{}_client_secret", "x".repeat(200));
    for name in ["plaintext", "Plaintext", "PRIVATE_KEY", "oidc_client_secret", &*long] {
        assert_eq!(clear(name), 1, "{name}");
    }
    for name in ["public_key", "accessor", "secret_id_ttl", "token_type", "hash_algorithm"] {
        assert_eq!(clear(name), 0, "{name}");
    }
}

#[test]
fn a_huge_answer_is_cut_at_a_member_and_says_so() {
    let names: Vec<String> = (0..5000).map(|number| format!("name-{number}")).collect();
    let list =
        with(with(entry(), "/request/operation", json!("list")), "/request/path", json!("transit/keys/"));
    one(&with(list, "/response/data", json!({"a": 1, "keys": names})), |event| {
        assert_eq!(event.response, Some(r#"{"a":1,"truncated":true}"#));
    });
}

#[test]
fn the_lists_of_names_are_sorted_for_the_search() {
    assert!(SECRET_NAMES.is_sorted());
}

#[test]
fn the_fields_of_a_secret_are_not_taken_for_the_engines_own() {
    let read = raw(
        "kv",
        "secret/",
        "read",
        "secret/app",
        json!(null),
        json!({"error": "x", "version": 9, "valid": false}),
    );
    one(&read, |event| {
        assert_eq!((event.outcome, event.error_message), (Some(Outcome::Success), None));
        assert_eq!((event.key_version, event.algorithm, event.context), (None, None, None));
    });
    let denied = with(read, "/error", json!("permission denied"));
    one(&denied, |event| {
        assert_eq!((event.outcome, event.error_message), (Some(Outcome::Denied), Some("permission denied")));
    });
}
