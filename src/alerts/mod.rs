//! Folds findings into alerts.
//!
//! In: findings, each with the values that fold it. Out: alerts, the loudest first. Pure: the same
//! findings give the same alerts in whatever order and however often they come, within the bounds below.
//! Which columns fold a finding is its detector's word, which the pipeline looks up. [`Alerts`] folds in
//! memory for a scan; [`Keeper`] keeps the same alerts in the store for the service, and decides what people are
//! told; [`life`] is what people make of them. Delivering is left to others.
//!
//! Decision, 2026-11-24: the names of the folding columns are part of the id beside their values, so that
//! a source and a principal of the same name are two alerts.

mod attempts;
mod batch;
mod campaign;
mod change;
mod digest;
mod error;
mod facts;
mod fold;
mod keep;
mod keeper;
mod kept;
pub mod life;
mod news;
mod ocsf;
mod page;
mod telling;
mod unwritten;

use std::collections::HashMap;

pub use self::error::AlertError;
pub use self::keeper::{Keeper, Raised};
pub use self::kept::{KeptAlert, kept, kept_of};
pub use self::news::News;
pub use self::page::{Done, Page};

use self::fold::Fold;
use crate::domain::alert::{Alert, DAY, Folding};
use crate::domain::finding::Finding;
use crate::domain::identity::uid;
use crate::domain::time::parse_rfc3339;

/// Alerts open at once: some 100 MB of them. More subjects in one pass than a team reads in a year.
const MAX_ALERTS: usize = 100_000;

/// Distinct findings remembered over all alerts, at some 50 bytes each. Beyond it nothing new is counted.
const MAX_FINDINGS: usize = 2_000_000;

/// How much is held at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub alerts: usize,
    pub findings: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { alerts: MAX_ALERTS, findings: MAX_FINDINGS }
    }
}

/// Alerts being folded.
#[derive(Debug, Default)]
pub struct Alerts {
    bounds: Bounds,
    open: HashMap<u128, Fold>,
    findings: usize,
    left_out: u64,
}

impl Alerts {
    /// No alert yet, and never more than `bounds` allow.
    pub fn within(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Adds a finding; one that is known changes nothing.
    pub fn add(&mut self, finding: &Finding, folding: Folding) {
        let time = parse_rfc3339(&finding.event_time).unwrap_or_default();
        let id = alert_id(&folding, time);
        let is_full = self.open.len() >= self.bounds.alerts && !self.open.contains_key(&id);
        if is_full || self.findings >= self.bounds.findings {
            self.left_out += 1;
            return;
        }
        let fold = self.open.entry(id).or_insert_with(|| Fold::new(folding));
        self.findings += usize::from(fold.add(finding, time));
    }

    /// How many findings came when the bounds were reached, and so are in no alert.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The alerts: the loudest first, then by time.
    pub fn finish(self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> =
            self.open.into_iter().filter_map(|(id, fold)| fold.finish(format!("{id:032x}"))).collect();
        alerts.sort_by(|one, other| {
            other.level.cmp(&one.level).then_with(|| (&one.first, &one.id).cmp(&(&other.first, &other.id)))
        });
        alerts
    }
}

/// Of the folding columns, their values, and which span of event time it is. Spans of another length than
/// a day are told apart by it.
fn alert_id(folding: &Folding, time: i64) -> u128 {
    let span = folding.span.max(1);
    let (place, length) = (time.div_euclid(span).to_le_bytes(), span.to_le_bytes());
    let mut parts: Vec<&[u8]> = Vec::with_capacity(folding.by.len() * 3 + 2);
    for (column, value) in &folding.by {
        let has: &[u8] = if value.is_some() { b"=" } else { b"" };
        parts.extend([column.as_bytes(), has, value.as_deref().unwrap_or_default().as_bytes()]);
    }
    parts.push(&place);
    if span != DAY {
        parts.push(&length);
    }
    uid(&parts)
}

#[cfg(test)]
mod law_tests;
#[cfg(test)]
mod tests;
