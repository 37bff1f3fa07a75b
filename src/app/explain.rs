//! Looks for the events that somebody asks about, and judges them again with every step in words.
//!
//! In: an id and where to look, or records; and the rules. Out: for each event its row as judged, the
//! explanation of the verdict, and what the detectors say. How it is shown is left to `cli`.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;

use super::ask::{AskError, Past};
use super::past::unjudged;
use crate::catalog::{AliasBook, Explanation};
use crate::detect::detectors::Detector;
use crate::domain::finding::Finding;
use crate::pipeline::rules::{Judged, Rules};
use crate::pipeline::scan::{ScanError, Step, scan};
use crate::source::Reader;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Events explained at once; more is a scan.
pub const MAX_EVENTS: usize = 100;

/// One event, explained.
#[derive(Debug)]
pub struct Explained {
    /// The row as it is judged now.
    pub row: RecordBatch,
    pub explanation: Explanation,
    /// The detectors that fire, each with its finding.
    pub fired: Vec<(Detector, Finding)>,
    /// The verdict that history kept, where it comes from there.
    pub kept: Option<Kept>,
}

/// What history kept of an event's judgement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    pub verdict: String,
    pub catalog_version: Option<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Answer {
    pub events: Vec<Explained>,
    /// Events beyond [`MAX_EVENTS`].
    pub left_out: usize,
    /// Why records on the way could not be understood.
    pub rejects: Vec<String>,
}

/// Explains the events of `id`, or all where there is none, among the records of `reader`.
///
/// # Errors
/// Where input cannot be read.
pub fn in_records(
    reader: &mut Reader,
    rules: &Rules,
    id: Option<&str>,
    threads: usize,
    now: i64,
) -> Result<Answer, ScanError> {
    let mut answer = Answer::default();
    scan(reader, rules, threads, now, &mut |step| {
        answer.rejects.extend(step.rejects.iter().map(|refused| refused.reject.detail.clone()));
        answer.rejects.truncate(MAX_EVENTS);
        let wanted = wanted(&step, id)?;
        answer.add(&wanted, &step.aliases, rules, false)?;
        Ok(None)
    })?;
    Ok(answer)
}

/// Explains the events of `id` in history.
///
/// # Errors
/// Where history cannot be read.
pub fn in_history(past: &Past, rules: &Rules, id: &str) -> Result<Answer, AskError> {
    let events = past.events_of(id)?;
    let mut answer = Answer::default();
    if events.num_rows() > 0 {
        answer.add(&events, &past.aliases()?, rules, true)?;
    }
    Ok(answer)
}

/// The rows of a step that `id` means: an event's, a shared event's, or a finding's.
fn wanted(step: &Step, id: Option<&str>) -> Result<RecordBatch, ArrowError> {
    let Judged { batch, findings, .. } = &step.judged;
    let Some(id) = id else { return Ok(batch.clone()) };
    let found = findings.iter().find(|finding| finding.id == id).map(|finding| finding.event_id.as_str());
    let rows = Rows::of(batch);
    let is_wanted = |row| {
        let event = rows.text(Column::EventId, row);
        event == Some(id)
            || rows.text(Column::SharedEventId, row) == Some(id)
            || (found.is_some() && event == found)
    };
    let wanted: BooleanArray = (0..rows.len()).map(|row| Some(is_wanted(row))).collect();
    filter_record_batch(batch, &wanted)
}

impl Answer {
    fn add(
        &mut self,
        batch: &RecordBatch,
        aliases: &AliasBook,
        rules: &Rules,
        with_kept: bool,
    ) -> Result<(), ArrowError> {
        let room = MAX_EVENTS.saturating_sub(self.events.len());
        self.left_out += batch.num_rows().saturating_sub(room);
        let unjudged = unjudged(batch)?;
        let kept = Rows::of(batch);
        for row in 0..batch.num_rows().min(room) {
            let mut explained = explain(unjudged.slice(row, 1), aliases, rules)?;
            let text = |column| kept.text(column, row).map(str::to_owned);
            explained.kept = text(Column::Verdict)
                .filter(|_| with_kept)
                .map(|verdict| Kept { verdict, catalog_version: text(Column::CatalogVersion) });
            self.events.push(explained);
        }
        Ok(())
    }
}

/// Judges one row and explains it.
fn explain(row: RecordBatch, aliases: &AliasBook, rules: &Rules) -> Result<Explained, ArrowError> {
    let Judged { batch, findings, hits, .. } = rules.judge(row, aliases)?;
    let explanation = rules.catalog.explain(&batch, aliases, 0);
    let detectors = rules.engine.detectors();
    let fired = hits.iter().filter_map(|hit| detectors.get(hit.detector).cloned()).zip(findings).collect();
    Ok(Explained { row: batch, explanation, fired, kept: None })
}
