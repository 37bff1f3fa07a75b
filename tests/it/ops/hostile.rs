//! Clients that are slow, huge or many hold up nobody else.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use keyward::config::{Size, Span};

use super::served::{Served, read};

/// Within this a client is answered or closed, however loaded the machine: less than [`Served::connect`] waits.
const IN_TIME: Duration = Duration::from_secs(15);

/// A server with small limits and a route that reads a body.
fn small(connections: usize) -> Served {
    limited(connections, Span::milliseconds(700))
}

fn limited(connections: usize, timeout: Span) -> Served {
    let eat = post(|body: Bytes| async move { body.len().to_string() });
    Served::with(
        |config, _| {
            config.http.connections = connections;
            config.http.timeout = timeout;
            config.http.body = Size::mebibytes(1);
        },
        Router::new().route("/eat", eat),
    )
}

/// Waits until the server closes the connection; how long that took.
fn closed(mut stream: std::net::TcpStream) -> Duration {
    let started = Instant::now();
    let mut part = [0; 1024];
    while let Ok(1..) = stream.read(&mut part) {}
    started.elapsed()
}

/// Writes a byte now and then, for longer than anybody is to wait, until the connection is closed.
fn drip(to: &std::net::TcpStream) -> std::thread::JoinHandle<()> {
    const PAUSE: Duration = Duration::from_millis(100);
    let mut to = to.try_clone().unwrap();
    std::thread::spawn(move || {
        for _ in 0..2 * IN_TIME.as_millis() / PAUSE.as_millis() {
            std::thread::sleep(PAUSE);
            if to.write_all(b"a").is_err() {
                break;
            }
        }
    })
}

#[test]
fn a_client_that_never_ends_its_head_or_says_nothing_is_closed() {
    let served = small(16);
    let mut slow = served.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nX-A: ").unwrap();
    let silent = served.connect();
    let drip = drip(&slow);
    assert!(closed(slow) < IN_TIME);
    assert!(closed(silent) < IN_TIME);
    drip.join().unwrap();
}

#[test]
fn a_body_that_never_ends_has_a_deadline() {
    let served = small(16);
    let mut slow = served.connect();
    slow.write_all(b"POST /eat HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
        .unwrap();
    let started = Instant::now();
    let drip = drip(&slow);
    let answer = read(slow);
    assert_eq!(answer.status, 408, "{answer:?}");
    assert!(answer.json()["to_do"].as_str().unwrap().contains("http.timeout"));
    assert!(started.elapsed() < IN_TIME);
    drip.join().unwrap();
}

#[test]
fn a_body_that_is_too_large_is_refused_however_it_is_sent() {
    let served = small(16);
    let answer = served.ask("POST", "/eat", None, &vec![b'a'; 1 << 20]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "1048576"));
    let answer = served.ask("POST", "/eat", None, &vec![b'a'; (1 << 20) + 1]);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.json()["to_do"].as_str().unwrap().contains("http.body"));
    let mut chunked = served.connect();
    chunked
        .write_all(
            b"POST /eat HTTP/1.1\r\nHost: k\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..40 {
        if chunked.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    // What is still being sent when the refusal goes out may reset the connection before it is read.
    assert!([413, 0].contains(&read(chunked).status));
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let served = small(16);
    let mut stream = served.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    for number in 0..4000 {
        if stream.write_all(format!("X-{number}: {}\r\n", "a".repeat(100)).as_bytes()).is_err() {
            break;
        }
    }
    assert!([431, 400, 0].contains(&read(stream).status));
    assert_eq!(served.get("/healthz", None).status, 200);
}

#[test]
fn idle_connections_leave_where_others_need_their_place() {
    let served = limited(8, Span::seconds(120));
    let idle: Vec<_> = (0..64).map(|_| served.connect()).collect();
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(served.get("/healthz", None).status, 200);
    }
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
    let scraped = served.get("/metrics", None).body;
    let evicted =
        scraped.lines().find_map(|line| line.strip_prefix("keyward_http_evicted_connections_total "));
    assert!(evicted.unwrap().parse::<u64>().unwrap() >= 50, "{evicted:?}");
    drop(idle);
}

#[test]
fn what_is_no_http_is_closed_and_harms_nobody() {
    let served = small(16);
    let mut garbage = served.connect();
    garbage.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello tls\r\n\r\n").unwrap();
    assert_eq!(read(garbage).status, 400);
    assert_eq!(served.get("/healthz", None).status, 200);
}
