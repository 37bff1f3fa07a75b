//! Syslog (RFC 5424) with a message in `ArcSight`'s Common Event Format, over UDP (RFC 5426), TCP with octet counting
//! (RFC 6587) or TLS (RFC 5425).
//!
//! Syslog knows no answer: what was handed to the network counts as told.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::super::guard::{Guard, RefusedAddress};
use super::super::http::temporary;
use super::super::retry::Failure;
use super::super::tls;
use super::{Parcel, Words};
use crate::config::{Channel, Syslog, SyslogTransport};
use crate::domain::level::Level;
use crate::domain::time::{format_rfc3339, parse_rfc3339};

/// The facility "log audit" (RFC 5424, table 1).
const FACILITY: u8 = 13;

/// Longest name of a host in a message.
const HOSTNAME: usize = 255;

/// Longest sentence in a message: with it the whole fits into a datagram of 8 KiB, which receivers take.
const SENTENCE: usize = 1_000;

/// Sends to one server. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    of: Syslog,
    guard: Guard,
    timeout: Duration,
}

pub(super) fn render(of: &Syslog, at: i64, words: &Words<'_>) -> String {
    let message = words.message;
    let (severity, loudness) = severity(message.level);
    let host = of.hostname.clone().unwrap_or_else(machine);
    let host: String = host.chars().filter(char::is_ascii_graphic).take(HOSTNAME).collect();
    let host = if host.is_empty() { "-" } else { &host };
    let priority = FACILITY * 8 + severity;
    let id: String = message.news.chars().filter(char::is_ascii_graphic).take(32).collect();
    let class = message.detectors.first().map_or(message.kind.as_str(), String::as_str);
    let mut text = format!(
        "<{priority}>1 {} {host} keyward - {id} - CEF:0|keyward|keyward|{}|{}|{}|{loudness}|",
        format_rfc3339(at),
        env!("CARGO_PKG_VERSION"),
        header(class),
        header(&words.subject()),
    );
    let said: String = message.message.chars().take(SENTENCE).collect();
    let micros = |time: &str| parse_rfc3339(time).map(|at| at.div_euclid(1_000).to_string());
    let fields = [
        ("rt", Some(at.div_euclid(1_000).to_string())),
        ("cat", Some(message.news.clone())),
        ("act", Some(message.act.to_string())),
        ("externalId", Some(message.alert.clone())),
        ("start", micros(&message.first)),
        ("end", micros(&message.last)),
        ("cnt", Some(message.count.to_string())),
        ("suser", message.principal.clone()),
        ("cs1Label", message.key.as_ref().map(|_| "key".to_owned())),
        ("cs1", message.key.clone()),
        ("cs2Label", message.owner.as_ref().map(|_| "owner".to_owned())),
        ("cs2", message.owner.clone()),
        ("cs3Label", Some("delivery".to_owned())),
        ("cs3", Some(message.delivery.clone())),
        ("cs4Label", Some("detectors".to_owned())),
        ("cs4", Some(message.detectors.join(", "))),
        ("msg", Some(said)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={}", extension(&value))).collect();
    text.push_str(&fields.join(" "));
    text
}

/// The severities of syslog and of CEF.
const fn severity(level: Level) -> (u8, u8) {
    match level {
        Level::Critical => (2, 10),
        Level::High => (3, 8),
        Level::Medium => (4, 6),
        Level::Low => (5, 4),
        Level::Informational => (6, 1),
    }
}

/// A field of CEF's header.
fn header(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\r', '\n'], " ")
}

/// A value of CEF's extension.
fn extension(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=").replace(['\r', '\n'], " ")
}

/// The name of this machine.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

impl Sender {
    pub fn new(of: &Syslog, channel: &Channel) -> Self {
        let guard = Guard::new(&channel.allow_networks);
        Self { of: of.clone(), guard, timeout: channel.timeout.duration() }
    }

    pub async fn send(&self, parcel: &Parcel<'_>) -> Result<String, Failure> {
        let sent = tokio::time::timeout(self.timeout, self.try_send(parcel.body)).await;
        sent.unwrap_or_else(|_| Err(temporary("not taken in time")))?;
        Ok("handed over; syslog knows no answer".to_owned())
    }

    async fn try_send(&self, body: &str) -> Result<(), Failure> {
        let address = self.address().await?;
        if self.of.transport == SyslogTransport::Udp {
            let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).await.map_err(temporary)?;
            socket.send_to(body.as_bytes(), address).await.map_err(temporary)?;
            return Ok(());
        }
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| temporary(format!("could not connect: {error}")))?;
        let frame = format!("{} {body}", body.len());
        if self.of.transport == SyslogTransport::Tcp {
            return hand_over(stream, &frame).await;
        }
        let connector = tls::connector(self.of.authorities.as_deref()).map_err(temporary)?;
        let stream = connector.connect(&self.of.host, stream).await.map_err(temporary)?;
        hand_over(stream, &frame).await
    }

    async fn address(&self) -> Result<SocketAddr, Failure> {
        let resolved = self.guard.clone().resolve(self.of.host.clone()).await;
        let resolved = resolved.map_err(|error| Failure {
            why: error.to_string(),
            for_good: error.downcast_ref::<RefusedAddress>().is_some(),
            pause: None,
        })?;
        let mut address = resolved.into_iter().next().ok_or_else(|| temporary("the host has no address"))?;
        address.set_port(self.of.port());
        Ok(address)
    }
}

/// Writes a frame, and waits until the other side has seen the end.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, frame: &str) -> Result<(), Failure> {
    stream.write_all(frame.as_bytes()).await.map_err(temporary)?;
    stream.flush().await.map_err(temporary)?;
    stream.shutdown().await.map_err(temporary)?;
    // A server that closes in return has read all; one that does not is not waited for long.
    let mut rest = [0; 64];
    let _ = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut rest)).await;
    Ok(())
}
