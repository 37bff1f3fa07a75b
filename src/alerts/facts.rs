//! What an alert's findings say together. Everything in it is a least, a greatest, a union or a count of
//! distinct findings, so that neither order nor repetition can matter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::alert::{Alert, FoldedBy};
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;
use crate::store::Standing;

/// What is remembered of one finding. Copies of one call may differ: the least counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub time: i64,
    pub outcome: Option<Outcome>,
}

impl Seen {
    pub fn of(finding: &Finding, time: i64) -> Self {
        Self { time, outcome: finding.outcome }
    }

    pub fn standing(self) -> Standing {
        standing(self.outcome)
    }
}

/// What an outcome means for whether attempts got through.
pub(super) fn standing(outcome: Option<Outcome>) -> Standing {
    match outcome {
        Some(Outcome::Denied | Outcome::Refused | Outcome::DryRun) => Standing::Stopped,
        Some(Outcome::Success | Outcome::Partial) => Standing::Succeeded,
        _ => Standing::Neither,
    }
}

/// The worst finding is the loudest, of those the first, then any fixed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Worst {
    pub level: Level,
    pub time: i64,
    pub finding: String,
    pub event_id: String,
    pub title: String,
    pub message: String,
    pub key_id: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
}

impl Worst {
    fn of(finding: &Finding, time: i64, owner: Option<&str>) -> Self {
        Self {
            level: finding.level,
            time,
            finding: finding.id.clone(),
            event_id: finding.event_id.clone(),
            title: finding.title.clone(),
            message: finding.message.clone(),
            key_id: finding.key_id.clone(),
            catalog_id: finding.catalog_id.clone(),
            principal: finding.principal.clone(),
            owner: owner.map(str::to_owned),
        }
    }

    fn rank(&self) -> impl Ord + '_ {
        (self.level, Reverse((self.time, &self.finding, &self.message, &self.event_id)))
    }
}

/// What findings say apart from how many they are: any copy of a finding adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub worst: Worst,
    pub detectors: BTreeSet<String>,
    pub aspects: BTreeSet<Aspect>,
    /// Techniques of MITRE ATT&CK that the detectors name: `T1552.004`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub techniques: BTreeSet<String>,
    /// For each aspect the sentence of the worst finding that violates it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sentences: BTreeMap<Aspect, Sentence>,
}

/// What one finding says, and how loud it is; ordered as [`Worst`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sentence {
    pub level: Level,
    pub time: i64,
    pub text: String,
}

impl Sentence {
    fn of(finding: &Finding, time: i64) -> Self {
        Self { level: finding.level, time, text: finding.message.clone() }
    }

    fn rank(&self) -> impl Ord + '_ {
        (self.level, Reverse((self.time, &self.text)))
    }
}

/// What the tag of a technique begins with, as in Sigma.
const TECHNIQUE: &str = "attack.t";

fn techniques(finding: &Finding) -> impl Iterator<Item = String> + '_ {
    let numbers = finding.tags.iter().filter_map(|tag| tag.strip_prefix(TECHNIQUE));
    numbers.map(|number| format!("T{number}"))
}

impl Said {
    pub fn of(finding: &Finding, time: i64, owner: Option<&str>) -> Self {
        Self {
            worst: Worst::of(finding, time, owner),
            detectors: [finding.detector.clone()].into(),
            aspects: finding.violations.iter().copied().collect(),
            techniques: techniques(finding).collect(),
            sentences: finding
                .violations
                .iter()
                .map(|aspect| (*aspect, Sentence::of(finding, time)))
                .collect(),
        }
    }

    pub fn add(&mut self, finding: &Finding, time: i64, owner: Option<&str>) {
        let is_quieter = (finding.level, Reverse(time)) < (self.worst.level, Reverse(self.worst.time));
        if !is_quieter {
            self.take_worst(Worst::of(finding, time, owner));
        }
        if !self.detectors.contains(&finding.detector) {
            self.detectors.insert(finding.detector.clone());
        }
        self.techniques.extend(techniques(finding));
        self.aspects.extend(&finding.violations);
        for aspect in &finding.violations {
            self.take_sentence(*aspect, Sentence::of(finding, time));
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.take_worst(other.worst);
        self.detectors.extend(other.detectors);
        self.aspects.extend(other.aspects);
        self.techniques.extend(other.techniques);
        other.sentences.into_iter().for_each(|(aspect, sentence)| self.take_sentence(aspect, sentence));
    }

    fn take_sentence(&mut self, aspect: Aspect, sentence: Sentence) {
        match self.sentences.get_mut(&aspect) {
            Some(known) if sentence.rank() <= known.rank() => {}
            Some(known) => *known = sentence,
            None => drop(self.sentences.insert(aspect, sentence)),
        }
    }

    fn take_worst(&mut self, other: Worst) {
        if other.rank() > self.worst.rank() {
            self.worst = other;
        }
    }
}

/// How many distinct findings there are, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Microseconds since the epoch, as is the next.
    pub first: Option<i64>,
    pub last: Option<i64>,
}

impl Counts {
    /// Counts a distinct finding.
    pub fn add(&mut self, seen: Seen) {
        self.add_many(seen.outcome, 1, seen.time, seen.time);
    }

    pub fn add_many(&mut self, outcome: Option<Outcome>, findings: u64, first: i64, last: i64) {
        *self.outcomes.entry(outcome.unwrap_or(Outcome::Unknown)).or_default() += findings;
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = self.last.max(Some(last));
    }

    pub fn merge(&mut self, other: &Self) {
        let (Some(first), Some(last)) = (other.first, other.last) else { return };
        for (outcome, findings) in &other.outcomes {
            self.add_many(Some(*outcome), *findings, first, last);
        }
    }

    pub fn total(&self) -> u64 {
        self.outcomes.values().sum()
    }
}

/// All that is kept of an alert's findings beside themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub said: Said,
    pub counts: Counts,
    /// When a call was first stopped; facts that are older than this field lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<i64>,
    /// When a call first succeeded after one that was stopped. In the same second counts as after:
    /// CloudTrail has whole seconds.
    pub success_after: Option<i64>,
}

impl Facts {
    pub fn new(said: Said) -> Self {
        Self { said, counts: Counts::default(), stopped: None, success_after: None }
    }

    /// The alert, under its id.
    pub fn alert(&self, id: String, alert_by: FoldedBy) -> Alert {
        let Worst { level, title, message, key_id, catalog_id, principal, event_id, .. } =
            self.said.worst.clone();
        let outcomes = self.counts.outcomes.iter();
        Alert {
            id,
            level,
            title,
            message,
            key_id,
            catalog_id,
            principal,
            event_id,
            alert_by,
            detectors: self.said.detectors.clone(),
            aspects: self.said.aspects.clone(),
            count: self.counts.total(),
            first: format_rfc3339(self.counts.first.unwrap_or_default()),
            last: format_rfc3339(self.counts.last.unwrap_or_default()),
            outcomes: outcomes.map(|(outcome, count)| (outcome.as_str(), *count)).collect(),
            success_after_attempts: self.success_after.map(format_rfc3339),
        }
    }
}
