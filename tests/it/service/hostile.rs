//! Hostile clients of the sources that listen, all at once, beside clients that behave: these are served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{PATIENCE, Service, Site, Tells, size, until};
use crate::made;
use crate::made::gzip;

const TOKEN: &str = "a token of some length";

/// Who behaves is served within this, whatever the others do. It takes milliseconds alone.
const IN_TIME: Duration = Duration::from_secs(20);

/// What the process may have in memory at most, in MiB, with `http.unpacked` at 8 MiB and 1 MiB a line of a
/// socket: some hundred idle, twice the largest bodies, and the lines of all connections.
const RESIDENT: u64 = 900;

/// Limits that a test can get to.
const LIMITS: &str = "{ listen: '127.0.0.1:0', connections: 200, body: 4MiB, unpacked: 8MiB, timeout: 3s }";

#[test]
fn hostile_clients_of_every_kind_hold_up_nobody_who_behaves() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let site = Site::new(&format!(
        "[{{ name: logs, http: {{ token: token }} }}, \
         {{ name: lines, tcp: {{ listen: '{tcp}', connections: 100 }} }}]"
    ));
    std::fs::write(site.keyward.path("token"), TOKEN).unwrap();
    let mut service = site.start_as(|command| {
        command.env("KEYWARD__http", LIMITS);
    });
    service.ready();
    let http = service.address();
    let mut behaves = TcpStream::connect(&tcp).unwrap();
    writeln!(behaves, "{}", made::decrypt(0)).unwrap();
    let over = AtomicBool::new(false);
    let idle: Vec<TcpStream> = [&http, &tcp]
        .into_iter()
        .flat_map(|address| (0..size::connections()).filter_map(move |_| TcpStream::connect(address).ok()))
        .collect();
    std::thread::scope(|scope| {
        let _over = Tells(&over);
        for attack in [never_ending_body, bomb, drips_a_head, drips_a_body] {
            let (http, over) = (&http, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    attack(http, over);
                }
            });
        }
        scope.spawn(|| never_ending_line(&tcp, &over));
        for number in 1..40 {
            served_in_time(&http, number);
            writeln!(behaves, "{}", made::decrypt(1_000 + number)).unwrap();
        }
        // Whoever comes new is served as well.
        let mut newcomer = TcpStream::connect(&tcp).unwrap();
        writeln!(newcomer, "{}", made::decrypt(2_000)).unwrap();
        is_kept(&site, &mut service, 80);
    });
    assert!(service.resident() < RESIDENT, "{} MiB are resident", service.resident());
    drop(idle);
    service.stop();
}

/// Waits until these events are in history, and each once.
fn is_kept(site: &Site, service: &mut Service, events: i64) {
    let sql = "SELECT count(*) AS rows, count(DISTINCT event_id) AS ids FROM events";
    until(
        PATIENCE,
        || site.ask("data", sql)[0]["rows"] == events,
        || format!("{:?}\n{}", site.ask("data", sql), service.log()),
    );
    assert_eq!(site.ask("data", sql)[0]["ids"], events);
}

fn served_in_time(http: &str, number: usize) {
    let began = Instant::now();
    let record = made::decrypt(number).to_string();
    let answer = post(http, "", record.as_bytes(), record.len());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
}

/// Posts what is given of a body that is said to be `length` long; the answer.
fn post(http: &str, headers: &str, body: &[u8], length: usize) -> String {
    let Ok(mut stream) = TcpStream::connect(http) else { return String::new() };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A refused body breaks the connection while it is written.
    let _ = stream.write_all(head(headers, length).as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(headers: &str, length: usize) -> String {
    format!(
        "POST /api/v1/ingest/logs HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\n{headers}Content-Length: {length}\r\n\r\n"
    )
}

/// Chunks without an end.
fn never_ending_body(http: &str, over: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect(http) else { return };
    let head = head("Transfer-Encoding: chunked\r\n", 0).replace("Content-Length: 0\r\n", "");
    let chunk = format!("10000\r\n{}\r\n", "{".repeat(0x10000));
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() && !over.load(Ordering::Relaxed) {
        sent = stream.write_all(chunk.as_bytes());
    }
}

/// A few kilobytes that unpack to 64 MiB.
fn bomb(http: &str, _: &AtomicBool) {
    let bomb = gzip(vec![b' '; 64 << 20]);
    let answer = post(http, "Content-Encoding: gzip\r\n", &bomb, bomb.len());
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

fn drips_a_head(http: &str, over: &AtomicBool) {
    drip(http, &head("", 10)[..30], over);
}

fn drips_a_body(http: &str, over: &AtomicBool) {
    drip(http, &head("", 1_000_000), over);
}

/// A byte a second after this beginning, until the connection is closed.
fn drip(http: &str, beginning: &str, over: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect(http) else { return };
    let mut sent = stream.write_all(beginning.as_bytes());
    while sent.is_ok() && !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_secs(1));
        sent = stream.write_all(b"x");
    }
}

/// A line without an end.
fn never_ending_line(tcp: &str, over: &AtomicBool) {
    let part = vec![b'{'; 1 << 16];
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(tcp) else { return };
        while !over.load(Ordering::Relaxed) && stream.write_all(&part).is_ok() {}
    }
}
