//! `keyward scan --emit alerts` through the front door.

use serde_json::Value;

use crate::verbs_logs::company;

#[test]
fn one_caller_and_key_are_one_alert_whatever_the_detectors() {
    let keyward = company();
    let args = ["scan", "--catalog", "catalog.yaml", "logs", "--format", "json", "--quiet"];
    let findings = keyward.args(args).run();
    let ran = keyward.args(args).args(["--emit", "alerts"]).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let alerts: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |principal: &str, key: &str| {
        let mut found = alerts.iter().filter(|alert| {
            alert["principal"].as_str().is_some_and(|of| of.ends_with(principal))
                && alert["alert_by"]["key_id"] == format!("vault:transit/{key}")
        });
        let first = found.next().unwrap().clone();
        assert!(found.next().is_none(), "{principal} and {key} are several alerts");
        first
    };
    let misuse = of("shop", "orders");
    assert_eq!(misuse["aspects"], serde_json::json!(["function"]));
    assert_eq!(
        (&misuse["first"], &misuse["last"]),
        (&"2026-11-24T09:00:02Z".into(), &"2026-11-24T09:00:03Z".into())
    );
    assert_eq!(of("nightly", "orders")["aspects"], serde_json::json!(["principal"]));
    let counted: u64 = alerts.iter().map(|alert| alert["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, findings.stdout.lines().count() as u64, "every finding is in one alert");
}

#[test]
fn alerts_are_the_same_with_any_number_of_threads_and_in_csv_and_table() {
    let keyward = company();
    let args = ["scan", "--catalog", "catalog.yaml", "logs", "--emit", "alerts", "--quiet"];
    for format in ["table", "json", "csv"] {
        let ran = |threads| keyward.args(args).args(["--format", format, "--threads", threads]).run().stdout;
        let one = ran("1");
        assert!(one.contains("KP-001"), "{format}: {one}");
        assert_eq!(one, ran("3"), "{format}");
    }
}
