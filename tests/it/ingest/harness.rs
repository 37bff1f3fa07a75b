//! A spool with a receiving queue, a server in front of it, and a client that writes HTTP by hand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::Receiver;
use keyward::api::{ingest, server};
use keyward::config::{self, SecretFile, Server};
use keyward::metrics::Metrics;
use keyward::normalize::redact_raw;
use keyward::source::Limits;
use keyward::source::feed::{Arrival, Feed, Signal, Trouble};
use keyward::source::spool::{Budget, Spool, SpoolFeed, Surroundings};
use keyward::store::{Position, PositionMove, StoredPosition};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "a-token-of-the-test";

/// How long anything may take that takes milliseconds on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A source with its spool, being read.
pub struct Source {
    pub folder: tempfile::TempDir,
    pub spool: Arc<Spool>,
    pub feed: SpoolFeed,
    pub signals: Receiver<Signal>,
    stored: Arc<Mutex<Option<Position>>>,
}

impl Source {
    pub fn new(config: config::Spool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let stored = Arc::<Mutex<Option<Position>>>::default();
        let positions = Arc::clone(&stored);
        let surroundings = Surroundings {
            budget: Arc::new(Budget::new(config.most.bytes())),
            config,
            redact: Arc::new(redact_raw),
            clock: Arc::new(|| 1_790_000_000_000_000),
            positions: Arc::new(move |identity| {
                let next = *positions.lock().unwrap();
                let (source, label) = (identity.to_owned(), String::new());
                Ok(next.map(|next| StoredPosition { source, label, next, watermark: None }))
            }),
        };
        let (spool, unread) = Spool::open(&folder.path().join("spool"), "vault", surroundings).unwrap();
        let (sender, signals) = crossbeam_channel::bounded(1_000);
        let feed = unread.read(&spool, None, Limits::default(), sender).unwrap();
        Self { folder, spool: Arc::new(spool), feed, signals, stored }
    }

    pub fn token(&self) -> SecretFile {
        SecretFile::new(self.folder.path().join("token"))
    }

    pub fn signal(&self) -> Signal {
        self.signals.recv_timeout(PATIENCE).unwrap()
    }

    /// The ids of the records that come until there are `count`; refused ones are `refused`.
    pub fn ids(&self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        while found.len() < count {
            match self.signal() {
                Signal::Records(arrival) => found.extend(ids(&arrival)),
                other => panic!("{other:?}"),
            }
        }
        found
    }

    /// Everything that comes until the source ends, and how many entries it says were dropped.
    pub fn rest(&self) -> (Vec<String>, u64) {
        let (mut found, mut dropped) = (Vec::new(), 0);
        loop {
            match self.signal() {
                Signal::Records(arrival) => {
                    found.extend(ids(&arrival));
                    self.seal(&arrival);
                }
                Signal::Trouble { trouble: Trouble::Dropped { entries, .. }, .. } => dropped += entries,
                Signal::Ended { .. } => return (found, dropped),
                other => panic!("{other:?}"),
            }
        }
    }

    /// What a seal does.
    pub fn seal(&self, arrival: &Arrival) {
        *self.stored.lock().unwrap() = Some(arrival.to);
        self.feed.sealed(&[PositionMove {
            source: arrival.partition.identity.clone(),
            label: arrival.partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark: None,
        }]);
    }
}

pub fn ids(arrival: &Arrival) -> Vec<String> {
    let id = |piece| {
        let value: Value = serde_json::from_slice(arrival.chunk.record(piece)).unwrap();
        value["request"]["id"].as_str().or(value["eventID"].as_str()).unwrap().to_owned()
    };
    let refused = arrival.chunk.refused.iter().map(|_| "refused".to_owned());
    arrival.chunk.records.iter().map(id).chain(refused).collect()
}

/// A server before a source.
pub struct Serving {
    pub source: Source,
    pub address: SocketAddr,
    stop: CancellationToken,
}

impl Serving {
    pub async fn new(config: config::Spool, limits: Server) -> Self {
        let source = Source::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let from = ingest::Source { spool: Arc::clone(&source.spool), token: source.token() };
        let router = ingest::router([from], &limits);
        let stopped = stop.clone();
        let metrics = Arc::new(Metrics::new("test", &[], 0).unwrap());
        tokio::spawn(async move { server::serve(listener, router, &limits, metrics, stopped).await });
        Self { source, address, stop }
    }

    pub async fn plain() -> Self {
        Self::new(config::Spool::default(), Server::default()).await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Posts a body with the token.
    pub async fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let with_token: Vec<_> = headers.iter().copied().chain([("Authorization", token.as_str())]).collect();
        self.ask("POST", "vault", &with_token, body).await
    }

    pub async fn ask(&self, method: &str, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        let head = head(method, source, headers, body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may answer, and close, before it has read everything.
        let _ = stream.write_all(body).await;
        answer(&mut stream).await
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn head(method: &str, source: &str, headers: &[(&str, &str)], length: usize) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "{method} /api/v1/ingest/{source} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {length}\r\n\r\n"
    )
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

/// Reads one answer.
pub async fn answer(stream: &mut TcpStream) -> Answer {
    let mut text = Vec::new();
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let body = serde_json::from_str(body).unwrap_or(Value::Null);
                return Answer { status, head, body };
            }
        }
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("no answer in time");
        match read {
            Ok(read) if read > 0 => text.extend_from_slice(&buffer[..read]),
            other => panic!("the connection ended: {other:?} after {whole}"),
        }
    }
}

/// An entry of an audit device, without a line break.
pub fn entry(id: impl std::fmt::Display) -> String {
    let head =
        r#"{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{"token_type":"service"},"#;
    format!(
        "{head}\"request\":{{\"id\":\"{id}\",\"operation\":\"update\",\"path\":\"transit/encrypt/orders\"}}}}"
    )
}

pub fn size(text: &str) -> config::Size {
    config::Size::try_from(text.to_owned()).unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
