//! What pages become, on both databases.

use keyward::store::{
    Attempt, Came, DeliveryState, FoldedCount, NewDelivery, ROUTES, ReminderRow, Replay, RoutedDelivery,
    Store, ToldTo,
};

use super::{Home, on_both};

on_both! {
    a_page_waits_until_the_transaction_that_writes_what_it_becomes;
    what_is_told_together_is_counted_and_told_when_it_is_due;
    deliveries_of_one_alert_go_out_in_the_order_of_page_and_reminder;
    reminders_keep_their_time_and_say_what_was_said_last;
    what_was_given_up_begins_again_with_the_same_body;
}

const NOW: i64 = 1_795_510_800_000_000;

/// Puts a page into the outbox.
async fn page(store: &Store, alert: &str, repeat: i64) -> String {
    let id = format!("{alert}-{repeat}");
    let delivery = NewDelivery {
        id: id.clone(),
        alert_id: alert.to_owned(),
        channel: ROUTES.to_owned(),
        transition: 1,
        repeat,
        payload: format!("page {repeat} of {alert}"),
        created_at: NOW,
    };
    let mut transaction = store.begin_alerts().await.unwrap();
    transaction.insert_deliveries(&[delivery]).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

fn routed<'a>(id: &'a str, alert: &'a str, repeat: i64, step: i64) -> RoutedDelivery<'a> {
    RoutedDelivery {
        id,
        alert_id: alert,
        channel: "chat",
        transition: 1,
        repeat,
        payload: "a body",
        created_at: NOW,
        target: None,
        step,
        news: "opened",
        level: "high",
        route: "default",
        folded_into: None,
    }
}

/// The ids that may be tried.
async fn pending(store: &Store) -> Vec<String> {
    let pending = store.pending_deliveries("chat", 10).await.unwrap();
    pending.into_iter().map(|delivery| delivery.id).collect()
}

async fn arrived(store: &Store, id: &str) {
    let attempt = Attempt { id, attempt: (1, NOW), at: NOW, answer: "HTTP 200", came: Came::Arrived };
    store.note_attempts(&[attempt]).await.unwrap();
}

async fn a_page_waits_until_the_transaction_that_writes_what_it_becomes(home: Home) {
    let store = home.open(1).await.unwrap();
    let id = page(&store, "a1", 0).await;
    assert_eq!(store.unrouted(10).await.unwrap()[0].payload, "page 0 of a1");
    let mut routing = store.begin_routing().await.unwrap();
    routing.insert(&routed("d1", "a1", 0, 0)).await.unwrap();
    routing.routed(&id, NOW).await.unwrap();
    drop(routing);
    assert_eq!((store.unrouted(10).await.unwrap().len(), pending(&store).await.len()), (1, 0));
    let mut routing = store.begin_routing().await.unwrap();
    routing.insert(&routed("d1", "a1", 0, 0)).await.unwrap();
    routing.insert(&RoutedDelivery { payload: "another", ..routed("d1", "a1", 0, 0) }).await.unwrap();
    let to_owner = RoutedDelivery { target: Some("ml@example.com"), ..routed("d2", "a1", 0, 0) };
    routing.insert(&to_owner).await.unwrap();
    routing.routed(&id, NOW).await.unwrap();
    assert_eq!(routing.sent_since("chat", None, NOW).await.unwrap(), 1);
    assert_eq!(routing.sent_since("chat", Some("ml@example.com"), NOW).await.unwrap(), 1);
    assert_eq!(routing.sent_since("chat", None, NOW + 1).await.unwrap(), 0);
    let told = |target: Option<&str>| ToldTo {
        channel: "chat".to_owned(),
        target: target.map(str::to_owned),
        route: Some("default".to_owned()),
    };
    let mut all = routing.told("a1").await.unwrap();
    all.sort_by_key(|told| told.target.clone());
    assert_eq!(all, [told(None), told(Some("ml@example.com"))]);
    routing.commit().await.unwrap();
    assert!(store.unrouted(10).await.unwrap().is_empty());
    let deliveries = store.pending_deliveries("chat", 10).await.unwrap();
    assert!(deliveries.iter().all(|delivery| delivery.payload == "a body"), "the first body stays");
    assert_eq!(store.deliveries(10).await.unwrap().len(), 2, "what was routed is no delivery");
    let mut alerts = store.begin_alerts().await.unwrap();
    assert_eq!(alerts.told_channels("a1", 1).await.unwrap(), [ROUTES], "routes tell those whom they told");
}

async fn what_is_told_together_is_counted_and_told_when_it_is_due(home: Home) {
    let store = home.open(1).await.unwrap();
    let mut ids = Vec::new();
    for (alert, repeat) in [("a1", 0), ("a1", 1), ("a2", 0)] {
        ids.push((page(&store, alert, repeat).await, alert, repeat));
    }
    let mut routing = store.begin_routing().await.unwrap();
    let summary = RoutedDelivery { news: "summary", payload: "", ..routed("sum", "sum", 0, 0) };
    for (id, alert, repeat) in &ids {
        let level = if *alert == "a2" { "critical" } else { "low" };
        let part = RoutedDelivery { folded_into: Some("sum"), level, ..routed(id, alert, *repeat, 0) };
        routing.gather(&summary, NOW + 60).await.unwrap();
        let id = format!("part of {id}");
        routing.insert(&RoutedDelivery { id: &id, ..part }).await.unwrap();
    }
    assert!(routing.due_summaries(NOW + 59).await.unwrap().is_empty());
    let due = routing.due_summaries(NOW + 60).await.unwrap();
    assert_eq!((due.len(), due[0].id.as_str(), due[0].since), (1, "sum", NOW));
    let FoldedCount { mut pages, alerts } = routing.count_folded("sum").await.unwrap();
    pages.sort();
    assert_eq!((pages, alerts), (vec![("critical".to_owned(), 1), ("low".to_owned(), 2)], 2));
    let folded = routing.folded("sum", 2).await.unwrap();
    assert_eq!(folded, ["page 0 of a2", "page 0 of a1"], "the loudest first");
    assert_eq!(routing.sent_since("chat", None, NOW).await.unwrap(), 0);
    assert!(routing.told("a1").await.unwrap().is_empty());
    routing.commit().await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(NOW + 60));
    assert!(pending(&store).await.is_empty());
    let mut routing = store.begin_routing().await.unwrap();
    routing.complete("sum", "all of it", "critical", NOW + 60).await.unwrap();
    routing.commit().await.unwrap();
    assert_eq!(store.pending_deliveries("chat", 10).await.unwrap()[0].payload, "all of it");
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn deliveries_of_one_alert_go_out_in_the_order_of_page_and_reminder(home: Home) {
    let store = home.open(1).await.unwrap();
    let mut routing = store.begin_routing().await.unwrap();
    for delivery in [
        routed("d", "a1", 1, NOW + 9),
        routed("c", "a1", 1, 0),
        routed("b", "a1", 0, NOW + 5),
        routed("a", "a1", 0, 0),
        routed("other", "a2", 0, 0),
    ] {
        routing.insert(&delivery).await.unwrap();
    }
    routing.commit().await.unwrap();
    for next in ["a", "b", "c", "d"] {
        assert_eq!(pending(&store).await, [next, "other"]);
        arrived(&store, next).await;
    }
}

async fn reminders_keep_their_time_and_say_what_was_said_last(home: Home) {
    let store = home.open(1).await.unwrap();
    let reminder = ReminderRow {
        id: "r1".to_owned(),
        alert_id: "a1".to_owned(),
        transition: 1,
        route: "default".to_owned(),
        stage: 0,
        repeats: 0,
        started_at: NOW,
        due_at: NOW + 10,
        page: "first".to_owned(),
    };
    let later =
        ReminderRow { started_at: NOW + 5, due_at: NOW + 15, page: "second".to_owned(), ..reminder.clone() };
    let mut routing = store.begin_routing().await.unwrap();
    routing.start_reminder(&reminder).await.unwrap();
    routing.start_reminder(&later).await.unwrap();
    assert!(routing.due_reminders(NOW + 9, 10).await.unwrap().is_empty());
    let due = routing.due_reminders(NOW + 10, 10).await.unwrap();
    assert_eq!(due, [ReminderRow { page: "second".to_owned(), ..reminder.clone() }]);
    let moved = ReminderRow { stage: 1, repeats: 2, due_at: NOW + 20, ..due[0].clone() };
    routing.move_reminder(&moved).await.unwrap();
    assert_eq!(routing.due_reminders(NOW + 20, 10).await.unwrap(), [moved]);
    routing.end_reminders("a1").await.unwrap();
    assert!(routing.due_reminders(NOW + 20, 10).await.unwrap().is_empty());
    assert_eq!(routing.alert_stands("a1").await.unwrap(), None);
    assert!(routing.latest_findings("a1", 5).await.unwrap().is_empty());
    routing.commit().await.unwrap();
}

async fn what_was_given_up_begins_again_with_the_same_body(home: Home) {
    let store = home.open(1).await.unwrap();
    let mut routing = store.begin_routing().await.unwrap();
    for id in ["aa01", "aa02", "bb01"] {
        routing.insert(&routed(id, id, 0, 0)).await.unwrap();
    }
    routing.commit().await.unwrap();
    for id in ["aa01", "aa02", "bb01"] {
        let came = Came::Failed { next: None, why: "given up: HTTP 410" };
        let attempt = Attempt { id, attempt: (5, NOW), at: NOW, answer: "HTTP 410", came };
        store.note_attempts(&[attempt]).await.unwrap();
        store.note_attempts(&[Attempt { at: NOW + 1, ..attempt }]).await.unwrap();
    }
    assert_eq!(store.parked(10).await.unwrap().len(), 3);
    assert_eq!(store.replay_parked(Replay::Delivery("aa0"), NOW).await.unwrap(), 2);
    assert_eq!(store.replay_parked(Replay::Delivery("%"), NOW).await.unwrap(), 0);
    assert_eq!(store.replay_parked(Replay::Channel("chat"), NOW).await.unwrap(), 1);
    let pending = store.pending_deliveries("chat", 10).await.unwrap();
    assert!(pending.iter().all(|delivery| (delivery.attempts, delivery.payload.as_str()) == (0, "a body")));
    arrived(&store, "aa01").await;
    let (rows, answers) = store.ledger("aa01").await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].state, rows[0].answer.as_deref()),
        (1, DeliveryState::Delivered, Some("HTTP 200"))
    );
    let answers: Vec<_> = answers.into_iter().map(|of| (of.answer, of.times, of.last_at - NOW)).collect();
    assert_eq!(answers, [("HTTP 200".to_owned(), 1, 0), ("HTTP 410".to_owned(), 2, 1)]);
    assert_eq!(store.alerts_told_of("aa").await.unwrap().len(), 2);
}
