//! Clients that behave, and what they are answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::config::{self, Server, WhenFull};
use serde_json::json;

use super::harness::{Answer, PATIENCE, Serving, TOKEN, entry, gzip, size};

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_body_is_taken_once() {
    let serving = Serving::plain().await;
    let cloudtrail = |id: &str| json!({ "eventVersion": "1.11", "eventName": "Decrypt", "eventID": id });
    let bodies: Vec<(Vec<u8>, &[&str])> = vec![
        (entry("one").into_bytes(), &["one"]),
        (format!("{}\n{}\n", entry("two"), entry("three")).into_bytes(), &["two", "three"]),
        (json!([cloudtrail("four"), cloudtrail("five")]).to_string().into_bytes(), &["four", "five"]),
        (json!({ "Records": [cloudtrail("six")] }).to_string().into_bytes(), &["six"]),
        (b"no record at all".to_vec(), &["refused"]),
    ];
    for (body, expected) in &bodies {
        for packed in [false, true] {
            let answer = if packed {
                serving.post(&[("Content-Encoding", "gzip")], &gzip(body)).await
            } else {
                serving.post(&[], body).await
            };
            assert_eq!((answer.status, &answer.body), (200, &json!({ "stored": true })));
            assert_eq!(serving.source.ids(expected.len()), *expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_becomes_several_entries_in_order() {
    let serving = Serving::plain().await;
    let body: String = (0..20_000).map(|number| entry(number) + "\n").collect();
    assert_eq!(serving.post(&[], body.as_bytes()).await.status, 200);
    let expected: Vec<_> = (0..20_000).map(|number| number.to_string()).collect();
    assert_eq!(serving.source.ids(20_000), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn firehose_is_answered_in_its_own_form() {
    let serving = Serving::plain().await;
    let records = json!([{ "data": STANDARD.encode(entry("a")) }, { "data": STANDARD.encode(gzip(entry("b").as_bytes())) }]);
    let body = json!({ "requestId": "r-1", "timestamp": 1, "records": records }).to_string();
    let headers = [("X-Amz-Firehose-Request-Id", "r-1"), ("X-Amz-Firehose-Access-Key", TOKEN)];
    let answer = serving.ask("POST", "vault", &headers, body.as_bytes()).await;
    assert_eq!((answer.status, &answer.body["requestId"]), (200, &json!("r-1")));
    assert!(
        answer.body["timestamp"].as_i64().unwrap() > 1_700_000_000_000
            && answer.body.get("errorMessage").is_none()
    );
    assert!(answer.head.contains("content-type: application/json"));
    assert_eq!(serving.source.ids(2), ["a", "b"]);

    let wrong = [("X-Amz-Firehose-Request-Id", "r-2"), ("X-Amz-Firehose-Access-Key", "wrong")];
    let refused = serving.ask("POST", "vault", &wrong, body.as_bytes()).await;
    assert_eq!((refused.status, &refused.body["requestId"]), (403, &json!("r-2")));
    assert!(refused.body["errorMessage"].as_str().unwrap().contains("token"));
    let headers = [("X-Amz-Firehose-Request-Id", "r-3"), ("X-Amz-Firehose-Access-Key", TOKEN)];
    for body in ["{}", "nothing", r#"{"requestId":"r-3","records":[{"data":"%"}]}"#, &body] {
        let refused = serving.ask("POST", "vault", &headers, body.as_bytes()).await;
        assert_eq!((refused.status, &refused.body["requestId"]), (400, &json!("r-3")), "{body}");
    }
}

fn told(answer: &Answer) -> &str {
    answer.body["error"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_what_to_do() {
    let limits = Server { body: size("8KiB"), unpacked: size("64KiB"), ..Server::default() };
    let serving = Serving::new(config::Spool::default(), limits).await;
    let body = entry("x").into_bytes();
    let token = format!("Bearer {TOKEN}");
    let authorized = [("Authorization", token.as_str())];
    let wrong = [("Authorization", "Bearer wrong")];
    let basic = [("Authorization", "Basic abc")];
    for (method, source, headers, status, word) in [
        ("POST", "vault", &[][..], 401, "Authorization"),
        ("POST", "vault", &basic[..], 401, "Authorization"),
        ("POST", "vault", &wrong[..], 403, "token"),
        ("POST", "other", &authorized[..], 404, "sources"),
        ("GET", "vault", &authorized[..], 405, "POST"),
        ("PUT", "vault", &authorized[..], 405, "POST"),
    ] {
        let answer = serving.ask(method, source, headers, &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(told(&answer).contains(word), "{answer:?}");
        assert!(!answer.body.to_string().contains(TOKEN));
    }
    let encoded = serving.post(&[("Content-Encoding", "br")], &body).await;
    assert_eq!((encoded.status, told(&encoded).contains("gzip")), (415, true));
    let large = serving.post(&[], &vec![b' '; 9 << 10]).await;
    assert_eq!((large.status, told(&large).contains("http.body")), (413, true));
    let bomb = serving.post(&[("Content-Encoding", "gzip")], &gzip(&vec![b' '; 1 << 17])).await;
    assert_eq!((bomb.status, told(&bomb).contains("http.unpacked")), (413, true));
    let damaged = serving.post(&[("Content-Encoding", "gzip")], b"\x1f\x8bnothing").await;
    assert_eq!(damaged.status, 400);
    assert_eq!(serving.post(&[], b" \n").await.status, 400);
    assert!(serving.source.signals.is_empty(), "nothing of that was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_token_counts_without_a_restart() {
    let serving = Serving::plain().await;
    assert_eq!(serving.post(&[], entry(1).as_bytes()).await.status, 200);
    std::fs::write(serving.source.folder.path().join("token"), "another token").unwrap();
    let patience = std::time::Instant::now();
    while serving.post(&[], entry(2).as_bytes()).await.status == 200 {
        assert!(patience.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let headers = [("Authorization", "bearer another token")];
    assert_eq!(serving.ask("POST", "vault", &headers, entry(3).as_bytes()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_answers_429_but_still_takes_audit_entries() {
    let spool = config::Spool { most: size("64KiB"), segment: size("8KiB"), when_full: WhenFull::Refuse };
    let serving = Serving::new(spool, Server::default()).await;
    let two = format!("{}\n{}\n", entry("n"), entry("n"));
    let mut taken = 0;
    let refused = loop {
        let answer = serving.post(&[], two.as_bytes()).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 2;
    };
    assert_eq!((refused.status, refused.head.contains("retry-after: ")), (429, true));
    assert!(told(&refused).contains("spool.most"));
    assert_eq!(serving.post(&[], (entry("audit") + "\n").as_bytes()).await.status, 200);
    let ids = serving.source.ids(taken + 1);
    assert_eq!((ids.len(), ids.last().map(String::as_str)), (taken + 1, Some("audit")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_that_drops_says_so_and_counts() {
    use keyward::source::feed::Feed;
    let spool = config::Spool { most: size("64KiB"), segment: size("8KiB"), when_full: WhenFull::Drop };
    let serving = Serving::new(spool, Server::default()).await;
    let mut stored = 0;
    for _ in 0..400 {
        let answer = serving.post(&[], entry("n").as_bytes()).await;
        assert_eq!(answer.status, 200);
        stored += usize::from(answer.body["stored"] == json!(true));
    }
    serving.source.feed.stop();
    let (ids, dropped) = serving.source.rest();
    assert_eq!((ids.len(), dropped), (stored, 400 - stored as u64));
    assert!(dropped > 0);
    assert_eq!(serving.post(&[], entry("n").as_bytes()).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_raw_entry_reaches_the_disk() {
    let serving = Serving::plain().await;
    let log: String = crate::secrets::vault_log().iter().map(|entry| entry.to_string() + "\n").collect();
    assert_eq!(serving.post(&[("Content-Encoding", "gzip")], &gzip(log.as_bytes())).await.status, 200);
    for entry in crate::secrets::vault_log() {
        assert_eq!(serving.post(&[], entry.to_string().as_bytes()).await.status, 200);
        assert_eq!(serving.post(&[], &gzip(entry.to_string().as_bytes())).await.status, 200);
    }
    let files = walkdir::WalkDir::new(serving.source.folder.path().join("spool"));
    let mut read = 0;
    for file in files.into_iter().flatten().filter(|file| file.file_type().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        assert_eq!(crate::secrets::leak(&bytes), None);
        read += bytes.len();
    }
    assert!(read > 10_000);
}
