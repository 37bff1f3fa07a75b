//! A rate is held against the past of its group, in any order.

use std::collections::BTreeSet;

use super::{Call, MINUTE, at_the_end, batch, cut, engine, live, ordered};

/// Five weeks of a key that is used in office hours, every quarter of an hour; then, on a Sunday, all at once.
fn office() -> Vec<Call> {
    let hour = 60 * MINUTE;
    let quarter =
        |number: i64| Call { time: number * 15 * MINUTE, key: "k1", principal: Some("a"), action: "Sign" };
    let is_office = |call: &Call| {
        let (day, of_day) = (call.time / (24 * hour), call.time % (24 * hour) / hour);
        // The start is a Tuesday.
        (day + 1) % 7 < 5 && (8..18).contains(&of_day)
    };
    let mut calls: Vec<Call> = (0..36 * 96).map(quarter).filter(is_office).collect();
    let sunday = 33 * 24 * hour + 11 * hour;
    calls.extend((0..40).map(|second| Call {
        time: sunday + second * 1_000_000,
        key: "k1",
        principal: Some("b"),
        action: "Sign",
    }));
    calls
}

#[test]
fn a_rate_is_held_against_the_same_hour_of_other_weeks_in_any_order() {
    let engine = engine("{ kind: rate, over: 1h, factor: 2, count: 20, group_by: [key_id] }");
    let calls = office();
    let whole = batch(&calls);
    let findings = at_the_end(&engine, std::slice::from_ref(&whole));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.window.as_ref().unwrap().from, "2026-12-27T11:00:00Z");
    assert!(finding.message.contains("40 of these in 1 hour"), "{}", finding.message);
    let mut order: Vec<u32> = (0..calls.len() as u32).collect();
    order.reverse();
    assert_eq!(at_the_end(&engine, &cut(&whole, &order, &[700, 33])), findings);
    let ids: BTreeSet<String> = findings.into_iter().map(|finding| finding.id).collect();
    let sorted = ordered(&calls, |row| calls[row].time);
    assert_eq!(live(&engine, &cut(&whole, &sorted, &[100]), 0), ids);
}
