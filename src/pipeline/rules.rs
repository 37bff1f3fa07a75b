//! The rules in force: a catalog to judge by and detectors to try.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::catalog::{AliasBook, Catalog};
use crate::detect::blindness::Seen;
use crate::detect::engine::{Engine, Failure};
use crate::domain::finding::Finding;

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
        let hits = self.engine.run(&batch);
        let mut seen = Seen::with_catalog(!self.catalog.is_empty());
        self.engine.observe(&mut seen, &batch);
        let describe = |batch: &RecordBatch, row: usize| {
            let explanation = self.catalog.explain(batch, aliases, row);
            explanation.message_parts().map(str::to_owned).collect()
        };
        let findings = self.engine.findings(&batch, &hits, &describe);
        Ok(Judged { batch, findings, failures: hits.failures, seen })
    }
}
