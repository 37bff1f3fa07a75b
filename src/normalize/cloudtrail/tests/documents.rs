use serde_json::{Value, json};

use super::{one, owned};

fn change(name: &str, request: Value, answer: Value) -> Value {
    json!({ "eventName": name, "requestParameters": request, "responseElements": answer })
}

fn request(changes: Value) -> Value {
    serde_json::from_str(&one(changes, |event| owned(event.request)).unwrap()).unwrap()
}

#[test]
fn uses_and_reads_keep_no_request() {
    assert_eq!(one(json!({}), |event| owned(event.request)), None);
    let read = change("DescribeKey", json!({ "keyId": "x" }), json!({ "keyMetadata": {} }));
    assert_eq!(one(read, |event| (owned(event.request), owned(event.response))), (None, None));
}

#[test]
fn secrets_are_redacted_at_any_depth_and_whatever_their_type() {
    let hidden = json!({
        "plaintext": "hunter2", "PrivateKeyPlaintext": "hunter2", "grantTokens": ["hunter2"],
        "inner": [{ "secretString": { "user": "hunter2" } }], "ciphertextBlob": null, "description": "kept"
    });
    let seen = request(change("UpdateKeyDescription", hidden, json!({})));
    assert!(!seen.to_string().contains("hunter2"), "{seen}");
    assert_eq!(seen["plaintext"], seen["PrivateKeyPlaintext"]);
    assert!(seen["plaintext"].as_str().unwrap().starts_with("redacted:"));
    assert_eq!((&seen["ciphertextBlob"], &seen["description"]), (&Value::Null, &json!("kept")));
}

#[test]
fn a_policy_in_a_string_becomes_json_and_its_secrets_are_redacted() {
    let policy = json!({ "Statement": [{ "Principal": "*", "password": "hunter2" }] });
    let encoded = "%7B%22Statement%22%3A%5B%7B%22Principal%22%3A%22a%2Bb%22%7D%5D%7D";
    let seen = request(change("PutKeyPolicy", json!({ "policy": policy.to_string() }), json!({})));
    assert_eq!(seen["policy"]["Statement"][0]["Principal"], "*");
    assert!(!seen.to_string().contains("hunter2"));
    let seen = request(change("PutKeyPolicy", json!({ "policyDocument": encoded }), json!({})));
    assert_eq!(seen["policyDocument"]["Statement"][0]["Principal"], "a+b");
    for kept in [json!("{ not json"), json!("%7B%zz"), json!({ "already": "an object" }), json!("default")] {
        let seen = request(change("PutKeyPolicy", json!({ "policy": kept }), json!({})));
        assert_eq!(seen["policy"], kept);
    }
}

#[test]
fn a_document_beyond_the_bound_says_what_was_left_out() {
    let large = json!({ "description": "x".repeat(60_000), "keyId": "small", "policy": "y".repeat(32_768) });
    let seen = request(change("UpdateKeyDescription", large, json!({})));
    assert_eq!(seen["keyId"], "small");
    assert_eq!(seen["description"], "left out: 60013 bytes");
    assert_eq!(seen["policy"].as_str().map(str::len), Some(32_768));
}

#[test]
fn what_the_service_adds_stands_beside_the_response() {
    let mut changes = change("RotateKeyOnDemand", json!({}), json!({ "keyId": "from the response" }));
    changes["additionalEventData"] = json!({ "clusterId": "c-1", "keyId": "from the service" });
    changes["serviceEventDetails"] = json!({ "rotationType": "ON_DEMAND" });
    let seen: Value = serde_json::from_str(&one(changes, |event| owned(event.response)).unwrap()).unwrap();
    assert_eq!(
        seen,
        json!({ "keyId": "from the response", "clusterId": "c-1", "rotationType": "ON_DEMAND" })
    );
}
