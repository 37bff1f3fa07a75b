use serde_json::json;

use super::*;

/// The outcome of the entry with a top-level error and this `response.data`.
fn outcome(path: &str, error: Option<&str>, data: Value) -> Outcome {
    let mut entry = with(with(entry(), "/request/path", json!(path)), "/response/data", data);
    if let Some(error) = error {
        entry = with(entry, "/error", json!(error));
    }
    outcome_in(&entry)
}

fn outcome_in(entry: &Value) -> Outcome {
    let mut found = None;
    one(entry, |event| found = event.outcome);
    found.unwrap()
}

#[test]
fn the_texts_and_places_of_errors_tell_what_happened() {
    use Outcome::{CheckFailed, Denied, Failed, Partial, Refused, Success};
    let hidden = json!({"error": "hmac-sha256:00"});
    let cases = [
        ("transit/decrypt/k", None, json!({"plaintext": "hmac-sha256:00"}), Success),
        ("transit/decrypt/k", Some("1 error occurred:\n\t* permission denied\n\n"), hidden.clone(), Denied),
        ("transit/decrypt/k", Some("1 error occurred:\n\t* invalid request\n\n"), hidden.clone(), Refused),
        ("transit/export/encryption-key/k", None, hidden.clone(), Refused),
        (
            "transit/backup/k",
            Some("1 error occurred:\n\t* exporting is disallowed on the policy\n\n"),
            json!(null),
            Refused,
        ),
        (
            "transit/byok-export/a/b",
            Some("unsupported key type in use; must be a rsa key"),
            json!(null),
            Refused,
        ),
        ("transit/derive-key/k", Some("failed to parse supplied peer public key PEM"), json!(null), Failed),
        ("transit/encrypt/k", Some("unsupported operation"), json!(null), Refused),
        ("transit/encrypt/k", Some("internal error"), json!(null), Failed),
        ("transit/encrypt/k", Some("request path \"x\": rate limit quota exceeded"), json!(null), Failed),
        ("transit/decrypt/k", Some("invalid request"), json!({"error": "encryption key not found"}), Failed),
        ("transit/verify/k", None, json!({"valid": false}), CheckFailed),
        ("transit/verify/k", None, json!({"valid": "false"}), CheckFailed),
        (
            "transit/encrypt/k",
            None,
            json!({"batch_results": [{"key_version": 1}, {"error": "hmac-sha256:00"}]}),
            Partial,
        ),
        ("transit/encrypt/k", None, json!({"batch_results": [{"error": "hmac-sha256:00"}]}), Refused),
        (
            "transit/encrypt/k",
            None,
            json!({"batch_results": [{"error": "encryption key not found"}]}),
            Failed,
        ),
        ("transit/encrypt/k", None, json!({"batch_results": [{"error": ""}]}), Success),
        ("transit/verify/k", None, json!({"batch_results": [{"valid": true}, {"valid": false}]}), Partial),
        ("transit/encrypt/k", None, json!({"http_status_code": 403}), Denied),
        ("transit/encrypt/k", None, json!({"http_status_code": 400}), Refused),
        ("transit/encrypt/k", None, json!({"http_status_code": 500}), Failed),
    ];
    for (path, error, data, expected) in cases {
        assert_eq!(outcome(path, error, data.clone()), expected, "{path} {error:?} {data}");
    }
}

#[test]
fn the_policies_word_goes_before_everything() {
    assert_eq!(
        outcome_in(&with(entry(), "/auth/policy_results", json!({"allowed": false}))),
        Outcome::Denied
    );
}

#[test]
fn a_read_that_answers_nothing_found_nothing_unless_it_was_wrapped() {
    let read =
        with(with(entry(), "/request/operation", json!("read")), "/request/path", json!("transit/keys/k"));
    let nothing = with(read, "/response/data", json!(null));
    assert_eq!(outcome_in(&nothing), Outcome::Failed);
    assert_eq!(
        outcome_in(&with(nothing, "/response/wrap_info", json!({"token": "hmac-sha256:00"}))),
        Outcome::Success
    );
}

#[test]
fn a_raw_batch_answer_means_that_items_failed() {
    let data = json!({"http_status_code": 400, "http_raw_body": "hmac-sha256:00"});
    let batch = with(entry(), "/request/data", json!({"batch_input": [{}, {}]}));
    assert_eq!(outcome_in(&with(batch, "/response/data", data)), Outcome::Partial);
}

#[test]
fn a_message_is_kept_as_it_is_up_to_a_bound() {
    let long = format!("1 error occurred:\n\t* {}", "ü".repeat(2000));
    one(&with(entry(), "/error", json!(long)), |event| {
        let message = event.error_message.unwrap();
        assert!(message.starts_with("1 error occurred:\n\t* ü"));
        assert!((1000..=1024).contains(&message.len()));
    });
}
