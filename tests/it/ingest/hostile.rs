//! Clients that want to hold up others, beside one that does not.

use std::time::{Duration, Instant};

use keyward::config::{self, Server, Span};
use tokio::io::AsyncWriteExt;

use super::harness::{PATIENCE, Serving, TOKEN, answer, entry, gzip, head, size};

/// A good client is served within this, whatever the others do: milliseconds alone, and less than the 30 s that
/// others may take by default.
const IN_TIME: Duration = Duration::from_secs(20);

async fn is_served_in_time(serving: &Serving) {
    for number in 0..20 {
        let asked = Instant::now();
        assert_eq!(serving.post(&[], entry(number).as_bytes()).await.status, 200);
        assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_hold_up_nobody() {
    let serving =
        Serving::new(config::Spool::default(), Server { connections: 100, ..Server::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(serving.connect().await);
    }
    is_served_in_time(&serving).await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_of_a_byte_a_second_are_cut_off_and_hold_up_nobody() {
    let limits = Server { timeout: Span::seconds(1), connections: 40, ..Server::default() };
    let serving = Serving::new(config::Spool::default(), limits).await;
    let token = format!("Bearer {TOKEN}");
    let mut slow = Vec::new();
    for number in 0..30 {
        let mut stream = serving.connect().await;
        let head = head("POST", "vault", &[("Authorization", token.as_str())], 1_000);
        let begin = if number % 2 == 0 { &head[..20] } else { &head[..] };
        stream.write_all(begin.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    is_served_in_time(&serving).await;
    let began = Instant::now();
    let mut body = slow.swap_remove(1);
    let feeding = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if slow.last_mut().unwrap().write_all(b"x").await.is_err() {
                break;
            }
            assert!(began.elapsed() < PATIENCE);
        }
    };
    let (refused, ()) = tokio::join!(answer(&mut body), feeding);
    assert_eq!(refused.status, 408, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_refused_at_its_bound() {
    let limits = Server { body: size("1MiB"), ..Server::default() };
    let serving = Serving::new(config::Spool::default(), limits).await;
    let mut stream = serving.connect().await;
    let head = format!(
        "POST /api/v1/ingest/vault HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = format!("{:x}\r\n{}\r\n", 1 << 16, "{".repeat(1 << 16));
    let mut sent = 0;
    while stream.write_all(part.as_bytes()).await.is_ok() {
        sent += 1 << 16;
        if sent >= 2 << 20 {
            break;
        }
    }
    assert_eq!(answer(&mut stream).await.status, 413);
    is_served_in_time(&serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_bombs_cost_no_more_than_their_bound() {
    let limits = Server { unpacked: size("1MiB"), ..Server::default() };
    let serving = Serving::new(config::Spool::default(), limits).await;
    let bomb = gzip(&vec![b' '; 16 << 20]);
    let bombs = async {
        for _ in 0..10 {
            let answer = serving.post(&[("Content-Encoding", "gzip")], &bomb).await;
            assert_eq!(answer.status, 413);
        }
    };
    tokio::join!(bombs, is_served_in_time(&serving));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_is_answered_before_the_body() {
    let serving = Serving::plain().await;
    let mut stream = serving.connect().await;
    stream.write_all(head("POST", "vault", &[], 10 << 20).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.status, 401);
}
