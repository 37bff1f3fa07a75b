use serde_json::json;

use super::*;
use crate::domain::event::{CallerKind, CredentialKind};

/// The principal, its home and kind, of a caller with this display name and metadata.
fn caller(display: &str, metadata: Value) -> (String, Option<String>, CallerKind) {
    let entry = with(entry(), "/auth/display_name", json!(display));
    let entry = without(with(entry, "/auth/metadata", metadata), "/auth/policy_results");
    let mut found = None;
    one(&entry, |event| {
        found = Some((
            event.principal.unwrap_or_default().to_owned(),
            event.principal_account.map(str::to_owned),
            event.caller_kind.unwrap(),
        ));
    });
    found.unwrap()
}

#[test]
fn each_auth_method_gives_its_canonical_principal() {
    use CallerKind::{Human, Unknown, Workload};
    for (display, metadata, principal, kind) in [
        ("approle", json!({"role_name": "ci"}), "approle:ci", Workload),
        ("approle-prod", json!({"role_name": "ci"}), "auth/approle-prod#approle:ci", Workload),
        ("userpass-alice", json!({"username": "alice"}), "userpass:alice", Human),
        ("staff-alice", json!({"username": "alice"}), "auth/staff#userpass:alice", Human),
        ("ldap-bob", json!({"username": "bob"}), "ldap:bob", Human),
        ("corp-ldap-bob", json!({"username": "bob"}), "auth/corp-ldap#ldap:bob", Human),
        ("okta-eve@example.com", json!({"username": "eve@example.com"}), "okta:eve@example.com", Human),
        ("github-octo", json!({"username": "octo", "org": "acme"}), "github:octo", Human),
        (
            "kubernetes-shop-cart",
            json!({"role": "cart", "service_account_name": "cart", "service_account_namespace": "shop"}),
            "kubernetes:shop/cart",
            Workload,
        ),
        (
            "k8s-eu-shop-cart",
            json!({"service_account_name": "cart", "service_account_namespace": "shop"}),
            "auth/k8s-eu#kubernetes:shop/cart",
            Workload,
        ),
        ("oidc-eve@example.com", json!({"role": "dev"}), "oidc:eve@example.com", Human),
        ("jwt-repo:acme/app", json!({"role": "deploy"}), "jwt:repo:acme/app", Workload),
        (
            "cert-web.example.com",
            json!({"cert_name": "web", "common_name": "web.example.com"}),
            "cert:web",
            Workload,
        ),
        (
            "aws-i-0123",
            json!({"auth_type": "iam", "canonical_arn": "arn:aws:iam::111122223333:role/app"}),
            "aws:arn:aws:iam::111122223333:role/app",
            Workload,
        ),
        ("gcp-x", json!({"service_account_email": "a@b.iam", "role": "r"}), "gcp:a@b.iam", Workload),
        ("azure-x", json!({"subscription_id": "s", "role": "vm"}), "azure:vm", Workload),
        ("token-ci", json!(null), "token:token-ci", Unknown),
        ("token", json!({}), "token:token", Unknown),
        ("", json!({}), "entity:11111111-0000-4000-8000-000000000001", Unknown),
    ] {
        assert_eq!(caller(display, metadata), (principal.to_owned(), None, kind), "{display}");
    }
}

#[test]
fn the_home_namespace_stands_in_front_where_the_entry_shows_it() {
    let seen = caller("tenant-a-auth-approle", json!({"role_name": "ci"}));
    assert_eq!(seen.0, "tenant-a/auth/approle#approle:ci");
    assert_eq!(seen.1.as_deref(), Some("tenant-a"));

    let policy = json!({"allowed": true, "granting_policies": [
        {"name": "orders", "namespace_id": "x", "namespace_path": "tenant-a/team/"},
    ]});
    one(&with(entry(), "/auth/policy_results", policy.clone()), |event| {
        assert_eq!(event.principal, Some("tenant-a/team/auth/approle#approle:payments-api"));
        assert_eq!(event.principal_account, Some("tenant-a/team"));
    });
    let both = with(entry(), "/auth/display_name", json!("tenant-a-team-auth-apps"));
    one(&with(both, "/auth/policy_results", policy), |event| {
        assert_eq!(event.principal, Some("tenant-a/team/auth/apps#approle:payments-api"));
    });
    let foreign = json!({"allowed": true, "granting_policies": [
        {"name": "by-entity", "namespace_id": "x", "namespace_path": "tenant-b/"},
    ]});
    one(&with(entry(), "/auth/policy_results", foreign), |event| {
        assert_eq!((event.principal, event.principal_account), (Some("approle:payments-api"), None));
    });
}

#[test]
fn a_token_made_by_a_token_cannot_pass_for_a_log_in() {
    for display in ["token", "token-ci"] {
        let seen = caller(display, json!({"role_name": "payments-api", "username": "alice"}));
        assert_eq!(seen, (format!("token:{display}"), None, CallerKind::Unknown));
    }
}

#[test]
fn an_auth_inside_a_name_is_no_namespace() {
    assert_eq!(caller("oidc-my-auth-user", json!({"role": "dev"})).0, "oidc:my-auth-user");
    let known = with(entry(), "/auth/display_name", json!("corp-auth-apps"));
    one(&known, |event| assert_eq!(event.principal, Some("auth/corp-auth-apps#approle:payments-api")));
    let claims = json!({"role": "dev", "username": "eve"});
    assert_eq!(caller("tenant-a-auth-oidc-eve", claims).0, "tenant-a/auth/oidc#oidc:eve");
}

#[test]
fn root_is_root_whatever_else_is_said() {
    one(&with(entry(), "/auth/policies", json!(["root"])), |event| {
        assert_eq!(event.principal, Some("root"));
        assert_eq!(event.caller_kind, Some(CallerKind::Root));
        assert_eq!(event.credential_kind, Some(CredentialKind::Root));
        assert_eq!(event.caller_rule, Some("policy root"));
    });
}

#[test]
fn a_log_in_is_by_whom_it_let_in_and_a_failed_one_by_nobody() {
    let mut login = with(entry(), "/auth", json!({"token_type": "default"}));
    login =
        with(with(login, "/request/path", json!("auth/userpass/login/alice")), "/request/data", json!({}));
    login = with(
        with(login, "/request/mount_point", json!("auth/userpass/")),
        "/request/mount_type",
        json!("userpass"),
    );
    login = with(with(login, "/request/mount_class", json!("auth")), "/response/data", json!(null));
    let token = json!({"display_name": "userpass-alice", "metadata": {"username": "alice"}, "policies": ["default"],
        "token_type": "batch", "client_token": "hmac-sha256:0e", "accessor": ""});
    one(&with(login.clone(), "/response/auth", token), |event| {
        assert_eq!((event.service, event.action), (Some("userpass"), Some("auth.login")));
        assert_eq!((event.principal, event.outcome), (Some("userpass:alice"), Some(Outcome::Success)));
        assert_eq!(event.credential_kind, Some(CredentialKind::Batch));
    });
    one(&with(login, "/response/data", json!({"error": "hmac-sha256:0f"})), |event| {
        assert_eq!((event.principal, event.outcome), (None, Some(Outcome::Denied)));
    });
}

#[test]
fn a_token_is_long_term_where_it_has_a_birth_and_no_end() {
    let kind = |entry: &Value| {
        let mut kind = None;
        one(entry, |event| kind = event.credential_kind);
        kind
    };
    assert_eq!(kind(&entry()), Some(CredentialKind::Temporary));
    let endless = without(entry(), "/auth/token_ttl");
    assert_eq!(kind(&endless), Some(CredentialKind::LongTerm));
    assert_eq!(kind(&without(endless, "/auth/token_issue_time")), Some(CredentialKind::Temporary));
}

#[test]
fn a_kmip_clients_address_loses_its_port() {
    assert_eq!(without_port("192.168.0.10:36776"), "192.168.0.10");
    assert_eq!(without_port("[fd00::1]:5696"), "fd00::1");
    assert_eq!(without_port("fd00::1"), "fd00::1");
    assert_eq!(without_port("10.0.0.1"), "10.0.0.1");
}
