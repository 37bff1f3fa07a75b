//! What is older than it is kept goes, and what was derived from it stays.

use keyward::alerts::Keeper;
use keyward::config::Mode;
use keyward::domain::alert::{DAY, Folding};
use keyward::domain::finding::Finding;
use keyward::domain::level::Level;
use keyward::domain::time::format_rfc3339;
use keyward::domain::verdict::Verdict;
use keyward::history::measure::Corpus;
use keyward::history::{GRACE, Writer, expire, sweep};
use keyward::store::{BlockingStore, Kind, Store};

use super::{NOW, files_on_disk, number, open, session};

fn count(root: &std::path::Path, sql: &str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { number(&session(root).await, sql).await })
}

fn rows(store: &BlockingStore, kind: Kind) -> i64 {
    store.wait(store.store().files(kind)).unwrap().iter().map(|file| file.rows).sum()
}

#[test]
fn old_days_of_events_go_and_usage_still_says_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    let first_day = {
        writer.open.push(Kind::Events, &Corpus::new(7, 20, 2_000).batch(500).unwrap()).unwrap();
        writer.seal(&store, 1).unwrap();
        store.wait(store.store().files(Kind::Events)).unwrap()[0].day
    };
    writer.open.push(Kind::Events, &Corpus::new(7, 20, 2_000).days_later(5).batch(500).unwrap()).unwrap();
    writer.seal(&store, 1).unwrap();
    let end = (first_day + 1) * DAY;
    let retire = |before: i64| store.wait(expire(store.store(), Kind::Events, before, NOW)).unwrap();
    assert_eq!(retire(end - 1), 0, "the day is not over");
    assert_eq!((retire(end), retire(end)), (500, 0));
    assert_eq!((rows(&store, Kind::Events), files_on_disk(folder.path()).len()), (500, 6));
    assert_eq!(count(folder.path(), "SELECT count(*) FROM events"), 500);
    assert_eq!(count(folder.path(), "SELECT CAST(sum(events) AS BIGINT) FROM usage"), 1_000);
    // Whoever reads by the manifest of before still finds the file; later it goes.
    assert_eq!(store.wait(sweep(store.store(), NOW + GRACE - 1)).unwrap().len(), 0);
    assert_eq!(store.wait(sweep(store.store(), NOW + GRACE)).unwrap().len(), 1);
}

#[test]
fn what_was_read_in_late_is_kept_as_long_as_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    writer.open.push(Kind::Events, &Corpus::new(7, 20, 2_000).batch(500).unwrap()).unwrap();
    writer.seal(&store, NOW).unwrap();
    assert_eq!(store.wait(expire(store.store(), Kind::Events, NOW, NOW)).unwrap(), 0);
    assert_eq!(store.wait(expire(store.store(), Kind::Events, NOW + 1, NOW)).unwrap(), 500);
}

fn finding(number: usize, key: usize, time: i64) -> (Finding, Folding) {
    let (key, principal) = (Some(format!("vault:transit/{key}")), Some("approle:x".to_owned()));
    let finding = Finding {
        id: format!("{number:032x}"),
        detector: "KP-001".to_owned(),
        level: Level::High,
        title: "t".to_owned(),
        event_id: format!("event-{number}"),
        event_time: format_rfc3339(time),
        provider: None,
        key_id: key.clone(),
        catalog_id: None,
        principal: principal.clone(),
        session_name: None,
        function: None,
        action: None,
        outcome: None,
        verdict: Verdict::Violation,
        violations: Vec::new(),
        message: "m".to_owned(),
        tags: Vec::new(),
        source: None,
        position: None,
        window: None,
    };
    (finding, Folding::by([("key_id".into(), key), ("principal".into(), principal)].into()))
}

/// Removes until nothing more goes; says how many rows went.
async fn all(remove: impl AsyncFn() -> u64) -> u64 {
    let mut removed = 0;
    loop {
        match remove().await {
            0 => return removed,
            some => removed += some,
        }
    }
}

#[tokio::test]
async fn findings_campaigns_and_deliveries_go_when_their_alerts_are_old_and_alerts_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).await.unwrap();
    let keeper = Keeper::new(Mode::Page, vec!["webhook".to_owned()]);
    let old: Vec<_> = (0..1_200).map(|number| finding(number, number % 12, NOW)).collect();
    keeper.raise(&store, &old, 100).await.unwrap();
    keeper.raise(&store, &[finding(5_000, 50, NOW + 3 * DAY)], 200).await.unwrap();
    let alerts = store.alerts(100).await.unwrap().len();
    assert_eq!(alerts, 12 + 1 + 1, "twelve keys, their campaign, and a later one");

    let findings = async |before| all(async || store.expire_findings(before).await.unwrap()).await;
    assert_eq!((findings(100).await, findings(101).await, findings(101).await), (0, 1_200, 0));
    let campaigns = async |before| all(async || store.expire_campaigns(before).await.unwrap()).await;
    assert_eq!(campaigns(100).await, 0);
    assert!(campaigns(101).await > 12, "the campaign and its parts");
    let deliveries = store.deliveries(100).await.unwrap();
    let expired = async |before| all(async || store.expire_deliveries(before).await.unwrap()).await;
    assert_eq!(expired(1_000).await, 0, "what waits is never removed");
    store.delivery_arrived(&deliveries[0].id, (1, 150), 150).await.unwrap();
    assert_eq!((expired(deliveries[0].created_at).await, expired(1_000).await), (0, 1));
    assert_eq!(store.alerts(100).await.unwrap().len(), alerts);
    // A new finding of an old alert is one more, and the rest of history is not made up again.
    keeper.raise(&store, &[finding(9_000, 3, NOW)], 300).await.unwrap();
    let row = store.alerts(100).await.unwrap().into_iter().find(|row| row.updated_at == 300).unwrap();
    assert_eq!(row.findings, 101);
}
