use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::news::News;
use super::*;
use crate::alerts::{Alerts, KeptAlert, kept};
use crate::domain::alert::Notice;
use crate::domain::event::Outcome;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::{Aspect, Verdict};
use crate::store::{AlertKind, AlertRow, AlertState};

/// 2026-11-24T00:00:00Z, as are the clock and the events of these tests.
const MIDNIGHT: i64 = 1_795_478_400_000_000;

const SECOND: i64 = 1_000_000;

fn finding(id: u32, key: &str, principal: &str, second: i64) -> (Finding, Folding) {
    let (key, principal) = (Some(format!("vault:transit/{key}")), Some(format!("approle:{principal}")));
    let finding = Finding {
        id: format!("{id:032x}"),
        detector: "KP-001".to_owned(),
        level: Level::Medium,
        title: "Function outside the declared purpose".to_owned(),
        event_id: format!("event-{id}"),
        event_time: format_rfc3339(MIDNIGHT + second * SECOND),
        provider: None,
        key_id: key.clone(),
        catalog_id: Some("orders".to_owned()),
        principal: principal.clone(),
        session_name: None,
        function: None,
        action: None,
        outcome: Some(Outcome::Success),
        verdict: Verdict::Violation,
        violations: vec![Aspect::Function],
        message: format!("event {id} from 10.0.0.7 does not fit"),
        tags: Vec::new(),
        source: None,
        position: None,
        window: None,
    };
    let by = [("key_id".into(), key), ("principal".into(), principal)].into();
    (finding, Folding { owner: Some("team-orders".to_owned()), ..Folding::by(by) })
}

fn keeper(mode: Mode) -> Keeper {
    Keeper::new(mode, vec!["webhook".to_owned()])
}

struct Kept {
    _folder: tempfile::TempDir,
    store: Store,
    keeper: Keeper,
    pages: Vec<Page>,
}

impl Kept {
    async fn new(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1).await.unwrap();
        Self { _folder: folder, store, keeper: keeper(mode), pages: Vec::new() }
    }

    async fn raise(&mut self, findings: &[(Finding, Folding)]) -> Raised {
        let raised = self.keeper.raise(&self.store, findings, MIDNIGHT).await.unwrap();
        self.pages.extend(raised.pages.clone());
        raised
    }

    async fn alerts(&self) -> Vec<KeptAlert> {
        let mut alerts = kept(&self.store, i64::MAX).await.unwrap();
        alerts.sort_by(|one, other| one.alert.id.cmp(&other.alert.id));
        alerts
    }

    async fn alert(&self) -> KeptAlert {
        let mut alerts = self.alerts().await;
        assert_eq!(alerts.len(), 1);
        alerts.remove(0)
    }

    fn news(&self) -> Vec<News> {
        self.pages.iter().map(|page| page.news).collect()
    }

    async fn resolve(&self, id: &str) {
        let mut transaction = self.store.begin_alerts().await.unwrap();
        let row = transaction.alerts(&[id]).await.unwrap().remove(id).unwrap();
        transaction.write_alerts(&[AlertRow { state: AlertState::Resolved, ..row }]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn payloads(&self) -> BTreeMap<String, serde_json::Value> {
        let pending = self.store.pending_deliveries("webhook", 1_000).await.unwrap();
        pending
            .into_iter()
            .map(|delivery| (delivery.id, serde_json::from_str(&delivery.payload).unwrap()))
            .collect()
    }
}

fn folded(findings: &[(Finding, Folding)]) -> Vec<crate::domain::alert::Alert> {
    let mut alerts = Alerts::default();
    findings.iter().for_each(|(finding, folding)| alerts.add(finding, folding.clone()));
    let mut alerts = alerts.finish();
    alerts.sort_by(|one, other| one.id.cmp(&other.id));
    alerts
}

#[tokio::test]
async fn the_first_page_is_immediate_and_the_same_findings_again_change_nothing() {
    let mut kept = Kept::new(Mode::Page).await;
    let findings = [finding(1, "a", "x", 10), finding(2, "a", "x", 20)];
    let raised = kept.raise(&findings).await;
    assert_eq!((raised.new, raised.known, raised.opened, raised.deliveries), (2, 0, 1, 1));
    let (alerts, payloads) = (kept.alerts().await, kept.payloads().await);
    let again = kept.raise(&findings).await;
    assert_eq!(again, Raised { known: 2, ..Raised::default() });
    assert_eq!((kept.alerts().await, kept.payloads().await), (alerts, payloads));
}

#[tokio::test]
async fn a_page_says_what_is_needed_and_no_address() {
    let mut kept = Kept::new(Mode::Page).await;
    kept.raise(&[finding(1, "a", "x", 10)]).await;
    let (id, body) = kept.payloads().await.pop_first().unwrap();
    let alert = kept.alert().await.alert.id;
    assert_eq!(id, hex_id(&[alert.as_bytes(), b"webhook", &1_i64.to_le_bytes(), &0_i64.to_le_bytes()]));
    let expected = serde_json::json!({
        "version": 1, "delivery": id, "alert": alert, "kind": "misuse", "transition": 1, "repeat": 0,
        "news": "opened", "level": "medium", "title": "Function outside the declared purpose",
        "message": "event 1 from [address] does not fit", "key": "vault:transit/a", "catalog_id": "orders",
        "principal": "approle:x", "owner": "team-orders", "detectors": ["KP-001"], "aspects": ["function"],
        "count": 1, "outcomes": { "success": 1 }, "first": "2026-11-24T00:00:10Z",
        "last": "2026-11-24T00:00:10Z", "success_after_attempts": null,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_page_repeats_only_for_news() {
    let mut kept = Kept::new(Mode::Page).await;
    let change = |id: u32, change: fn(&mut Finding)| {
        let (mut finding, folding) = finding(id, "a", "x", i64::from(id));
        change(&mut finding);
        (finding, folding)
    };
    kept.raise(&[change(1, |finding| finding.outcome = Some(Outcome::Denied))]).await;
    kept.raise(&[change(2, |finding| finding.outcome = Some(Outcome::Denied))]).await;
    kept.raise(&[change(3, |finding| finding.level = Level::High)]).await;
    kept.raise(&[change(4, |finding| finding.violations = vec![Aspect::Context])]).await;
    kept.raise(&[change(5, |_| ()), change(6, |_| ())]).await;
    let many: Vec<_> = (10..100).map(|id| change(id, |_| ())).collect();
    kept.raise(&many).await;
    // The third finding also was the first success after attempts: a higher level says it first.
    assert_eq!(kept.news(), [News::Opened, News::HigherLevel, News::NewAspect, News::TenTimes]);
    assert_eq!(kept.pages.iter().map(|page| page.repeat).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(kept.store.suppressed().await.unwrap(), [(Suppression::NoNews, 2)]);
}

#[tokio::test]
async fn the_first_success_after_attempts_is_news_in_whatever_order_it_comes() {
    let denied = |id, second| {
        let (mut finding, folding) = finding(id, "a", "x", second);
        finding.outcome = Some(Outcome::Denied);
        (finding, folding)
    };
    let mut kept = Kept::new(Mode::Page).await;
    kept.raise(&[denied(1, 10)]).await;
    kept.raise(&[finding(2, "a", "x", 5)]).await;
    assert_eq!(kept.alert().await.alert.success_after_attempts, None);
    kept.raise(&[finding(3, "a", "x", 10)]).await;
    kept.raise(&[finding(4, "a", "x", 30)]).await;
    assert_eq!(kept.news(), [News::Opened, News::SuccessAfterAttempts]);
    kept.raise(&[denied(5, 1)]).await;
    let success = kept.alert().await.alert.success_after_attempts;
    assert_eq!(success.as_deref(), Some("2026-11-24T00:00:05Z"), "an earlier attempt came late");
}

#[tokio::test]
async fn a_new_finding_opens_a_resolved_alert_again_and_a_known_one_does_not() {
    let mut kept = Kept::new(Mode::Page).await;
    kept.raise(&[finding(1, "a", "x", 10)]).await;
    let id = kept.alert().await.alert.id;
    kept.resolve(&id).await;
    kept.raise(&[finding(1, "a", "x", 10)]).await;
    assert_eq!(kept.alert().await.state, AlertState::Resolved);
    kept.raise(&[finding(2, "a", "x", 11)]).await;
    let alert = kept.alert().await;
    assert_eq!((alert.state, alert.transition, alert.pages), (AlertState::Reopened, 2, 1));
    assert_eq!(kept.news(), [News::Opened, News::Reopened]);
    let repeats: Vec<_> = kept.pages.iter().map(|page| (page.transition, page.repeat)).collect();
    assert_eq!(repeats, [(1, 0), (2, 0)]);
}

#[tokio::test]
async fn observing_keeps_alerts_and_tells_nobody() {
    let mut kept = Kept::new(Mode::Observe).await;
    let raised = kept.raise(&[finding(1, "a", "x", 10), finding(2, "b", "x", 10)]).await;
    assert_eq!((raised.opened, raised.deliveries, raised.pages.len()), (2, 0, 0));
    assert_eq!(raised.suppressed, [(Suppression::Observe, 2)].into());
    assert_eq!(kept.store.suppressed().await.unwrap(), [(Suppression::Observe, 2)]);
    assert_eq!(kept.alerts().await.len(), 2);
    assert!(kept.store.deliveries(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn eleven_keys_of_one_caller_are_one_campaign_that_speaks_for_them() {
    let mut kept = Kept::new(Mode::Page).await;
    for id in 0..30 {
        kept.raise(&[finding(id, &format!("key-{id}"), "x", i64::from(id))]).await;
    }
    let kinds: Vec<_> = kept.pages.iter().map(|page| (page.kind, page.news)).collect();
    let opened = (AlertKind::Misuse, News::Opened);
    assert_eq!(kinds[..10], [opened; 10]);
    assert_eq!(kinds[10..], [(AlertKind::Campaign, News::Opened)]);
    let alerts = kept.alerts().await;
    let campaign = alerts.iter().find(|alert| alert.kind == AlertKind::Campaign).unwrap();
    assert_eq!(campaign.alert.principal.as_deref(), Some("approle:x"));
    assert_eq!((campaign.alert.key_id.as_deref(), campaign.alert.count), (None, 30));
    assert!(campaign.alert.message.starts_with("approle:x misused 30 keys within ten minutes; the worst: "));
    for alert in alerts.iter().filter(|alert| alert.kind == AlertKind::Misuse) {
        assert_eq!(alert.folded_into.as_ref(), Some(&campaign.alert.id));
    }
    let (mut worse, folding) = finding(99, "key-99", "x", 30);
    worse.level = Level::Critical;
    kept.raise(&[(worse, folding)]).await;
    let last = kept.pages.last().unwrap();
    assert_eq!((last.kind, last.news, last.repeat), (AlertKind::Campaign, News::HigherLevel, 1));
    let suppressed = kept.store.suppressed().await.unwrap();
    assert_eq!(suppressed, [(Suppression::Campaign, 21), (Suppression::NoNews, 19)]);
}

#[tokio::test]
async fn ten_keys_and_keys_in_other_panes_are_no_campaign() {
    let mut kept = Kept::new(Mode::Page).await;
    let findings: Vec<_> = (0..10).map(|id| finding(id, &format!("key-{id}"), "x", 0)).collect();
    kept.raise(&findings).await;
    kept.raise(&[finding(10, "key-10", "x", 600)]).await;
    assert!(kept.alerts().await.iter().all(|alert| alert.folded_into.is_none()));
    assert_eq!(kept.pages.len(), 11);
}

#[tokio::test]
async fn undeclared_keys_are_told_of_once_a_day_and_once_a_month() {
    let mut kept = Kept::new(Mode::Page).await;
    let day = crate::domain::alert::DAY;
    let undeclared = |id: u32, key: &str, second: i64| {
        let (finding, folding) = finding(id, key, "x", second);
        let by = [("key_id".into(), finding.key_id.clone())].into();
        (finding, Folding { by, span: 30 * day, notice: Notice::Daily, ..folding })
    };
    let raised = kept.raise(&[undeclared(1, "a", 0), undeclared(2, "b", 1), undeclared(3, "b", 2)]).await;
    assert_eq!((raised.opened, raised.deliveries), (2, 0));
    let later = |days: i64| MIDNIGHT + days * day + 5;
    assert_eq!(kept.keeper.digest(&kept.store, later(0)).await.unwrap(), Raised::default());
    let told = kept.keeper.digest(&kept.store, later(1)).await.unwrap();
    assert_eq!((told.deliveries, told.pages.len()), (1, 1));
    let page = &told.pages[0];
    assert_eq!(
        (page.kind, page.count, page.title.as_str()),
        (AlertKind::Digest, 3, "2 alerts on 2026-11-24")
    );
    assert_eq!(page.message, "Function outside the declared purpose: vault:transit/a, vault:transit/b");
    kept.keeper.raise(&kept.store, &[undeclared(4, "a", 86_400 * 2)], later(2)).await.unwrap();
    assert_eq!(kept.keeper.digest(&kept.store, later(3)).await.unwrap(), Raised::default());
    assert_eq!(kept.payloads().await.len(), 1);
    assert_eq!(Keeper::next_digest(later(0)), MIDNIGHT + day);
}

#[tokio::test]
async fn what_is_hostile_in_a_finding_stops_no_batch() {
    let mut kept = Kept::new(Mode::Page).await;
    let (mut hostile, folding) = finding(1, "a", "x\0'; DROP TABLE alerts; --", 10);
    hostile.title = "\0".repeat(10);
    hostile.message = "é".repeat(100_000);
    kept.raise(&[(hostile, folding)]).await;
    assert_eq!(kept.alerts().await.len(), 1);
    assert!(kept.payloads().await.values().all(|body| body.to_string().len() < 10_000));
}

#[tokio::test]
async fn a_hundred_thousand_findings_of_one_alert_cost_no_more_each_than_the_first() {
    let mut kept = Kept::new(Mode::Page).await;
    let batch = |from: u32| -> Vec<_> {
        (from..from + 500).map(|id| finding(id, "a", "x", i64::from(id % 80_000))).collect()
    };
    let mut times = Vec::new();
    for from in (0..100_000).step_by(500) {
        let started = std::time::Instant::now();
        kept.raise(&batch(from)).await;
        times.push(started.elapsed());
    }
    assert_eq!(kept.alert().await.alert.count, 100_000);
    let median = |times: &[std::time::Duration]| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (early, late) = (median(&times[10..60]), median(&times[150..]));
    assert!(late < early * 4, "500 of the last 25,000 took {late:?}, of the first {early:?}");
}

fn any_finding() -> impl Strategy<Value = (Finding, Folding)> {
    let detector = prop_oneof![Just("KP-001"), Just("KP-002"), Just("KP-004")];
    let level = prop_oneof![Just(Level::Low), Just(Level::High), Just(Level::Critical)];
    let outcome = prop_oneof![Just(Outcome::Success), Just(Outcome::Denied), Just(Outcome::Unknown)];
    let aspect = prop_oneof![Just(Aspect::Function), Just(Aspect::Context), Just(Aspect::Via)];
    // Copies of one call may differ in everything but what the id is made of.
    (0_u32..20, 0_u8..3, detector, level, 0_i64..200_000, outcome, aspect, 0_u8..2).prop_map(
        |(id, principal, detector, level, second, outcome, aspect, copy)| {
            let (finding, folding) = finding(id, "a", &format!("p-{principal}"), second);
            let event_id = format!("event-{id}-{copy}");
            let (outcome, violations) = (Some(outcome), vec![aspect]);
            let detector = detector.to_owned();
            (Finding { event_id, detector, level, outcome, violations, ..finding }, folding)
        },
    )
}

/// Campaigns as they are defined, from the findings alone: what speaks for each alert.
fn campaigns(findings: &[(Finding, Folding)]) -> BTreeMap<String, Option<String>> {
    let pane = |finding: &Finding| {
        crate::domain::time::parse_rfc3339(&finding.event_time).unwrap().div_euclid(600 * SECOND)
    };
    let mut sides: BTreeMap<(i64, String), BTreeSet<(String, String)>> = BTreeMap::new();
    let mut alerts: BTreeMap<String, Option<(i64, String)>> = BTreeMap::new();
    for (finding, folding) in findings {
        let alert = folded(&[(finding.clone(), folding.clone())]).remove(0).id;
        let (key, principal) = (finding.key_id.clone().unwrap(), finding.principal.clone().unwrap());
        alerts.entry(alert.clone()).or_default();
        let pane = pane(finding);
        let id = |side: &str, value: &str| {
            hex_id(&[b"campaign", side.as_bytes(), value.as_bytes(), &pane.to_le_bytes()])
        };
        let side = sides.entry((pane, id("principal", &principal))).or_default();
        side.insert((key.clone(), alert.clone()));
        sides.entry((pane, id("key_id", &key))).or_default().insert((principal, alert));
    }
    for (campaign, parts) in sides {
        if parts.iter().map(|(other, _)| other).collect::<BTreeSet<_>>().len() > 10 {
            for (_, alert) in parts {
                let known = alerts.get_mut(&alert).unwrap();
                *known = known.take().into_iter().chain([campaign.clone()]).min();
            }
        }
    }
    alerts.into_iter().map(|(alert, campaign)| (alert, campaign.map(|(_, id)| id))).collect()
}

fn kept_in_parts(
    batches: &[Vec<(Finding, Folding)>],
) -> (Vec<KeptAlert>, BTreeMap<String, serde_json::Value>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut kept = Kept::new(Mode::Page).await;
        for batch in batches {
            kept.raise(batch).await;
        }
        (kept.alerts().await, kept.payloads().await)
    })
}

/// The same findings shuffled, some of them twice, in batches of any size.
fn in_parts<T: Clone + std::fmt::Debug + 'static>(
    all: Vec<T>,
    most: usize,
) -> impl Strategy<Value = (Vec<T>, Vec<Vec<T>>)> {
    let again = all.iter().take(all.len() / 3).cloned();
    let repeated: Vec<T> = all.iter().cloned().chain(again).collect();
    (Just(all), Just(repeated).prop_shuffle(), 1..most).prop_map(|(all, shuffled, size)| {
        let batches = shuffled.chunks(size).map(<[T]>::to_vec).collect();
        (all, batches)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_kept_is_what_a_scan_folds_in_any_order_and_batches(
        (all, batches) in prop::collection::vec(any_finding(), 1..40).prop_flat_map(|all| in_parts(all, 12)),
    ) {
        let (alerts, payloads) = kept_in_parts(&batches);
        let alerts: Vec<_> = alerts.into_iter().map(|kept| kept.alert).collect();
        prop_assert_eq!(alerts, folded(&all));
        prop_assert!(!payloads.is_empty());
    }

    #[test]
    fn campaigns_do_not_depend_on_order_or_batches(
        (all, batches) in prop::collection::vec((0_u32..16, 0_u32..16, 0_i64..1_500), 1..120)
            .prop_map(|drawn| {
                let numbered = (0_u32..).zip(drawn);
                numbered.map(|(id, (key, principal, second))| {
                    // Few principals: many keys each; a handful of keys with all principals.
                    let (key, principal) = if id % 2 == 0 { (key, principal % 2) } else { (key % 2, principal) };
                    finding(id, &format!("k-{key}"), &format!("p-{principal}"), second)
                }).collect::<Vec<_>>()
            })
            .prop_flat_map(|all| in_parts(all, 50)),
    ) {
        let (alerts, _) = kept_in_parts(&batches);
        let (campaign, misuse): (Vec<_>, Vec<_>) =
            alerts.into_iter().partition(|kept| kept.kind == AlertKind::Campaign);
        let expected = campaigns(&all);
        let got: BTreeMap<_, _> =
            misuse.iter().map(|kept| (kept.alert.id.clone(), kept.folded_into.clone())).collect();
        prop_assert_eq!(&got, &expected);
        let raised: BTreeSet<_> = campaign.iter().map(|kept| kept.alert.id.clone()).collect();
        for folded in expected.values().flatten() {
            prop_assert!(raised.contains(folded));
        }
        let alone = kept_in_parts(&[all]).0;
        let alone = alone.into_iter().filter(|kept| kept.kind == AlertKind::Campaign);
        let facts = |kept: &KeptAlert| kept.alert.clone();
        prop_assert_eq!(campaign.iter().map(facts).collect::<Vec<_>>(), alone.map(|kept| kept.alert).collect::<Vec<_>>());
    }
}
