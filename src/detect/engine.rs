//! Evaluates detectors on judged batches.
//!
//! In: detectors and judged batches. Out: hits, and which detectors failed. One engine is shared by
//! all threads; it keeps no state between batches.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::detectors::{Detector, Detectors};
use super::plan::Plan;
use crate::domain::problem::Problem;
use crate::sql::expression::Compiler;
use crate::table::columns::events_schema;

/// Detectors, ready to run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    detectors: Arc<[Detector]>,
    plan: Arc<Plan>,
    /// The detector of each expression in the plan.
    evaluated: Arc<[usize]>,
}

/// One row that one detector selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Place in [`Engine::detectors`].
    pub detector: usize,
    pub row: usize,
}

/// A detector that could not be evaluated on a batch: to be counted, and the batch goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Place in [`Engine::detectors`].
    pub detector: usize,
    /// Why; carries no value of an event.
    pub message: String,
}

/// What the detectors found in one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// By detector, then by row.
    pub hits: Vec<Hit>,
    pub failures: Vec<Failure>,
}

impl Engine {
    /// Makes detectors ready to run.
    ///
    /// # Errors
    /// The detector that cannot be planned although it compiled, which would be a defect of ours.
    pub fn new(detectors: &Detectors) -> Result<Self, Vec<Problem>> {
        let detectors: Arc<[Detector]> = detectors.iter().cloned().collect();
        let evaluated: Arc<[usize]> = evaluated(&detectors).collect();
        let expressions = detectors.iter().filter(|detector| detector.set_aside().is_none());
        let compiler = Compiler::new(&events_schema())
            .map_err(|error| vec![Problem::error("detectors", 0, 0, error.to_string())])?;
        let plan = Plan::new(&compiler, expressions.map(|detector| &detector.expression));
        match plan {
            Ok(plan) => Ok(Self { plan: Arc::new(plan), evaluated, detectors }),
            Err((place, error)) => {
                let broken = evaluated.get(place).and_then(|place| detectors.get(*place));
                let (file, line, column) = broken
                    .map_or_else(Default::default, |found| (found.file.clone(), found.line, found.column));
                Err(vec![Problem::error(file, line, column, format!("could not be planned: {error}"))])
            }
        }
    }

    /// All detectors, evaluated or not, sorted by id.
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    /// The id of each detector that is not evaluated, and why.
    pub fn set_aside(&self) -> Vec<(&str, String)> {
        let aside =
            self.detectors.iter().filter_map(|detector| Some((detector.id.as_str(), detector.set_aside()?)));
        aside.collect()
    }

    /// How many detectors are evaluated.
    pub fn len(&self) -> usize {
        self.evaluated.len()
    }

    /// Whether no detector is evaluated.
    pub fn is_empty(&self) -> bool {
        self.evaluated.is_empty()
    }

    /// The rows of a judged batch that each detector selects.
    pub fn run(&self, batch: &RecordBatch) -> Hits {
        let selected = self.plan.run(batch);
        let detector = |expression: usize| self.evaluated.get(expression).copied().unwrap_or_default();
        let hits = selected.hits.iter().map(|hit| Hit { detector: detector(hit.expression), row: hit.row });
        let failures = selected
            .failed
            .into_iter()
            .map(|failed| Failure { detector: detector(failed.expression), message: failed.message });
        Hits { hits: hits.collect(), failures: failures.collect() }
    }

    /// The same by the plain path, each expression in one piece: the oracle of the differential tests.
    pub fn run_plainly(&self, batch: &RecordBatch) -> Hits {
        let mut hits = Hits::default();
        for place in self.evaluated.iter().copied() {
            let Some(detector) = self.detectors.get(place) else { continue };
            match detector.expression.select(batch) {
                Ok(rows) => hits.hits.extend(rows.set_indices().map(|row| Hit { detector: place, row })),
                Err(error) => hits.failures.push(Failure { detector: place, message: error.to_string() }),
            }
        }
        hits
    }
}

fn evaluated(detectors: &[Detector]) -> impl Iterator<Item = usize> + '_ {
    detectors
        .iter()
        .enumerate()
        .filter(|(_, detector)| detector.set_aside().is_none())
        .map(|(place, _)| place)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
