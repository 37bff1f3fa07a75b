//! A real server on a port of its own, and a client that can misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use keyward::api::{Health, ReloadError, Reloaded, State, router, server};
use keyward::config::{self, Config, SecretFile};
use keyward::metrics::Metrics;
use keyward::source::feed::{Feed, Lag, Status};
use keyward::store::PositionMove;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub const ADMIN: &str = "an admin token of some length";
pub const READER: &str = "a reader's token of some length";

/// Now, as the served state sees it: tests move it.
pub static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

/// A source that says what a test wants.
pub struct Told {
    pub name: &'static str,
    pub status: Mutex<Status>,
}

impl Feed for Told {
    fn name(&self) -> &str {
        self.name
    }

    fn sealed(&self, _: &[PositionMove]) {}

    fn rewind(&self, _: u64) {}

    fn status(&self) -> Status {
        self.status.lock().unwrap().clone()
    }

    fn stop(&self) {}
}

/// A source that is ready, this far behind.
pub fn feed(name: &'static str, behind: u64) -> Arc<Told> {
    let lags = vec![Lag { partition: format!("{name}/0"), behind }];
    Arc::new(Told { name, status: Mutex::new(Status { ready: true, waits_for: None, lags }) })
}

/// What is served, until it is dropped.
pub struct Served {
    pub address: SocketAddr,
    pub health: Arc<Health>,
    /// What reloads answer, the next one last; without one they answer that nothing changed.
    pub reloads: Arc<Mutex<Vec<Result<Reloaded, ReloadError>>>>,
    pub stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
    pub folder: TempDir,
}

/// The same rules as before.
pub fn unchanged() -> Reloaded {
    Reloaded {
        changed: false,
        catalog: "c".to_owned(),
        detectors: "d".to_owned(),
        effective_from: None,
        warnings: Vec::new(),
    }
}

impl Served {
    /// A server without tokens.
    pub fn open() -> Self {
        Self::with(|_, _| {}, Router::new())
    }

    /// A server with both tokens.
    pub fn guarded() -> Self {
        Self::with(
            |config, folder| {
                let file = |name: &str, text: &str| {
                    std::fs::write(folder.join(name), format!("{text}\n")).unwrap();
                    Some(SecretFile::new(folder.join(name)))
                };
                config.http.admin_token = file("admin", ADMIN);
                config.http.metrics_token = file("reader", READER);
            },
            Router::new(),
        )
    }

    /// A server with a changed configuration and further routes.
    pub fn with(change: impl FnOnce(&mut Config, &Path), extra: Router) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "data: /tmp/d\nsources: [{ name: trail, kafka: { brokers: [b], topics: [t], group: g } }]\n";
        let mut config = config::read(Path::new("keyward.yaml"), text, []).unwrap();
        change(&mut config, folder.path());
        let health = Arc::new(Health::default());
        let metrics = Arc::new(Metrics::new("1.2.3", &config.sources, 0).unwrap());
        let reloads: Arc<Mutex<Vec<_>>> = Arc::default();
        let answers = Arc::clone(&reloads);
        let reload = Arc::new(move || -> futures::future::BoxFuture<'static, _> {
            let answer = answers.lock().unwrap().pop().unwrap_or_else(|| Ok(unchanged()));
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                answer
            })
        });
        let clock = || NOW.load(Ordering::Relaxed);
        let state = State::new(&config.http, Arc::clone(&health), Arc::clone(&metrics), reload, clock);
        let routes = router(&config.http, state, extra);
        let stop = CancellationToken::new();
        let (told, address) = std::sync::mpsc::channel();
        let (stopped, counted, limits) = (stop.clone(), metrics, config.http);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                server::serve(listener, routes, &limits, counted, stopped).await;
            });
        });
        let address = address.recv().unwrap();
        Self { address, health, reloads, stop, thread: Some(thread), folder }
    }

    /// Asks for a path.
    pub fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.ask("GET", path, token, b"")
    }

    /// Asks with any method and body.
    pub fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n{token}Content-Length: {length}\r\n\r\n"
        );
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // A refused body breaks the connection while it is written.
        let _ = stream.write_all(body);
        read(stream)
    }

    /// A connection that nothing was asked on yet.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Waits until the server has ended.
    pub fn ended(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// Whether a header line is there.
    pub fn has(&self, line: &str) -> bool {
        self.head.lines().any(|found| found.eq_ignore_ascii_case(line))
    }
}

/// The answer on a connection, to its end.
pub fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    // A reset after the answer is how a server closes with unread input.
    while let Ok(read @ 1..) = stream.read(&mut part) {
        bytes.extend_from_slice(&part[..read]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
