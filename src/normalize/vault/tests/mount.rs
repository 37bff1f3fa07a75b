use serde_json::json;

use super::*;

/// The key and service of a path of an entry without mount fields, as Vault wrote them until 2021.
fn old(operation: &str, path: &str) -> (Option<String>, String) {
    let mut entry = without(
        without(without(entry(), "/request/mount_point"), "/request/mount_type"),
        "/request/mount_class",
    );
    entry = with(with(entry, "/request/path", json!(path)), "/request/operation", json!(operation));
    let mut found = None;
    one(&with(entry, "/response/data", json!({"x": 1})), |event| {
        found = Some((event.key_id.map(str::to_owned), event.action.unwrap().to_owned()));
    });
    found.unwrap()
}

#[test]
fn without_mount_fields_the_path_tells_engine_and_mount() {
    for (operation, path, key, action) in [
        ("update", "transit/encrypt/k", "vault:transit/k", "transit.encrypt"),
        ("update", "crypto/decrypt/k", "vault:crypto/k", "transit.decrypt"),
        ("update", "crypto/sign/k/sha2-256", "vault:crypto/k", "transit.sign"),
        ("update", "team/transit/sign/k", "vault:team/transit/k", "transit.sign"),
        ("update", "pki_int/sign/web", "vault:pki_int", "pki.sign"),
        ("update", "pki/root/generate/exported", "vault:pki", "pki.root.generate.exported"),
        ("update", "ca/sign-verbatim/web", "vault:ca", "pki.sign_verbatim"),
        ("update", "ssh-client-signer/sign/role", "vault:ssh-client-signer", "ssh.sign"),
        ("read", "totp/code/alice", "vault:totp/alice", "totp.code.generate"),
        ("read", "secret/app/db", "vault:secret/app/db", "kv.get"),
        ("read", "kv-v2/data/app/db", "vault:kv-v2/app/db", "kv.get"),
        ("read", "apps/data/app/db", "vault:apps/app/db", "kv.get"),
        ("read", "apps/db", "vault:apps/db", "unknown.read"),
        ("update", "identity/oidc/key/k/rotate", "vault:identity/oidc/key/k", "identity.oidc.key.rotate"),
    ] {
        assert_eq!(old(operation, path), (Some(key.to_owned()), action.to_owned()), "{path}");
    }
    for (operation, path, action) in [
        ("list", "apps/", "unknown.list"),
        ("update", "auth/token/create", "token.create"),
        ("update", "auth/userpass/login/alice", "auth.login"),
        ("delete", "sys/mounts/kv", "sys.mounts.disable"),
        ("list", "kv/", "kv.list"),
    ] {
        assert_eq!(old(operation, path), (None, action.to_owned()), "{path}");
    }
}

#[test]
fn the_namespace_stands_in_front_of_the_mount_and_the_path_is_relative_to_it() {
    let space = with(entry(), "/request/namespace", json!({"id": "x", "path": "tenant-a/team/"}));
    one(&with(space, "/request/mount_point", json!("tenant-a/team/transit/")), |event| {
        assert_eq!(event.key_id, Some("vault:tenant-a/team/transit/orders"));
        assert_eq!((event.namespace, event.key_account), (Some("tenant-a/team"), Some("tenant-a/team")));
    });
}

#[test]
fn a_mount_may_be_called_like_a_namespace_or_have_several_segments() {
    let same = with(entry(), "/request/namespace", json!({"id": "x", "path": "transit/"}));
    one(&with(same, "/request/mount_point", json!("transit/transit/")), |event| {
        assert_eq!(event.key_id, Some("vault:transit/transit/orders"));
    });
    let deep = with(entry(), "/request/path", json!("a/b/c/d/encrypt/orders"));
    one(&with(deep, "/request/mount_point", json!("a/b/c/d/")), |event| {
        assert_eq!(event.key_id, Some("vault:a/b/c/d/orders"));
    });
}

#[test]
fn a_mount_point_that_does_not_fit_the_path_is_not_believed() {
    one(&with(entry(), "/request/mount_point", json!("other/")), |event| {
        assert_eq!(event.key_id, Some("vault:transit/orders"));
    });
}

#[test]
fn a_pki_mount_is_the_key_also_inside_a_namespace() {
    let mut entry = with(entry(), "/request/namespace", json!({"id": "x", "path": "tenant-a/"}));
    entry = with(
        with(entry, "/request/mount_point", json!("tenant-a/pki/")),
        "/request/mount_type",
        json!("pki"),
    );
    one(&with(entry, "/request/path", json!("pki/issue/web")), |event| {
        assert_eq!(event.key_id, Some("vault:tenant-a/pki"));
    });
}
