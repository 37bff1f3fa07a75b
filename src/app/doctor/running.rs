//! Asks the service that runs how it is: for health checks of containers, which have no other client.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::{Check, load, mistake};

/// How long the service may take to answer.
const WAIT: Duration = Duration::from_secs(5);

/// The longest answer in bytes that is looked at.
const LONGEST: u64 = 64 * 1024;

/// Whether the service of the configuration at `path` is alive (failed where it is not) and ready (a warning
/// with what it waits for).
pub fn running(path: &Path) -> Vec<Check> {
    let config = match load::config(path) {
        Ok(config) => config,
        Err(problems) => return problems.iter().map(|problem| mistake("configuration", problem)).collect(),
    };
    let address = reachable(config.http.listen);
    let alive = match ask(address, "/healthz") {
        Ok((200, _)) => Check::ok("alive", format!("{address} answers, and its loop goes round")),
        Ok((_, body)) => Check::failed("alive", told(&body), "restart it; keep its log"),
        Err(error) => {
            Check::failed("alive", format!("{address}: {error}"), "start it, or look at `http.listen`")
        }
    };
    let ready = match ask(address, "/readyz") {
        Ok((200, _)) => Check::ok("ready", "it takes events"),
        Ok((_, body)) => Check::warning("ready", told(&body), "see /readyz"),
        Err(error) => Check::warning("ready", error.to_string(), "see above"),
    };
    vec![alive, ready]
}

/// Where a server that listens everywhere can be asked from its own host.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let own = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(own, listen.port())
}

/// The status and the body that a path answers with.
fn ask(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("what answers there speaks no HTTP"))?;
    Ok((status, body.to_owned()))
}

/// What an answer says: our JSON in one line, or what else came.
fn told(body: &str) -> String {
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(body) else {
        return body.lines().next().unwrap_or_default().to_owned();
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(error) = answer.get("error") {
        return text(error);
    }
    let waiting = answer.get("waiting").and_then(|waiting| waiting.as_array()).into_iter().flatten();
    let waiting = waiting.filter_map(|one| Some((text(one.get("what")?), text(one.get("waits_for")?))));
    waiting.map(|(what, waits_for)| format!("{what} waits for {waits_for}")).collect::<Vec<_>>().join("; ")
}
