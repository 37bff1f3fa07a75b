use proptest::prelude::*;

use super::*;
use crate::domain::event::Outcome;
use crate::domain::level::Level;
use crate::domain::verdict::{Aspect, Verdict};

fn finding(id: u8, detector: &str, level: Level, second: u32, outcome: Outcome) -> Finding {
    let base = 1_795_478_400_000_000; // 2026-11-24T00:00:00Z
    Finding {
        id: format!("{id:032x}"),
        detector: detector.to_owned(),
        level,
        title: format!("title of {detector}"),
        event_id: format!("event-{id}"),
        event_time: crate::domain::time::format_rfc3339(base + i64::from(second) * 1_000_000),
        provider: None,
        key_id: Some("vault:transit/a".to_owned()),
        catalog_id: None,
        principal: Some("approle:b".to_owned()),
        session_name: None,
        function: None,
        action: None,
        outcome: Some(outcome),
        verdict: Verdict::Violation,
        violations: vec![if id.is_multiple_of(2) { Aspect::Function } else { Aspect::Principal }],
        message: format!("{detector} says so"),
        tags: Vec::new(),
        source: None,
        position: None,
        window: None,
    }
}

fn by_default(finding: &Finding) -> Folding {
    Folding::by(
        [("key_id".into(), finding.key_id.clone()), ("principal".into(), finding.principal.clone())].into(),
    )
}

fn fold(findings: &[Finding]) -> Vec<Alert> {
    let mut alerts = Alerts::default();
    findings.iter().for_each(|finding| alerts.add(finding, by_default(finding)));
    alerts.finish()
}

#[test]
fn one_misuse_that_two_detectors_name_is_one_alert_of_the_higher_level() {
    let alerts = fold(&[
        finding(1, "KP-004", Level::Medium, 10, Outcome::Denied),
        finding(2, "KP-001", Level::High, 20, Outcome::Success),
    ]);
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.level, alert.title.as_str()), (Level::High, "title of KP-001"));
    assert_eq!(alert.detectors.iter().collect::<Vec<_>>(), ["KP-001", "KP-004"]);
    assert_eq!(alert.aspects, [Aspect::Function, Aspect::Principal].into());
    assert_eq!((alert.count, alert.first.as_str()), (2, "2026-11-24T00:00:10Z"));
    assert_eq!(alert.success_after_attempts.as_deref(), Some("2026-11-24T00:00:20Z"));
}

#[test]
fn a_success_before_every_attempt_is_none_after_attempts() {
    let alerts = fold(&[
        finding(1, "KP-001", Level::High, 10, Outcome::Success),
        finding(2, "KP-001", Level::High, 20, Outcome::Denied),
    ]);
    assert_eq!(alerts[0].success_after_attempts, None);
    assert_eq!(alerts[0].outcomes, [("denied", 1), ("success", 1)].into());
}

#[test]
fn another_day_another_principal_or_another_column_is_another_alert() {
    let one = finding(1, "KP-001", Level::High, 86_399, Outcome::Success);
    let next_day = finding(2, "KP-001", Level::High, 86_400, Outcome::Success);
    let other = Finding { principal: Some("approle:c".to_owned()), ..one.clone() };
    let nobody = Finding { principal: None, ..one.clone() };
    assert_eq!(fold(&[one.clone(), next_day, other, nobody]).len(), 4);
    let mut alerts = Alerts::default();
    alerts.add(&one, Folding::by([("source".into(), Some("x".to_owned()))].into()));
    alerts.add(&one, Folding::by([("principal".into(), Some("x".to_owned()))].into()));
    assert_eq!(alerts.finish().len(), 2);
}

#[test]
fn an_alert_spans_as_long_as_its_detector_says() {
    let days = |span: i64| {
        let mut alerts = Alerts::default();
        for day in 0..40 {
            let finding = finding(day, "KP-016", Level::Medium, u32::from(day) * 86_400, Outcome::Success);
            alerts.add(&finding, Folding { span, ..by_default(&finding) });
        }
        alerts.finish()
    };
    assert_eq!(days(DAY).len(), 40);
    assert_eq!(days(30 * DAY).iter().map(|alert| alert.count).collect::<Vec<_>>(), [9, 30, 1]);
    assert_ne!(days(40 * DAY)[0].id, days(30 * DAY)[0].id);
}

#[test]
fn what_the_bounds_leave_out_is_counted() {
    let mut alerts = Alerts::within(Bounds { alerts: 1, findings: 2 });
    for (id, day) in [(1, 0), (2, 1), (3, 0), (4, 0)] {
        let finding = finding(id, "KP-001", Level::High, day * 86_400, Outcome::Success);
        alerts.add(&finding, by_default(&finding));
    }
    assert_eq!(alerts.left_out(), 2);
    let alerts = alerts.finish();
    assert_eq!((alerts.len(), alerts[0].count), (1, 2));
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let detector = prop_oneof![Just("KP-001"), Just("KP-002"), Just("KP-004")];
    let level = prop_oneof![Just(Level::Low), Just(Level::High), Just(Level::Critical)];
    let outcome = prop_oneof![Just(Outcome::Success), Just(Outcome::Denied), Just(Outcome::Unknown)];
    // Copies of one call may differ in everything but what the id is made of.
    (0_u8..12, detector, level, 0_u32..200_000, outcome, 0_u8..2).prop_map(
        |(id, detector, level, second, outcome, copy)| {
            let event_id = format!("event-{id}-{copy}");
            Finding { event_id, ..finding(id, detector, level, second, outcome) }
        },
    )
}

proptest! {
    #[test]
    fn alerts_do_not_depend_on_the_order_or_the_number_of_times_of_findings(
        (findings, shuffled) in prop::collection::vec(any_finding(), 0..40)
            .prop_flat_map(|findings| (Just(findings.clone()), Just(findings).prop_shuffle())),
        again in 0_usize..40,
    ) {
        let mut repeated = shuffled.clone();
        repeated.extend(shuffled.into_iter().take(again));
        prop_assert_eq!(fold(&findings), fold(&repeated));
    }
}
