//! `keyward doctor` against what is healthy and what is broken.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use keyward::store::DataFolder;

use super::served::Served;
use crate::made::CATALOG;
use crate::support::{Keyward, Ran};

/// Runs the doctor, and gives each check by what was looked at.
fn examined(keyward: &Keyward) -> (Ran, BTreeMap<String, (String, String, String)>) {
    let ran = keyward.args(["doctor", "--config", "keyward.yaml", "--format", "json"]).run();
    let checks = ran.json();
    let text = |check: &serde_json::Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = checks
        .iter()
        .map(|check| {
            (text(check, "what"), (text(check, "state"), text(check, "found"), text(check, "to_do")))
        })
        .collect();
    (ran, checks)
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn secret(keyward: Keyward, name: &str, text: &str, mode: u32) -> Keyward {
    let keyward = keyward.file(name, text);
    std::fs::set_permissions(keyward.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    keyward
}

#[test]
fn a_healthy_configuration_has_nothing_to_do() {
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:{}' }}\n\
         sources: [{{ name: bao, http: {{ token: token }} }}, {{ name: log, follow: {{ paths: [logs/audit.log] }} }}]\n",
        free_port()
    );
    let keyward = Keyward::new().file("keyward.yaml", config).file("catalog.yaml", CATALOG);
    let keyward = secret(keyward.file("logs/audit.log", ""), "token", "a token of some length\n", 0o600);
    let (ran, checks) = examined(&keyward);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let failed: Vec<_> = checks.iter().filter(|(_, (state, ..))| state == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for what in ["configuration", "clock", "catalog", "detectors", "data folder", "store", "token of bao"] {
        assert_eq!(checks[what].0, "ok", "{what}: {:?}", checks[what]);
    }
    assert!(!keyward.path("data").exists(), "the doctor changes nothing");
    let table = keyward.args(["doctor", "--config", "keyward.yaml"]).run();
    assert!(table.stdout.lines().any(|line| line.starts_with("ok       clock ")), "{}", table.stdout);
}

#[test]
fn every_broken_thing_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "data: occupied/data
catalog: [catalog.yaml]
http: {{ listen: '{}', admin_token: missing }}
sources:
  - {{ name: bao, http: {{ token: open }} }}
  - {{ name: trail, kafka: {{ brokers: ['127.0.0.1:{}'], topics: [a, b], group: g }} }}
  - {{ name: log, follow: {{ paths: [nowhere.log] }} }}
  - {{ name: device, unix: {{ listen: no/such/folder/socket }} }}
alerts: {{ webhook: {{ url: 'http://169.254.169.254/latest?token=geheim', token: short }} }}
",
        taken.local_addr().unwrap(),
        free_port()
    );
    let keyward = Keyward::new()
        .file("keyward.yaml", config)
        .file("occupied", "a file")
        .file("catalog.yaml", "keys: [");
    let keyward = secret(keyward, "open", "a token of some length\n", 0o644);
    let keyward = secret(keyward, "short", "short\n", 0o600);
    let (ran, checks) = examined(&keyward);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    for (what, state, told) in [
        ("rules", "failed", "catalog.yaml:"),
        ("data folder", "failed", "is no folder"),
        ("address of the HTTP server", "failed", "in use"),
        ("token for reloads", "failed", "missing"),
        ("token of bao", "warning", "chmod o= open"),
        ("token of the webhook", "warning", "openssl rand"),
        ("Kafka of trail", "failed", "no answer"),
        ("files of log", "warning", "nowhere.log"),
        ("socket of device", "failed", "no/such/folder"),
        ("webhook", "failed", "link-local"),
    ] {
        let (found_state, found, to_do) = &checks[what];
        assert_eq!(found_state, state, "{what}: {found}");
        assert!(format!("{found} {to_do}").contains(told), "{what}: {found} {to_do}");
        assert!(!to_do.is_empty(), "{what}");
    }
    assert!(!ran.stdout.contains("geheim") && !ran.stdout.contains("a token of"), "{}", ran.stdout);
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let keyward = Keyward::new().file("keyward.yaml", "data: d\nsources: []\nseel: {}\n");
    let (ran, checks) = examined(&keyward);
    assert_eq!(ran.code, Some(1));
    assert!(checks["configuration"].1.starts_with("keyward.yaml:3:"), "{checks:?}");
}

#[test]
fn a_running_service_is_no_fault() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config =
        format!("data: data\nhttp: {{ listen: '{address}' }}\nsources: [{{ name: in, stdin: {{}} }}]\n");
    let keyward = Keyward::new().file("keyward.yaml", config);
    let lock = DataFolder::new(keyward.path("data")).lock().unwrap();
    let (ran, checks) = examined(&keyward);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let held = &checks["lock of the data folder"].1;
    assert!(held.contains(&std::process::id().to_string()), "{held}");
    assert!(checks["address of the HTTP server"].1.contains("while keyward runs"));
    drop(lock);
    assert_eq!(examined(&keyward).0.code, Some(1), "without a service the port is somebody else's");
}

#[test]
fn the_service_that_runs_is_asked_how_it_is() {
    let served = Served::open();
    let port = served.address.port();
    let config =
        format!("data: d\nhttp: {{ listen: '0.0.0.0:{port}' }}\nsources: [{{ name: in, stdin: {{}} }}]\n");
    let keyward = Keyward::new().file("keyward.yaml", config);
    let ask = || keyward.args(["doctor", "--running", "--config", "keyward.yaml"]).run();
    let ran = ask();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.contains("store waits for its start; lease waits for its start"), "{}", ran.stdout);
    served.health.beat(1);
    let ran = ask();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("the loop has not gone round"), "{}", ran.stdout);
    drop(served);
    let ran = ask();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("start it"), "{}", ran.stdout);
}
