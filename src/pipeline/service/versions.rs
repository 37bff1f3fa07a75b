//! The versions of the rules, each from an event time on: which one judges an event is a function of the
//! event's time alone, so a replay judges as before.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;

use crate::catalog::AliasBook;
use crate::pipeline::rules::{Judged, Rules};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Rules, and from when on they judge.
#[derive(Debug, Clone)]
pub struct Version {
    /// Event time in microseconds since the epoch.
    pub effective_from: i64,
    pub rules: Arc<Rules>,
}

/// All versions, oldest first. The first reaches back without limit.
#[derive(Debug)]
pub struct Versions {
    first: Version,
    later: Vec<Version>,
}

/// A batch judged, and the rules that judged it.
#[derive(Debug)]
pub struct Verdicts {
    pub rules: Arc<Rules>,
    pub judged: Judged,
}

impl Versions {
    /// The only version so far.
    pub fn new(first: Version) -> Self {
        Self { first, later: Vec::new() }
    }

    /// Adds a version; one that begins with another's time takes its place.
    pub fn install(&mut self, version: Version) {
        if version.effective_from <= self.first.effective_from {
            self.first = version;
            return;
        }
        self.later.retain(|other| other.effective_from != version.effective_from);
        self.later.push(version);
        self.later.sort_by_key(|version| version.effective_from);
    }

    /// Calls `found` with the rules of every version.
    pub fn each(&self, mut found: impl FnMut(&Rules)) {
        std::iter::once(&self.first).chain(&self.later).for_each(|version| found(&version.rules));
    }

    /// The newest version.
    pub fn newest(&self) -> &Version {
        self.later.last().unwrap_or(&self.first)
    }

    /// The version that judges an event of this time.
    pub fn at(&self, time: i64) -> &Version {
        self.later.iter().rev().find(|version| version.effective_from <= time).unwrap_or(&self.first)
    }

    /// Judges every row by the version of its time.
    ///
    /// # Errors
    /// Where Arrow refuses the columns, which a consistent judge never makes it do.
    pub fn judge(&self, batch: RecordBatch, aliases: &AliasBook) -> Result<Vec<Verdicts>, ArrowError> {
        let times = times(&batch);
        let bounds = times.iter().copied().min().zip(times.iter().copied().max());
        let (earliest, latest) = bounds.unwrap_or_default();
        let only = self.at(latest);
        if self.at(earliest).effective_from == only.effective_from {
            return Ok(vec![judged_by(only, batch, aliases)?]);
        }
        let mut parts = Vec::new();
        for version in std::iter::once(&self.first).chain(&self.later) {
            let is_its = |time: &i64| self.at(*time).effective_from == version.effective_from;
            let mask: BooleanArray = times.iter().map(|time| Some(is_its(time))).collect();
            if mask.true_count() > 0 {
                parts.push(judged_by(version, filter_record_batch(&batch, &mask)?, aliases)?);
            }
        }
        Ok(parts)
    }
}

fn judged_by(version: &Version, batch: RecordBatch, aliases: &AliasBook) -> Result<Verdicts, ArrowError> {
    let judged = version.rules.judge(batch, aliases)?;
    Ok(Verdicts { rules: Arc::clone(&version.rules), judged })
}

/// The event time of every row.
fn times(batch: &RecordBatch) -> Vec<i64> {
    let rows = Rows::of(batch);
    (0..rows.len()).map(|row| rows.time(Column::EventTime, row).unwrap_or_default()).collect()
}
