//! Alerts and their outbox, on both databases.

use keyward::alerts::{Keeper, News, kept};
use keyward::config::Mode;
use keyward::domain::alert::{DAY, Folding, Notice, Suppression};
use keyward::domain::event::Outcome;
use keyward::domain::finding::Finding;
use keyward::domain::level::Level;
use keyward::domain::time::format_rfc3339;
use keyward::domain::verdict::{Aspect, Verdict};
use keyward::store::{AlertKind, Attempt, Came, DeliveryState, Store};
use sqlx::{Connection, SqliteConnection};

use super::{Home, on_both};

on_both! {
    what_is_raised_is_there_once_however_often_it_comes;
    many_keys_make_a_campaign_and_a_day_makes_a_digest;
    a_delivery_waits_for_the_one_before_it_until_that_is_done;
    an_earlier_copy_of_a_finding_stands_for_it;
}

/// 2026-11-24T09:00:00Z.
pub(super) const NOW: i64 = 1_795_510_800_000_000;

pub(super) fn finding(id: u32, key: &str, outcome: Outcome) -> (Finding, Folding) {
    let (key, principal) = (Some(key.to_owned()), Some("approle:\0shop".to_owned()));
    let finding = Finding {
        id: format!("{id:032x}"),
        detector: "KP-001".to_owned(),
        level: Level::Medium,
        title: "Function\0 outside".to_owned(),
        event_id: format!("event-{id}"),
        event_time: format_rfc3339(NOW + i64::from(id)),
        provider: None,
        key_id: key.clone(),
        catalog_id: None,
        principal: principal.clone(),
        session_name: None,
        function: None,
        action: None,
        outcome: Some(outcome),
        verdict: Verdict::Violation,
        violations: vec![Aspect::Function],
        message: "does not fit".to_owned(),
        tags: Vec::new(),
        source: None,
        position: None,
        window: None,
    };
    (finding, Folding::by([("key_id".into(), key), ("principal".into(), principal)].into()))
}

pub(super) fn keeper() -> Keeper {
    Keeper::new(Mode::Page, vec!["webhook".to_owned()])
}

async fn what_is_raised_is_there_once_however_often_it_comes(home: Home) {
    let store = home.open(1).await.unwrap();
    let findings: Vec<_> = (0..130)
        .map(|id| finding(id, "a", if id == 0 { Outcome::Denied } else { Outcome::Success }))
        .collect();
    let raised = keeper().raise(&store, &findings, NOW).await.unwrap();
    assert_eq!((raised.new, raised.known, raised.opened, raised.deliveries), (130, 0, 1, 1));
    let again = keeper().raise(&store, &findings, NOW).await.unwrap();
    assert_eq!((again.new, again.known, again.pages.len()), (0, 130, 0));
    let alerts = kept(&store, 10).await.unwrap();
    let [only] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((only.alert.count, only.alert.outcomes["denied"]), (130, 1));
    assert_eq!(only.alert.success_after_attempts.as_deref(), Some("2026-11-24T09:00:00.000001Z"));
}

async fn many_keys_make_a_campaign_and_a_day_makes_a_digest(home: Home) {
    let store = home.open(1).await.unwrap();
    for id in 0..12 {
        let findings = [finding(id, &format!("key-{id}"), Outcome::Success)];
        keeper().raise(&store, &findings, NOW).await.unwrap();
    }
    let (undeclared, folding) = finding(90, "unheard-of", Outcome::Success);
    let by = [("key_id".into(), undeclared.key_id.clone())].into();
    let folding = Folding { by, span: 30 * DAY, notice: Notice::Daily, ..folding };
    keeper().raise(&store, &[(undeclared, folding)], NOW).await.unwrap();
    let digest = keeper().digest(&store, NOW + DAY).await.unwrap();
    assert_eq!(digest.pages.iter().map(|page| page.news).collect::<Vec<_>>(), [News::Digest]);
    assert_eq!(keeper().digest(&store, NOW + DAY).await.unwrap().pages, []);

    let alerts = kept(&store, 100).await.unwrap();
    let kinds = |kind| alerts.iter().filter(|alert| alert.kind == kind).count();
    assert_eq!((kinds(AlertKind::Misuse), kinds(AlertKind::Campaign), kinds(AlertKind::Digest)), (13, 1, 1));
    let misuse = alerts.iter().filter(|alert| alert.kind == AlertKind::Misuse);
    assert!(misuse.into_iter().all(|alert| alert.folded_into.is_some()), "something speaks for each");
    let suppressed = store.suppressed().await.unwrap();
    assert_eq!(suppressed, [(Suppression::Campaign, 2), (Suppression::Digest, 1), (Suppression::NoNews, 1)]);
}

async fn pages(store: &Store, levels: &[Level]) {
    for (id, level) in (0_u32..).zip(levels) {
        let (mut finding, folding) = finding(id, "a", Outcome::Success);
        finding.level = *level;
        keeper().raise(store, &[(finding, folding)], NOW + i64::from(id)).await.unwrap();
    }
}

/// The first attempt arrived, or failed for good.
async fn attempted(store: &Store, id: &str, at: i64, failed: Option<&str>) {
    let answer = failed.unwrap_or("HTTP 200");
    let came = failed.map_or(Came::Arrived, |why| Came::Failed { next: None, why });
    store.note_attempts(&[Attempt { id, attempt: (1, NOW), at, answer, came }]).await.unwrap();
}

async fn a_delivery_waits_for_the_one_before_it_until_that_is_done(home: Home) {
    let store = home.open(1).await.unwrap();
    pages(&store, &[Level::Low, Level::Medium, Level::High, Level::Critical]).await;
    let mut states = Vec::new();
    for round in 0..4 {
        let pending = store.pending_deliveries("webhook", 10).await.unwrap();
        let [head] = pending.as_slice() else { panic!("one at a time: {pending:?}") };
        assert!(head.payload.contains(&format!("\"repeat\":{round}")), "{}", head.payload);
        match round {
            0 => attempted(&store, &head.id, NOW, Some("HTTP 410")).await,
            _ => attempted(&store, &head.id, NOW + 9, None).await,
        }
        states.push(head.id.clone());
    }
    assert_eq!(store.oldest_pending("webhook").await.unwrap(), None);
    let mut rows = store.deliveries(10).await.unwrap();
    rows.sort_by_key(|row| row.repeat);
    assert_eq!(rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), states);
    assert_eq!((rows[0].state, rows[0].last_error.as_deref()), (DeliveryState::Parked, Some("HTTP 410")));
    assert_eq!((rows[3].state, rows[3].delivered_at), (DeliveryState::Delivered, Some(NOW + 9)));
}

async fn an_earlier_copy_of_a_finding_stands_for_it(home: Home) {
    let store = home.open(1).await.unwrap();
    let (copy, folding) = finding(5, "a", Outcome::Success);
    let earlier = Finding { event_time: format_rfc3339(NOW), outcome: Some(Outcome::Denied), ..copy.clone() };
    for copy in [&copy, &earlier, &copy] {
        keeper().raise(&store, &[(copy.clone(), folding.clone())], NOW).await.unwrap();
    }
    let alert = kept(&store, 10).await.unwrap().remove(0).alert;
    assert_eq!(
        (alert.count, alert.first.as_str(), alert.last.as_str()),
        (1, "2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z")
    );
    assert_eq!(alert.outcomes, [("denied", 1)].into());
}

#[tokio::test]
async fn a_folder_of_a_keyward_that_kept_no_alerts_reads_as_one_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).await.unwrap();
    let database = format!("sqlite://{}", store.folder().database().display());
    store.close().await;
    let older = "DROP TABLE findings; DROP TABLE alerts; DROP TABLE deliveries; DROP TABLE suppressed; \
        DELETE FROM _sqlx_migrations WHERE version = 3";
    let mut connection = SqliteConnection::connect(&database).await.unwrap();
    sqlx::raw_sql(older).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let reader = Store::open_read_only(folder.path()).await.unwrap();
    assert!(reader.alerts(10).await.unwrap().is_empty());
    assert!(reader.deliveries(10).await.unwrap().is_empty());
}
