//! The rules in force: a catalog to judge by and detectors to try.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::cells::Cells;
use crate::catalog::{AliasBook, Catalog};
use crate::config::Raw;
use crate::detect::blindness::Seen;
use crate::detect::engine::{Engine, Entering, Failure, Hit, Hits};
use crate::detect::table::to_batch;
use crate::detect::window::firing::Found;
use crate::domain::alert::{DAY, Folding, Notice};
use crate::domain::finding::Finding;
use crate::table::columns::{Column, events_schema};
use crate::table::hiding::Hiding;

/// A catalog and detectors, fixed for a scan.
#[derive(Debug)]
pub struct Rules {
    pub catalog: Catalog,
    pub engine: Engine,
    hiding: Hiding,
    raw: Raw,
}

/// A batch with its verdicts and what the detectors found in it.
#[derive(Debug)]
pub struct Judged {
    pub batch: RecordBatch,
    pub findings: Vec<Finding>,
    /// The row and the detector of each finding.
    pub hits: Vec<Hit>,
    /// The rows that enter windows.
    pub entering: Vec<Entering>,
    /// What windows found once they had these rows; with what folds each.
    pub windowed: Vec<Found>,
    /// Detectors that could not be evaluated on this batch.
    pub failures: Vec<Failure>,
    /// What this batch showed of providers, services and columns.
    pub seen: Seen,
    /// How much of the time went to detectors and findings.
    pub detecting: Duration,
}

impl Judged {
    /// All findings: of single events, then of windows.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.windowed.iter().map(|(finding, _)| finding))
    }

    /// The same as rows of history.
    ///
    /// # Errors
    /// As [`to_batch`].
    pub fn rows_of_findings(&self) -> Result<RecordBatch, ArrowError> {
        if self.windowed.is_empty() {
            return to_batch(&self.findings);
        }
        to_batch(&self.all_findings().cloned().collect::<Vec<_>>())
    }

    /// What windows found at the end, of no batch in particular.
    pub fn of_windows(windowed: Vec<Found>) -> Self {
        Self {
            batch: RecordBatch::new_empty(events_schema()),
            findings: Vec::new(),
            hits: Vec::new(),
            entering: Vec::new(),
            windowed,
            failures: Vec::new(),
            seen: Seen::default(),
            detecting: Duration::ZERO,
        }
    }
}

impl Rules {
    /// Rules that hide nothing, and of whose events no raw record is kept.
    pub fn new(catalog: Catalog, engine: Engine) -> Self {
        Self { catalog, engine, hiding: Hiding::default(), raw: Raw::None }
    }

    /// The same, and what is judged by them is hidden so.
    pub fn hiding(self, hiding: Hiding) -> Self {
        Self { hiding, ..self }
    }

    /// The same, and these raw records are kept.
    pub fn keeping(self, raw: Raw) -> Self {
        Self { raw, ..self }
    }

    /// Which raw records are kept.
    pub fn raw(&self) -> Raw {
        self.raw
    }

    /// What is hidden.
    pub fn hidden(&self) -> &Hiding {
        &self.hiding
    }

    /// Judges joined events and runs the detectors over them.
    ///
    /// # Errors
    /// Where Arrow refuses the columns, which a consistent judge never makes it do.
    pub fn judge(&self, batch: RecordBatch, aliases: &AliasBook) -> Result<Judged, ArrowError> {
        let batch = self.catalog.judge(&batch, aliases)?;
        let judged = Instant::now();
        let mut hits = self.engine.run(&batch);
        hits.hits.sort_unstable_by_key(|hit| (hit.row, hit.detector));
        let mut seen = Seen::with_catalog(!self.catalog.is_empty());
        self.engine.observe(&mut seen, &batch);
        // From here on everything is stored, sent or said.
        let batch = self.hiding.hide(batch)?;
        let findings = self.findings(&batch, &hits, aliases);
        let detecting = judged.elapsed();
        let Hits { hits, entering, failures } = hits;
        Ok(Judged { batch, findings, hits, entering, windowed: Vec::new(), failures, seen, detecting })
    }

    /// Each finding with what folds it into an alert: the columns that its detector names and their
    /// values in its event, how long the alert spans, and when people are told.
    pub fn folded<'j>(&self, judged: &'j Judged) -> impl Iterator<Item = (&'j Finding, Folding)> {
        let cells = Cells::of(&judged.batch);
        let windowed = judged.windowed.iter().map(|(finding, folding)| (finding, folding.clone()));
        let at_once = judged.findings.iter().zip(&judged.hits).map(move |(finding, hit)| {
            let detector = self.engine.detectors().get(hit.detector);
            let columns = detector.into_iter().flat_map(|of| &of.alert_by);
            let folding = Folding {
                by: columns.map(|column| (column.name().into(), cells.text(*column, hit.row))).collect(),
                span: detector.map_or(DAY, |of| of.alert_span),
                notice: detector.map_or(Notice::AtOnce, |of| of.notice),
                owner: cells.text(Column::Owner, hit.row),
            };
            (finding, folding)
        });
        at_once.chain(windowed)
    }

    /// The findings of the hits, each saying what does not fit.
    fn findings(&self, batch: &RecordBatch, hits: &Hits, aliases: &AliasBook) -> Vec<Finding> {
        if hits.hits.is_empty() {
            return Vec::new();
        }
        self.catalog.with_messages(batch, aliases, |messages| {
            let messages = RefCell::new(messages);
            self.engine.findings(batch, hits, &|_, row| (messages.borrow_mut())(row))
        })
    }
}
