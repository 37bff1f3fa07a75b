//! Tests of the tree of routes.

use super::*;
use crate::domain::time::parse_rfc3339;

fn routes(config: serde_json::Value) -> Routes {
    Routes::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// A page of this level about this key, found by this detector.
fn told(level: &str, key: &str, detector: &str) -> Told {
    serde_json::from_value(serde_json::json!({
        "alert": "a1", "kind": "misuse", "transition": 1, "repeat": 0, "news": "opened", "level": level,
        "title": "t", "message": "m", "key": key, "detectors": [detector], "count": 1,
        "first": "2026-11-24T09:00:00Z", "last": "2026-11-24T09:00:00Z",
    }))
    .unwrap()
}

/// `ROUTE: CHANNEL, CHANNEL PERSON; …` on Tuesday morning.
fn plan(routes: &Routes, told: &Told, ownership: &Ownership) -> String {
    plan_at(routes, told, ownership, "2026-11-24T10:00:00Z", &Schedules::default())
}

fn plan_at(routes: &Routes, told: &Told, ownership: &Ownership, at: &str, schedules: &Schedules) -> String {
    let moment = Moment { at: parse_rfc3339(at).unwrap(), ownership, schedules };
    let told: Vec<String> = routes
        .plan(told, &moment)
        .into_iter()
        .map(|(node, targets)| {
            let targets = targets.into_iter().map(|target| match target.person {
                Some(person) => format!("{} {person}", target.channel),
                None => target.channel,
            });
            format!("{}: {}", node.name, targets.collect::<Vec<_>>().join(", "))
        })
        .collect();
    told.join("; ")
}

fn owned(tenant: &str, environment: &str) -> Ownership {
    Ownership {
        owner: Some("team-ml".to_owned()),
        contact: Some("ml@example.com".to_owned()),
        tenant: Some(tenant.to_owned()),
        environment: Some(environment.to_owned()),
    }
}

#[test]
fn the_deepest_route_that_fits_has_the_say_and_takes_what_it_does_not_say_from_above() {
    let routes = routes(serde_json::json!({
        "to": ["chat"], "repeat": "4h", "routes": [
            { "name": "loud", "when": { "level": "high" }, "to": ["pager"], "routes": [
                { "name": "signing", "when": { "key": ["vault:transit/*-signing"] } },
            ]},
            { "when": { "detector": ["KP-09?"] }, "to": ["mail"] },
        ],
    }));
    let nobody = Ownership::default();
    let ask = |level, key, detector| plan(&routes, &told(level, key, detector), &nobody);
    assert_eq!(ask("low", "vault:transit/a", "KP-001"), "default: chat");
    assert_eq!(ask("critical", "vault:transit/a", "KP-001"), "loud: pager");
    assert_eq!(ask("high", "vault:transit/model-signing", "KP-001"), "signing: pager");
    assert_eq!(ask("low", "vault:transit/a", "KP-091"), "default.1: mail");
    assert_eq!(routes.named("signing").unwrap().repeat, Some(4 * 3_600 * 1_000_000));
}

#[test]
fn a_route_that_goes_on_lets_the_next_be_tried_and_nobody_is_told_twice() {
    let routes = routes(serde_json::json!({
        "to": ["chat"], "routes": [
            { "name": "all", "to": ["siem", "chat"], "continue": true },
            { "name": "ml", "when": { "owner": ["team-ml"] }, "to": ["chat", "pager"] },
        ],
    }));
    let told = told("low", "k", "KP-001");
    assert_eq!(plan(&routes, &told, &owned("a", "b")), "all: siem, chat; ml: pager");
    assert_eq!(plan(&routes, &told, &Ownership::default()), "all: siem, chat");
}

#[test]
fn tenant_environment_and_hours_decide_too() {
    let routes = routes(serde_json::json!({
        "to": ["rest"], "routes": [
            { "name": "prod", "when": { "tenant": ["acme*"], "environment": ["production"] }, "to": ["pager"],
              "routes": [{ "name": "day", "to": ["chat"], "when": { "time": {
                  "days": ["mon", "tue"], "from": "09:00", "to": "17:00", "zone": "America/New_York" } } }] },
        ],
    }));
    let told = told("low", "k", "KP-001");
    let none = Schedules::default();
    let at = |time| plan_at(&routes, &told, &owned("acme-1", "production"), time, &none);
    assert_eq!(at("2026-11-24T13:59:00Z"), "prod: pager");
    assert_eq!(at("2026-11-24T14:00:00Z"), "day: chat");
    assert_eq!(at("2026-11-25T14:00:00Z"), "prod: pager");
    assert_eq!(plan(&routes, &told, &owned("acme-1", "test")), "default: rest");
    assert_eq!(plan(&routes, &told, &owned("umbrella", "production")), "default: rest");
}

#[test]
fn owners_and_people_on_call_are_told_and_the_channel_where_there_is_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("on-call.yaml");
    let text = "people: { ann: ann@example.com }\n\
        rotation: { start: \"2026-11-23T09:00\", every: 7d, order: [ann] }\n\
        hours: { days: [tue], from: \"08:00\", to: \"18:00\" }\n";
    std::fs::write(&file, text).unwrap();
    let schedules = Schedules::read(&[("soc".to_owned(), file)].into());
    let routes = routes(serde_json::json!({ "to": [
        { "channel": "mail", "contact": true }, { "channel": "mail", "on_call": "soc" }, "chat",
    ]}));
    let told = told("low", "k", "KP-001");
    let at = |time, owner: &Ownership| plan_at(&routes, &told, owner, time, &schedules);
    let everybody = "default: mail ml@example.com, mail ann@example.com, chat";
    assert_eq!(at("2026-11-24T10:00:00Z", &owned("a", "b")), everybody);
    assert_eq!(at("2026-11-25T10:00:00Z", &Ownership::default()), "default: mail, chat");
    let hostile = Ownership { contact: Some("a@b, c@d\r\nBcc: e@f".to_owned()), ..Ownership::default() };
    assert_eq!(at("2026-11-24T10:00:00Z", &hostile), "default: mail, mail ann@example.com, chat");
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    let route = serde_json::from_value(serde_json::json!({ "when": { "key": ["a[b"] } })).unwrap();
    assert!(matches!(Routes::new(&route), Err(NotifyError::Pattern { .. })));
}
