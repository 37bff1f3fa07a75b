//! What remediation does, on a store and a history of the test, with a receiver that answers as it is told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::prelude::SessionContext;
use futures::FutureExt;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::alerts::Keeper;
use crate::config::{Mode, Respond};
use crate::domain::action::ActionState;
use crate::domain::alert::Folding;
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::level::Level;
use crate::domain::time::{format_rfc3339, parse_rfc3339};
use crate::domain::verdict::{Aspect, Verdict};
use crate::metrics::Metrics;
use crate::store::{ActionFilter, Store};

mod stops;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

const NARROW: &str = "id: contain\ntitle: Contain\nwhen: { detectors: ['KP-*'], level: high }\nreceiver: bao\nsteps:\n\
    - { action: disable_entity, title: Disable }\n- { action: deny_path, title: Deny, automatic: true }\n";
const KEY: &str = "id: key\ntitle: Key\nwhen: { detectors: ['KP-*'], level: high, on_attempts: true }\n\
    receiver: bao\nsteps: [{ action: disable_key, title: Disable the key }]\n";

/// What the receiver says: a body, or that it is not so, for now or for good.
type Answer = Result<&'static str, bool>;

struct Scene {
    _folder: TempDir,
    store: Arc<Store>,
    respond: Respond,
    events: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    now: Arc<AtomicI64>,
    own: OwnActs,
}

fn morning() -> i64 {
    parse_rfc3339("2026-11-24T09:00:00Z").unwrap()
}

/// A row of history.
fn event(id: &str, at: i64, principal: &str, verdict: &str, outcome: &str, via: &str) -> String {
    let time = format_rfc3339(at);
    format!(
        "('{id}', 0, TIMESTAMP '{}', 'vault', 'use', 'transit.encrypt', 'encrypt', 'vault:transit/orders', 'orders', \
         '{principal}', CAST(NULL AS VARCHAR), 'entity-{principal}', 'hmac-sha256:1', '', CAST(NULL AS VARCHAR), \
         CAST(NULL AS VARCHAR), '{via}', '{outcome}', '{verdict}', CAST(NULL AS VARCHAR), 'shop', 'orders')",
        time.trim_end_matches('Z').replace('T', " ")
    )
}

async fn session(events: &[String]) -> Result<SessionContext, String> {
    let told = |error: datafusion::error::DataFusionError| error.to_string();
    let context = crate::sql::session::open(&crate::sql::session::Limits::default()).unwrap();
    let columns = "event_id, ordinal, event_time, provider, category, action, function, key_id, catalog_id, \
         principal, session_name, entity_id, credential_id, namespace, key_account, key_region, via, outcome, \
         verdict, caller_tenant, tenant, \"use\"";
    let sql = format!("CREATE TABLE events AS SELECT * FROM (VALUES {}) AS t ({columns})", events.join(", "));
    context.sql(&sql).await.map_err(told)?;
    let sql = "CREATE TABLE coverage AS SELECT 'a' AS source, 'read' AS kind, TIMESTAMP '2026-11-24' AS from_time, \
         TIMESTAMP '2026-11-24' AS to_time";
    context.sql(sql).await.map_err(told)?;
    Ok(context)
}

impl Scene {
    async fn new(mode: &str, playbook: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("playbook.yaml");
        std::fs::write(&file, playbook).unwrap();
        let config = format!(
            "{{ mode: {mode}, playbooks: ['{}'], receivers: [{{ name: bao, url: 'https://a.example', \
             signing_keys: [/k], retry: {{ first: 1s, longest: 1m, give_up_after: 1h }} }}], \
             actors: ['userpass:hand'], {more} }}",
            file.display()
        );
        let respond: Respond = serde_saphyr::from_str(&config).unwrap();
        let store = Arc::new(Store::open(&folder.path().join("data"), morning()).await.unwrap());
        // A history that reaches further back than is looked.
        let old = event("old", morning() - 60 * DAY, "userpass:eve", "violation", "success", "direct");
        Self {
            _folder: folder,
            store,
            own: OwnActs::new(&respond.actors).unwrap(),
            respond,
            events: Arc::new(Mutex::new(vec![old])),
            asked: Arc::default(),
            answers: Arc::default(),
            now: Arc::new(AtomicI64::new(morning() + 10 * SECOND)),
        }
    }

    fn later(&self, seconds: i64) {
        self.now.fetch_add(seconds * SECOND, Ordering::SeqCst);
    }

    fn happened(&self, row: String) {
        self.events.lock().unwrap().push(row);
    }

    /// A misuse by somebody, in the alerts and in history.
    async fn misuse(&self, who: &str, outcome: Outcome) {
        let now = self.now.load(Ordering::SeqCst);
        let (key, id) = (Some("vault:transit/orders".to_owned()), format!("call-{who}"));
        let verdict = if outcome == Outcome::Success { "success" } else { "denied" };
        self.happened(event(&id, now, who, "violation", verdict, "direct"));
        let finding = Finding {
            id: crate::domain::identity::hex_id(&[who.as_bytes()]),
            detector: "KP-001".to_owned(),
            level: Level::High,
            title: "Misuse".to_owned(),
            event_id: id,
            event_time: format_rfc3339(now),
            provider: Some("vault".to_owned()),
            key_id: key.clone(),
            catalog_id: Some("orders".to_owned()),
            principal: Some(who.to_owned()),
            session_name: None,
            function: None,
            action: None,
            outcome: Some(outcome),
            verdict: Verdict::Violation,
            violations: vec![Aspect::Function],
            message: "misuse".to_owned(),
            tags: Vec::new(),
            source: None,
            position: None,
            window: None,
        };
        let by = [("key_id".into(), key), ("principal".into(), Some(who.to_owned()))].into();
        let folding = Folding { owner: Some("team-shop".to_owned()), ..Folding::by(by) };
        let keeper = Keeper::new(Mode::Page, vec![RESPOND.to_owned()]);
        keeper.raise(&self.store, &[(finding, folding)], now).await.unwrap();
    }

    fn responder(&self) -> Responder {
        let (events, now) = (Arc::clone(&self.events), Arc::clone(&self.now));
        let (asked, answers, store) = (self.asked.clone(), self.answers.clone(), Arc::clone(&self.store));
        let call = move |request: Request| {
            let mut body: Value = serde_json::from_str(&request.body).unwrap();
            let (asked, answers, store) = (asked.clone(), answers.clone(), Arc::clone(&store));
            async move {
                // What the store says at this moment.
                let row = store.action(body["action"].as_str().unwrap()).await.unwrap().unwrap();
                body["stored_state"] = row.state.as_str().into();
                body["request_id"] = request.id.into();
                asked.lock().unwrap().push(body);
                let answer = answers.lock().unwrap().pop_front().unwrap_or(Ok("{}"));
                answer.map(str::to_owned).map_err(|for_good| Refused {
                    why: "HTTP 500".to_owned(),
                    for_good,
                    pause: None,
                })
            }
            .boxed()
        };
        Responder {
            store: Arc::clone(&self.store),
            settings: Settings::read(&self.respond).unwrap(),
            open: Arc::new(move || {
                let events = events.lock().unwrap().clone();
                async move { session(&events).await }.boxed()
            }),
            call: Arc::new(call),
            own: self.own.clone(),
            metrics: Arc::new(Metrics::new("test", &[], 0).unwrap()),
            clock: Arc::new(move || now.load(Ordering::SeqCst)),
            wake: Arc::default(),
        }
    }

    async fn round(&self) {
        self.responder().round(&mut 0).await.unwrap();
    }

    /// The actions, in the order they were proposed.
    async fn actions(&self) -> Vec<Action> {
        let mut actions = list(&self.store, &ActionFilter::default(), 100).await.unwrap();
        actions.sort_by(|one, other| (&one.proposed_at, one.step).cmp(&(&other.proposed_at, other.step)));
        actions
    }

    async fn only(&self) -> Action {
        let mut actions = self.actions().await;
        assert_eq!(actions.len(), 1, "{actions:#?}");
        actions.remove(0)
    }

    async fn act(&self, id: &str, command: Command, by: &str) -> Result<(), String> {
        let now = self.now.load(Ordering::SeqCst);
        act(&self.store, id, command, by, Some("because"), now)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    async fn approve(&self, id: &str, by: &str) {
        self.act(id, Command::Approve { accept_impact: true }, by).await.unwrap();
    }

    fn operations(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|body| body["operation"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn the_narrowest_step_is_proposed_once_with_what_it_would_break() {
    let scene = Scene::new("propose", NARROW, "").await;
    let before = morning() - DAY;
    scene.happened(event("good", before, "userpass:mallory", "conforming", "success", "direct"));
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    scene.round().await;
    let action = scene.only().await;
    assert_eq!((action.kind.as_str(), action.state), ("deny_path", ActionState::Proposed));
    assert!(action.subject.paths.contains(&"transit/encrypt/orders".to_owned()), "{action:?}");
    assert_eq!(action.subject.entity_id.as_deref(), Some("entity-userpass:mallory"));
    assert_eq!((action.impact.uses, action.impact.conforming), (2, 1));
    assert_eq!(action.impact.caveat, "stored data not observed may break too");
    assert_eq!(action.impact.unknown, [] as [&str; 0]);
    assert_eq!(scene.operations(), [] as [&str; 0]);
}

#[tokio::test]
async fn the_intent_is_written_before_the_call_and_the_effect_is_seen_in_later_events() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    let id = scene.only().await.id;
    scene.approve(&id, "ada").await;
    scene.round().await;
    assert_eq!(scene.only().await.state, ActionState::Done);
    let asked = scene.asked.lock().unwrap()[0].clone();
    assert_eq!(asked["stored_state"], "running");
    assert_eq!(asked["approvals"], serde_json::json!(["ada"]));
    assert_eq!(asked["request_id"], format!("{id}.do"));
    scene.later(5);
    let now = scene.now.load(Ordering::SeqCst);
    scene.happened(event("stopped", now, "userpass:mallory", "violation", "denied", "direct"));
    scene.round().await;
    assert_eq!(scene.only().await.state, ActionState::Verified);
    scene.act(&id, Command::Rollback, "ben").await.unwrap();
    scene.round().await;
    assert_eq!(scene.only().await.state, ActionState::RolledBack);
    assert_eq!(scene.operations(), ["do", "undo"]);
    let journal = show(&scene.store, &id).await.unwrap().journal;
    let told: Vec<_> = journal.iter().map(|entry| (entry.state.as_str(), entry.by.as_str())).collect();
    assert_eq!(
        told,
        [
            ("proposed", "keyward"),
            ("approved", "ada"),
            ("running", "keyward"),
            ("done", "keyward"),
            ("verified", "keyward"),
            ("rolling_back", "ben"),
            ("rolling_back", "keyward"),
            ("rolled_back", "keyward")
        ]
    );
}

#[tokio::test]
async fn a_second_attempt_reads_the_state_of_the_target_first() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    let id = scene.only().await.id;
    scene.approve(&id, "ada").await;
    // The answer to the first got lost; then nobody knows; then it shows that it was done.
    let answers = [Err(false), Ok(r#"{"state":"unknown"}"#), Ok(r#"{"state":"applied"}"#)];
    scene.answers.lock().unwrap().extend(answers);
    for _ in 0..3 {
        scene.round().await;
        scene.later(60);
    }
    assert_eq!(scene.operations(), ["do", "state", "state"]);
    assert_eq!(scene.only().await.state, ActionState::Done);
}

#[tokio::test]
async fn what_is_not_applied_is_asked_for_again_under_the_same_id() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    scene.approve(&scene.only().await.id, "ada").await;
    scene.answers.lock().unwrap().extend([Err(false), Ok(r#"{"state":"not_applied"}"#)]);
    scene.round().await;
    scene.later(60);
    scene.round().await;
    assert_eq!(scene.operations(), ["do", "state", "do"]);
    let asked = scene.asked.lock().unwrap();
    assert_eq!(asked[0]["request_id"], asked[2]["request_id"]);
}

#[tokio::test]
async fn a_step_that_fails_or_does_not_help_has_the_next_one_proposed() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    scene.approve(&scene.only().await.id, "ada").await;
    scene.round().await;
    scene.later(10);
    let now = scene.now.load(Ordering::SeqCst);
    scene.happened(event("again", now, "userpass:mallory", "violation", "success", "direct"));
    scene.round().await;
    let actions = scene.actions().await;
    let stand: Vec<_> = actions.iter().map(|of| (of.kind.as_str(), of.state.as_str())).collect();
    assert_eq!(stand, [("deny_path", "ineffective"), ("disable_entity", "proposed")]);
}

#[tokio::test]
async fn a_receiver_is_recognised_while_it_acts_for_us_and_not_at_other_times() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    let now = scene.now.load(Ordering::SeqCst);
    assert!(!scene.own.is_ours(Some("userpass:hand"), now));
    scene.approve(&scene.only().await.id, "ada").await;
    scene.round().await;
    assert!(scene.own.is_ours(Some("userpass:hand"), now));
    assert!(!scene.own.is_ours(Some("userpass:mallory"), now) && !scene.own.is_ours(None, now));
    assert!(!scene.own.is_ours(Some("userpass:hand"), now + 3_600 * SECOND));
}

#[tokio::test]
async fn a_page_waits_for_its_event_to_be_sealed() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    let sealed = scene.events.lock().unwrap().pop().unwrap();
    scene.round().await;
    assert_eq!(scene.actions().await, []);
    scene.happened(sealed);
    scene.later(2);
    scene.round().await;
    assert_eq!(scene.only().await.state, ActionState::Proposed);
}

#[test]
fn a_key_of_vault_is_named_by_paths_that_do_not_widen() {
    let named = |key, namespace, action| super::subject::paths(key, namespace, Some(action));
    let paths = named("vault:ns/a/keys/transit/k", Some("ns/a"), "transit.sign");
    assert!(paths.contains(&"keys/transit/sign/k/+".to_owned()), "{paths:?}");
    assert!(paths.iter().all(|path| path.starts_with("keys/transit/") && !path.contains('*')), "{paths:?}");
    assert_eq!(named("vault:transit/*", None, "transit.sign"), [] as [&str; 0]);
    assert_eq!(named("vault:kv/app", None, "kv.read"), [] as [&str; 0]);
    assert_eq!(named("arn:aws:kms:eu-west-1:1:key/2", None, "Sign"), [] as [&str; 0]);
}

#[test]
fn a_playbook_that_asks_for_what_must_not_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    let respond: Respond =
        serde_saphyr::from_str("receivers: [{ name: bao, url: 'https://a', signing_keys: [/k] }]").unwrap();
    for (wrong, told) in [
        (KEY.replace("title: Disable the key", "title: a, automatic: true"), "never `automatic`"),
        (KEY.replace("receiver: bao", "receiver: other"), "has no `other`"),
        (KEY.replace("steps", "stepz"), "stepz"),
        (KEY.replace("title: Disable the key", "title: a, approvals: 3"), "is 1 or 2"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let problems = load(std::slice::from_ref(&file), &respond.receivers).unwrap_err();
        assert!(problems[0].message.contains(told), "{problems:?}");
    }
}

#[tokio::test]
async fn a_hashed_entity_names_nobody_and_the_page_says_that_no_step_fits() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    let mut events = scene.events.lock().unwrap().clone();
    events.iter_mut().for_each(|row| *row = row.replace("'entity-userpass", "'hmac-sha256:userpass"));
    *scene.events.lock().unwrap() = events;
    scene.round().await;
    assert_eq!(scene.actions().await, []);
    let page = scene.store.deliveries(10).await.unwrap().remove(0);
    assert_eq!(page.answer.as_deref(), Some("no step fits what the log shows"));
}
