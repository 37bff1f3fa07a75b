//! Judges history again, once by the rules that judged it last and once by others, and compares.
//!
//! In: an open history, a span of event time, and two sets of rules. Out: the alerts that come, go or change, and
//! how many events change their verdict. The rows go through the same judge, the same detectors and the same
//! folding as in a scan. Nothing is written: a verdict that was kept stays what it is.

pub mod compare;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::ask::{AskError, Past};
use super::kept_catalog::{self, KeptError};
use super::past::unjudged;
use crate::alerts::Alerts;
use crate::catalog::AliasBook;
use crate::domain::alert::Alert;
use crate::history;
use crate::pipeline::rules::{Judged, Rules};
use crate::store::{BlockingStore, FileRow};
use crate::table::columns::{Column, events_schema};
use crate::table::rows::Rows;
use compare::{Change, changes};

/// A span of event time in microseconds since the epoch; `to` is not part of it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    fn meets(self, file: &FileRow) -> bool {
        file.min_time < self.to && self.from <= file.max_time
    }

    fn holds(self, file: &FileRow) -> bool {
        self.from <= file.min_time && file.max_time < self.to
    }
}

/// What a backtest came to.
#[derive(Debug)]
pub struct Outcome {
    /// Events judged.
    pub events: u64,
    pub changes: Vec<Change>,
    /// Alerts that both sets of rules raise, with the same level, detectors, aspects and count.
    pub unchanged: usize,
    /// Events by their verdict before and after, where the two differ.
    pub verdicts: BTreeMap<(String, String), u64>,
    /// Findings that were too many to be folded, before and after.
    pub left_out: (u64, u64),
    /// Detectors that failed on some batch, each with its first error.
    pub failures: BTreeMap<String, String>,
}

/// The rules that judged the history in `data` last: its catalog, and the detectors kept with it beside
/// the built-in ones.
///
/// # Errors
/// Where the store cannot be read, or this version of the program finds a mistake in the rules.
pub fn rules_in_force(data: &Path) -> Result<Rules, AskError> {
    if !data.is_dir() {
        return Err(AskError::NoHistory(data.to_owned()));
    }
    let store = BlockingStore::open_read_only(data)?;
    let rules: Result<Rules, KeptError> = store.wait(kept_catalog::last_rules(store.store()));
    Ok(rules?)
}

/// Judges the events of `past` within `span` by both rules, with so many threads, and compares. `told`
/// hears the number of events judged so far.
///
/// # Errors
/// Where history cannot be read.
pub fn run(
    past: &Past,
    span: Span,
    before: &Rules,
    after: &Rules,
    threads: usize,
    told: &(dyn Fn(u64) + Sync),
) -> Result<Outcome, AskError> {
    let files: Vec<FileRow> = past.snapshot.events.iter().filter(|file| span.meets(file)).cloned().collect();
    let aliases = past.aliases()?;
    let work = Work {
        past,
        span,
        aliases: &aliases,
        before: Side::new(before),
        after: Side::new(after),
        files: Mutex::new(files),
        events: AtomicU64::new(0),
        verdicts: Mutex::default(),
        told,
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| work.work())).collect();
        let ends = workers.into_iter().map(|worker| worker.join().unwrap_or(Err(AskError::Thread)));
        ends.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()
    })?;
    Ok(work.outcome())
}

/// What the threads share.
struct Work<'w> {
    past: &'w Past,
    span: Span,
    aliases: &'w AliasBook,
    before: Side<'w>,
    after: Side<'w>,
    /// Those that no thread has taken yet.
    files: Mutex<Vec<FileRow>>,
    events: AtomicU64,
    verdicts: Mutex<BTreeMap<(String, String), u64>>,
    told: &'w (dyn Fn(u64) + Sync),
}

/// One set of rules, and what they found so far.
struct Side<'r> {
    rules: &'r Rules,
    alerts: Mutex<Alerts>,
    failures: Mutex<BTreeMap<String, String>>,
}

impl Work<'_> {
    fn work(&self) -> Result<(), AskError> {
        loop {
            let file = self.files.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(file) = file else { return Ok(()) };
            let whole = self.span.holds(&file);
            let batches = history::batches(&self.past.snapshot.folder, vec![file], events_schema());
            for batch in batches {
                let batch = if whole { batch? } else { within(&batch?, self.span)? };
                if batch.num_rows() > 0 {
                    self.judge(&batch)?;
                }
            }
        }
    }

    fn judge(&self, batch: &RecordBatch) -> Result<(), AskError> {
        let before = self.before.judge(batch, self.aliases)?;
        let after = self.after.judge(batch, self.aliases)?;
        let changed = changed_verdicts(&before.batch, &after.batch);
        if !changed.is_empty() {
            let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            changed.into_iter().for_each(|(pair, count)| *verdicts.entry(pair).or_default() += count);
        }
        let rows = batch.num_rows() as u64;
        (self.told)(self.events.fetch_add(rows, Ordering::Relaxed) + rows);
        Ok(())
    }

    fn outcome(self) -> Outcome {
        let (before, mut failures, left_out_before) = self.before.finish();
        let (after, more, left_out_after) = self.after.finish();
        failures.extend(more);
        let compared = changes(before, after);
        Outcome {
            events: self.events.into_inner(),
            changes: compared.changes,
            unchanged: compared.unchanged,
            verdicts: self.verdicts.into_inner().unwrap_or_else(PoisonError::into_inner),
            left_out: (left_out_before, left_out_after),
            failures,
        }
    }
}

impl<'r> Side<'r> {
    fn new(rules: &'r Rules) -> Self {
        Self { rules, alerts: Mutex::default(), failures: Mutex::default() }
    }

    fn judge(&self, batch: &RecordBatch, aliases: &AliasBook) -> Result<Judged, AskError> {
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
        Ok(judged)
    }

    fn finish(self) -> (Vec<Alert>, BTreeMap<String, String>, u64) {
        let alerts = self.alerts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left_out = alerts.left_out();
        (alerts.finish(), failures, left_out)
    }
}

/// The rows of a batch within the span.
fn within(batch: &RecordBatch, span: Span) -> Result<RecordBatch, AskError> {
    let rows = Rows::of(batch);
    let is_within = |row| rows.time(Column::EventTime, row).is_some_and(|at| span.from <= at && at < span.to);
    let wanted: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_within(row))).collect();
    Ok(filter_record_batch(batch, &wanted)?)
}

/// How many rows have which verdict before and which after, where the two differ.
fn changed_verdicts(before: &RecordBatch, after: &RecordBatch) -> BTreeMap<(String, String), u64> {
    let (before, after) = (Rows::of(before), Rows::of(after));
    let mut changed: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in 0..before.len() {
        let pair = (before.text(Column::Verdict, row), after.text(Column::Verdict, row));
        if let (Some(was), Some(is)) = pair
            && was != is
        {
            *changed.entry((was, is)).or_default() += 1;
        }
    }
    changed.into_iter().map(|((was, is), count)| ((was.to_owned(), is.to_owned()), count)).collect()
}
