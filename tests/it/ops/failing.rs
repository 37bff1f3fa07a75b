//! The service while its store fails: it says so, and goes on when that is over.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyward::pipeline::generate::Company;

use crate::support::Keyward;

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

/// 2026-11-24T06:00:00Z, in microseconds.
const MORNING: i64 = 1_795_500_000_000_000;

struct Service {
    keyward: Keyward,
    child: Child,
}

impl Service {
    fn start() -> Self {
        let keyward =
            Keyward::new().file("catalog.yaml", Company::catalog_yaml()).file("logs/aws.ndjson", "");
        let keyward = keyward.file(
            "keyward.yaml",
            "data: data\ncatalog: [catalog.yaml]\nhttp: { listen: '127.0.0.1:0' }\nseal: { every: 50ms }\n\
             sources: [{ name: logs, follow: { paths: [logs] } }]\n",
        );
        let log = fs::File::create(keyward.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(keyward.path("."))
            .env_remove("RUST_LOG");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { keyward, child }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.keyward.path("log")).unwrap()
    }

    /// What it answers; nothing before it listens.
    fn ask(&self, path: &str) -> String {
        let log = self.log();
        let address = log.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let Some(Ok(mut stream)) = address.map(TcpStream::connect) else { return String::new() };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        // A service that ends answers nothing, which whoever waits for it finds out.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.read_to_string(&mut answer).map(drop));
        answer
    }

    fn until(&self, what: &str, path: &str, is_met: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_met(&self.ask(path)) {
            assert!(Instant::now() < until, "never: {what}: {}\n{}", self.ask(path), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn count(&self, name: &str, at_least: u64) {
        self.until(&format!("{name} of {at_least}"), "/metrics", |metrics| {
            let counts = metrics.lines().filter_map(|line| line.strip_prefix(name)?.rsplit(' ').next());
            counts.filter_map(|count| count.parse::<f64>().ok()).any(|count| count >= at_least as f64)
        });
    }

    fn write(&self, lines: &[Vec<u8>]) {
        let mut log = OpenOptions::new().append(true).open(self.keyward.path("logs/aws.ndjson")).unwrap();
        log.write_all(&lines.join(&b'\n')).and_then(|()| log.write_all(b"\n")).unwrap();
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
fn what_was_sealed_and_cannot_be_read_back_is_told_and_waited_for() {
    let lines =
        Company::new(7, MORNING).map(|line| line.bytes).filter(|line| !line.starts_with(b"{\"time\""));
    let lines: Vec<Vec<u8>> = lines.take(400).collect();
    let (first, second) = lines.split_at(200);
    let mut service = Service::start();
    service.write(first);
    service.count("keyward_seals_total", 1);

    // A file where the folder of the traces should be: nothing can be sealed, nor read back.
    let traces = service.keyward.path("data/history/traces");
    let away = traces.with_extension("away");
    fs::rename(&traces, &away).unwrap();
    fs::write(&traces, "in the way").unwrap();
    service.write(second);
    service.count("keyward_restore_failures_total", 2);
    service.until("not ready for want of its store", "/readyz", |answer| {
        answer.contains("503") && answer.contains("what was sealed to be readable")
    });
    assert!(service.child.try_wait().unwrap().is_none(), "it has ended\n{}", service.log());

    fs::remove_file(&traces).unwrap();
    fs::rename(&away, &traces).unwrap();
    service.until("ready again", "/readyz", |answer| answer.contains(" 200 "));
    let sealed = |service: &Service| {
        let sql = "SELECT count(*) AS events, count(DISTINCT event_id || CAST(ordinal AS VARCHAR)) AS distinct_events FROM events";
        let ran = service.keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
        ran.json().first().map(|row| (row["events"].clone(), row["distinct_events"].clone()))
    };
    let scanned = service.keyward.args(["scan", "--catalog", "catalog.yaml", "--emit", "events"]);
    let scanned = scanned.args(["--format", "json", "logs"]).run().json().len();
    let until = Instant::now() + PATIENCE;
    let all = Some((scanned.into(), scanned.into()));
    while sealed(&service) != all {
        assert!(Instant::now() < until, "{:?} of {scanned}\n{}", sealed(&service), service.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}
