//! Judges history again, once by the rules that judged it last and once by others, and compares.
//!
//! In: an open history, a span of event time, and two sets of rules. Out: the alerts that come, go or change, and
//! how many events change their verdict. The rows go through the same judge, the same detectors, windows included,
//! and the same folding as in a scan. Nothing is written: a verdict that was kept stays what it is.

pub mod compare;
mod side;
mod span;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;

use super::ask::{AskError, Past};
use super::kept_catalog::{self, KeptError};
use crate::catalog::AliasBook;
use crate::detect::window::windows::Forgotten;
use crate::history;
use crate::pipeline::rules::Rules;
use crate::store::{BlockingStore, FileRow};
use crate::table::columns::{Column, events_schema};
use crate::table::rows::Rows;
use compare::{Change, changes};
use side::{Found, Side};
pub use span::Span;

/// What a backtest came to.
#[derive(Debug)]
pub struct Outcome {
    /// Events of the span.
    pub events: u64,
    /// Events before and after it, read for what windows know and await.
    pub beside: u64,
    pub changes: Vec<Change>,
    /// Alerts that both sets of rules raise, with the same level, detectors, aspects and count.
    pub unchanged: usize,
    /// Events by their verdict before and after, where the two differ.
    pub verdicts: BTreeMap<(String, String), u64>,
    /// Findings that were too many to be folded, before and after.
    pub left_out: (u64, u64),
    /// Detectors whose windows had to forget, by either rules.
    pub forgotten: Vec<Forgotten>,
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
/// Windows also get the rows that they reach back to before the span, and those after it that they await.
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
    let (before, after) = (Side::new(before), Side::new(after));
    let read = span.widened(before.reach().max(after.reach()), before.awaits().max(after.awaits()));
    let files: Vec<FileRow> = past.snapshot.events.iter().filter(|file| read.meets(file)).cloned().collect();
    let aliases = past.aliases()?;
    let work = Work {
        past,
        span,
        read,
        aliases: &aliases,
        before,
        after,
        files: Mutex::new(files),
        events: AtomicU64::new(0),
        beside: AtomicU64::new(0),
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
    /// The span, and what windows need beside it.
    read: Span,
    aliases: &'w AliasBook,
    before: Side<'w>,
    after: Side<'w>,
    /// Those that no thread has taken yet.
    files: Mutex<Vec<FileRow>>,
    events: AtomicU64,
    beside: AtomicU64,
    verdicts: Mutex<BTreeMap<(String, String), u64>>,
    told: &'w (dyn Fn(u64) + Sync),
}

impl Work<'_> {
    fn work(&self) -> Result<(), AskError> {
        loop {
            let file = self.files.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(file) = file else { return Ok(()) };
            let whole = self.span.holds(&file);
            for batch in history::batches(&self.past.snapshot.folder, vec![file], events_schema()) {
                let batch = batch?;
                if whole {
                    self.judge(&batch)?;
                } else {
                    self.judge(&self.span.of(&batch)?)?;
                    self.remember(&self.span.beside(&batch, self.read)?)?;
                }
            }
        }
    }

    fn judge(&self, batch: &RecordBatch) -> Result<(), AskError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let before = self.before.judge(batch, self.aliases)?;
        let after = self.after.judge(batch, self.aliases)?;
        let changed = changed_verdicts(&before.batch, &after.batch);
        if !changed.is_empty() {
            let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            changed.into_iter().for_each(|(pair, count)| *verdicts.entry(pair).or_default() += count);
        }
        let rows = batch.num_rows() as u64;
        let events = self.events.fetch_add(rows, Ordering::Relaxed) + rows;
        (self.told)(events + self.beside.load(Ordering::Relaxed));
        Ok(())
    }

    /// Rows beside the span are only for windows.
    fn remember(&self, batch: &RecordBatch) -> Result<(), AskError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.before.remember(batch, self.aliases)?;
        self.after.remember(batch, self.aliases)?;
        let rows = batch.num_rows() as u64;
        let beside = self.beside.fetch_add(rows, Ordering::Relaxed) + rows;
        (self.told)(beside + self.events.load(Ordering::Relaxed));
        Ok(())
    }

    fn outcome(self) -> Outcome {
        let newest = self.past.snapshot.events.iter().map(|file| file.max_time).max().unwrap_or(i64::MIN);
        let newest = newest.min(self.read.to);
        let Found { alerts: before, mut failures, left_out: left_out_before, mut forgotten } =
            self.before.finish(self.span, newest);
        let Found { alerts: after, failures: more, left_out: left_out_after, forgotten: also } =
            self.after.finish(self.span, newest);
        failures.extend(more);
        forgotten.extend(also.into_iter().filter(|of| !forgotten.contains(of)).collect::<Vec<_>>());
        let compared = changes(before, after);
        Outcome {
            events: self.events.into_inner(),
            beside: self.beside.into_inner(),
            changes: compared.changes,
            unchanged: compared.unchanged,
            verdicts: self.verdicts.into_inner().unwrap_or_else(PoisonError::into_inner),
            left_out: (left_out_before, left_out_after),
            forgotten,
            failures,
        }
    }
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
