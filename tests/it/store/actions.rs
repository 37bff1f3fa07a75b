//! Actions, on both databases: each is there once, changes only as it was looked at, and has its journal.

use keyward::domain::action::{ActionKind, ActionState};
use keyward::domain::level::Level;
use keyward::respond::{Command, RespondError, act, kill_switch, list, set_kill_switch, show};
use keyward::store::{ActionFilter, ActionRow, Store};

use super::alerts::NOW;
use super::{Home, on_both};

on_both! {
    an_action_is_there_once_and_changes_only_as_it_was_looked_at;
    two_people_approve_and_the_journal_says_who_and_why;
    what_is_due_overdue_and_begun_is_found;
    the_kill_switch_is_kept_with_who_threw_it_and_why;
}

fn row(id: &str, needs: i64) -> ActionRow {
    ActionRow {
        id: id.to_owned(),
        alert_id: "alert".to_owned(),
        transition: 1,
        playbook: "contain".to_owned(),
        step: 0,
        kind: ActionKind::DenyPath,
        title: "Deny".to_owned(),
        level: Level::High,
        receiver: "bao".to_owned(),
        key_id: Some("vault:transit/a".to_owned()),
        catalog_id: None,
        principal: Some("approle:a\0b".to_owned()),
        owner: None,
        scope: "vault:".to_owned(),
        subject: r#"{"provider":"vault","event":"e","event_time":1,"paths":[]}"#.to_owned(),
        parameters: "{}".to_owned(),
        impact: serde_json::to_string(&keyward::respond::Impact::default()).unwrap(),
        approvals: "[]".to_owned(),
        needs,
        verify_for: 1,
        state: ActionState::Proposed,
        reason: None,
        answer: None,
        revision: 1,
        attempts: 0,
        next_attempt: NOW,
        proposed_at: NOW,
        expires_at: NOW + 100,
        intent_at: None,
        done_at: None,
        settled_at: None,
        undone_at: None,
    }
}

async fn insert(store: &Store, row: &ActionRow) -> bool {
    let mut transaction = store.begin_actions().await.unwrap();
    let is_new = transaction.insert(row).await.unwrap();
    transaction.commit().await.unwrap();
    is_new
}

async fn update(store: &Store, row: &ActionRow) -> bool {
    let mut transaction = store.begin_actions().await.unwrap();
    let changed = transaction.update(row).await.unwrap();
    transaction.commit().await.unwrap();
    changed
}

async fn an_action_is_there_once_and_changes_only_as_it_was_looked_at(home: Home) {
    let store = home.open(1).await.unwrap();
    assert!(insert(&store, &row("a", 1)).await && !insert(&store, &row("a", 2)).await);
    let known = store.action("a").await.unwrap().unwrap();
    assert_eq!((known.needs, known.principal.as_deref()), (1, Some("approle:a\u{fffd}b")));
    let changed = ActionRow { state: ActionState::Running, intent_at: Some(NOW), ..known.clone() };
    assert!(update(&store, &changed).await && !update(&store, &known).await);
    let now = store.action("a").await.unwrap().unwrap();
    assert_eq!(now, ActionRow { revision: 2, ..changed });
    assert_eq!(store.actions_of("alert", "contain").await.unwrap(), [now]);
}

async fn two_people_approve_and_the_journal_says_who_and_why(home: Home) {
    let store = home.open(1).await.unwrap();
    insert(&store, &row("a", 2)).await;
    let approve = Command::Approve { accept_impact: false };
    let ada = act(&store, "a", approve, "ada", Some("agreed"), NOW + 1).await.unwrap();
    assert_eq!((ada.state, ada.reason.as_deref()), (ActionState::Proposed, Some("1 of 2 people approved")));
    let again = act(&store, "a", approve, "ada", None, NOW + 2).await.unwrap_err();
    assert!(matches!(again, RespondError::Conflict(_)), "{again}");
    assert_eq!(act(&store, "a", approve, "ben", None, NOW + 3).await.unwrap().state, ActionState::Approved);
    let nobody = act(&store, "b", approve, "ada", None, NOW).await.unwrap_err();
    assert!(matches!(nobody, RespondError::NotFound(_)), "{nobody}");
    let shown = show(&store, "a").await.unwrap();
    let journal: Vec<_> =
        shown.journal.iter().map(|of| (of.by.as_str(), of.state.as_str(), of.reason.as_deref())).collect();
    assert_eq!(journal, [("ada", "approval", Some("agreed")), ("ben", "approved", None)]);
    let filter = ActionFilter { state: Some(ActionState::Approved), alert_id: Some("alert".to_owned()) };
    assert_eq!(list(&store, &filter, 10).await.unwrap(), [shown.action]);
    let other = ActionFilter { alert_id: Some("other".to_owned()), ..filter };
    assert_eq!(list(&store, &other, 10).await.unwrap(), []);
}

async fn what_is_due_overdue_and_begun_is_found(home: Home) {
    let store = home.open(1).await.unwrap();
    let approved = ActionRow { state: ActionState::Approved, ..row("approved", 1) };
    let begun = ActionRow { state: ActionState::Done, intent_at: Some(NOW + 5), ..row("begun", 1) };
    for row in [&row("waits", 1), &approved, &begun] {
        insert(&store, row).await;
    }
    let ids = |rows: Vec<ActionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(store.due_actions(NOW, 10).await.unwrap()), ["approved"]);
    assert_eq!(ids(store.due_actions(NOW - 1, 10).await.unwrap()), [""; 0]);
    assert_eq!(ids(store.overdue_actions(NOW + 100, 10).await.unwrap()), ["waits"]);
    assert_eq!(ids(store.actions_begun_since(NOW + 5).await.unwrap()), ["begun"]);
    assert_eq!(ids(store.watched_actions(10).await.unwrap()), ["begun"]);
    let counts = store.count_actions().await.unwrap();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 3);
}

async fn the_kill_switch_is_kept_with_who_threw_it_and_why(home: Home) {
    let store = home.open(1).await.unwrap();
    assert_eq!(kill_switch(&store).await.unwrap(), None);
    set_kill_switch(&store, true, "ada", Some("outage"), NOW).await.unwrap();
    let kill = kill_switch(&store).await.unwrap().unwrap();
    assert_eq!((kill.by.as_str(), kill.reason.as_str()), ("ada", "outage"));
    set_kill_switch(&store, false, "ben", None, NOW + 1).await.unwrap();
    assert_eq!(kill_switch(&store).await.unwrap(), None);
    let journal = store.action_journal(keyward::respond::KILL_SWITCH, 10).await.unwrap();
    assert_eq!(journal.iter().map(|entry| entry.actor.as_str()).collect::<Vec<_>>(), ["ada", "ben"]);
}
