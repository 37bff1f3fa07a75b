//! One of the two sets of rules of a backtest, and what they find.
//!
//! In: batches of history, in any order and from any thread. Out: alerts. What windows find is asked for at the
//! end, as in a scan.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;

use super::Span;
use crate::alerts::Alerts;
use crate::app::ask::AskError;
use crate::app::past::unjudged;
use crate::catalog::AliasBook;
use crate::detect::engine::Entering;
use crate::detect::window::memory::Pace;
use crate::detect::window::windows::{Forgotten, Windows};
use crate::domain::alert::Alert;
use crate::domain::time::parse_rfc3339;
use crate::pipeline::rules::{Judged, Rules};

/// One set of rules, and what they found so far.
pub struct Side<'r> {
    rules: &'r Rules,
    windows: Mutex<Windows>,
    alerts: Mutex<Alerts>,
    failures: Mutex<BTreeMap<String, String>>,
}

/// What a side came to.
pub struct Found {
    pub alerts: Vec<Alert>,
    /// Detectors that failed on some batch, each with its first error.
    pub failures: BTreeMap<String, String>,
    /// Findings that were too many to be folded.
    pub left_out: u64,
    pub forgotten: Vec<Forgotten>,
}

impl<'r> Side<'r> {
    /// Rules that have judged nothing yet.
    pub fn new(rules: &'r Rules) -> Self {
        let windows = Mutex::new(Windows::of(&rules.engine, Pace::AtTheEnd));
        Self { rules, windows, alerts: Mutex::default(), failures: Mutex::default() }
    }

    /// How far before a row others matter to windows, in microseconds of event time.
    pub fn reach(&self) -> i64 {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).reach()
    }

    /// The same, after a row.
    pub fn awaits(&self) -> i64 {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).awaits()
    }

    /// Judges rows of the span.
    ///
    /// # Errors
    /// Where Arrow refuses the columns, which a consistent judge never makes it do.
    pub fn judge(&self, batch: &RecordBatch, aliases: &AliasBook) -> Result<Judged, AskError> {
        let judged = self.rules.judge(unjudged(batch)?, aliases)?;
        if !judged.findings.is_empty() {
            let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
            self.rules.folded(&judged).for_each(|(finding, by)| alerts.add(finding, by));
        }
        for failure in &judged.failures {
            let id = self.rules.engine.detectors().get(failure.detector).map(|detector| detector.id.clone());
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.entry(id.unwrap_or_default()).or_insert_with(|| failure.message.clone());
        }
        self.enter(&judged.batch, &judged.entering);
        Ok(judged)
    }

    /// Judges rows beside the span, for windows alone.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn remember(&self, batch: &RecordBatch, aliases: &AliasBook) -> Result<(), AskError> {
        let judged = self.rules.catalog.judge(&unjudged(batch)?, aliases)?;
        self.enter(&judged, &self.rules.engine.run(&judged).entering);
        Ok(())
    }

    fn enter(&self, batch: &RecordBatch, entering: &[Entering]) {
        if !entering.is_empty() {
            // What is asked for at the end fires nothing before.
            self.windows.lock().unwrap_or_else(PoisonError::into_inner).add(batch, entering);
        }
    }

    /// All alerts of the span; what was read goes on to `newest`.
    pub fn finish(self, span: Span, newest: i64) -> Found {
        let mut alerts = self.alerts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut windows = self.windows.into_inner().unwrap_or_else(PoisonError::into_inner);
        windows.has_come_to(newest);
        for (finding, folding) in windows.finish() {
            if parse_rfc3339(&finding.event_time).is_some_and(|at| span.has(at)) {
                alerts.add(&finding, folding);
            }
        }
        Found {
            failures: self.failures.into_inner().unwrap_or_else(PoisonError::into_inner),
            left_out: alerts.left_out(),
            forgotten: windows.forgotten(),
            alerts: alerts.finish(),
        }
    }
}
