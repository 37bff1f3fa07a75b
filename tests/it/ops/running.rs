//! The service itself, as whoever operates it sees it: started, asked, told to reload and to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::made::CATALOG;
use crate::support::Keyward;

const ADMIN: &str = "an admin token of some length";

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service whose only broker is away.
struct Service {
    keyward: Keyward,
    child: Child,
    address: String,
    log: std::sync::mpsc::Receiver<Value>,
}

impl Service {
    fn start() -> Self {
        let keyward = Keyward::new().file("catalog.yaml", CATALOG).file("admin", ADMIN).file(
            "keyward.yaml",
            "data: data\ncatalog: [catalog.yaml]\nhttp: { listen: '127.0.0.1:0', admin_token: admin }\n\
             sources: [{ name: trail, kafka: { brokers: ['127.0.0.1:1'], topics: [t], group: g } }]\n",
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(keyward.path("."))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no line of JSON: {line}"));
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let mut service = Self { keyward, child, address: String::new(), log };
        let listening = service.logged("listening");
        service.address = listening["address"].as_str().unwrap().to_owned();
        service
    }

    /// Waits for a line of the log that begins so.
    fn logged(&self, message: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self.log.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap();
            if line["message"].as_str().is_some_and(|told| told.contains(message)) {
                return line;
            }
        }
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\nAuthorization: Bearer {ADMIN}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Asks until the answer is what is waited for.
    fn wait(&self, path: &str, right: impl Fn(u16, &str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let (status, body) = self.ask("GET", path);
            if right(status, &body) {
                return body;
            }
            assert!(Instant::now() < until, "{path}: {status} {body}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_service_whose_broker_is_away_is_alive_says_so_reloads_and_stops_when_told() {
    let mut service = Service::start();
    let only_kafka = |status: u16, body: &str| {
        let waiting = serde_json::from_str::<Value>(body).unwrap_or_default()["waiting"].clone();
        let what: Vec<_> = waiting.as_array().into_iter().flatten().map(|one| one["what"].clone()).collect();
        status == 503 && what == ["source trail"]
    };
    service.wait("/readyz", only_kafka);
    for line in [
        "keyward_loop_heartbeat_timestamp_seconds ",
        "keyward_lease_held 1\n",
        "keyward_source_ready{source=\"trail\"} 0\n",
        "keyward_rules_info{",
    ] {
        service.wait("/metrics", |_, body| body.contains(line));
    }
    assert_eq!(service.ask("GET", "/healthz").0, 200);
    service.wait("/api/v1/alerts?limit=1", |status, body| status == 403 && body.contains("http.users"));

    let examined = service.keyward.args(["doctor", "--config", "keyward.yaml"]).run();
    assert!(
        examined.stdout.contains(&format!("held by process {}", service.child.id())),
        "{}",
        examined.stdout
    );

    let (status, body) = service.ask("POST", "/api/v1/reload");
    assert_eq!(
        (status, &serde_json::from_str::<Value>(&body).unwrap()["changed"]),
        (200, &Value::Bool(false))
    );
    std::fs::write(
        service.keyward.path("catalog.yaml"),
        CATALOG.replace("version: 1", "version: 1\nnonsense: 2"),
    )
    .unwrap();
    let (status, body) = service.ask("POST", "/api/v1/reload");
    assert_eq!(status, 422, "{body}");
    assert!(body.contains("catalog.yaml") && body.contains("nonsense"), "{body}");
    std::fs::write(service.keyward.path("catalog.yaml"), CATALOG.replace("team-orders", "team-others"))
        .unwrap();
    service.signal("-HUP");
    service.logged("new rules are in force");
    service.wait("/metrics", |_, body| body.contains("keyward_reloads_total{result=\"changed\"} 1\n"));

    service.signal("-TERM");
    let told = Instant::now();
    let ended = service.child.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert!(told.elapsed() < Duration::from_secs(25), "{:?}", told.elapsed());
}
