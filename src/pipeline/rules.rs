//! The rules in force: a catalog to judge by and detectors to try.

use std::cell::RefCell;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::cells::Cells;
use crate::catalog::{AliasBook, Catalog};
use crate::detect::blindness::Seen;
use crate::detect::engine::{Engine, Failure, Hit, Hits};
use crate::domain::alert::{DAY, Folding, Notice};
use crate::domain::finding::Finding;
use crate::table::columns::Column;

/// A catalog and detectors, fixed for a scan.
#[derive(Debug)]
pub struct Rules {
    pub catalog: Catalog,
    pub engine: Engine,
}

/// A batch with its verdicts and what the detectors found in it.
#[derive(Debug)]
pub struct Judged {
    pub batch: RecordBatch,
    pub findings: Vec<Finding>,
    /// The row and the detector of each finding.
    pub hits: Vec<Hit>,
    /// Detectors that could not be evaluated on this batch.
    pub failures: Vec<Failure>,
    /// What this batch showed of providers, services and columns.
    pub seen: Seen,
}

impl Rules {
    /// Judges joined events and runs the detectors over them.
    ///
    /// # Errors
    /// Where Arrow refuses the columns, which a consistent judge never makes it do.
    pub fn judge(&self, batch: RecordBatch, aliases: &AliasBook) -> Result<Judged, ArrowError> {
        let batch = self.catalog.judge(&batch, aliases)?;
        let mut hits = self.engine.run(&batch);
        hits.hits.sort_unstable_by_key(|hit| (hit.row, hit.detector));
        let mut seen = Seen::with_catalog(!self.catalog.is_empty());
        self.engine.observe(&mut seen, &batch);
        let findings = self.findings(&batch, &hits, aliases);
        Ok(Judged { batch, findings, hits: hits.hits, failures: hits.failures, seen })
    }

    /// Each finding with what folds it into an alert: the columns that its detector names and their
    /// values in its event, how long the alert spans, and when people are told.
    pub fn folded<'j>(&self, judged: &'j Judged) -> impl Iterator<Item = (&'j Finding, Folding)> {
        let cells = Cells::of(&judged.batch);
        judged.findings.iter().zip(&judged.hits).map(move |(finding, hit)| {
            let detector = self.engine.detectors().get(hit.detector);
            let columns = detector.into_iter().flat_map(|of| &of.alert_by);
            let folding = Folding {
                by: columns.map(|column| (column.name().into(), cells.text(*column, hit.row))).collect(),
                span: detector.map_or(DAY, |of| of.alert_span),
                notice: detector.map_or(Notice::AtOnce, |of| of.notice),
                owner: cells.text(Column::Owner, hit.row),
            };
            (finding, folding)
        })
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
