//! One alert being folded. Everything in it is a least or a greatest, so that order cannot matter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::alert::{Alert, FoldedBy};
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::identity::uid;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;

/// What is known of one subject's findings on one day.
#[derive(Debug)]
pub(super) struct Fold {
    folded_by: FoldedBy,
    worst: Option<(Rank, Box<Finding>)>,
    detectors: BTreeSet<String>,
    aspects: BTreeSet<Aspect>,
    /// By finding id.
    seen: HashMap<u128, Seen>,
}

/// What is remembered of one finding. Copies of one call may differ: the least counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    time: i64,
    outcome: Option<Outcome>,
}

/// The worst finding is the loudest, of those the first, then any fixed one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    level: Level,
    earliest: Reverse<i64>,
    rest: Reverse<(String, String, String)>,
}

impl Rank {
    fn of(finding: &Finding, time: i64) -> Self {
        let rest = Reverse((finding.id.clone(), finding.message.clone(), finding.event_id.clone()));
        Self { level: finding.level, earliest: Reverse(time), rest }
    }
}

impl Fold {
    pub(super) fn new(folded_by: FoldedBy) -> Self {
        Self {
            folded_by,
            worst: None,
            detectors: BTreeSet::new(),
            aspects: BTreeSet::new(),
            seen: HashMap::new(),
        }
    }

    /// Adds a finding; whether it is a new one.
    pub(super) fn add(&mut self, finding: &Finding, time: i64) -> bool {
        self.take_worst(finding, time);
        if !self.detectors.contains(&finding.detector) {
            self.detectors.insert(finding.detector.clone());
        }
        self.aspects.extend(&finding.violations);
        let id = u128::from_str_radix(&finding.id, 16).unwrap_or_else(|_| uid(&[finding.id.as_bytes()]));
        let seen = Seen { time, outcome: finding.outcome };
        let mut is_new = false;
        let known = self.seen.entry(id).or_insert_with(|| {
            is_new = true;
            seen
        });
        *known = seen.min(*known);
        is_new
    }

    fn take_worst(&mut self, finding: &Finding, time: i64) {
        let is_quieter = self.worst.as_ref().is_some_and(|(worst, _)| finding.level < worst.level);
        if is_quieter {
            return;
        }
        let rank = Rank::of(finding, time);
        if self.worst.as_ref().is_none_or(|(worst, _)| rank > *worst) {
            self.worst = Some((rank, Box::new(finding.clone())));
        }
    }

    /// The alert, under its id; nothing where nothing was added.
    pub(super) fn finish(self, id: String) -> Option<Alert> {
        let (_, worst) = self.worst?;
        let times = || self.seen.values().map(|seen| seen.time);
        let mut outcomes = BTreeMap::new();
        for seen in self.seen.values() {
            *outcomes.entry(seen.outcome.unwrap_or(Outcome::Unknown).as_str()).or_default() += 1;
        }
        Some(Alert {
            id,
            level: worst.level,
            title: worst.title,
            message: worst.message,
            key_id: worst.key_id,
            catalog_id: worst.catalog_id,
            principal: worst.principal,
            event_id: worst.event_id,
            count: self.seen.len() as u64,
            first: format_rfc3339(times().min().unwrap_or_default()),
            last: format_rfc3339(times().max().unwrap_or_default()),
            outcomes,
            success_after_attempts: success_after_attempts(&self.seen).map(format_rfc3339),
            alert_by: self.folded_by,
            detectors: self.detectors,
            aspects: self.aspects,
        })
    }
}

/// When a call first succeeded after one that was stopped. In the same second counts as after:
/// CloudTrail has whole seconds.
fn success_after_attempts(seen: &HashMap<u128, Seen>) -> Option<i64> {
    let times = |wanted: fn(Outcome) -> bool| {
        seen.values().filter(move |seen| seen.outcome.is_some_and(wanted)).map(|seen| seen.time)
    };
    let stopped =
        times(|outcome| matches!(outcome, Outcome::Denied | Outcome::Refused | Outcome::DryRun)).min()?;
    times(|outcome| matches!(outcome, Outcome::Success | Outcome::Partial))
        .filter(|time| *time >= stopped)
        .min()
}
