//! Which page becomes which message, when: by a clock that the test turns.

use std::sync::Arc;

use keyward::domain::level::Level;
use keyward::notify::Router;
use keyward::store::{AlertKind, AlertRow, AlertState, DeliveryRow, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{MINUTE, MORNING, SECOND, alerts, clock, open, owners, page, put, set_clock};

struct Routed {
    store: Arc<Store>,
    router: Router,
    _data: TempDir,
}

impl Routed {
    /// Channels `chat` and `pager` beside those given, and a route.
    async fn with(route: Value, more: Value) -> Self {
        set_clock(MORNING);
        let data = tempfile::tempdir().unwrap();
        let store = Arc::new(open(data.path()).await);
        let hook = |name: &str| json!({ "name": name, "webhook": { "url": "https://a.example/", "format": "page" } });
        let mut channels = vec![hook("chat"), hook("pager")];
        channels.extend(more.as_array().unwrap().clone());
        let config = alerts(json!({ "channels": channels, "route": route }));
        let router = Router::new(Arc::clone(&store), &config, owners(), clock).unwrap();
        Self { store, router, _data: data }
    }

    async fn turn(&self) {
        while self.router.turn().await.unwrap().is_zero() {}
    }

    async fn tell(&self, page: &Value) {
        put(&self.store, page).await;
        self.turn().await;
    }

    /// An alert in the store, as far as reminders ask for it.
    async fn alert(&self, id: &str, state: AlertState) {
        let mut transaction = self.store.begin_alerts().await.unwrap();
        let row = AlertRow {
            id: id.to_owned(),
            kind: AlertKind::Misuse,
            state,
            level: Level::High,
            title: "t".to_owned(),
            key_id: None,
            principal: None,
            findings: 1,
            first_time: 0,
            last_time: 0,
            transition: 1,
            pages: 1,
            paged: None,
            folded_into: None,
            folded_pane: None,
            digest_day: None,
            alert_by: "{}".to_owned(),
            facts: "{}".to_owned(),
            opened_at: 0,
            updated_at: 0,
        };
        transaction.write_alerts(&[row]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn rows(&self) -> Vec<DeliveryRow> {
        let mut rows = self.store.deliveries(1_000).await.unwrap();
        rows.sort_by_key(|row| (row.created_at, row.channel.clone(), row.target.clone(), row.repeat));
        rows
    }

    /// `CHANNEL NEWS` of each delivery, in their order.
    async fn told(&self) -> Vec<String> {
        let told = |row: DeliveryRow| format!("{} {}", row.channel, row.news.unwrap_or_default());
        self.rows().await.into_iter().map(told).collect()
    }

    /// The bodies that wait on a channel.
    async fn bodies(&self, channel: &str) -> Vec<Value> {
        let pending = self.store.pending_deliveries(channel, 1_000).await.unwrap();
        pending.iter().map(|delivery| serde_json::from_str(&delivery.payload).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_page_becomes_one_delivery_for_each_channel_of_its_route_with_the_id_that_it_always_had() {
    let routed = Routed::with(json!({ "to": ["chat", "pager"] }), json!([])).await;
    routed.tell(&page("a1", 0, "opened", "high")).await;
    routed.tell(&page("a1", 0, "opened", "high")).await;
    let rows = routed.rows().await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let parts: [&[u8]; 4] = [b"a1", row.channel.as_bytes(), &1_i64.to_le_bytes(), &0_i64.to_le_bytes()];
        assert_eq!(row.id, keyward::domain::identity::hex_id(&parts));
        assert_eq!((row.level.as_deref(), row.route.as_deref()), (Some("high"), Some("default")));
    }
    let body = &routed.bodies("chat").await[0];
    assert_eq!(body["alert"], "a1");
    assert_eq!(body["delivery"], rows[0].id, "{body}");
    assert_eq!(body["version"], 1);
    assert!(body.get("findings").is_none(), "only where the route tells all: {body}");
}

#[tokio::test]
async fn without_an_acknowledgement_others_are_told_and_the_same_again() {
    let route = json!({ "to": ["chat"], "repeat": "1h", "escalate": [{ "after": "15m", "to": ["pager"] }] });
    let routed = Routed::with(route, json!([])).await;
    routed.alert("a1", AlertState::Open).await;
    routed.tell(&page("a1", 0, "opened", "high")).await;
    let mut expected = vec!["chat opened"];
    for (minutes, more) in [
        (14, vec![]),
        (15, vec!["pager escalation"]),
        (59, vec![]),
        (60, vec!["chat reminder", "pager reminder"]),
        // Four were missed: it is told once.
        (330, vec!["chat reminder", "pager reminder"]),
        (359, vec![]),
    ] {
        set_clock(MORNING + minutes * MINUTE);
        routed.turn().await;
        expected.extend(more);
        assert_eq!(routed.told().await, expected, "after {minutes} minutes");
    }
    assert_eq!(routed.bodies("pager").await.len(), 1, "one after the other");
    routed.tell(&page("a1", 1, "acknowledged", "high")).await;
    set_clock(MORNING + 1_000 * MINUTE);
    routed.turn().await;
    let told = routed.told().await;
    assert_eq!(told[expected.len()..], ["chat acknowledged", "pager acknowledged"]);
}

#[tokio::test]
async fn an_alert_that_is_no_longer_open_is_not_told_again() {
    let route = json!({ "to": ["chat"], "repeat": "1h" });
    let routed = Routed::with(route, json!([])).await;
    routed.alert("a1", AlertState::Resolved).await;
    routed.tell(&page("a1", 0, "opened", "high")).await;
    routed.tell(&page("gone", 0, "opened", "high")).await;
    set_clock(MORNING + 90 * MINUTE);
    routed.turn().await;
    assert_eq!(routed.told().await, ["chat opened", "chat opened"]);
}

#[tokio::test]
async fn those_who_were_told_of_an_alert_hear_of_its_end_and_nobody_else_does() {
    let route = json!({ "to": ["chat"], "routes": [
        { "when": { "level": "critical" }, "to": ["pager"], "resolved": false, "continue": true },
        { "when": { "level": "high" }, "to": ["chat"] },
    ]});
    let routed = Routed::with(route, json!([])).await;
    routed.tell(&page("a1", 0, "opened", "critical")).await;
    // By then its level is another.
    routed.tell(&page("a1", 1, "resolved", "low")).await;
    routed.tell(&page("a2", 0, "resolved", "critical")).await;
    assert_eq!(routed.told().await, ["chat opened", "chat resolved", "pager opened"]);
}

#[tokio::test]
async fn what_a_channel_has_no_room_for_is_told_together_with_the_true_counts() {
    let few = json!([{ "name": "few", "limit": { "messages": 2, "per": "10m" },
        "webhook": { "url": "https://a.example/", "format": "page" } }]);
    let routed = Routed::with(json!({ "to": ["few", "chat"] }), few).await;
    for number in 0..500 {
        let level = if number % 100 == 99 { "critical" } else { "low" };
        put(&routed.store, &page(&format!("alert-{number:03}"), 0, "opened", level)).await;
    }
    routed.turn().await;
    assert_eq!(routed.bodies("chat").await.len(), 500, "the other channel gets them all");
    assert_eq!(routed.bodies("few").await.len(), 2);
    set_clock(MORNING + 10 * MINUTE - SECOND);
    routed.turn().await;
    assert_eq!(routed.bodies("few").await.len(), 2, "the window has not ended");
    set_clock(MORNING + 10 * MINUTE);
    routed.turn().await;
    let bodies = routed.bodies("few").await;
    assert_eq!(bodies.len(), 3, "a bounded number of messages");
    let summary = bodies.iter().find(|body| body["news"] == "summary").unwrap();
    assert_eq!(summary["title"], "498 pages about 498 alerts told together");
    assert_eq!((&summary["count"], &summary["level"]), (&json!(498), &json!("critical")));
    let message = summary["message"].as_str().unwrap();
    assert!(message.starts_with("5 critical, 493 low, between 2026-11-24T09:00:00Z"), "{message}");
    let rows = routed.rows().await;
    let folded = rows.iter().filter(|row| row.folded_into.as_deref() == summary["delivery"].as_str());
    assert_eq!(folded.count(), 498, "each is in the ledger, with what says it");
    // The end of an alert of which nobody was told by itself is told to nobody; of the others it is.
    routed.tell(&page("alert-499", 1, "resolved", "critical")).await;
    routed.tell(&page("alert-000", 1, "resolved", "low")).await;
    let resolved = routed.rows().await.into_iter().filter(|row| row.news.as_deref() == Some("resolved"));
    let resolved: Vec<_> = resolved.map(|row| (row.channel, row.alert_id)).collect();
    let row = |channel: &str, alert: &str| (channel.to_owned(), alert.to_owned());
    assert_eq!(resolved.len(), 3, "{resolved:?}");
    assert!(!resolved.contains(&row("few", "alert-499")), "{resolved:?}");
    assert!(resolved.contains(&row("few", "alert-000")), "{resolved:?}");
}

#[tokio::test]
async fn quiet_pages_wait_for_the_digest_and_loud_ones_do_not() {
    let mail = json!([{ "name": "mail", "digest": { "every": "1h", "below": "high" },
        "email": { "host": "mail.example", "from": "k@example.com", "to": ["soc@example.com"] } }]);
    let to = json!({ "to": [{ "channel": "mail", "contact": true }, "mail"] });
    let routed = Routed::with(to, mail).await;
    set_clock(MORNING + 30 * MINUTE);
    routed.tell(&page("a1", 0, "opened", "low")).await;
    routed.tell(&page("a2", 0, "opened", "medium")).await;
    routed.tell(&page("a3", 0, "opened", "high")).await;
    let pending = routed.store.pending_deliveries("mail", 10).await.unwrap();
    let mut targets: Vec<_> = pending.iter().map(|delivery| delivery.target.as_deref()).collect();
    targets.sort();
    assert_eq!(targets, [None, Some("model-signing@example.com")]);
    set_clock(MORNING + 60 * MINUTE);
    routed.turn().await;
    let pending = routed.store.pending_deliveries("mail", 10).await.unwrap();
    let digests: Vec<_> =
        pending.iter().filter(|delivery| delivery.news.as_deref() == Some("summary")).collect();
    assert_eq!(digests.len(), 2, "one for the owner, one for the rest");
    for digest in digests {
        let to = digest.target.as_deref().unwrap_or("soc@example.com");
        assert!(digest.payload.contains(&format!("To: {to}\r\n")), "{}", digest.payload);
        assert!(digest.payload.contains("2 pages about 2 alerts told together"), "{}", digest.payload);
        assert!(
            digest.payload.contains("[MEDIUM] Function outside the declared purpose"),
            "{}",
            digest.payload
        );
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_parked_and_stops_nobody() {
    let routed = Routed::with(json!({ "to": ["chat"] }), json!([])).await;
    put(&routed.store, &json!({ "alert": "a0", "transition": 1, "repeat": 0 })).await;
    routed.tell(&page("a1", 0, "opened", "high")).await;
    assert_eq!(routed.told().await, ["chat opened"]);
    let parked = routed.store.parked(10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].last_error.as_deref().unwrap().starts_with("no page: missing field"), "{parked:?}");
}
