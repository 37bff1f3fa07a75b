//! The service as a process of its own: killed, starved, paused, stopped and told to start again; what it keeps
//! and tells is compared with one `keyward scan` over the same records.
//!
//! How large the proofs are is in [`size`].

mod crash;
mod death;
mod faults;
mod follow;
mod hostile;
mod kept;
mod openbao;
mod scale;
mod size;
mod stop;
mod stream;
mod takeover;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keyward::pipeline::generate::Company;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::alerts_service::receiver::Receiver;
use crate::support::Keyward;
use death::Death;

/// How long anything may take that takes seconds on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The made-up company's day begins here, in microseconds since the epoch.
pub const MORNING: i64 = 1_795_420_800_000_000;

/// A folder with a catalog and a configuration, and a receiver of pages: where services run.
pub struct Site {
    pub keyward: Keyward,
    pub receiver: Receiver,
    pub runtime: Runtime,
    starts: AtomicUsize,
}

impl Site {
    /// A site whose services read these sources (YAML, a list in flow style).
    pub fn new(sources: &str) -> Self {
        Self::with("embedded", sources)
    }

    /// The same with another store.
    pub fn with(store: &str, sources: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let receiver = runtime.block_on(Receiver::start());
        let config = format!(
            "data: data\nstore: '{store}'\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\n\
             seal: {{ every: 200ms }}\nsources: {sources}\n\
             alerts: {{ webhook: {{ url: '{}', allow_networks: ['127.0.0.0/8'], \
             retry: {{ first: 50ms, longest: 1s }} }} }}\n",
            receiver.url()
        );
        let keyward =
            Keyward::new().file("catalog.yaml", Company::catalog_yaml()).file("keyward.yaml", config);
        Self { keyward, receiver, runtime, starts: AtomicUsize::new(0) }
    }

    pub fn start(&self) -> Service {
        self.start_as(|_| {})
    }

    /// A service that dies at a step, if that is how it is to die.
    pub fn start_to(&self, death: &Death) -> Service {
        self.start_as(|command| death.prepare(command))
    }

    pub fn start_as(&self, change: impl FnOnce(&mut Command)) -> Service {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let log = self.keyward.path(&format!("log-{number}"));
        let mut command = Command::new(size::program());
        command
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(self.keyward.path("."))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        change(&mut command);
        Service { child: command.spawn().unwrap(), log }
    }

    pub fn data(&self) -> PathBuf {
        self.keyward.path("data")
    }

    /// Asks history, beside the service or after it.
    pub fn ask(&self, data: &str, sql: &str) -> Vec<Value> {
        let ran = self.keyward.args(["query", "--data", data, "--format", "json", sql]).run();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.json()
    }

    /// The ends of the last logs, for a test that fails.
    pub fn logs(&self) -> String {
        let last = self.starts.load(Ordering::Relaxed);
        (last.saturating_sub(3)..last)
            .map(|number| tail(&self.keyward.path(&format!("log-{number}"))))
            .collect()
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(25)).map(|line| format!("{line}\n"));
    format!("{}:\n{}", log.display(), last.collect::<String>())
}

/// A running service; killed when it is dropped.
pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    pub fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success(), "{}", self.log());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(&mut self) {
        // It may have ended by itself, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Tells it to stop, which it has to do in time and well.
    #[track_caller]
    pub fn stop(&mut self) {
        self.signal("-TERM");
        let ended = self.ended(PATIENCE).unwrap_or_else(|| panic!("it does not stop\n{}", self.log()));
        assert!(ended.success(), "{ended}\n{}", self.log());
    }

    /// How it ended, where it did within this time.
    pub fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return Some(status),
                None if Instant::now() > until => return None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    pub fn log(&self) -> String {
        tail(&self.log)
    }

    /// Waits until its whole log says something.
    #[track_caller]
    pub fn says(&mut self, what: &str) -> String {
        self.says_one_of(&[what])
    }

    #[track_caller]
    pub fn says_one_of(&mut self, what: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            if let Some(line) = log.lines().find(|line| what.iter().any(|what| line.contains(what))) {
                return line.to_owned();
            }
            let alive = self.child.try_wait().unwrap().is_none();
            assert!(alive && Instant::now() < until, "it never says {what:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it listens, or has died before.
    pub fn listens_or_ends(&mut self) {
        let until = Instant::now() + PATIENCE;
        let listens = |log: &Path| fs::read_to_string(log).unwrap().contains("listening");
        while !listens(&self.log) && self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where its HTTP server listens.
    #[track_caller]
    pub fn address(&mut self) -> String {
        let line: Value = serde_json::from_str(&self.says("listening")).unwrap();
        line["address"].as_str().unwrap().to_owned()
    }

    /// Waits until it says that it is ready.
    #[track_caller]
    pub fn ready(&mut self) {
        let address = self.address();
        let until = Instant::now() + PATIENCE;
        while !ask(&address, "/readyz").starts_with("HTTP/1.1 200") {
            assert!(Instant::now() < until, "{}\n{}", ask(&address, "/readyz"), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its resident memory, in MiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells whoever looks at the flag when this goes, be it since the test failed.
pub struct Tells<'t>(pub &'t AtomicBool);

impl Drop for Tells<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The answer of an HTTP server, head and all; empty where there is none.
pub fn ask(address: &str, path: &str) -> String {
    let answer = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    answer.unwrap_or_default()
}

/// Waits until `done`; fails with what `why` says.
#[track_caller]
pub fn until(patience: Duration, mut done: impl FnMut() -> bool, why: impl Fn() -> String) {
    let end = Instant::now() + patience;
    while !done() {
        assert!(Instant::now() < end, "{}", why());
        std::thread::sleep(Duration::from_millis(50));
    }
}
