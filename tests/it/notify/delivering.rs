//! Deliveries to real receivers, through failures and crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyward::app::clock::now_micros;
use keyward::store::{DeliveryState, Replay};
use serde_json::json;

use super::{Service, alerts, page};
use crate::alerts_service::receiver::{Answer, Receiver};

fn hook(name: &str, url: &str) -> serde_json::Value {
    json!({
        "name": name, "allow_networks": ["127.0.0.0/8"], "timeout": "2s",
        "retry": { "first": "10ms", "longest": "50ms", "give_up_after": "1h" },
        "webhook": { "url": url },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transition_arrives_in_order_with_one_key_and_one_body_through_failures_and_crashes() {
    let data = tempfile::tempdir().unwrap();
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    let config = alerts(json!({ "channels": [hook("one", &one.url()), hook("other", &other.url())] }));
    let pages: Vec<_> = (0..8)
        .flat_map(|number| {
            let alert = format!("alert-{number}");
            [(0, "opened"), (1, "higher_level"), (2, "acknowledged"), (3, "resolved")]
                .map(|(repeat, news)| page(&alert, repeat, news, "high"))
        })
        .collect();
    for (round, pages) in pages.chunks(8).enumerate() {
        one.answers([Answer::Status(500), Answer::HangUp, Answer::Status(429), Answer::Status(503)]);
        let service = Service::start(data.path(), &config).await;
        for page in pages {
            service.tell(page).await;
        }
        tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        service.crash().await;
    }
    let service = Service::start(data.path(), &config).await;
    let rows = service.until_delivered(64).await;
    assert_eq!(rows.len(), 64);
    assert!(rows.iter().all(|row| row.answer.as_deref() == Some("HTTP 200")), "{rows:#?}");
    service.stop().await;
    for receiver in [one, other] {
        let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut order: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for arrival in receiver.arrivals() {
            let id = arrival.headers["idempotency-key"].clone();
            let body: serde_json::Value = serde_json::from_str(&arrival.body).unwrap();
            assert_eq!((&body["id"], &body["data"]["delivery"]), (&json!(id), &json!(id)));
            assert_eq!(arrival.headers["content-type"], "application/cloudevents+json");
            bodies.entry(id).or_default().insert(arrival.body);
            let alert = order.entry(body["subject"].as_str().unwrap().to_owned()).or_default();
            alert.push(body["data"]["repeat"].as_i64().unwrap());
        }
        assert_eq!(bodies.len(), 32);
        assert!(bodies.values().all(|bodies| bodies.len() == 1), "a retry has the same body");
        for (alert, repeats) in order {
            assert!(repeats.is_sorted(), "{alert}: {repeats:?}");
            assert_eq!(repeats.iter().collect::<BTreeSet<_>>().len(), 4, "{alert}: {repeats:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_listed_and_sent_again_on_request_and_the_ledger_has_every_answer() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([403, 403, 401, 401, 404].map(Answer::Status));
    let config = alerts(json!({ "channels": [hook("soar", &receiver.url())] }));
    let service = Service::start(data.path(), &config).await;
    service.tell(&page("abc123", 0, "opened", "high")).await;
    let rows = service.until(1, |row| row.state == DeliveryState::Parked).await;
    let parked = service.store.parked(10).await.unwrap();
    assert_eq!(parked, rows);
    assert_eq!(parked[0].last_error.as_deref(), Some("given up after 5 attempts: HTTP 404"));
    assert_eq!(service.store.replay_parked(Replay::Channel("other"), now_micros()).await.unwrap(), 0);
    assert_eq!(service.store.replay_parked(Replay::Delivery("%"), now_micros()).await.unwrap(), 0);
    let begin = &rows[0].id[..8];
    assert_eq!(service.store.replay_parked(Replay::Delivery(begin), now_micros()).await.unwrap(), 1);
    service.tell(&page("abc124", 0, "opened", "high")).await;
    service.until_delivered(2).await;
    let (rows, answers) = service.store.ledger("abc123").await.unwrap();
    assert_eq!((rows.len(), rows[0].attempts), (1, 1));
    let answers: Vec<_> = answers.iter().map(|answer| (answer.answer.as_str(), answer.times)).collect();
    assert_eq!(answers, [("HTTP 403", 2), ("HTTP 401", 2), ("HTTP 404", 1), ("HTTP 200", 1)]);
    assert_eq!(service.store.alerts_told_of("abc12").await.unwrap().len(), 2);
    let bodies: BTreeSet<_> = receiver.arrivals().into_iter().map(|arrival| arrival.body).collect();
    assert_eq!(bodies.len(), 2, "sent again with the same body");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_signed_with_every_key_so_that_keys_can_be_exchanged() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let (new, old) = (data.path().join("new"), data.path().join("old"));
    std::fs::write(&new, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    std::fs::write(&old, "an-old-key").unwrap();
    let mut channel = hook("soar", &receiver.url());
    channel["webhook"]["signing_keys"] = json!([new, old]);
    let service = Service::start(data.path(), &alerts(json!({ "channels": [channel] }))).await;
    service.tell(&page("a1", 0, "opened", "high")).await;
    service.until_delivered(1).await;
    let arrival = receiver.arrivals().remove(0);
    let signatures: Vec<&str> = arrival.headers["webhook-signature"].split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert!(signatures.iter().all(|signature| signature.starts_with("v1,") && signature.len() == 47));
    assert_ne!(signatures[0], signatures[1]);
    service.stop().await;
}
