//! Measures the detectors with memory on weeks of made-up key use, beside two plain baselines.
//!
//! In: how large a log to make. Out: for each detector and baseline, what it found of the anomalies that were
//! put in, how late, and how often it was wrong. The events go through the same judge, engine and windows as
//! those of the service, hour by hour, with time that passes as there.

pub mod baselines;
pub mod score;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use self::baselines::Counts;
use self::score::{Detection, Score};
use crate::catalog::{AliasBook, Catalog, SourceText};
use crate::detect::detectors::{Detector, Detectors};
use crate::detect::engine::Engine;
use crate::detect::window::document::WindowKind;
use crate::detect::window::firing::Found;
use crate::detect::window::memory::Pace;
use crate::detect::window::rule::Rule;
use crate::detect::window::windows::Windows;
use crate::domain::problem::Problem;
use crate::pipeline::generate::rhythm::anomaly::Kind;
use crate::pipeline::generate::rhythm::calendar::HOUR;
use crate::pipeline::generate::rhythm::{Options, Rhythm, START};
use crate::pipeline::rules::Rules;
use crate::table::build::TableBuilder;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// What the baselines are called.
const FIXED_THRESHOLD: &str = "fixed threshold";
const Z_SCORE: &str = "z-score";

/// What was measured.
#[derive(Debug)]
pub struct Report {
    pub options: Options,
    pub events: u64,
    /// Anomalies that were put in, by kind.
    pub anomalies: BTreeMap<Kind, usize>,
    /// Of each detector that is there for some kind or raised an alert, and of the baselines.
    pub scores: Vec<Score>,
    pub elapsed: Duration,
}

/// Makes the log, runs the detectors over it and compares. `told` hears of each day.
///
/// # Errors
/// Where the built-in rules cannot be loaded, which a test says they can.
pub fn run(options: Options, told: &mut dyn FnMut(u32)) -> Result<Report> {
    let started = Instant::now();
    let mut rhythm = Rhythm::new(options);
    let rules = rules(&rhythm)?;
    let mut seen = Seen::default();
    let mut windows = Windows::of(&rules.engine, Pace::Live { lateness: 0 });
    let mut table = TableBuilder::default();
    let mut hours = 0;
    while rhythm.live_an_hour(&mut table) {
        let judged = rules.judge(table.finish()?.batch, &AliasBook::default())?;
        seen.count(&Rows::of(&judged.batch));
        // What tells of something older, as a silence does, was not known before this hour.
        let begins = START + i64::from(hours) * HOUR;
        seen.found(windows.add(&judged.batch, &judged.entering), begins);
        hours += 1;
        let now = START + i64::from(hours) * HOUR;
        seen.found(windows.advance(now), now);
        told(hours as u32 / 24);
    }
    Ok(Report {
        options,
        events: seen.events,
        anomalies: by_kind(&rhythm),
        scores: scores(&seen, &rules, &rhythm, options.days),
        elapsed: started.elapsed(),
    })
}

/// What there was, and what was found.
#[derive(Default)]
struct Seen {
    events: u64,
    counts: Counts,
    /// By detector.
    detections: BTreeMap<String, Vec<Detection>>,
}

impl Seen {
    fn count(&mut self, rows: &Rows<'_>) {
        for row in 0..rows.len() {
            self.events += 1;
            if let (Some(key), Some(at)) = (rows.text(Column::KeyId, row), rows.time(Column::EventTime, row))
            {
                self.counts.add(key, at);
            }
        }
    }

    /// Findings that are known with their event, and not before `known`.
    fn found(&mut self, found: Vec<Found>, known: i64) {
        for (finding, _) in found {
            let Some(key) = finding.key_id else { continue };
            let of_event = crate::domain::time::parse_rfc3339(&finding.event_time).unwrap_or_default();
            let detection = Detection { key, at: known.max(of_event) };
            self.detections.entry(finding.detector).or_default().push(detection);
        }
    }
}

fn rules(rhythm: &Rhythm) -> Result<Rules> {
    let told =
        |problems: Vec<Problem>| anyhow!("{}", problems.first().map(ToString::to_string).unwrap_or_default());
    let source = SourceText { name: "catalog of the benchmark".into(), text: rhythm.catalog_yaml() };
    let catalog = Catalog::parse(&[source])?.catalog;
    let engine = Detectors::embedded().and_then(|detectors| Engine::new(&detectors)).map_err(told)?;
    Ok(Rules::new(catalog, engine))
}

fn by_kind(rhythm: &Rhythm) -> BTreeMap<Kind, usize> {
    let mut kinds = BTreeMap::new();
    for anomaly in rhythm.anomalies() {
        *kinds.entry(anomaly.kind).or_default() += 1;
    }
    kinds
}

fn scores(seen: &Seen, rules: &Rules, rhythm: &Rhythm, days: u32) -> Vec<Score> {
    let none = Vec::new();
    let mut scores = Vec::new();
    for detector in rules.engine.detectors().iter().filter(|detector| detector.window.is_some()) {
        let detections = seen.detections.get(&detector.id).unwrap_or(&none);
        let score =
            Score::of(&detector.id, detections, rhythm, days, |anomaly| is_for(detector, anomaly.kind));
        if score.expected > 0 || score.alerts > 0 {
            scores.push(score);
        }
    }
    for (name, detections) in
        [(FIXED_THRESHOLD, seen.counts.fixed_threshold()), (Z_SCORE, seen.counts.z_score())]
    {
        scores.push(Score::of(name, &detections, rhythm, days, |anomaly| anomaly.kind.is_surge()));
    }
    scores
}

/// Whether a detector of such a window is there for such an anomaly of one key.
fn is_for(detector: &Detector, kind: Kind) -> bool {
    let Some(window) = detector.window.as_ref().filter(|_| detector.set_aside().is_none()) else {
        return false;
    };
    let is_by_key = window.group_by.contains(&Column::KeyId);
    match (&window.rule, kind) {
        (Rule::FirstSeen { of, .. }, Kind::Caller) => is_by_key && *of == Column::Principal,
        (Rule::FirstSeen { of, .. }, Kind::Function) => is_by_key && *of == Column::Function,
        (Rule::Dormant { .. }, Kind::Waking) => is_by_key,
        (Rule::Threshold { .. }, Kind::Failures) => detector.id == kind.detector(),
        _ => match window.kind {
            WindowKind::Rate => is_by_key && kind.is_surge(),
            WindowKind::Silence => is_by_key && kind == Kind::Silence,
            _ => false,
        },
    }
}
