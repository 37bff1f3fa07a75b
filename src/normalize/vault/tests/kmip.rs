use serde_json::json;

use super::*;

/// A KMIP entry that asks for a key's material.
fn get(kind: &str, time: &str, batch_id: Option<&str>) -> Value {
    let mut item = vec![
        json!({"tag": "Operation", "type": "Enumeration", "value": "0x0000000a"}),
        json!({"tag": "RequestPayload", "value": [{"tag": "UniqueIdentifier", "value": "k-1"}]}),
    ];
    item.extend(batch_id.map(|id| json!({"tag": "UniqueBatchItemID", "type": "ByteString", "value": id})));
    json!({"time": time, "type": kind, "request": {
        "client_certificate_serial_number": "17",
        "data": {"kmip_request": {"tag": "RequestMessage", "value": [{"tag": "BatchItem", "value": item}]}},
        "namespace": {"id": "root"}, "remote_address": "10.0.0.1:36776",
    }})
}

/// The event's id and what a peek finds, which must be one.
fn id(entry: &Value) -> String {
    let mut found = String::new();
    one(entry, |event| found = event.event_id.to_owned());
    assert_eq!(request_id(entry.to_string().as_bytes()).unwrap().1, found);
    found
}

#[test]
fn both_halves_of_an_exchange_share_an_id_and_the_next_one_has_another() {
    let request = get("kmip-request", "2026-03-02T09:00:10.100Z", Some("01"));
    let response = get("kmip-response", "2026-03-02T09:00:10.900Z", Some("01"));
    assert_eq!(id(&request), id(&response));
    assert_ne!(id(&request), id(&get("kmip-request", "2026-03-02T09:00:10.100Z", Some("02"))));
    assert_ne!(id(&request), id(&get("kmip-request", "2026-03-03T09:00:10.100Z", Some("01"))));
}

#[test]
fn an_equal_request_without_an_id_of_its_own_is_another_one_a_second_later() {
    let first = get("kmip-request", "2026-03-02T09:00:10.100Z", None);
    assert_eq!(id(&first), id(&get("kmip-response", "2026-03-02T09:00:10.101Z", None)));
    assert_ne!(id(&first), id(&get("kmip-request", "2026-03-02T09:00:11.100Z", None)));
}

#[test]
fn a_kmip_client_is_its_certificate_and_its_address_has_no_port() {
    one(&get("kmip-response", "2026-03-02T09:00:10Z", None), |event| {
        assert_eq!((event.principal, event.source_ip), (Some("cert:17"), Some("10.0.0.1")));
        assert_eq!((event.action, event.key_id), (Some("kmip.get"), Some("vault:kmip/k-1")));
        assert_eq!(event.outcome, Some(Outcome::Unknown), "the response has no result for it");
        assert!(!event.awaits_response);
    });
}

#[test]
fn a_kmip_entry_without_a_tree_is_still_an_event() {
    let mut entry = get("kmip-request", "2026-03-02T09:00:10Z", None);
    entry["request"]["data"] = json!({"kmip_request": 7});
    one(&entry, |event| assert_eq!((event.action, event.key_id), (Some("kmip.other"), None)));
}
