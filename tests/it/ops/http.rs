//! What the service answers about itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use keyward::api::{Part, ReloadError, Reloaded};
use keyward::domain::problem::Problem;
use keyward::metrics::RulesInfo;
use keyward::metrics::table::TABLE;
use serde_json::json;

use super::served::{ADMIN, NOW, READER, Served, feed, unchanged};
use crate::support::Keyward;

fn now() -> i64 {
    NOW.load(Ordering::Relaxed)
}

#[test]
fn a_loop_that_hangs_is_not_alive() {
    let served = Served::open();
    assert_eq!(served.get("/healthz", None).status, 200, "nothing hangs before the loop begins");
    served.health.beat(now() - 1_000_000);
    assert_eq!(served.get("/healthz", None).status, 200);
    served.health.beat(now() - 45_000_000);
    let answer = served.get("/healthz", None);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["error"], "the loop has not gone round for 45 seconds");
    assert!(answer.json()["to_do"].as_str().unwrap().contains("restart"));
}

#[test]
fn readiness_names_each_thing_it_waits_for() {
    let served = Served::open();
    let what = || -> BTreeSet<String> {
        let answer = served.get("/readyz", None);
        let waiting = answer.json()["waiting"].as_array().unwrap().clone();
        assert_eq!(answer.status == 200, waiting.is_empty(), "{answer:?}");
        waiting.iter().map(|one| format!("{}: {}", one["what"], one["waits_for"]).replace('"', "")).collect()
    };
    let set = |told: &[&str]| -> BTreeSet<String> { told.iter().map(|one| (*one).to_owned()).collect() };
    assert_eq!(
        what(),
        set(&["store: its start", "lease: its start", "rules: its start", "sources: their start"])
    );
    served.health.ready(Part::Store);
    served.health.waits(Part::Lease, "node-1, which holds it");
    served.health.rules(RulesInfo::default());
    let trail = feed("trail", 7);
    trail.status.lock().unwrap().ready = false;
    trail.status.lock().unwrap().waits_for = Some("an answer of the brokers".to_owned());
    served.health.watch(vec![trail.clone()]);
    assert_eq!(what(), set(&["lease: node-1, which holds it", "source trail: an answer of the brokers"]));
    served.health.ready(Part::Lease);
    trail.status.lock().unwrap().ready = true;
    served.health.warming(["KP-050".to_owned()]);
    assert_eq!(what(), set(&[]));
    assert_eq!(served.get("/readyz", None).json()["warming"], json!(["KP-050"]));
    served.health.stopping();
    assert_eq!(what().len(), 1);
}

#[test]
fn metrics_are_scraped_with_the_lag_of_the_moment() {
    let served = Served::open();
    served.health.watch(vec![feed("trail", 7)]);
    served.health.beat(2_500_000);
    let answer = served.get("/metrics", None);
    assert_eq!(answer.status, 200);
    assert!(answer.has("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    let lag = "keyward_source_lag_records{partition=\"trail/0\",source=\"trail\"} 7\n";
    assert!(answer.body.contains(lag), "{}", answer.body);
    assert!(answer.body.contains("keyward_loop_heartbeat_timestamp_seconds 2.5\n"));
    assert!(answer.body.contains("keyward_build_info{version=\"1.2.3\"} 1\n"));
    let again = served.get("/metrics", None).body;
    assert!(again.contains("keyward_http_requests_total{route=\"/metrics\",status=\"200\"} 1\n"), "{again}");
}

#[test]
fn the_command_lists_the_metrics_that_are_scraped() {
    let listed: Vec<String> = Keyward::new()
        .args(["metrics", "--format", "json"])
        .run()
        .json()
        .iter()
        .map(|metric| metric["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, TABLE.iter().map(|spec| spec.name).collect::<Vec<_>>());
}

#[test]
fn paths_that_anybody_chooses_make_no_label() {
    let served = Served::open();
    for path in ["/x", "/y?z=1", "/../../etc/passwd"] {
        assert_eq!(served.get(path, None).status, 404);
    }
    let scraped = served.get("/metrics", None).body;
    assert!(scraped.contains("keyward_http_requests_total{route=\"none\",status=\"404\"} 3\n"), "{scraped}");
}

#[test]
fn whoever_reads_needs_the_reading_token_and_whoever_changes_the_other() {
    let served = Served::guarded();
    for path in ["/metrics", "/api/v1/status"] {
        assert_eq!(served.get(path, None).status, 401);
        assert_eq!(served.get(path, Some(ADMIN)).status, 401);
        assert_eq!(served.get(path, Some(READER)).status, 200);
    }
    let reload = |token| served.ask("POST", "/api/v1/reload", token, b"");
    assert_eq!(reload(None).status, 401);
    assert_eq!(reload(Some(READER)).status, 401);
    assert_eq!(reload(Some(ADMIN)).status, 200);
    assert!(reload(None).has("www-authenticate: Bearer"));
    for path in ["/healthz", "/readyz"] {
        assert_ne!(served.get(path, None).status, 401, "probes send no tokens");
    }
    std::fs::write(served.folder.path().join("reader"), "another token, as long").unwrap();
    assert_eq!(served.get("/metrics", Some(READER)).status, 401);
    assert_eq!(served.get("/metrics", Some("another token, as long")).status, 200);
    std::fs::remove_file(served.folder.path().join("reader")).unwrap();
    assert_eq!(served.get("/metrics", Some(READER)).status, 503, "without its token nothing is open");
}

#[test]
fn without_an_admin_token_nobody_may_reload() {
    let served = Served::open();
    let answer = served.ask("POST", "/api/v1/reload", Some(""), b"");
    assert_eq!(answer.status, 403);
    assert!(answer.json()["to_do"].as_str().unwrap().contains("http.admin_token"));
}

#[test]
fn a_reload_says_what_changed_or_where_the_mistakes_are() {
    let served = Served::guarded();
    let reload = || served.ask("POST", "/api/v1/reload", Some(ADMIN), b"");
    let changed =
        Reloaded { changed: true, effective_from: Some("2026-11-24T12:00:00Z".to_owned()), ..unchanged() };
    let wrong = ReloadError::Refused(vec![Problem::error("catalog.yaml", 3, 9, "no such purpose")]);
    let early = ReloadError::Unavailable("the store is not open".to_owned());
    *served.reloads.lock().unwrap() = vec![Err(early), Err(wrong), Ok(changed)];
    let answer = reload();
    assert_eq!((answer.status, &answer.json()["changed"]), (200, &json!(true)));
    let answer = reload();
    assert_eq!(answer.status, 422);
    let problem = &answer.json()["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&json!("catalog.yaml"), &json!(3)));
    assert_eq!(reload().status, 503);
    assert_eq!(reload().json()["changed"], false);
    assert_eq!(served.get("/api/v1/reload", Some(ADMIN)).status, 405);
}

#[test]
fn one_reload_runs_at_a_time() {
    let served = Arc::new(Served::guarded());
    let ask = |served: Arc<Served>| {
        std::thread::spawn(move || served.ask("POST", "/api/v1/reload", Some(ADMIN), b"").status)
    };
    let both = [ask(Arc::clone(&served)), ask(Arc::clone(&served))];
    let answers: BTreeSet<u16> = both.into_iter().map(|thread| thread.join().unwrap()).collect();
    // Where the second came after the first had ended, both are right.
    assert!(
        answers.contains(&200) && answers.iter().all(|status| [200, 409].contains(status)),
        "{answers:?}"
    );
}

#[test]
fn the_status_has_sources_rules_and_counts() {
    let served = Served::open();
    served.health.watch(vec![feed("trail", 7)]);
    served.health.rules(RulesInfo { catalog: "c9".to_owned(), keys: 12, ..RulesInfo::default() });
    let status = served.get("/api/v1/status", None).json();
    assert_eq!(status["rules"]["catalog"], "c9");
    assert_eq!(status["sources"][0]["lags"], json!([{ "partition": "trail/0", "behind": 7 }]));
    assert_eq!(status["sources"][0]["records"]["received"], 0);
    assert_eq!(status["ready"], false);
}

#[test]
fn every_answer_has_headers_that_keep_browsers_from_guessing() {
    let served =
        Served::with(|_, _| {}, Router::new().route("/api/v1/ingest/{source}", post(|| async { "ok" })));
    let ingest = served.ask("POST", "/api/v1/ingest/bao", None, b"{}");
    assert_eq!((ingest.status, ingest.body.as_str()), (200, "ok"));
    for answer in [ingest, served.get("/healthz", None), served.get("/nowhere", None)] {
        assert!(
            answer.has("x-content-type-options: nosniff") && answer.has("cache-control: no-store"),
            "{answer:?}"
        );
        assert!(answer.head.contains("content-security-policy: default-src 'none'"));
    }
    let missing = served.get("/nowhere", None).json();
    assert_eq!(missing["error"], "not found");
}

#[test]
fn a_stop_answers_what_is_under_way_and_takes_nothing_new() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let slow = post(async move || {
        begun.send(()).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        "done"
    });
    let mut served = Served::with(|_, _| {}, Router::new().route("/slow", slow));
    let idle = served.connect();
    let mut under_way = served.connect();
    std::io::Write::write_all(&mut under_way, b"POST /slow HTTP/1.1\r\nHost: k\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    has_begun.recv().unwrap();
    let started = std::time::Instant::now();
    served.stop.cancel();
    let answer = super::served::read(under_way);
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    served.ended();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert!(std::net::TcpStream::connect(served.address).is_err());
    drop(idle);
}
