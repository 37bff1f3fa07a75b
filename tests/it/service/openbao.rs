//! A real OpenBao whose audit devices are the service: what is misused there is told at once.

use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use serde_json::Value;

use super::{PATIENCE, Site, until};
use crate::alerts_service::receiver::Arrival;
use crate::services::openbao::OpenBao;

const TOKEN: &str = "the token of the audit device";

const CATALOG: &str = "version: 1\nkeys:\n  - { id: release-signing, keys: ['vault:transit/release-signing'], \
     purpose: signature, use: releases, owner: team-release }\n";

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_misused_key_of_a_real_openbao_is_told_at_once_and_counted_once_over_two_devices() {
    let tcp = free_address();
    let site = Site::new(&format!(
        "[{{ name: bao, http: {{ token: token }} }}, {{ name: bao-socket, tcp: {{ listen: '{tcp}' }} }}]"
    ));
    std::fs::write(site.keyward.path("token"), TOKEN).unwrap();
    std::fs::write(site.keyward.path("catalog.yaml"), CATALOG).unwrap();
    let mut service = site.start();
    service.ready();
    let http = service.address();
    until(PATIENCE, || TcpStream::connect(&tcp).is_ok(), || service.log());
    let ingest = format!("http://{http}/api/v1/ingest/bao");
    let Some(bao) = OpenBao::start(&ingest, TOKEN, &tcp) else { return };
    bao.call("POST", "sys/mounts/transit", r#"{"type":"transit"}"#);
    bao.call("POST", "transit/keys/release-signing", r#"{"type":"rsa-2048"}"#);
    bao.call("POST", "transit/encrypt/release-signing", r#"{"plaintext":"aGVsbG8="}"#);
    let called = Instant::now();
    let told = |arrival: &Arrival| {
        let body: Value = serde_json::from_str(&arrival.body).unwrap();
        body["aspects"].as_array().is_some_and(|aspects| aspects.iter().any(|aspect| aspect == "function"))
    };
    while !site.receiver.arrivals().iter().any(told) {
        assert!(called.elapsed() < PATIENCE, "{}", service.log());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(bao);
    service.stop();
    let sql = "SELECT count(*) AS rows, count(DISTINCT event_id) AS distinct_ids, \
               count(*) FILTER (WHERE function = 'encrypt') AS encrypted FROM events";
    let counts = &site.ask("data", sql)[0];
    assert_eq!(counts["rows"], counts["distinct_ids"], "a call that two devices wrote is there twice");
    assert_eq!(counts["encrypted"], 1);
}
