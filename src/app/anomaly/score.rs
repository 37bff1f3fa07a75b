//! Holds what was detected against what was put into the log.
//!
//! In: the anomalies and the detections of one detector. Out: how many of which were found, how late, and how many
//! alerts were about nothing. A detection is right where its key has an anomaly at that time; it need not be of
//! the kind that the detector is there for, since an analyst would not call it false.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::generate::rhythm::Rhythm;
use crate::pipeline::generate::rhythm::START;
use crate::pipeline::generate::rhythm::anomaly::{Anomaly, Kind, QUIET_DAYS};
use crate::pipeline::generate::rhythm::calendar::{HOUR, HOURS_A_DAY};

/// A day, in microseconds.
const DAY: i64 = HOUR * HOURS_A_DAY as i64;

/// How long after its end an anomaly may be found: windows end later than what is in them.
const TOLERANCE: i64 = 2 * HOUR;

/// Something that a detector found at a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detection {
    /// The key's canonical name.
    pub key: String,
    /// Event time at which it was known, microseconds since the epoch.
    pub at: i64,
}

/// How a detector did.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub detector: String,
    /// Alerts: detections of one key within one day are one.
    pub alerts: usize,
    /// Alerts that no anomaly explains.
    pub false_alerts: usize,
    /// Anomalies that it is there for, and those of them that it found.
    pub expected: usize,
    pub found: usize,
    /// The same by kind: found, expected.
    pub kinds: BTreeMap<Kind, (usize, usize)>,
    /// The median time from an anomaly's begin to its detection, in microseconds.
    pub delay: Option<i64>,
    /// False alerts per 100 keys and week of the time after learning.
    pub false_per_100_keys_and_week: f64,
}

impl Score {
    /// Holds `detections` against the anomalies of `rhythm` in its first `days` days; `is_for` tells those
    /// that the detector is there for.
    pub fn of(
        detector: &str,
        detections: &[Detection],
        rhythm: &Rhythm,
        days: u32,
        is_for: impl Fn(&Anomaly) -> bool,
    ) -> Self {
        let learnt = START + i64::from(QUIET_DAYS) * DAY;
        let counted: Vec<_> = detections.iter().filter(|detection| detection.at >= learnt).collect();
        let explains = |anomaly: &Anomaly, detection: &Detection| {
            rhythm.key(anomaly.key) == Some(detection.key.as_str())
                && anomaly.from <= detection.at
                && detection.at < anomaly.to + TOLERANCE
        };
        let alert = |detection: &Detection| (detection.key.clone(), detection.at.div_euclid(DAY));
        let alerts: BTreeSet<_> = counted.iter().map(|detection| alert(detection)).collect();
        let right: BTreeSet<_> = counted
            .iter()
            .filter(|detection| rhythm.anomalies().iter().any(|anomaly| explains(anomaly, detection)))
            .map(|detection| alert(detection))
            .collect();
        let expected: Vec<_> = rhythm.anomalies().iter().filter(|anomaly| is_for(anomaly)).collect();
        let mut delays = Vec::new();
        let mut kinds: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
        for anomaly in &expected {
            let first = counted.iter().filter(|detection| explains(anomaly, detection)).map(|of| of.at).min();
            let (found, expected) = kinds.entry(anomaly.kind).or_default();
            *expected += 1;
            *found += usize::from(first.is_some());
            delays.extend(first.map(|first| first - anomaly.from));
        }
        delays.sort_unstable();
        let weeks = f64::from(days.saturating_sub(QUIET_DAYS).max(1)) / 7.0;
        let false_alerts = alerts.len() - right.len();
        Self {
            detector: detector.to_owned(),
            alerts: alerts.len(),
            false_alerts,
            expected: expected.len(),
            found: delays.len(),
            kinds,
            delay: delays.get(delays.len() / 2).copied(),
            false_per_100_keys_and_week: false_alerts as f64 * 100.0 / rhythm.keys().max(1) as f64 / weeks,
        }
    }

    /// The share of the alerts that are about an anomaly; nothing where there was none.
    pub fn precision(&self) -> Option<f64> {
        (self.alerts > 0).then(|| (self.alerts - self.false_alerts) as f64 / self.alerts as f64)
    }

    /// The share of the anomalies that were found; nothing where none was to be found.
    pub fn recall(&self) -> Option<f64> {
        (self.expected > 0).then(|| self.found as f64 / self.expected as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::generate::rhythm::Options;

    const DAYS: u32 = 44;

    fn rhythm() -> Rhythm {
        Rhythm::new(Options { seed: 5, keys: 36, days: DAYS, each: 2 })
    }

    fn at(rhythm: &Rhythm, anomaly: &Anomaly, time: i64) -> Detection {
        Detection { key: rhythm.key(anomaly.key).unwrap().to_owned(), at: time }
    }

    #[test]
    fn a_detection_within_an_anomaly_is_right_and_any_other_is_false() {
        let rhythm = rhythm();
        let anomaly = rhythm.anomalies()[0];
        let right = at(&rhythm, &anomaly, anomaly.from + 600_000_000);
        let late = at(&rhythm, &anomaly, anomaly.to + DAY);
        let score = Score::of("X", &[right, late], &rhythm, DAYS, |other| *other == anomaly);
        assert_eq!((score.alerts, score.false_alerts, score.expected, score.found), (2, 1, 1, 1));
        assert_eq!(
            (score.precision(), score.recall(), score.delay),
            (Some(0.5), Some(1.0), Some(600_000_000))
        );
    }

    #[test]
    fn what_is_found_while_learning_does_not_count_and_what_is_not_found_is_missed() {
        let rhythm = rhythm();
        let anomaly = rhythm.anomalies()[0];
        let early = at(&rhythm, &anomaly, START + DAY);
        let score = Score::of("X", &[early], &rhythm, DAYS, |anomaly| anomaly.kind.is_surge());
        assert_eq!((score.alerts, score.found, score.precision()), (0, 0, None));
        assert!(score.expected >= 7 && score.recall() == Some(0.0));
    }
}
