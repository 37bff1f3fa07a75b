//! The service as a process, killed again and again while logs grow: history and alerts are those of one
//! scan over the same logs, and the webhook saw every page with one body.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyward::pipeline::generate::Company;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::alerts_service::receiver::Receiver;
use crate::services::openbao::OpenBao;
use crate::support::{Keyward, Ran};

/// How long anything may take that takes a second on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The made-up company's day begins here, in microseconds since the epoch.
const MORNING: i64 = 1_795_420_800_000_000;

/// Lines of the logs: half an hour of the company, with misuse in it.
const LINES: usize = 1_500;

/// How long the service lives each time before it is killed, in milliseconds: in its start, while it reads,
/// while it seals.
const LIVES: [u64; 8] = [40, 900, 250, 1_400, 120, 600, 1_900, 330];

/// The logs of a company, growing in a folder, and what watches them.
struct Watched {
    keyward: Keyward,
    runtime: Runtime,
    receiver: Receiver,
}

impl Watched {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let receiver = runtime.block_on(Receiver::start());
        let config = format!(
            "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\n\
             seal: {{ every: 200ms }}\n\
             sources: [{{ name: logs, follow: {{ paths: [logs] }} }}]\n\
             alerts: {{ webhook: {{ url: '{}', allow_networks: ['127.0.0.0/8'] }} }}\n",
            receiver.url()
        );
        let keyward = Keyward::new()
            .file("catalog.yaml", Company::catalog_yaml())
            .file("keyward.yaml", config)
            .file("logs/aws.ndjson", "")
            .file("logs/vault.log", "");
        Self { keyward, runtime, receiver }
    }

    fn start(&self) -> Service {
        let child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(self.keyward.path("."))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(OpenOptions::new().create(true).append(true).open(self.keyward.path("log")).unwrap())
            .spawn()
            .unwrap();
        Service(child)
    }

    /// Asks history, beside the service or after it.
    fn ask(&self, data: &str, sql: &str) -> Vec<Value> {
        let ran = self.keyward.args(["query", "--data", data, "--format", "json", sql]).run();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.json()
    }

    fn received(&self) -> i64 {
        let sealed = self.ask("data", "SELECT count(*) AS events FROM events");
        sealed[0]["events"].as_i64().unwrap()
    }

    fn scan(&self, args: &[&str]) -> Ran {
        self.keyward.args(["scan", "--catalog", "catalog.yaml", "logs"]).args(args).run()
    }

    /// What this service's log says, for a test that fails.
    fn log(&self) -> String {
        std::fs::read_to_string(self.keyward.path("log")).unwrap_or_default()
    }
}

/// A running service; killed when it is dropped.
struct Service(Child);

impl Service {
    fn signal(&self, signal: &str) {
        let process = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself, which is well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Appends the company's lines to its two logs, a few at a time.
fn write_logs(keyward: &Keyward, pause: Duration) {
    let open = |name: &str| OpenOptions::new().append(true).open(keyward.path(name)).unwrap();
    let (mut aws, mut vault): (File, File) = (open("logs/aws.ndjson"), open("logs/vault.log"));
    for (place, line) in Company::new(7, MORNING).take(LINES).enumerate() {
        let log = if line.bytes.starts_with(b"{\"time\"") { &mut vault } else { &mut aws };
        log.write_all(&line.bytes).and_then(|()| log.write_all(b"\n")).unwrap();
        if place % 25 == 24 {
            std::thread::sleep(pause);
        }
    }
}

fn events(rows: Vec<Value>) -> BTreeSet<String> {
    let count = rows.len();
    let all: BTreeSet<String> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(all.len(), count, "an event is in history twice");
    all
}

const EVENTS: &str =
    "SELECT event_id, ordinal, key_id, principal, function, outcome, verdict, violations FROM events";

#[test]
fn killed_again_and_again_it_keeps_what_one_scan_keeps_and_tells_what_it_tells() {
    let watched = Watched::new();
    std::thread::scope(|scope| {
        scope.spawn(|| write_logs(&watched.keyward, Duration::from_millis(100)));
        for life in LIVES {
            let service = watched.start();
            std::thread::sleep(Duration::from_millis(life));
            service.signal("-KILL");
        }
    });
    let scanned = watched.scan(&["--data", "scanned", "--emit", "alerts", "--format", "json"]);
    let expected = events(watched.ask("scanned", EVENTS));
    let mut service = watched.start();
    let until = Instant::now() + PATIENCE;
    // A request that waits for its response when the log ends is an event for a scan alone.
    while watched.received() + 8 < i64::try_from(expected.len()).unwrap() {
        assert!(Instant::now() < until, "{} of {}\n{}", watched.received(), expected.len(), watched.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_millis(1_000));
    service.signal("-TERM");
    assert!(service.0.wait().unwrap().success(), "{}", watched.log());

    let kept = events(watched.ask("data", EVENTS));
    let waiting = |event: &&String| event.contains("\"outcome\":\"unknown\"");
    let lost: Vec<_> = expected.difference(&kept).filter(|event| !waiting(event)).collect();
    let invented: Vec<_> = kept.difference(&expected).collect();
    assert!(lost.is_empty() && invented.is_empty(), "lost {lost:?}\ninvented {invented:?}");

    let alerts = watched
        .ask("data", "SELECT alert_id AS id, findings AS count, level FROM alerts WHERE kind = 'misuse'");
    let of = |rows: &[Value]| -> BTreeSet<(String, u64, String)> {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.iter()
            .map(|row| (text(row, "id"), row["count"].as_u64().unwrap_or_default(), text(row, "level")))
            .collect()
    };
    assert_eq!(of(&alerts), of(&scanned.json()), "{}", watched.log());

    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrival in watched.receiver.arrivals() {
        bodies.entry(arrival.headers["webhook-id"].clone()).or_default().insert(arrival.body);
    }
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "a page came with two bodies");
    let sent = watched.ask("data", "SELECT delivery_id AS id, state FROM deliveries");
    assert!(!sent.is_empty());
    for delivery in &sent {
        let id = delivery["id"].as_str().unwrap();
        assert_eq!(delivery["state"], "delivered", "{id}");
        assert!(bodies.contains_key(id), "{id} was never sent");
    }
    drop(watched.runtime);
}

#[test]
fn a_misuse_is_told_within_seconds_of_its_line() {
    let watched = Watched::new();
    let _service = watched.start();
    let until = Instant::now() + PATIENCE;
    while !watched.log().contains("listening") {
        assert!(Instant::now() < until, "{}", watched.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    write_logs(&watched.keyward, Duration::ZERO);
    while watched.receiver.arrivals().is_empty() {
        assert!(Instant::now() < until, "{}", watched.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let body: Value = serde_json::from_str(&watched.receiver.arrivals()[0].body).unwrap();
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

/// The service as a collector of OpenBao's audit devices.
fn collector(keyward: &Keyward, receiver: &Receiver, http: &str, tcp: &str) -> Service {
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '{http}' }}\n\
         sources:\n\
         \x20 - {{ name: bao, http: {{ token: token }} }}\n\
         \x20 - {{ name: bao-socket, tcp: {{ listen: '{tcp}' }} }}\n\
         alerts: {{ webhook: {{ url: '{}', allow_networks: ['127.0.0.0/8'] }} }}\n",
        receiver.url()
    );
    std::fs::write(keyward.path("keyward.yaml"), config).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(["run", "--config", "keyward.yaml"])
        .current_dir(keyward.path("."))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(keyward.path("log")).unwrap())
        .spawn()
        .unwrap();
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(http).is_err() || TcpStream::connect(tcp).is_err() {
        assert!(Instant::now() < until, "{}", std::fs::read_to_string(keyward.path("log")).unwrap());
        std::thread::sleep(Duration::from_millis(50));
    }
    Service(child)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_misused_key_of_a_real_openbao_is_told_at_once_and_counted_once_over_two_devices() {
    const TOKEN: &str = "the token of the audit device";
    let runtime = Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    let keyward = Keyward::new().file("token", TOKEN).file(
        "catalog.yaml",
        "version: 1\nkeys:\n  - { id: release-signing, keys: ['vault:transit/release-signing'], \
         purpose: signature, use: releases, owner: team-release }\n",
    );
    let (http, tcp) = (free_address(), free_address());
    let mut service = collector(&keyward, &receiver, &http, &tcp);
    let ingest = format!("http://{http}/api/v1/ingest/bao");
    let Some(bao) = OpenBao::start(&ingest, TOKEN, &tcp) else { return };
    bao.call("POST", "sys/mounts/transit", r#"{"type":"transit"}"#);
    bao.call("POST", "transit/keys/release-signing", r#"{"type":"rsa-2048"}"#);
    bao.call("POST", "transit/encrypt/release-signing", r#"{"plaintext":"aGVsbG8="}"#);
    let called = Instant::now();
    let told = |arrival: &crate::alerts_service::receiver::Arrival| {
        let body: Value = serde_json::from_str(&arrival.body).unwrap();
        body["aspects"].as_array().is_some_and(|aspects| aspects.iter().any(|aspect| aspect == "function"))
    };
    while !receiver.arrivals().iter().any(told) {
        assert!(called.elapsed() < PATIENCE, "{}", std::fs::read_to_string(keyward.path("log")).unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(bao);
    service.signal("-TERM");
    assert!(service.0.wait().unwrap().success());
    let sql = "SELECT count(*) AS rows, count(DISTINCT event_id) AS distinct_ids, \
               count(*) FILTER (WHERE function = 'encrypt') AS encrypted FROM events";
    let ran = keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let counts = &ran.json()[0];
    assert_eq!(counts["rows"], counts["distinct_ids"], "a call that two devices wrote is there twice");
    assert_eq!(counts["encrypted"], 1);
}
