//! `keyward bench --anomaly`: detectors with memory find what was put in, and little else.

use serde_json::Value;

use crate::support::Keyward;

/// False alerts of one detector that a team puts up with, per 100 keys and week.
const PUT_UP_WITH: f64 = 2.0;

#[test]
fn detectors_with_memory_find_nine_in_ten_anomalies_and_beat_plain_baselines() {
    let args = ["bench", "--anomaly", "--keys", "36", "--days", "40", "--each", "2", "--format", "json"];
    let ran = Keyward::new().args(args).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let scores = ran.json();
    let score = |detector: &str| {
        let found = scores.iter().find(|score| score["detector"] == detector);
        found.unwrap_or_else(|| panic!("{detector} is not measured: {}", ran.stdout)).clone()
    };
    let number = |score: &Value, name: &str| score[name].as_str().unwrap().parse::<f64>().unwrap();
    for detector in ["KP-080-rate", "KP-082", "KP-084", "KP-085", "KP-133"] {
        let score = score(detector);
        assert!(number(&score, "recall") >= 0.9 && number(&score, "precision") >= 0.9, "{score}");
        assert!(number(&score, "false_per_100_keys_and_week") <= PUT_UP_WITH, "{score}");
    }
    let rate = score("KP-080-rate");
    for baseline in ["fixed threshold", "z-score"] {
        let baseline = score(baseline);
        assert!(number(&baseline, "recall") <= number(&rate, "recall"), "{baseline}");
        assert!(number(&baseline, "precision") * 2.0 < number(&rate, "precision"), "{baseline}");
    }
}
