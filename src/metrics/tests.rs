use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::table::{Kind, TABLE};
use super::*;
use crate::domain::alert::Suppression;
use crate::domain::event::Provider;
use crate::domain::level::Level;
use crate::domain::reject::{Aside, RejectReason};
use crate::domain::verdict::Verdict;

const CONFIG: &str = "\
data: /tmp
sources:
  - { name: trail, kafka: { brokers: [b], topics: [t], group: g } }
  - { name: bao, http: { token: /t } }
";

fn metrics() -> Metrics {
    let config = crate::config::read(Path::new("k.yaml"), CONFIG, []).unwrap();
    Metrics::new("9.9.9", &config.sources, 1_500_000).unwrap()
}

/// The value of a sample line, by all that stands before it.
fn value(scraped: &str, sample: &str) -> Option<f64> {
    let line = scraped.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == sample))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// Does everything once that can be counted.
fn everything(metrics: &Metrics) {
    let account = Account {
        received: 10,
        gave_events: 4,
        merged: 1,
        irrelevant: BTreeMap::from([(Aside::Digest, 2)]),
        duplicates: 1,
        rejects: BTreeMap::from([(RejectReason::Truncated, 2)]),
        events: 5,
    };
    metrics.account("trail", &account);
    metrics.events(Provider::Aws, 5);
    metrics.verdicts(Verdict::Violation, 3);
    metrics.finding("KP-001", Level::High);
    metrics.detector_failure("KP-001");
    metrics.windows(3);
    metrics.forgotten("KP-001", 1);
    metrics.alert(Level::High);
    metrics.suppressed(Suppression::NoNews, 1);
    metrics.stage(Stage::Judge, Duration::from_millis(2));
    metrics.alert_latency("trail", 1_000_000, 1_200_000);
    metrics.source("trail", true, [("trail/0", 7)]);
    metrics.source("bao", false, [("bao", 512)]);
    metrics.lost("trail", 3);
    metrics.dropped("bao", 4);
    metrics.unreachable("trail");
    metrics.waiting(3, 100);
    metrics.seal(&Sealed { rows: 100, bytes: 5000, took: Duration::from_millis(30), at: 2_000_000 });
    metrics.seal_failed();
    metrics.transaction(Transaction::Seal, Duration::from_millis(3));
    metrics.data(4096, 1 << 30);
    metrics.lease(true);
    metrics.outbox(&OutboxState {
        channel: Channel::Webhook.as_str(),
        pending: 2,
        oldest_seconds: 1.5,
        parked: 1,
    });
    metrics.delivery(Channel::Webhook.as_str(), Delivered::No);
    metrics.delivery(Channel::Webhook.as_str(), Delivered::Yes);
    metrics.rules(&RulesInfo {
        catalog: "c1".into(),
        detectors: "d1".into(),
        keys: 12,
        loaded_at: 3_000_000,
    });
    metrics.detectors(Kept::Warming, 2);
    metrics.reload(Reload::Refused);
    metrics.request("/metrics", 200);
    metrics.connections(1);
    metrics.evicted();
    metrics.heartbeat(2_500_000);
}

#[test]
fn a_scrape_shows_every_metric_of_the_table_and_no_other() {
    let metrics = metrics();
    everything(&metrics);
    let scraped = metrics.scrape().unwrap();
    let shown: BTreeSet<(String, String, String)> = scraped
        .lines()
        .zip(scraped.lines().skip(1))
        .filter_map(|(help, kind)| {
            let (name, help) = help.strip_prefix("# HELP ")?.split_once(' ')?;
            let kind = kind.strip_prefix("# TYPE ")?.strip_prefix(name)?.trim();
            Some((name.to_owned(), kind.to_owned(), help.to_owned()))
        })
        .filter(|(name, ..)| !name.starts_with("process_"))
        .collect();
    let told: BTreeSet<_> = TABLE
        .iter()
        .map(|spec| (spec.name.to_owned(), spec.kind.as_str().to_owned(), spec.help.to_owned()))
        .collect();
    assert_eq!(shown, told);
    for spec in TABLE {
        for line in scraped.lines().filter(|line| line.starts_with(&format!("{}{{", spec.name))) {
            let labels = line.split_once('{').unwrap().1.rsplit_once("} ").unwrap().0;
            let labels: BTreeSet<_> =
                labels.split("\",").map(|label| label.split_once('=').unwrap().0).collect();
            assert_eq!(labels, spec.labels.iter().copied().collect(), "{line}");
        }
    }
    assert!(scraped.contains("process_resident_memory_bytes"), "{scraped}");
}

#[test]
fn every_metric_has_a_prometheus_name_and_a_sentence() {
    let mut names = BTreeSet::new();
    for spec in TABLE {
        let plain = spec.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        assert!(plain && spec.name.starts_with("keyward_") && names.insert(spec.name), "{}", spec.name);
        assert_eq!(spec.kind == Kind::Counter, spec.name.ends_with("_total"), "{}", spec.name);
        assert!(spec.kind != Kind::Histogram || spec.name.ends_with("_seconds"), "{}", spec.name);
        assert!(spec.help.ends_with('.') && spec.help.len() > 15, "{}: {}", spec.name, spec.help);
    }
}

#[test]
fn the_account_of_each_source_adds_up_in_a_scrape() {
    let metrics = metrics();
    everything(&metrics);
    let scraped = metrics.scrape().unwrap();
    assert_eq!(value(&scraped, "keyward_records_received_total{source=\"trail\"}"), Some(10.0));
    assert_eq!(value(&scraped, "keyward_records_received_total{source=\"bao\"}"), Some(0.0));
    let parts: f64 = ["gave_events", "merged", "irrelevant", "duplicate", "rejected"]
        .iter()
        .flat_map(|part| {
            let start = format!("keyward_records_{part}_total{{");
            scraped
                .lines()
                .filter(move |line| line.starts_with(&start))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert!((parts - 10.0).abs() < f64::EPSILON, "{parts}");
    assert_eq!(
        metrics.counts("trail"),
        SourceCounts { received: 10, gave_events: 4, merged: 1, irrelevant: 2, duplicates: 1, rejects: 2 }
    );
}

#[test]
fn partitions_that_are_gone_are_forgotten_and_very_many_are_summed() {
    let metrics = metrics();
    metrics.source("bao", true, [("a", 1), ("b", 2)]);
    metrics.source("bao", true, [("b", 3)]);
    let scraped = metrics.scrape().unwrap();
    assert_eq!(value(&scraped, "keyward_source_lag_bytes{partition=\"a\",source=\"bao\"}"), None);
    assert_eq!(value(&scraped, "keyward_source_lag_bytes{partition=\"b\",source=\"bao\"}"), Some(3.0));
    let many: Vec<(String, u64)> = (0..2000).map(|number| (format!("p{number}"), 1)).collect();
    metrics.source("bao", true, many.iter().map(|(name, lag)| (name.as_str(), *lag)));
    let scraped = metrics.scrape().unwrap();
    let lines = scraped.lines().filter(|line| line.starts_with("keyward_source_lag_bytes{")).count();
    assert_eq!(lines, 513);
    assert_eq!(value(&scraped, "keyward_source_lag_bytes{partition=\"other\",source=\"bao\"}"), Some(1488.0));
}

#[test]
fn a_source_that_nobody_configured_makes_no_label_of_its_own() {
    let metrics = metrics();
    metrics.lost("evil\"} 1\n", 5);
    let scraped = metrics.scrape().unwrap();
    assert_eq!(value(&scraped, "keyward_source_lost_records_total{source=\"other\"}"), Some(5.0));
    assert!(!scraped.contains("evil"));
}

#[test]
fn only_the_rules_in_force_are_shown_and_a_clock_that_is_behind_counts_as_no_time() {
    let metrics = metrics();
    let info = |catalog: &str| RulesInfo { catalog: catalog.into(), ..RulesInfo::default() };
    metrics.rules(&info("one"));
    metrics.rules(&info("two"));
    metrics.alert_latency("trail", 9_000_000, 1_000_000);
    let scraped = metrics.scrape().unwrap();
    assert!(scraped.contains("catalog=\"two\"") && !scraped.contains("catalog=\"one\""));
    assert_eq!(value(&scraped, "keyward_alert_latency_seconds_sum{source=\"trail\"}"), Some(0.0));
}
