//! What people do to alerts, on both databases: states, versions, the journal, and what channels are told.

use keyward::alerts::life::{
    Act, Command, Growth, Life, LifeError, Request, act, entries_after, entries_of, find, incidents, show,
};
use keyward::alerts::{KeptAlert, News, kept};
use keyward::domain::alert::Suppression;
use keyward::domain::event::Outcome;
use keyward::domain::level::Level;
use keyward::domain::verdict::Aspect;
use keyward::store::{AlertFilter, AlertState, Disposition, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::alerts::{NOW, finding, keeper};
use super::{Home, on_both};

on_both! {
    an_alert_is_acknowledged_resolved_and_opened_again_and_channels_hear_of_it_in_order;
    an_acknowledgement_stops_repeats_and_lapses_when_the_scope_grows;
    a_new_principal_ends_an_acknowledgement_and_a_known_one_does_not;
    a_new_key_in_an_acknowledged_campaign_of_one_caller_ends_the_acknowledgement;
    what_does_not_go_with_how_an_alert_stands_changes_nothing;
    a_level_that_a_person_set_holds_until_findings_are_louder_than_they_were;
    a_resolved_alert_with_a_level_of_its_own_is_open_again_with_a_louder_finding;
    a_merged_alert_is_spoken_for_while_the_other_is_as_loud_and_open;
    the_journal_replayed_gives_how_every_alert_stands;
}

pub(super) fn request(command: Command) -> Request {
    Request { by: "ada".to_owned(), reason: Some("looked at it".to_owned()), version: None, command }
}

pub(super) const RESOLVE: Command = Command::Resolve { disposition: Disposition::FalsePositive };

pub(super) async fn only(store: &Store) -> KeptAlert {
    let mut all = kept(store, 10).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// One more finding about key `a`; the news that people are told of it.
pub(super) async fn raise(store: &Store, id: u32, level: Level, aspect: Aspect) -> Vec<News> {
    let (mut finding, folding) = finding(id, "a", Outcome::Success);
    (finding.level, finding.violations) = (level, vec![aspect]);
    let raised = keeper().raise(store, &[(finding, folding)], NOW + i64::from(id)).await.unwrap();
    raised.pages.iter().map(|page| page.news).collect()
}

async fn an_alert_is_acknowledged_resolved_and_opened_again_and_channels_hear_of_it_in_order(home: Home) {
    let store = home.open(1).await.unwrap();
    raise(&store, 1, Level::Medium, Aspect::Function).await;
    let id = only(&store).await.alert.id;
    let acted = act(&store, &id, &request(Command::Acknowledge), NOW + 10).await.unwrap();
    assert_eq!((acted.deliveries, acted.entries[0].act.word(), acted.entries[0].seq), (1, "acknowledged", 2));
    let stands = only(&store).await;
    assert_eq!((stands.state, stands.acknowledged_by.as_deref()), (AlertState::Acknowledged, Some("ada")));
    act(&store, &id, &request(RESOLVE), NOW + 20).await.unwrap();
    let stands = only(&store).await;
    assert_eq!((stands.state, stands.disposition), (AlertState::Resolved, Some(Disposition::FalsePositive)));
    assert_eq!(raise(&store, 2, Level::Medium, Aspect::Function).await, [News::Reopened]);
    let stands = only(&store).await;
    assert_eq!((stands.state, stands.transition), (AlertState::Reopened, 2));
    assert_eq!((stands.acknowledged_by, stands.resolved_by), (None, None));
    assert_eq!(stands.disposition, Some(Disposition::FalsePositive), "what it was judged last stays known");

    let mut told = Vec::new();
    while let Some(head) = store.pending_deliveries("webhook", 10).await.unwrap().pop() {
        let body: serde_json::Value = serde_json::from_str(&head.payload).unwrap();
        told.push((
            body["transition"].as_i64().unwrap(),
            body["repeat"].as_i64().unwrap(),
            body["news"].to_string(),
            body["done"]["disposition"].to_string(),
        ));
        store.delivery_arrived(&head.id, (1, NOW), NOW).await.unwrap();
    }
    let row = |transition, repeat, news: &str, disposition: &str| {
        (transition, repeat, format!("\"{news}\""), disposition.to_owned())
    };
    assert_eq!(
        told,
        [
            row(1, 0, "opened", "null"),
            row(1, 1, "acknowledged", "null"),
            row(1, 2, "resolved", "\"false_positive\""),
            row(2, 0, "reopened", "null")
        ]
    );
}

async fn an_acknowledgement_stops_repeats_and_lapses_when_the_scope_grows(home: Home) {
    let store = home.open(1).await.unwrap();
    raise(&store, 1, Level::Medium, Aspect::Function).await;
    let id = only(&store).await.alert.id;
    act(&store, &id, &request(Command::Acknowledge), NOW).await.unwrap();
    for number in 2..12 {
        assert_eq!(raise(&store, number, Level::Medium, Aspect::Function).await, []);
    }
    assert_eq!(only(&store).await.state, AlertState::Acknowledged);
    let suppressed = store.suppressed().await.unwrap();
    assert_eq!(
        suppressed,
        [(Suppression::Acknowledged, 1), (Suppression::NoNews, 9)],
        "ten times is no news now"
    );
    for (number, level, aspect, news) in [
        (20, Level::High, Aspect::Function, News::HigherLevel),
        (21, Level::High, Aspect::Context, News::NewAspect),
    ] {
        assert_eq!(raise(&store, number, level, aspect).await, [news]);
        assert_eq!(only(&store).await.state, AlertState::Open, "{news}");
        act(&store, &id, &request(Command::Acknowledge), NOW).await.unwrap();
    }
    let lapsed = entries_of(&store, &id, 0, 100).await.unwrap();
    let lapsed: Vec<_> = lapsed
        .iter()
        .filter_map(|entry| match &entry.act {
            Act::Lapsed { growth } => Some(*growth),
            _ => None,
        })
        .collect();
    assert_eq!(lapsed, [Growth::HigherLevel, Growth::NewAspect]);
}

async fn a_new_principal_ends_an_acknowledgement_and_a_known_one_does_not(home: Home) {
    let store = home.open(1).await.unwrap();
    let raise = async |id: u32, principal: &str| {
        let (mut finding, mut folding) = finding(id, "a", Outcome::Success);
        finding.principal = Some(principal.to_owned());
        folding.by = [("key_id".into(), Some("a".to_owned()))].into();
        let raised = keeper().raise(&store, &[(finding, folding)], NOW).await.unwrap();
        raised.pages.iter().map(|page| page.news).collect::<Vec<_>>()
    };
    raise(1, "approle:one").await;
    raise(2, "approle:two").await;
    let id = only(&store).await.alert.id;
    act(&store, &id, &request(Command::Acknowledge), NOW).await.unwrap();
    assert_eq!(raise(3, "approle:two").await, []);
    assert_eq!(raise(4, "approle:three").await, [News::NewPrincipal]);
    assert_eq!(only(&store).await.state, AlertState::Open);
}

async fn a_new_key_in_an_acknowledged_campaign_of_one_caller_ends_the_acknowledgement(home: Home) {
    let store = home.open(1).await.unwrap();
    let raise = async |id: u32, key: &str| {
        let raised = keeper().raise(&store, &[finding(id, key, Outcome::Success)], NOW).await.unwrap();
        raised.pages.iter().map(|page| page.news).collect::<Vec<_>>()
    };
    for id in 0..11 {
        raise(id, &format!("key-{id}")).await;
    }
    let campaign = AlertFilter { kind: Some("campaign".to_owned()), ..AlertFilter::default() };
    let id = store.living(&campaign, 10).await.unwrap().remove(0).alert.id;
    act(&store, &id, &request(Command::Acknowledge), NOW).await.unwrap();
    assert_eq!(raise(20, "key-5").await, [], "a key that was known");
    assert_eq!(raise(21, "another").await, [News::NewKey]);
    assert_eq!(find(&store, &id).await.unwrap().state, AlertState::Open);
}

async fn what_does_not_go_with_how_an_alert_stands_changes_nothing(home: Home) {
    let store = home.open(1).await.unwrap();
    raise(&store, 1, Level::Medium, Aspect::Function).await;
    let before = only(&store).await;
    let id = before.alert.id.clone();
    let refused = async |request: Request| act(&store, &id, &request, NOW + 5).await.unwrap_err();
    assert!(matches!(refused(request(Command::Reopen)).await, LifeError::Conflict(_)));
    assert!(matches!(refused(request(Command::Split)).await, LifeError::Conflict(_)));
    let to_itself = Command::Merge { into: id.clone() };
    assert!(matches!(refused(request(to_itself)).await, LifeError::Invalid(_)));
    assert!(matches!(refused(request(Command::Link { to: "0".to_owned() })).await, LifeError::Invalid(_)));
    let unreasoned = Request { reason: None, ..request(RESOLVE) };
    assert!(matches!(refused(unreasoned).await, LifeError::Invalid(_)));
    let nobody = Request { by: "  ".to_owned(), ..request(Command::Acknowledge) };
    assert!(matches!(refused(nobody).await, LifeError::Invalid(_)));
    let stale = Request { version: Some("1.0".to_owned()), ..request(Command::Acknowledge) };
    assert!(matches!(refused(stale).await, LifeError::Stale { .. }));
    let missing = act(&store, "0", &request(Command::Note), NOW).await.unwrap_err();
    assert!(matches!(missing, LifeError::NotFound { .. }), "{missing}");
    assert_eq!(only(&store).await, before);

    let seen = Request { version: Some(before.version), ..request(Command::Acknowledge) };
    act(&store, &id, &seen, NOW).await.unwrap();
    assert!(matches!(refused(seen).await, LifeError::Stale { .. }), "the second of two is told");
    assert!(matches!(refused(request(Command::Acknowledge)).await, LifeError::Conflict(_)));
}

async fn a_level_that_a_person_set_holds_until_findings_are_louder_than_they_were(home: Home) {
    let store = home.open(1).await.unwrap();
    raise(&store, 1, Level::Medium, Aspect::Function).await;
    let id = only(&store).await.alert.id;
    act(&store, &id, &request(Command::Level { level: Some(Level::Low) }), NOW).await.unwrap();
    let stands = only(&store).await;
    assert_eq!((stands.alert.level, stands.found_level), (Level::Low, Some(Level::Medium)));
    raise(&store, 2, Level::Medium, Aspect::Context).await;
    assert_eq!(only(&store).await.alert.level, Level::Low);
    let low = AlertFilter { level: Some("low".to_owned()), ..AlertFilter::default() };
    assert_eq!(store.living(&low, 10).await.unwrap().len(), 1);
    assert_eq!(raise(&store, 3, Level::High, Aspect::Context).await, [News::HigherLevel]);
    let stands = only(&store).await;
    assert_eq!((stands.alert.level, stands.found_level), (Level::High, None));
}

async fn a_resolved_alert_with_a_level_of_its_own_is_open_again_with_a_louder_finding(home: Home) {
    let store = home.open(1).await.unwrap();
    raise(&store, 1, Level::Low, Aspect::Function).await;
    let id = only(&store).await.alert.id;
    act(&store, &id, &request(Command::Level { level: Some(Level::Medium) }), NOW).await.unwrap();
    act(&store, &id, &request(RESOLVE), NOW).await.unwrap();
    assert_eq!(raise(&store, 2, Level::Critical, Aspect::Function).await, [News::Reopened]);
    let stands = only(&store).await;
    assert_eq!((stands.state, stands.alert.level), (AlertState::Reopened, Level::Critical));
}

async fn a_merged_alert_is_spoken_for_while_the_other_is_as_loud_and_open(home: Home) {
    let store = home.open(1).await.unwrap();
    let (mut other, folding) = finding(1, "b", Outcome::Success);
    other.level = Level::High;
    keeper().raise(&store, &[(other, folding)], NOW).await.unwrap();
    let into = only(&store).await.alert.id;
    raise(&store, 2, Level::Medium, Aspect::Function).await;
    let all = kept(&store, 10).await.unwrap();
    let id = all.iter().find(|one| one.alert.id != into).unwrap().alert.id.clone();
    act(&store, &id, &request(Command::Merge { into: into.clone() }), NOW).await.unwrap();
    let chain = act(&store, &into, &request(Command::Merge { into: id.clone() }), NOW).await.unwrap_err();
    assert!(matches!(chain, LifeError::Conflict(_)), "{chain}");
    assert_eq!(show(&store, &into).await.unwrap().members, std::slice::from_ref(&id));
    assert_eq!(incidents(&kept(&store, 10).await.unwrap()).len(), 1);

    assert_eq!(raise(&store, 3, Level::High, Aspect::Function).await, [], "the other speaks for it");
    assert_eq!(raise(&store, 4, Level::Critical, Aspect::Function).await, [News::HigherLevel]);
    let all = act(&store, &into, &request(RESOLVE), NOW).await.unwrap();
    assert_eq!(all.entries.len(), 2, "it is resolved with the other");
    assert_eq!(find(&store, &id).await.unwrap().state, AlertState::Resolved);
    assert_eq!(
        raise(&store, 5, Level::Low, Aspect::Function).await,
        [News::Reopened],
        "nobody speaks for it now"
    );
}

/// One thing that findings or people do.
#[derive(Debug, Clone)]
enum Step {
    Find(u32, u8, Level, Aspect),
    Act(u8, Command),
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop::sample::select(Level::ALL);
    let aspect = prop::sample::select(Aspect::ALL);
    let found = (0..40_u32, 0..3_u8, level, aspect)
        .prop_map(|(id, key, level, aspect)| Step::Find(id, key, level, aspect));
    let command = prop_oneof![
        3 => Just(Command::Acknowledge),
        1 => prop::option::of("[a-z]{1,3}").prop_map(|to| Command::Assign { to }),
        1 => Just(Command::Note),
        2 => prop::sample::select(Disposition::ALL).prop_map(|disposition| Command::Resolve { disposition }),
        2 => Just(Command::Reopen),
        1 => prop::option::of(prop::sample::select(Level::ALL)).prop_map(|level| Command::Level { level }),
        1 => (0..3_u8).prop_map(|to| Command::Merge { into: to.to_string() }),
        1 => Just(Command::Split),
        1 => (0..3_u8).prop_map(|to| Command::Link { to: to.to_string() }),
        1 => (0..3_u8).prop_map(|to| Command::Unlink { to: to.to_string() }),
    ];
    let acted = (0..3_u8, command).prop_map(|(alert, command)| Step::Act(alert, command));
    prop_oneof![found, acted]
}

/// Does all of it, and holds every alert against its journal.
async fn live(store: &Store, steps: &[Step]) {
    for (at, step) in (NOW..).zip(steps) {
        let ids: Vec<String> = kept(store, 10).await.unwrap().into_iter().map(|kept| kept.alert.id).collect();
        let of = |place: &str| {
            let place: usize = place.parse().unwrap();
            ids.get(place).cloned().unwrap_or_else(|| "none".to_owned())
        };
        match step {
            Step::Find(id, key, level, aspect) => {
                let (mut finding, folding) = finding(*id, &format!("key-{key}"), Outcome::Success);
                (finding.level, finding.violations) = (*level, vec![*aspect]);
                keeper().raise(store, &[(finding, folding)], at).await.unwrap();
            }
            Step::Act(alert, command) => {
                let command = match command.clone() {
                    Command::Merge { into } => Command::Merge { into: of(&into) },
                    Command::Link { to } => Command::Link { to: of(&to) },
                    Command::Unlink { to } => Command::Unlink { to: of(&to) },
                    other => other,
                };
                match act(store, &of(&alert.to_string()), &request(command), at).await {
                    Ok(_)
                    | Err(LifeError::Conflict(_) | LifeError::Invalid(_) | LifeError::NotFound { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    for living in store.living(&AlertFilter::default(), 100).await.unwrap() {
        let id = living.alert.id;
        let entries = entries_of(store, &id, 0, 10_000).await.unwrap();
        let stands = Life::of(living.alert.state, living.alert.transition, living.life).unwrap();
        assert_eq!(Life::replay(&entries), Some(stands), "{id}: {entries:#?}");
    }
    let all = entries_after(store, 0, 10_000).await.unwrap();
    assert!(all.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "numbers have no gaps");
}

async fn the_journal_replayed_gives_how_every_alert_stands(home: Home) {
    let store = home.open(1).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 150..151).new_tree(&mut runner).unwrap().current();
    live(&store, &steps).await;
}

#[test]
fn whatever_findings_and_people_do_the_journal_replayed_gives_how_every_alert_stands() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&prop::collection::vec(step(), 0..60), |steps| {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let store = Store::open(folder.path(), 1).await.unwrap();
            live(&store, &steps).await;
            store.close().await;
        });
        Ok(())
    });
    ran.unwrap();
}
