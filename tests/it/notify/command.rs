//! `keyward notify`: beside a service and without one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::api::deliveries::{Outbox, OutboxPlace, router};
use keyward::app::clock::now_micros;
use keyward::config::SecretFile;
use keyward::store::DeliveryState;
use serde_json::json;

use super::{Service, alerts, page};
use crate::alerts_service::receiver::{Answer, Receiver};
use crate::support::Keyward;

const ALERT: &str = "00000000000000000000000000000a01";

fn channels(url: &str) -> serde_json::Value {
    json!({
        "channels": [{
            "name": "soar", "allow_networks": ["127.0.0.0/8"],
            "retry": { "first": "1ms", "longest": "1ms", "give_up_after": "1h" },
            "webhook": { "url": url, "format": "page" },
        }],
        "route": { "name": "everybody", "to": ["soar"] },
    })
}

fn configured(url: &str, listen: &str) -> Keyward {
    let config = json!({
        "data": "data",
        "sources": [{ "name": "in", "stdin": {} }],
        "http": { "listen": listen, "admin_token": "token" },
        "alerts": channels(url),
    });
    Keyward::new().file("keyward.yaml", config.to_string()).file("token", "an-admin-token\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_is_tried_and_what_is_wrong_with_it_is_said() {
    let receiver = Receiver::start().await;
    let keyward = configured(&receiver.url(), "127.0.0.1:9");
    let test = |name: &str| keyward.args(["notify", "test", name, "--config", "keyward.yaml"]).run();
    let ran = test("everybody");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "ok      soar trigger: HTTP 200\n"),
        "{}",
        ran.stderr
    );
    let body: serde_json::Value = serde_json::from_str(&receiver.arrivals()[0].body).unwrap();
    assert_eq!((&body["news"], &body["title"]), (&json!("test"), &json!("Test message of keyward")));
    receiver.answers([Answer::Status(404)]);
    let ran = test("soar");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(1), "failed  soar trigger: HTTP 404\n"),
        "{}",
        ran.stderr
    );
    let ran = test("nobody");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("nothing is called `nobody`; known are everybody soar"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parked_deliveries_are_listed_and_sent_again_with_and_without_a_running_service() {
    let receiver = Receiver::start().await;
    receiver.answers([const { Answer::Status(410) }; 5]);
    let place = OutboxPlace::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keyward = configured(&receiver.url(), &listener.local_addr().unwrap().to_string());
    let served = router(place.clone(), Some(SecretFile::new(keyward.path("token"))), now_micros);
    tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    let data = keyward.path("data");
    let service = Service::start(&data, &alerts(channels(&receiver.url()))).await;
    service.tell(&page(ALERT, 0, "opened", "high")).await;
    let rows = service.until(1, |row| row.state == DeliveryState::Parked).await;
    let parked = keyward.args(["notify", "parked", "--data", "data", "--format", "json"]).run().json();
    assert_eq!(parked.len(), 1);
    assert_eq!((&parked[0]["id"], &parked[0]["channel"]), (&json!(rows[0].id), &json!("soar")));
    assert_eq!(parked[0]["answer"], "given up after 5 attempts: HTTP 410");
    let replay = |which: &str| keyward.args(["notify", "replay", which, "--config", "keyward.yaml"]).run();
    let early = replay("--all");
    assert_eq!(early.code, Some(4), "{}", early.stdout);
    assert!(early.stderr.contains("the service is still starting"), "{}", early.stderr);
    place.set(Outbox { store: Arc::clone(&service.store), dispatchers: vec![service.dispatcher()] });
    let ran = replay(&rows[0].id[..8]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1 deliveries are sent again\n"), "{}", ran.stderr);
    service.until_delivered(1).await;
    let ledger = keyward.args(["notify", "ledger", "00000000", "--data", "data"]).run();
    assert!(ledger.stdout.contains("  soar opened: delivered, 1 attempts ("), "{}", ledger.stdout);
    assert!(ledger.stdout.contains("  5 times: HTTP 410\n"), "{}", ledger.stdout);
    assert!(ledger.stdout.contains("  1 times: HTTP 200\n"), "{}", ledger.stdout);
    let unknown = keyward.args(["notify", "ledger", "ff", "--data", "data"]).run();
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    service.stop().await;
    // Without a service the store itself is changed.
    let done = AtomicBool::new(false);
    while !done.load(Ordering::Relaxed) {
        let ran = replay("--all");
        done.store(ran.stdout == "0 deliveries are sent again\n", Ordering::Relaxed);
        assert!(ran.code == Some(0) || ran.stderr.contains("did not do it"), "{}", ran.stderr);
    }
    let wrong = keyward.args(["notify", "replay", "--config", "keyward.yaml"]).run();
    assert_eq!(wrong.code, Some(2), "which ones has to be said");
}

#[test]
fn a_configuration_whose_routes_lead_nowhere_is_refused_with_the_reason() {
    let config = |alerts: serde_json::Value| {
        let config = json!({ "data": "data", "sources": [{ "name": "in", "stdin": {} }], "alerts": alerts });
        let keyward = Keyward::new().file("keyward.yaml", config.to_string());
        let ran = keyward.args(["check", "--config", "keyward.yaml"]).run();
        assert_eq!(ran.code, Some(3), "{}", ran.stdout);
        ran.stderr
    };
    let hook = json!({ "name": "a", "webhook": { "url": "https://a.example/" } });
    for (alerts, told) in [
        (
            json!({ "channels": [hook], "route": { "to": ["b"] } }),
            "a route leads to `b`, which is no channel; known: a",
        ),
        (json!({ "channels": [hook, hook] }), "two channels are called `a`"),
        (
            json!({ "channels": [{ "name": "routes", "webhook": { "url": "https://a.example/" } }] }),
            "cannot be called `routes`",
        ),
        (
            json!({ "channels": [hook], "route": { "to": [{ "channel": "a", "contact": true }] } }),
            "only email and opsgenie can do that",
        ),
        (json!({ "channels": [hook], "route": { "when": { "on_call": "soc" } } }), "`soc` is no schedule"),
        (json!({ "channels": [hook], "route": { "when": { "key": ["["] } } }), "a route's pattern `[`"),
        (
            json!({ "channels": [{ "name": "a", "webhook": { "url": "https://10.0.0.1/" } }] }),
            "channel `a`: 10.0.0.1 is a private address",
        ),
        (json!({ "channels": [hook], "schedules": { "soc": "nowhere.yaml" } }), "the schedule nowhere.yaml"),
        (
            json!({ "channels": [{ "name": "m", "email": { "host": "h", "from": "x", "to": ["a@b.example"] } }] }),
            "`x` is no mail address",
        ),
    ] {
        let stderr = config(alerts);
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}
