//! The log is the same every time, has its anomalies where it says, and the rhythm it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::*;
use crate::table::columns::Column;
use crate::table::rows::Rows;

const SMALL: Options = Options { seed: 5, keys: 36, days: 44, each: 2 };

/// Calls by place of the key and by hour.
type Counts = BTreeMap<(usize, i64), u64>;

static LOG: LazyLock<(Rhythm, Counts)> = LazyLock::new(|| counts(SMALL));

fn counts(options: Options) -> (Rhythm, Counts) {
    let mut rhythm = Rhythm::new(options);
    let mut counts = Counts::new();
    while let Some(calls) = rhythm.next_hour() {
        for call in calls {
            *counts.entry((call.key, call.at.div_euclid(HOUR) * HOUR)).or_default() += 1;
        }
    }
    (rhythm, counts)
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let again = counts(SMALL);
    assert_eq!(again.1, LOG.1);
    assert_eq!(again.0.anomalies(), LOG.0.anomalies());
    assert_ne!(counts(Options { seed: 6, ..SMALL }).1, LOG.1);
}

#[test]
fn every_kind_of_anomaly_is_in_it_after_the_time_for_learning() {
    let rhythm = &LOG.0;
    let kinds: BTreeSet<_> = rhythm.anomalies().iter().map(|anomaly| anomaly.kind).collect();
    assert_eq!(kinds.len(), Kind::ALL.len());
    let learnt = START + i64::from(anomaly::QUIET_DAYS * HOURS_A_DAY) * HOUR;
    assert!(rhythm.anomalies().iter().all(|anomaly| anomaly.from >= learnt && anomaly.from < anomaly.to));
}

#[test]
fn surges_are_far_above_the_same_hour_of_the_week_before_and_silence_has_no_calls() {
    let (rhythm, counts) = &*LOG;
    let week = 7 * i64::from(HOURS_A_DAY) * HOUR;
    for anomaly in rhythm.anomalies() {
        let at = |time| counts.get(&(anomaly.key, time)).copied().unwrap_or_default();
        if anomaly.kind.is_surge() {
            assert!(at(anomaly.from) as f64 > 1.8 * at(anomaly.from - week) as f64, "{anomaly:?}");
        }
        if anomaly.kind == Kind::Silence {
            assert_eq!(at(anomaly.from), 0);
        }
    }
}

#[test]
fn a_forgotten_key_is_not_used_before_it_wakes() {
    let (rhythm, counts) = &*LOG;
    let mut long_ago = 0;
    for (key, hour) in counts.keys() {
        if rhythm.profiles[*key].shape != Shape::Forgotten {
            continue;
        }
        let wakes = |anomaly: &Anomaly| anomaly.key == *key && anomaly.from == *hour;
        assert!(*hour == START - LONG_AGO || rhythm.anomalies().iter().any(wakes), "{hour}");
        long_ago += usize::from(*hour < START);
    }
    assert_eq!(long_ago, 3);
}

#[test]
fn events_come_in_order_of_time_and_two_of_three_keys_are_declared() {
    let mut rhythm = Rhythm::new(Options { days: 33, keys: 12, ..SMALL });
    let catalog = rhythm.catalog_yaml();
    let mut table = TableBuilder::default();
    for _ in 0..5 {
        assert!(rhythm.live_an_hour(&mut table));
    }
    let built = table.finish().unwrap();
    let rows = Rows::of(&built.batch);
    let times: Vec<_> = (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).collect();
    assert!(times.is_sorted() && times.len() > 100);
    let keys: BTreeSet<_> = (0..rows.len()).filter_map(|row| rows.text(Column::KeyId, row)).collect();
    let declared = keys.iter().filter(|key| catalog.contains(**key)).count();
    assert!(declared * 2 > keys.len() && declared < keys.len(), "{declared} of {}", keys.len());
}
