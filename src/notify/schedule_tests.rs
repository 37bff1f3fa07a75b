//! Tests of on-call schedules and hours.

use super::*;
use crate::domain::time::parse_rfc3339;

const FILE: &str = r#"
zone: Europe/Berlin
people: { ann: ann@example.com, bob: bob@example.com }
rotation: { start: "2026-10-19T09:00", every: 7d, order: [ann, bob] }
overrides: [{ from: "2026-12-24T00:00", to: "2026-12-27T00:00", person: bob }]
"#;

fn at(time: &str) -> i64 {
    parse_rfc3339(time).unwrap()
}

fn on_call(schedule: &str, time: &str) -> Option<String> {
    Schedule::parse(schedule).unwrap().on_call(at(time)).map(str::to_owned)
}

#[test]
fn shifts_change_at_the_same_time_of_day_in_summer_and_winter() {
    // Summer time ended on 25 October 2026: nine o'clock is 07:00 UTC before, 08:00 UTC after.
    for (time, person) in [
        ("2026-10-19T06:59:00Z", "bob@example.com"),
        ("2026-10-19T07:00:00Z", "ann@example.com"),
        ("2026-10-26T07:59:00Z", "ann@example.com"),
        ("2026-10-26T08:00:00Z", "bob@example.com"),
        ("2026-12-24T12:00:00Z", "bob@example.com"),
    ] {
        assert_eq!(on_call(FILE, time).as_deref(), Some(person), "{time}");
    }
}

#[test]
fn outside_of_its_hours_nobody_is_on_call_but_by_an_override() {
    let file =
        format!("{FILE}hours: {{ days: [mon], from: \"08:00\", to: \"18:00\", zone: Europe/Berlin }}\n");
    assert_eq!(on_call(&file, "2026-10-19T12:00:00Z").as_deref(), Some("ann@example.com"));
    assert_eq!(on_call(&file, "2026-10-20T12:00:00Z"), None);
    assert_eq!(on_call(&file, "2026-12-25T03:00:00Z").as_deref(), Some("bob@example.com"));
}

#[test]
fn a_schedule_that_names_strangers_is_refused() {
    let told =
        Schedule::parse("people: {}\nrotation: { start: \"2026-10-19T09:00\", every: 7d, order: [ann] }");
    assert_eq!(told.unwrap_err(), "`ann` is not among `people`");
    assert!(Schedule::parse("people: {}\nrotation: { start: soon, every: 7d, order: [] }").is_err());
}

#[test]
fn hours_may_reach_over_midnight_and_belong_to_the_day_that_they_begin_on() {
    let hours =
        serde_json::json!({ "days": ["fri"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin" });
    let hours: Hours = serde_json::from_value(hours).unwrap();
    for (time, is_within) in [
        ("2026-11-27T21:30:00Z", true),  // Friday, 22:30 in Berlin
        ("2026-11-28T04:59:00Z", true),  // Saturday, 05:59
        ("2026-11-28T05:00:00Z", false), // Saturday, 06:00
        ("2026-11-28T21:30:00Z", false), // Saturday, 22:30
        ("2026-11-27T04:00:00Z", false), // Friday, 05:00: the night of Thursday
    ] {
        assert_eq!(within(&hours, at(time)), is_within, "{time}");
    }
}
