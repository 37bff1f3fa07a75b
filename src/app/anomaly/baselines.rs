//! The two plain ways to find surges, to compare with: one threshold for all keys, and a z-score.
//!
//! In: calls by key and hour. Out: detections. Both look at whole hours and know nothing of weekdays.

use std::collections::BTreeMap;

use super::score::Detection;
use crate::pipeline::generate::rhythm::START;
use crate::pipeline::generate::rhythm::anomaly::QUIET_DAYS;
use crate::pipeline::generate::rhythm::calendar::{HOUR, HOURS_A_DAY};

/// Hours of the time for learning.
const LEARNING: usize = (QUIET_DAYS * HOURS_A_DAY) as usize;

/// Of a thousand hours of learning, in how many the fixed threshold is reached: it is drawn as tight as
/// one would who looks at what there is.
const THRESHOLD_REACHED_IN: usize = 2;

/// Deviations above the mean at which a z-score is called anomalous.
const DEVIATIONS: f64 = 3.0;

/// The calls of every key, hour by hour from the log's first.
#[derive(Debug, Clone, Default)]
pub struct Counts(BTreeMap<String, Vec<u32>>);

impl Counts {
    /// Counts one call.
    pub fn add(&mut self, key: &str, at: i64) {
        let Ok(hour) = usize::try_from((at - START).div_euclid(HOUR)) else { return };
        if !self.0.contains_key(key) {
            self.0.insert(key.to_owned(), Vec::new());
        }
        let Some(hours) = self.0.get_mut(key) else { return };
        if hours.len() <= hour {
            hours.resize(hour + 1, 0);
        }
        if let Some(count) = hours.get_mut(hour) {
            *count += 1;
        }
    }

    /// What one threshold for all keys finds.
    pub fn fixed_threshold(&self) -> Vec<Detection> {
        let mut learnt: Vec<u32> =
            self.0.values().flat_map(|hours| hours.iter().take(LEARNING)).copied().collect();
        learnt.sort_unstable();
        let place = learnt.len() - (learnt.len() * THRESHOLD_REACHED_IN / 1_000).min(learnt.len());
        let threshold = learnt.get(place).copied().unwrap_or(u32::MAX);
        self.detections(|_| f64::from(threshold))
    }

    /// What lies so many deviations above the key's own mean.
    pub fn z_score(&self) -> Vec<Detection> {
        self.detections(|hours| {
            let learnt: Vec<f64> = hours.iter().take(LEARNING).map(|count| f64::from(*count)).collect();
            let count = learnt.len().max(1) as f64;
            let mean = learnt.iter().sum::<f64>() / count;
            let variance = learnt.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            DEVIATIONS.mul_add(variance.sqrt(), mean)
        })
    }

    /// The hours after learning whose count is above the limit of their key, known when they end.
    fn detections(&self, limit: impl Fn(&[u32]) -> f64) -> Vec<Detection> {
        let of_key = |(key, hours): (&String, &Vec<u32>)| {
            let limit = limit(hours);
            let above =
                hours.iter().enumerate().skip(LEARNING).filter(|(_, count)| f64::from(**count) > limit);
            let at = |hour: usize| START + (hour as i64 + 1) * HOUR;
            let found: Vec<_> = above.map(|(hour, _)| Detection { key: key.clone(), at: at(hour) }).collect();
            found
        };
        self.0.iter().flat_map(of_key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_above_a_steady_key_is_found_by_both() {
        let mut counts = Counts::default();
        let spike = LEARNING + 30;
        for hour in 0..LEARNING + 60 {
            let calls = if hour == spike { 90 } else { 8 + hour % 5 };
            for _ in 0..calls {
                counts.add("key", START + hour as i64 * HOUR);
            }
        }
        let expected = [Detection { key: "key".into(), at: START + (spike as i64 + 1) * HOUR }];
        assert_eq!(counts.z_score(), expected);
        assert_eq!(counts.fixed_threshold(), expected);
    }
}
