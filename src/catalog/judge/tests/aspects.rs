//! JUDGING §3, row by row.

use super::*;
use crate::domain::function::Function::*;

const FITS: &str = "conforming";

#[test]
fn function_is_violated_outside_the_entrys_functions() {
    check(
        Encrypt,
        &[("functions: [encrypt]", |_| {}, FITS), ("functions: [decrypt]", |_| {}, "violation function")],
    );
    check(Sign, &[("use: x", |_| {}, "violation function")]);
    check(Wrap, &[("use: x", |_| {}, FITS), ("functions: [encrypt, decrypt]", |_| {}, "violation function")]);
}

#[test]
fn a_decrypt_fits_where_unwrapping_is_allowed() {
    check(
        Decrypt,
        &[("functions: [wrap, unwrap]", |_| {}, FITS), ("functions: [wrap]", |_| {}, "violation function")],
    );
    check(Unwrap, &[("functions: [decrypt]", |_| {}, "violation function")]);
}

#[test]
fn data_encryption_includes_wrapping_on_a_kms_key_only() {
    let catalog = catalog("keys: [{ id: v, keys: [\"vault:transit/a\"], purpose: data-encryption }]\n");
    assert_eq!(verdict(&catalog, &vault(Encrypt, "vault:transit/a", "approle:x")), FITS);
    assert_eq!(verdict(&catalog, &vault(Wrap, "vault:transit/a", "approle:x")), "violation function");
}

#[test]
fn a_caller_known_only_by_grants_may_do_what_they_list() {
    let grants = "principals: [\"arn:aws:iam::1:role/x\"], grants: [{ principals: [\"arn:aws:iam::111122223333:role/orders-*\"], functions: [decrypt, sign] }]";
    check(Decrypt, &[(grants, |_| {}, FITS)]);
    check(
        Encrypt,
        &[
            (grants, |_| {}, "violation function"),
            (grants, |e| e.principal = Some("arn:aws:iam::1:role/x"), FITS),
        ],
    );
    check(Encrypt, &[(grants, |e| e.principal = Some("arn:aws:iam::1:role/y"), "violation principal")]);
    // The entry's functions bound a grant.
    check(Sign, &[(grants, |_| {}, "violation function")]);
    let both =
        format!("principals: [\"{ROLE}\"], grants: [{{ principals: [\"{ROLE}\"], functions: [decrypt] }}]");
    check(Encrypt, &[(&both, |_| {}, FITS)]);
}

#[test]
fn re_encryption_leaves_only_for_listed_keys() {
    let text = format!(
        "keys:\n  - {{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, reencrypt_to: [next] }}\n  - {{ id: next, keys: [\"arn:aws:kms:eu-west-1:1:key/next\"], purpose: data-encryption }}\n"
    );
    let catalog = catalog(&text);
    let to = |other| KeyEvent { other_key_id: other, ..aws(ReencryptFrom) };
    assert_eq!(verdict(&catalog, &to(Some("arn:aws:kms:eu-west-1:1:key/next"))), FITS);
    assert_eq!(verdict(&catalog, &to(Some("arn:aws:kms:eu-west-1:1:key/other"))), "violation function");
    assert_eq!(verdict(&catalog, &to(None)), FITS);
}

#[test]
fn principal_is_violated_outside_principals_and_grants() {
    check(
        Decrypt,
        &[
            ("use: x", |_| {}, FITS),
            ("principals: [\"arn:aws:iam::111122223333:role/orders-*\"]", |_| {}, FITS),
            ("principals: [\"arn:aws:iam::111122223333:role/other\"]", |_| {}, "violation principal"),
            ("principals: []", |_| {}, "violation principal"),
            ("principals: [x]", |e| e.principal = None, "unknown ?principal"),
            ("principals: [x]", |e| e.principal = Some("token:hmac-sha256:12"), "unknown ?principal"),
        ],
    );
}

#[test]
fn an_account_alone_is_unknown_if_a_declared_principal_is_of_it() {
    let of = |account: &str| format!("principals: [\"arn:aws:iam::{account}:role/intake\"]");
    let change: fn(&mut KeyEvent<'static>) = |e| e.principal = Some("account:444455556666");
    check(
        Decrypt,
        &[
            (&of("444455556666"), change, "unknown ?principal"),
            (&of("*"), change, "unknown ?principal"),
            (&of("111122223333"), change, "violation principal"),
            ("principals: [\"account:444455556666\"]", change, FITS),
            ("principals: []", change, "violation principal"),
        ],
    );
    let group = catalog(&format!(
        "groups: {{ g: [\"arn:aws:iam::444455556666:role/intake\"] }}\nkeys: [{{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, principals: [\"@g\"] }}]\n"
    ));
    let mut event = aws(Decrypt);
    change(&mut event);
    assert_eq!(verdict(&group, &event), "unknown ?principal");
}

#[test]
fn the_conditions_of_a_principal_must_fit_its_session() {
    let items =
        format!("principals: [{{ principal: \"{ROLE}\", callers: human, sessions: [\"*@example.com\"] }}]");
    check(
        Decrypt,
        &[
            (&items, |_| {}, "violation principal"),
            (
                &items,
                |e| (e.caller_kind, e.session_name) = (Some(CallerKind::Human), Some("b@example.com")),
                FITS,
            ),
            (
                &items,
                |e| (e.caller_kind, e.session_name) = (Some(CallerKind::Human), Some("b@example.org")),
                "violation principal",
            ),
            (
                &items,
                |e| (e.caller_kind, e.session_name) = (Some(CallerKind::Human), None),
                "unknown ?principal",
            ),
            (
                &items,
                |e| (e.caller_kind, e.session_name) = (None, Some("b@example.com")),
                "unknown ?principal",
            ),
            (
                &items,
                |e| (e.caller_kind, e.session_name) = (None, Some("b@example.org")),
                "violation principal",
            ),
        ],
    );
}

#[test]
fn a_short_principal_fits_any_mount_and_namespace_and_a_long_one_its_own() {
    let key = "vault:transit/a";
    let with = |principal: &str| {
        catalog(&format!(
            "keys: [{{ id: k, keys: [\"{key}\"], purpose: signature, principals: [\"{principal}\"] }}]\n"
        ))
    };
    let rows = [
        ("approle:ci", "approle:ci", FITS),
        ("approle:ci", "auth/ci#approle:ci", FITS),
        ("approle:ci", "tenant-a/auth/approle#approle:ci", FITS),
        ("approle:ci", "userpass:ci", "violation principal"),
        ("approle:ci-*", "tenant-a/auth/x#approle:ci-1", FITS),
        ("auth/approle#approle:ci", "approle:ci", FITS),
        ("auth/other#approle:ci", "approle:ci", "violation principal"),
        ("auth/approle#approle:ci", "tenant-a/auth/approle#approle:ci", "violation principal"),
        ("tenant-a/*", "tenant-a/auth/approle#approle:ci", FITS),
        ("tenant-a/*", "tenant-b/auth/approle#approle:ci", "violation principal"),
        ("kubernetes:ml/*", "kubernetes:ml/trainer", FITS),
    ];
    for (declared, seen, expected) in rows {
        assert_eq!(verdict(&with(declared), &vault(Sign, key, seen)), expected, "{declared} {seen}");
    }
}

#[test]
fn algorithm_is_judged_where_the_log_names_it() {
    let listed = "algorithms: [RSASSA_PSS_SHA_256, \"RSAES_*\"]";
    check(
        Decrypt,
        &[
            (listed, |_| {}, FITS),
            (listed, |e| e.algorithm = Some("RSASSA_PSS_SHA_256"), FITS),
            (listed, |e| e.algorithm = Some("RSAES_OAEP_SHA_256"), FITS),
            (listed, |e| e.algorithm = Some("RSASSA_PKCS1_V1_5_SHA_256"), "violation algorithm"),
            (listed, |e| e.algorithm = Some("hmac-sha256:0123"), "unknown ?algorithm"),
            ("use: x", |e| e.algorithm = Some("anything"), FITS),
        ],
    );
}

#[test]
fn via_is_violated_where_it_is_not_listed_and_unknown_where_not_named() {
    check(
        Decrypt,
        &[
            ("via: [direct, rds]", |_| {}, FITS),
            ("via: [direct, rds]", |e| e.via = Some("rds"), FITS),
            ("via: [s3]", |_| {}, "violation via"),
            ("via: [s3]", |e| e.via = Some("unknown"), "unknown ?via"),
            ("use: x", |e| e.via = Some("unknown"), FITS),
        ],
    );
}

#[test]
fn context_must_have_required_names_allowed_values_and_when_closed_no_others() {
    const TENANT: &[(&str, &str)] = &[("tenant", "acme")];
    const MORE: &[(&str, &str)] = &[("tenant", "acme"), ("other", "x")];
    const WRONG: &[(&str, &str)] = &[("tenant", "umbrella")];
    const HASHED: &[(&str, &str)] = &[("tenant", "hmac-sha256:00")];
    const OTHER: &[(&str, &str)] = &[("other", "x")];
    let rule = "context: { require: [tenant], allow: { tenant: [acme, \"globex-*\"] } }";
    let closed = "context: { require: [tenant], closed: true }";
    check(
        Encrypt,
        &[
            (rule, |e| e.context = Some(TENANT), FITS),
            (rule, |_| {}, "violation context"),
            (rule, |e| e.context = Some(OTHER), "violation context"),
            (rule, |e| e.context = Some(WRONG), "violation context"),
            (rule, |e| e.context = Some(MORE), FITS),
            (rule, |e| e.context = Some(HASHED), "unknown ?context"),
            (closed, |e| e.context = Some(WRONG), FITS),
            (closed, |e| e.context = Some(MORE), "violation context"),
            (closed, |e| e.context = Some(HASHED), FITS),
            ("context: { allow: { tenant: [acme] } }", |_| {}, FITS),
            (rule, |e| e.algorithm = Some("RSAES_OAEP_SHA_256"), FITS),
            ("context: { require: [tenant] }, expect: { key_spec: RSA_2048 }", |_| {}, FITS),
        ],
    );
    check(Sign, &[("functions: [sign], context: { require: [tenant] }", |_| {}, FITS)]);
    check(MacGenerate, &[("functions: [mac_generate], context: { require: [tenant] }", |_| {}, FITS)]);
}

#[test]
fn a_batch_fits_only_if_all_its_contexts_do() {
    const BOTH: &[(&str, &str)] = &[("context", "YQ=="), ("context", "Yg==")];
    let rule = "context: { require: [context], allow: { context: [\"YQ==\"] } }";
    check(Encrypt, &[(rule, |e| e.context = Some(BOTH), "violation context")]);
}

#[test]
fn the_tenant_in_an_allowed_value_is_the_keys_or_else_the_callers() {
    const ORDERS: &[(&str, &str)] = &[("path", "s3/orders/1")];
    const OTHER: &[(&str, &str)] = &[("path", "s3/other/1")];
    let rule = "context: { allow: { path: [\"s3/{tenant}/*\"] } }";
    let own = format!("tenant: orders, {rule}");
    check(
        Encrypt,
        &[
            (&own, |e| e.context = Some(ORDERS), FITS),
            (&own, |e| e.context = Some(OTHER), "violation context"),
        ],
    );
    check(Encrypt, &[(rule, |e| e.context = Some(ORDERS), "unknown ?context")]);
    let shared = catalog(&format!(
        "accounts: {{ \"111122223333\": {{ tenant: orders }} }}\nkeys: [{{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, multi_tenant: true, {rule} }}]\n"
    ));
    assert_eq!(verdict(&shared, &KeyEvent { context: Some(ORDERS), ..aws(Encrypt) }), FITS);
    assert_eq!(verdict(&shared, &KeyEvent { context: Some(OTHER), ..aws(Encrypt) }), "violation context");
}

#[test]
fn account_and_region_must_be_listed_and_a_service_has_no_account() {
    check(
        Decrypt,
        &[
            ("accounts: [111122223333]", |_| {}, FITS),
            ("accounts: [\"1111*\"]", |_| {}, FITS),
            ("accounts: [444455556666]", |_| {}, "violation account"),
            (
                "accounts: [444455556666]",
                |e| (e.principal_account, e.caller_kind) = (None, Some(CallerKind::Service)),
                FITS,
            ),
            ("accounts: [444455556666]", |e| e.principal_account = None, "unknown ?account"),
            ("accounts: [444455556666]", |e| e.provider = Some(Provider::Vault), FITS),
            ("regions: [eu-west-1]", |_| {}, FITS),
            ("regions: [us-east-1]", |_| {}, "violation region"),
            ("regions: [eu-west-1]", |e| e.region = Some("us-east-1"), FITS),
            (
                "regions: [eu-west-1]",
                |e| (e.key_region, e.region) = (None, Some("us-east-1")),
                "violation region",
            ),
            ("regions: [eu-west-1]", |e| (e.key_region, e.region) = (None, None), "unknown ?region"),
        ],
    );
}

#[test]
fn network_judges_addresses_and_not_services() {
    let nets = "networks: [10.0.0.0/8, \"2001:db8::/32\"]";
    check(
        Decrypt,
        &[
            (nets, |_| {}, FITS),
            (nets, |e| e.source_ip = Some("192.0.2.1"), "violation network"),
            (nets, |e| e.source_ip = Some("2001:db8::7"), FITS),
            (nets, |e| e.source_ip = Some("::ffff:10.0.0.1"), FITS),
            (nets, |e| e.source_ip = Some("10.0.0.1:40000"), FITS),
            (nets, |e| e.source_ip = Some("10.0.0.1, 192.0.2.1"), FITS),
            (nets, |e| e.source_ip = Some("192.0.2.1, 10.0.0.1"), "violation network"),
            (nets, |e| (e.source_ip, e.via) = (Some("s3.amazonaws.com"), Some("s3")), FITS),
            (nets, |e| (e.source_ip, e.via) = (Some("AWS Internal"), Some("ssm")), FITS),
            (nets, |e| (e.source_ip, e.via) = (Some("AWS Internal"), Some("unknown")), "unknown ?network"),
            (nets, |e| e.source_ip = Some("somewhere"), "unknown ?network"),
            (nets, |e| e.source_ip = None, "unknown ?network"),
        ],
    );
}

#[test]
fn attestation_is_asked_of_the_four_operations_that_can_carry_it() {
    let enclave = "attestation: { image_digests: [abab] }";
    check(
        Decrypt,
        &[
            (enclave, |e| e.attestation = Some("ABAB"), FITS),
            (enclave, |_| {}, "violation attestation"),
            (enclave, |e| e.attestation = Some("cdcd"), "violation attestation"),
            (enclave, |e| e.action = Some("GenerateDataKeyPair"), "violation attestation"),
            (enclave, |e| e.action = Some("GenerateDataKeyWithoutPlaintext"), FITS),
            (enclave, |e| e.action = Some("Encrypt"), FITS),
        ],
    );
}

#[test]
fn tenant_and_environment_come_from_callers_then_accounts_then_namespace() {
    let maps = format!(
        "callers: [{{ match: \"*:role/dev-*\", environment: dev }}, {{ match: \"{ROLE}\", tenant: orders }}]\naccounts: {{ \"111122223333\": {{ tenant: other, environment: prod }}, tenant-z: {{ tenant: z }} }}\n"
    );
    let with = |fields: &str, keys: &str| {
        catalog(&format!(
            "{maps}keys:\n  - {{ id: k, keys: [{keys}], purpose: data-encryption, {fields} }}\n"
        ))
    };
    let kms = format!("\"{KEY}\"");
    let rows: [Row<'_>; 7] = [
        ("tenant: orders, environment: prod", |_| {}, FITS),
        ("tenant: payments", |_| {}, "violation tenant"),
        ("tenant: payments, multi_tenant: true", |_| {}, FITS),
        ("environment: dev", |_| {}, "violation environment"),
        (
            "environment: prod",
            |e| e.principal = Some("arn:aws:iam::111122223333:role/dev-x"),
            "violation environment",
        ),
        ("tenant: other", |e| e.principal = Some("arn:aws:iam::111122223333:role/x"), FITS),
        (
            "tenant: payments, environment: dev",
            |e| (e.principal, e.principal_account) = (Some("arn:aws:iam::9:role/x"), Some("9")),
            FITS,
        ),
    ];
    for (fields, change, expected) in rows {
        let mut event = aws(Decrypt);
        change(&mut event);
        assert_eq!(verdict(&with(fields, &kms), &event), expected, "{fields}");
    }
    let in_namespace = |home| KeyEvent {
        principal_account: Some(home),
        ..vault(Encrypt, "vault:tenant-a/transit/r", "approle:x")
    };
    let keys = "\"vault:tenant-a/transit/r\"";
    assert_eq!(verdict(&with("tenant: a", keys), &in_namespace("tenant-a")), FITS, "by its keys");
    assert_eq!(verdict(&with("tenant: a", keys), &in_namespace("tenant-z")), "violation tenant");
    assert_eq!(verdict(&with("tenant: a", keys), &in_namespace("a")), FITS, "by its name");
    assert_eq!(verdict(&with("tenant: a", keys), &in_namespace("")), FITS, "the root says nothing");
}

#[test]
fn a_default_environment_is_the_keys_and_not_the_callers() {
    let catalog = catalog(&format!(
        "defaults: {{ environment: prod }}\naccounts: {{ \"9\": {{ environment: dev }} }}\nkeys: [{{ id: k, keys: [\"{KEY}\"], purpose: data-encryption }}]\n"
    ));
    assert_eq!(verdict(&catalog, &aws(Decrypt)), FITS);
    assert_eq!(
        verdict(&catalog, &KeyEvent { principal_account: Some("9"), ..aws(Decrypt) }),
        "violation environment"
    );
}

#[test]
fn caller_must_be_of_the_declared_kind() {
    check(
        Decrypt,
        &[
            ("callers: workload", |_| {}, FITS),
            ("callers: workload", |e| e.caller_kind = Some(CallerKind::Service), FITS),
            ("callers: workload", |e| e.caller_kind = Some(CallerKind::Human), "violation caller"),
            ("callers: workload", |e| e.caller_kind = Some(CallerKind::Root), "violation caller"),
            ("callers: human", |e| e.caller_kind = Some(CallerKind::Root), "violation caller"),
            ("callers: human", |e| e.caller_kind = Some(CallerKind::Human), FITS),
            ("callers: human", |e| e.caller_kind = Some(CallerKind::Unknown), "unknown ?caller"),
            ("callers: any", |e| e.caller_kind = Some(CallerKind::Unknown), FITS),
        ],
    );
}

#[test]
fn requirements_must_be_shown_and_what_the_log_cannot_show_is_unknown() {
    check(
        Decrypt,
        &[
            ("require: { mfa: true }", |e| e.mfa = Some(true), FITS),
            ("require: { mfa: true }", |e| e.mfa = Some(false), "violation requirement"),
            ("require: { mfa: true }", |_| {}, "unknown ?requirement"),
            ("require: { mfa: false }", |_| {}, FITS),
            ("require: { source_identity: true }", |e| e.source_identity = Some("b.lee"), FITS),
            ("require: { source_identity: true }", |_| {}, "violation requirement"),
            (
                "require: { source_identity: true }",
                |e| e.principal = Some("account:9"),
                "unknown ?requirement",
            ),
            (
                "require: { source_identity: true }",
                |e| e.provider = Some(Provider::Vault),
                "unknown ?requirement",
            ),
            ("require: { vpc_endpoints: [vpce-1] }", |e| e.vpc_endpoint = Some("vpce-1"), FITS),
            (
                "require: { vpc_endpoints: [vpce-1] }",
                |e| e.vpc_endpoint = Some("vpce-2"),
                "violation requirement",
            ),
            ("require: { vpc_endpoints: [vpce-1] }", |_| {}, "violation requirement"),
            ("require: { vpc_endpoints: [vpce-1] }", |e| e.via = Some("s3"), "unknown ?requirement"),
            ("require: { tls_min: \"1.2\" }", |e| e.tls_version = Some("1.3"), FITS),
            ("require: { tls_min: \"1.2\" }", |e| e.tls_version = Some("TLSv1.1"), "violation requirement"),
            ("require: { tls_min: \"1.2\" }", |e| e.tls_version = Some("SSLv3"), "violation requirement"),
            ("require: { tls_min: \"1.2\" }", |_| {}, "unknown ?requirement"),
            ("require: { tls_min: \"1.2\", mfa: true }", |e| e.mfa = Some(false), "violation requirement"),
        ],
    );
}

#[test]
fn state_forbids_all_or_only_protecting() {
    for (state, protecting, reading_back) in [
        ("pre-active", "violation state", "violation state"),
        ("active", FITS, FITS),
        ("suspended", "violation state", FITS),
        ("deactivated", "violation state", FITS),
        ("compromised", "violation state", FITS),
        ("destroyed", "violation state", "violation state"),
    ] {
        let fields = format!("state: {state}");
        check(Encrypt, &[(&fields, |_| {}, protecting)]);
        check(Decrypt, &[(&fields, |_| {}, reading_back)]);
    }
    check(ReencryptFrom, &[("state: deactivated", |_| {}, FITS)]);
    check(ReencryptTo, &[("state: deactivated", |_| {}, "violation state")]);
    check(
        Encrypt,
        &[
            ("state: destroyed, state_since: 2026-11-24T08:00:00Z", |_| {}, "violation state"),
            ("state: destroyed, state_since: 2026-11-24T08:00:01Z", |_| {}, FITS),
        ],
    );
}

#[test]
fn window_bounds_protecting_and_reading_back_apart() {
    check(
        Encrypt,
        &[
            ("active_from: 2026-11-24T08:00:00Z", |_| {}, FITS),
            ("active_from: 2026-11-24T08:00:01Z", |_| {}, "violation window"),
            ("active_until: 2026-11-24T08:00:01Z", |_| {}, FITS),
            ("active_until: 2026-11-24T08:00:00Z", |_| {}, "violation window"),
            ("process_until: 2026-01-01", |_| {}, FITS),
        ],
    );
    check(
        Decrypt,
        &[
            ("active_from: 2027-01-01, active_until: 2027-01-02", |_| {}, FITS),
            ("process_until: 2026-11-24T08:00:01Z", |_| {}, FITS),
            ("process_until: 2026-11-24T08:00:00Z", |_| {}, "violation window"),
        ],
    );
}

#[test]
fn version_bounds_protecting_only_and_is_unknown_where_not_visible() {
    check(
        Encrypt,
        &[
            ("min_version: 3", |e| e.key_version = Some(3), FITS),
            ("min_version: 3", |e| e.key_version = Some(2), "violation version"),
            ("min_version: 3", |_| {}, "unknown ?version"),
        ],
    );
    check(
        Decrypt,
        &[("min_version: 3", |e| e.key_version = Some(1), FITS), ("min_version: 3", |_| {}, FITS)],
    );
}
