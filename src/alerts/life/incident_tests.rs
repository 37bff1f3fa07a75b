use serde_json::json;

use super::*;

/// An alert opened at this second.
fn alert(number: usize, key: &str, principal: &str) -> KeptAlert {
    let id = format!("{number:032x}");
    let at = format!("2026-11-24T09:{:02}:{:02}Z", number / 60, number % 60);
    serde_json::from_value(json!({
        "id": id, "level": "high", "title": "t", "message": "m", "alert_by": {}, "key_id": key, "catalog_id": null,
        "principal": principal, "event_id": "e", "detectors": [], "aspects": [], "count": 1, "first": at, "last": at,
        "outcomes": {}, "success_after_attempts": null, "kind": "misuse", "state": "open", "transition": 1,
        "pages": 1, "folded_into": null, "opened_at": at, "updated_at": at, "found_level": null, "assignee": null,
        "disposition": null, "verdict_reason": null, "merged_into": null, "links": [], "notes": 0,
        "acknowledged_at": null, "acknowledged_by": null, "resolved_at": null, "resolved_by": null,
        "version": "1.1", "updated_micros": 0
    }))
    .unwrap()
}

fn sizes(alerts: &[KeptAlert]) -> Vec<usize> {
    incidents(alerts).iter().map(|incident| incident.alerts.len()).collect()
}

#[test]
fn alerts_of_one_key_or_one_principal_are_looked_at_together_and_strangers_apart() {
    let alerts = [alert(1, "a", "x"), alert(2, "b", "x"), alert(3, "b", "y"), alert(4, "c", "z")];
    let found = incidents(&alerts);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!((found[0].alerts.len(), found[0].keys.len(), found[0].principals.len()), (3, 2, 2));
    assert_eq!(found[0].id, alerts[0].alert.id);
}

#[test]
fn the_order_in_which_alerts_come_does_not_matter() {
    let mut alerts: Vec<_> = (0..20).map(|number| alert(number, &format!("k{}", number % 3), "x")).collect();
    let found = incidents(&alerts);
    alerts.reverse();
    assert_eq!(incidents(&alerts), found);
}

#[test]
fn one_caller_at_everything_makes_several_incidents_of_a_size_to_look_through_and_none_is_lost() {
    let alerts: Vec<_> = (0..170).map(|number| alert(number, &format!("k{number}"), "root")).collect();
    assert_eq!(sizes(&alerts), [MOST_ALERTS, MOST_ALERTS, MOST_ALERTS, 20]);
    let all: BTreeSet<String> = incidents(&alerts).into_iter().flat_map(|incident| incident.alerts).collect();
    assert_eq!(all.len(), 170);
}

#[test]
fn a_merge_ties_what_shares_nothing_else_and_a_digest_is_in_no_incident() {
    let (one, mut other, mut digest) = (alert(1, "a", "x"), alert(2, "b", "y"), alert(3, "c", "z"));
    other.merged_into = Some(one.alert.id.clone());
    digest.kind = AlertKind::Digest;
    assert_eq!(sizes(&[one, other, digest]), [2]);
}
