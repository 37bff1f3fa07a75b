//! Alerts over HTTP, and the command line against a running service.

use std::io::{Read, Write};
use std::sync::Arc;

use keyward::api::alerts::{Alerts, router};
use keyward::app::clock::now_micros;
use keyward::config::{Role, SecretFile, Server, User};
use keyward::domain::level::Level;
use keyward::store::Store;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{finding, open, raise};
use crate::ops::served::{Answer, Served};
use crate::support::Keyward;

const ADA: &str = "ada's token of some length";
const VIC: &str = "vic's token of some length";

/// A service with alerts of three keys; ada responds, vic looks.
struct Desk {
    served: Served,
    store: Arc<Store>,
    keyward: Keyward,
}

async fn desk() -> Desk {
    let keyward = Keyward::new().file("ada", ADA).file("vic", VIC);
    std::fs::create_dir(keyward.path("data")).unwrap();
    let store = Arc::new(open(&keyward.path("data")).await);
    for (id, key) in (1..).zip(["orders", "payments", "mail"]) {
        raise(&store, &[finding(id, key, &format!("approle:{key}"), Level::High)]).await;
    }
    let user =
        |name: &str, role| User { name: name.to_owned(), role, token: SecretFile::new(keyward.path(name)) };
    let server =
        Server { users: vec![user("ada", Role::Responder), user("vic", Role::Viewer)], ..Server::default() };
    let alerts = Alerts::new(store.clone(), &server, now_micros, Arc::default(), CancellationToken::new());
    Desk { served: Served::with(|_, _| {}, router(alerts)), store, keyward }
}

impl Desk {
    fn get(&self, path: &str) -> Answer {
        self.served.get(path, Some(VIC))
    }

    fn ids(&self) -> Vec<String> {
        let listed = self.get("/api/v1/alerts").json()["alerts"].clone();
        listed.as_array().unwrap().iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect()
    }

    fn act(&self, id: &str, body: &Value) -> Answer {
        self.served.ask("POST", &format!("/api/v1/alerts/{id}"), Some(ADA), body.to_string().as_bytes())
    }

    /// With a further line in the head of the request.
    fn act_if(&self, id: &str, version: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let mut stream = self.served.connect();
        let length = body.len();
        let head = format!(
            "POST /api/v1/alerts/{id} HTTP/1.1\r\nHost: k\r\nConnection: close\r\nAuthorization: Bearer {ADA}\r\n\
             If-Match: {version}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        crate::ops::served::read(stream)
    }
}

fn etag(answer: &Answer) -> String {
    let line = answer.head.lines().find(|line| line.to_ascii_lowercase().starts_with("etag: ")).unwrap();
    line["etag: ".len()..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_token_sees_nothing_and_who_only_looks_changes_nothing() {
    let desk = desk().await;
    let id = desk.ids().remove(0);
    for path in ["", "/suppressed", "/incidents", "/silences", "/stream", &format!("/{id}")] {
        let path = format!("/api/v1/alerts{path}");
        assert_eq!(desk.served.get(&path, None).status, 401, "{path}");
        assert_eq!(desk.served.get(&path, Some("a wrong one")).status, 401, "{path}");
    }
    let body = json!({ "do": "acknowledge" }).to_string();
    let as_vic = |path: &str| desk.served.ask("POST", path, Some(VIC), body.as_bytes());
    let refused = as_vic(&format!("/api/v1/alerts/{id}"));
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"], "vic is a viewer and may not do this");
    assert_eq!(as_vic("/api/v1/alerts/silences").status, 403);
    assert_eq!(desk.get(&format!("/api/v1/alerts/{id}")).json()["alert"]["state"], "open");

    let open = Served::with(
        |_, _| {},
        router(Alerts::new(
            desk.store.clone(),
            &Server::default(),
            now_micros,
            Arc::default(),
            CancellationToken::new(),
        )),
    );
    let answer = open.get("/api/v1/alerts", Some(ADA));
    assert_eq!(answer.status, 403, "without users nobody sees anything");
    assert!(answer.json()["to_do"].as_str().unwrap().contains("http.users"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_worked_on_over_http_and_the_second_of_two_is_told_so() {
    let desk = desk().await;
    let id = desk.ids().remove(0);
    let path = format!("/api/v1/alerts/{id}");
    let seen = etag(&desk.get(&path));
    let acknowledged = desk.act_if(&id, &seen, &json!({ "do": "acknowledge", "reason": "looking" }));
    assert_eq!(acknowledged.status, 200, "{acknowledged:?}");
    let body = acknowledged.json();
    assert_eq!((&body["alert"]["state"], &body["journal"][0]["by"]), (&"acknowledged".into(), &"ada".into()));
    assert_ne!(etag(&acknowledged), seen);
    let late = desk.act_if(&id, &seen, &json!({ "do": "assign", "to": "bob" }));
    assert_eq!(late.status, 412, "{late:?}");

    for (body, status) in [
        (json!({ "do": "resolve", "disposition": "benign" }), 422),
        (json!({ "do": "resolve", "disposition": "nonsense", "reason": "x" }), 400),
        (json!({ "do": "reopen", "reason": "x" }), 409),
        (json!({ "do": "dance" }), 400),
        (json!("acknowledge"), 400),
        (json!({ "do": "resolve", "disposition": "benign", "reason": "a drill" }), 200),
    ] {
        let answer = desk.act(&id, &body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(status == 200 || answer.json()["to_do"].is_string(), "{answer:?}");
    }
    assert_eq!(desk.act("0000", &json!({ "do": "note", "reason": "x" })).status, 404);
    let shown = desk.get(&path).json();
    assert_eq!(shown["alert"]["disposition"], "benign");
    assert_eq!(shown["journal"].as_array().unwrap().len(), 3);
    let kinds: Vec<String> =
        desk.store.deliveries(100).await.unwrap().into_iter().map(|row| row.alert_id).collect();
    assert_eq!(kinds.iter().filter(|alert| **alert == id).count(), 3, "a page, and two notices");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_comes_in_pages_that_together_are_all_and_a_slip_in_a_filter_is_refused() {
    let desk = desk().await;
    let all = desk.ids();
    assert_eq!(all.len(), 3);
    let mut paged = Vec::new();
    let mut path = "/api/v1/alerts?limit=1".to_owned();
    for _ in 0..3 {
        let page = desk.get(&path).json();
        paged.push(page["alerts"][0]["id"].as_str().unwrap().to_owned());
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/alerts?limit=1&after={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let count =
        |query: &str| desk.get(&format!("/api/v1/alerts?{query}")).json()["alerts"].as_array().unwrap().len();
    assert_eq!(
        (count("key=vault:transit/mail"), count("state=resolved"), count("unresolved=true")),
        (1, 0, 3)
    );
    for query in ["stat=open", "state=opened", "limit=many", "after=here"] {
        let answer = desk.get(&format!("/api/v1/alerts?{query}"));
        assert!(matches!(answer.status, 400 | 422), "{query}: {answer:?}");
    }
}

/// The ids and names of so many events of the live feed after `last`.
fn events(desk: &Desk, last: i64, most: usize) -> Vec<(i64, String)> {
    let mut stream = desk.served.connect();
    let head = format!(
        "GET /api/v1/alerts/stream HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {VIC}\r\nLast-Event-ID: {last}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (mut text, mut part) = (String::new(), [0; 4096]);
    loop {
        let id = |event: &str| event.lines().find_map(|line| line.strip_prefix("id: ")?.trim().parse().ok());
        let name = |event: &str| {
            event.lines().find_map(|line| Some(line.strip_prefix("event: ")?.trim().to_owned()))
        };
        let plain = text.replace('\r', "");
        let found: Vec<(i64, String)> = plain
            .split("\n\n")
            .filter(|event| event.contains("data: {"))
            .filter_map(|event| Some((id(event)?, name(event)?)))
            .collect();
        if found.len() >= most {
            return found;
        }
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "the feed ended: {text}");
        text.push_str(&String::from_utf8_lossy(&part[..read]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_cut_off_from_the_live_feed_misses_nothing() {
    let desk = desk().await;
    let id = desk.ids().remove(0);
    let opened = |seq: i64| (seq, "opened".to_owned());
    assert_eq!(events(&desk, 0, 3), [opened(1), opened(2), opened(3)]);
    desk.act(&id, &json!({ "do": "acknowledge" }));
    assert_eq!(events(&desk, 2, 2), [opened(3), (4, "acknowledged".to_owned())]);
    assert_eq!(desk.served.get("/api/v1/alerts/stream", Some("wrong")).status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_works_on_a_running_service_as_on_a_folder() {
    let desk = desk().await;
    let id = desk.ids().remove(0);
    let url = format!("http://{}", desk.served.address);
    let run = |args: &[&str]| {
        desk.keyward.args(["alerts"]).args(args).args(["--url", &url, "--token", "ada"]).run()
    };
    let here = desk.keyward.args(["alerts", "list", "--data", "data", "--format", "json"]).run().stdout;
    assert_eq!(run(&["list", "--format", "json"]).stdout, here);
    assert_eq!(run(&["list", "--limit", "2", "--format", "json"]).json().len(), 2);
    let acknowledged = run(&["ack", &id, "--reason", "looking", "--by", "somebody else"]);
    assert_eq!(acknowledged.code, Some(0), "{}", acknowledged.stderr);
    let shown = &run(&["show", &id, "--format", "json"]).json()[0];
    assert_eq!(shown["alert"]["acknowledged_by"], "ada", "the token says who it is");
    let stale = run(&["ack", &id, "--version", "1.1"]);
    assert_eq!(stale.code, Some(1));
    assert!(stale.stderr.contains("HTTP 412"), "{}", stale.stderr);
    let added = run(&[
        "silence",
        "add",
        "--principal",
        "approle:*",
        "--for",
        "1h",
        "--reason",
        "drill",
        "--format",
        "json",
    ]);
    let silence = added.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(run(&["silence", "expire", &silence]).code, Some(0));
    assert_eq!(run(&["suppressed", "--format", "json"]).code, Some(0));
    assert_eq!(run(&["incidents", "--format", "json"]).json().len(), 3);
    let feed = run(&["watch", "--after", "0", "--limit", "4", "--format", "json"]).json();
    assert_eq!(feed[3]["entry"]["action"], "acknowledged");
    let refused = desk.keyward.args(["alerts", "ack", &id, "--url", &url, "--token", "vic"]).run();
    assert_eq!(refused.code, Some(4));
    assert!(refused.stderr.contains("vic is a viewer"), "{}", refused.stderr);
    let away = desk.keyward.args(["alerts", "list", "--url", "http://127.0.0.1:1"]).run();
    assert_eq!(away.code, Some(4));
    assert!(away.stderr.contains("is it running"), "{}", away.stderr);
}
