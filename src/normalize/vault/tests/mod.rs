//! Tests of the normalizer as a whole and of its parts.

mod entry;
mod kmip;
mod mount;
mod outcome;
mod principal;
mod properties;
mod secrets;

use serde_json::{Value, json};

use super::*;
use crate::domain::event::Category;

/// A response entry of a transit encryption, to be changed by a test.
fn entry() -> Value {
    json!({
        "time": "2026-03-02T09:00:00.123456789Z",
        "type": "response",
        "auth": {
            "client_token": "hmac-sha256:0a",
            "accessor": "hmac-sha256:0b",
            "display_name": "approle",
            "policies": ["default", "orders"],
            "token_policies": ["default", "orders"],
            "policy_results": {
                "allowed": true,
                "granting_policies": [{"name": "orders", "namespace_id": "root", "type": "acl"}],
            },
            "metadata": {"role_name": "payments-api"},
            "entity_id": "11111111-0000-4000-8000-000000000001",
            "token_type": "service",
            "token_ttl": 3600,
            "token_issue_time": "2026-03-02T08:00:00Z",
        },
        "request": {
            "id": "22222222-0000-4000-8000-000000000002",
            "operation": "update",
            "mount_point": "transit/",
            "mount_type": "transit",
            "mount_class": "secret",
            "client_token": "hmac-sha256:0a",
            "namespace": {"id": "root"},
            "path": "transit/encrypt/orders",
            "data": {"plaintext": "hmac-sha256:0c"},
            "remote_address": "10.1.2.3",
            "remote_port": 40000,
            "headers": {"user-agent": ["orders/1.2"]},
        },
        "response": {
            "mount_type": "transit",
            "data": {"ciphertext": "hmac-sha256:0d", "key_version": 2},
        },
    })
}

/// The entry with the member at `pointer` set; its parents must be there.
fn with(mut entry: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    entry
}

/// The entry without the member at `pointer`.
fn without(mut entry: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    entry
}

/// Checks the one event of an entry.
fn one(entry: &Value, check: impl FnOnce(&KeyEvent<'_>)) {
    let record = entry.to_string();
    let arena = Arena::new();
    let mut check = Some(check);
    let result = normalize(record.as_bytes(), &arena, &mut |event| {
        check.take().expect("more than one event")(event);
    });
    assert_eq!(result, Ok(Normalized::Events(1)), "{record}");
}

/// What a record comes to, with its events written out, from one parser.
fn outcome_of(record: &[u8], parser: Parser) -> (Result, Vec<String>) {
    let arena = Arena::new();
    let mut events = Vec::new();
    let result = normalize_with(parser, record, &arena, &mut |event| events.push(format!("{event:?}")));
    (result, events)
}

#[test]
fn a_response_is_an_event_with_every_column_that_it_shows() {
    one(&entry(), |event| {
        assert_eq!(event.event_id, "22222222-0000-4000-8000-000000000002");
        assert_eq!(event.request_id, Some(event.event_id));
        assert_eq!(event.event_time, 1_772_442_000_123_456);
        assert_eq!((event.service, event.action), (Some("transit"), Some("transit.encrypt")));
        assert_eq!(event.key_id, Some("vault:transit/orders"));
        assert_eq!(event.key_version, Some(2));
        assert_eq!(event.principal, Some("approle:payments-api"));
        assert_eq!(event.principal_account, Some(""));
        assert_eq!(event.credential_id, Some("hmac-sha256:0b"));
        assert_eq!(event.namespace, Some(""));
        assert_eq!((event.source_ip, event.user_agent), (Some("10.1.2.3"), Some("orders/1.2")));
        assert_eq!((event.request, event.response), (None, None));
        assert!(!event.awaits_response);
    });
}

#[test]
fn a_request_is_the_same_event_waiting_for_its_response() {
    let request = without(with(entry(), "/type", json!("request")), "/response");
    one(&request, |event| {
        assert!(event.awaits_response);
        assert_eq!(event.outcome, Some(Outcome::Unknown));
        assert_eq!(event.key_id, Some("vault:transit/orders"));
    });
    let record = request.to_string();
    let (kind, id) = request_id(record.as_bytes()).unwrap();
    assert_eq!((kind, &*id), (EntryType::Request, "22222222-0000-4000-8000-000000000002"));
}

#[test]
fn an_entry_without_an_id_gets_the_hash_of_its_bytes() {
    let nameless = without(entry(), "/request/id");
    let mut ids = Vec::new();
    one(&nameless, |event| ids.push(event.event_id.to_owned()));
    one(&with(nameless.clone(), "/time", json!("2026-03-02T09:00:01Z")), |event| {
        ids.push(event.event_id.to_owned());
        assert_eq!(event.request_id, None);
    });
    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(request_id(nameless.to_string().as_bytes()), None);
}

#[test]
fn a_new_device_writes_a_probe_that_is_no_event() {
    let probe = json!({
        "time": "2026-03-02T09:00:00Z", "type": "request", "auth": {"token_type": "default"},
        "request": {"id": "1", "operation": "update", "namespace": {"id": "root"}, "path": "sys/audit/test"},
    });
    let (result, _) = outcome_of(probe.to_string().as_bytes(), Parser::Fast);
    assert_eq!(result, Ok(Normalized::Irrelevant(Aside::Probe)));
    let by_a_caller = with(probe, "/auth", entry()["auth"].clone());
    one(&by_a_caller, |event| assert_eq!(event.action, Some("sys.audit.enable")));
}

#[test]
fn the_request_that_switches_off_its_own_device_survives_without_a_response() {
    let orphan = json!({
        "time": "2026-03-02T09:00:00Z", "type": "request", "auth": entry()["auth"],
        "request": {"id": "1", "operation": "delete", "mount_point": "sys/", "mount_type": "system",
            "namespace": {"id": "root"}, "path": "sys/audit/file"},
    });
    one(&orphan, |event| {
        assert_eq!((event.action, event.category), (Some("sys.audit.disable"), Some(Category::Logging)));
        assert!(event.awaits_response);
        assert_eq!(event.request, Some(r#"{"request_path":"sys/audit/file"}"#));
    });
}

#[test]
fn a_create_on_encrypt_marks_the_key_that_came_with_it() {
    one(&with(entry(), "/request/operation", json!("create")), |event| {
        assert_eq!(event.action, Some("transit.encrypt"));
        assert_eq!(event.request, Some(r#"{"implicit_creation":true}"#));
    });
}

#[test]
fn a_batch_shows_its_size_oldest_version_and_contexts() {
    let batch = json!({"batch_input": [
        {"plaintext": "hmac-sha256:01", "context": "hmac-sha256:0a"},
        {"plaintext": "hmac-sha256:02", "context": "hmac-sha256:0b"},
        {"plaintext": "hmac-sha256:03", "context": "hmac-sha256:0a"},
    ]});
    let results = json!({"batch_results": [{"key_version": 3}, {"key_version": 1}, {"key_version": 2}]});
    one(&with(with(entry(), "/request/data", batch), "/response/data", results), |event| {
        assert_eq!((event.batch_size, event.key_version), (Some(3), Some(1)));
        assert_eq!(event.context, Some(&[("context", "hmac-sha256:0a"), ("context", "hmac-sha256:0b")][..]));
    });
}

#[test]
fn a_clear_algorithm_goes_before_a_hashed_one_and_the_url_before_both() {
    let data = json!({"hash_algorithm": "hmac-sha256:aa", "signature_algorithm": "pss"});
    let sign = with(with(entry(), "/request/path", json!("transit/sign/k")), "/request/data", data);
    one(&sign, |event| assert_eq!(event.algorithm, Some("pss")));
    one(&with(sign, "/request/path", json!("transit/sign/k/sha2-512")), |event| {
        assert_eq!(event.algorithm, Some("sha2-512"));
    });
}

#[test]
fn a_clear_ciphertext_tells_the_version_that_a_decrypt_used() {
    let decrypt = with(
        with(entry(), "/request/path", json!("transit/decrypt/orders")),
        "/request/data",
        json!({"ciphertext": "vault:v7:abcd"}),
    );
    one(&with(decrypt, "/response/data", json!({"plaintext": "aGk="})), |event| {
        assert_eq!(event.key_version, Some(7));
        assert_eq!(event.request, Some(r#"{"clear_secrets":true}"#));
    });
}

#[test]
fn the_table_of_actions_has_no_name_twice_and_a_sentence_each() {
    let mut names: Vec<_> = action::ACTIONS.iter().map(|action| action.name()).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    for action in action::ACTIONS {
        assert!(action.about().ends_with('.'), "{}", action.name());
        assert!(action.name().starts_with(&format!("{}.", action.service())));
        let use_of_key = action.function().is_some_and(|function| function.is_use());
        assert_eq!(use_of_key, action.category() == Category::Use && action.function().is_some());
    }
}
