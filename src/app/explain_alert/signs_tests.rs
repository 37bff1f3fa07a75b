use super::*;
use crate::domain::alert::FoldedBy;
use crate::store::AlertState;

fn shown(outcomes: &[(&'static str, u64)]) -> Shown {
    let text = |text: &str| Some(text.to_owned());
    let alert = Alert {
        id: "1".to_owned(),
        level: Level::High,
        title: "t".to_owned(),
        message: "m".to_owned(),
        alert_by: FoldedBy::new(),
        key_id: text("vault:transit/orders"),
        catalog_id: text("orders"),
        principal: text("approle:shop"),
        event_id: "e".to_owned(),
        detectors: ["KP-001".to_owned()].into(),
        aspects: [Aspect::Function].into(),
        count: 1,
        first: "2026-11-24T09:00:00Z".to_owned(),
        last: "2026-11-24T09:00:00Z".to_owned(),
        outcomes: outcomes.iter().copied().collect(),
        success_after_attempts: None,
    };
    let alert = crate::alerts::KeptAlert {
        alert,
        kind: AlertKind::Misuse,
        state: AlertState::Open,
        transition: 1,
        pages: 1,
        folded_into: None,
        opened_at: String::new(),
        updated_at: String::new(),
        found_level: None,
        assignee: None,
        disposition: None,
        verdict_reason: None,
        merged_into: None,
        links: Default::default(),
        notes: 0,
        acknowledged_at: None,
        acknowledged_by: None,
        resolved_at: None,
        resolved_by: None,
        version: "1.1".to_owned(),
        updated_micros: 0,
    };
    Shown { alert, journal: Vec::new(), suppressed: Vec::new(), members: Vec::new() }
}

fn verdict(facts: &Facts, shown: &Shown) -> Verdict {
    weigh(facts, shown, None, true, &[], &[]).verdict
}

#[test]
fn a_stranger_who_was_stopped_is_likelier_misuse_and_a_job_that_runs_daily_a_stale_catalog() {
    let stranger = Facts { callers: 1, misuse_days: 1, ..Facts::default() };
    assert_eq!(verdict(&stranger, &shown(&[("denied", 4)])), Verdict::Misuse);
    let job = Facts { conforming: 4_000, before: 5_000, misuse_days: 6, callers: 1 };
    assert_eq!(verdict(&job, &shown(&[("success", 40)])), Verdict::StaleCatalog);
}

#[test]
fn signs_for_both_leave_it_open_and_all_are_named() {
    let job = Facts { conforming: 4_000, before: 5_000, misuse_days: 6, callers: 1 };
    let stopped = shown(&[("success", 40), ("denied", 1)]);
    let likelier = weigh(&job, &stopped, None, true, &[], &[]);
    assert_eq!(likelier.verdict, Verdict::Unclear, "{likelier:?}");
    assert!(likelier.signs.iter().any(|sign| sign.seen.contains("on 6 days")), "{likelier:?}");
}

#[test]
fn an_exception_that_has_ended_and_a_new_catalog_speak_for_a_stale_one() {
    let known = Facts { before: 10, ..Facts::default() };
    let ended = NearException {
        id: "EX-1".to_owned(),
        ticket: "CHG-1".to_owned(),
        until: "2026-11-23T00:00:00Z".to_owned(),
        why_not: "it ended at 2026-11-23T00:00:00Z".to_owned(),
    };
    let success = shown(&[("success", 1)]);
    assert_eq!(weigh(&known, &success, None, true, &[], &[ended]).verdict, Verdict::StaleCatalog);
    let changed = Changed { at: String::new(), what: String::new(), is_catalog: true };
    assert_eq!(weigh(&known, &success, None, true, &[changed], &[]).verdict, Verdict::StaleCatalog);
}
