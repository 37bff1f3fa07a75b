//! Evaluates detectors on judged batches.
//!
//! In: detectors and judged batches. Out: hits, and which detectors failed. One engine is shared by
//! all threads; it keeps no state between batches.

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use arrow::record_batch::RecordBatch;

use super::detectors::{Detector, Detectors};
use super::plan::Plan;
use crate::domain::member::Members;
use crate::domain::problem::Problem;
use crate::sql::expression::{Compiler, Expression};
use crate::table::columns::events_schema;

/// Detectors, ready to run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    detectors: Arc<[Detector]>,
    plan: Arc<Plan>,
    /// What each expression in the plan is for.
    aims: Arc<[Aim]>,
    evaluated: usize,
    members: Arc<Members>,
}

/// What the rows are for that an expression selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Aim {
    /// Place in [`Engine::detectors`].
    detector: usize,
    /// With a window: the step of its sequence, or 0.
    step: Option<usize>,
}

/// Rows that enter the window of a detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entering {
    /// Place in [`Engine::detectors`].
    pub detector: usize,
    /// The step of a sequence; 0 for other kinds.
    pub step: usize,
    pub rows: BooleanBuffer,
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
    /// For the windows of those that need memory.
    pub entering: Vec<Entering>,
    pub failures: Vec<Failure>,
}

impl Engine {
    /// Makes detectors ready to run.
    ///
    /// # Errors
    /// The detector that cannot be planned although it compiled, which would be a defect of ours.
    pub fn new(detectors: &Detectors) -> Result<Self, Vec<Problem>> {
        Self::of(detectors.iter().cloned().collect())
    }

    /// The same of some of its detectors only.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_those(&self, wanted: impl Fn(&Detector) -> bool) -> Result<Self, Vec<Problem>> {
        Self::of(self.detectors.iter().filter(|detector| wanted(detector)).cloned().collect())
    }

    fn of(detectors: Arc<[Detector]>) -> Result<Self, Vec<Problem>> {
        let (aims, expressions) = aims(&detectors);
        let compiler = Compiler::new(&events_schema())
            .map_err(|error| vec![Problem::error("detectors", 0, 0, error.to_string())])?;
        match Plan::new(&compiler, expressions) {
            Ok(plan) => {
                let evaluated = detectors.iter().filter(|detector| detector.set_aside().is_none()).count();
                let members = Arc::new(members_of(&detectors));
                Ok(Self { plan: Arc::new(plan), aims: aims.into(), evaluated, detectors, members })
            }
            Err((place, error)) => {
                let broken = aims.get(place).and_then(|aim| detectors.get(aim.detector));
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

    /// The same, to be kept by whoever remembers for them.
    pub fn shared_detectors(&self) -> Arc<[Detector]> {
        Arc::clone(&self.detectors)
    }

    /// The id of each detector that is not evaluated, and why.
    pub fn set_aside(&self) -> Vec<(&str, String)> {
        let aside =
            self.detectors.iter().filter_map(|detector| Some((detector.id.as_str(), detector.set_aside()?)));
        aside.collect()
    }

    /// What the detectors read of raw records beside the columns; it has to be in the `record` column.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// How many detectors are evaluated.
    pub fn len(&self) -> usize {
        self.evaluated
    }

    /// Whether no detector is evaluated.
    pub fn is_empty(&self) -> bool {
        self.evaluated == 0
    }

    /// The rows of a judged batch that each detector selects.
    pub fn run(&self, batch: &RecordBatch) -> Hits {
        let mut found = Hits::default();
        let failed = self.plan.run_each(batch, |expression, rows| {
            if let Some(aim) = self.aims.get(expression) {
                found.take(*aim, rows);
            }
        });
        found.failures = failed
            .into_iter()
            .filter_map(|failed| {
                let aim = self.aims.get(failed.expression)?;
                Some(Failure { detector: aim.detector, message: failed.message })
            })
            .collect();
        found
    }

    /// The same by the plain path, each expression in one piece: the oracle of the differential tests.
    pub fn run_plainly(&self, batch: &RecordBatch) -> Hits {
        let (aims, expressions) = aims(&self.detectors);
        let mut found = Hits::default();
        for (aim, expression) in aims.into_iter().zip(expressions) {
            match expression.select(batch) {
                Ok(rows) => found.take(aim, rows),
                Err(error) => {
                    found.failures.push(Failure { detector: aim.detector, message: error.to_string() });
                }
            }
        }
        found
    }
}

impl Hits {
    fn take(&mut self, aim: Aim, rows: BooleanBuffer) {
        match aim.step {
            None => self.hits.extend(rows.set_indices().map(|row| Hit { detector: aim.detector, row })),
            Some(_) if rows.count_set_bits() == 0 => {}
            Some(step) => self.entering.push(Entering { detector: aim.detector, step, rows }),
        }
    }
}

/// The expressions to evaluate, and what each is for.
fn aims(detectors: &[Detector]) -> (Vec<Aim>, Vec<&Expression>) {
    let mut aims = Vec::new();
    for (place, detector) in detectors.iter().enumerate() {
        if detector.set_aside().is_some() {
            continue;
        }
        let aim = |step| Aim { detector: place, step };
        match &detector.window {
            None => aims.push((aim(None), &detector.expression)),
            Some(window) if window.steps().is_empty() => aims.push((aim(Some(0)), &detector.expression)),
            Some(window) => {
                let steps = window.steps().iter().enumerate();
                aims.extend(steps.map(|(step, of)| (aim(Some(step)), &of.expression)));
            }
        }
    }
    aims.into_iter().unzip()
}

fn members_of(detectors: &[Detector]) -> Members {
    let mut members = Members::default();
    let evaluated = detectors.iter().filter(|detector| detector.set_aside().is_none());
    evaluated.for_each(|detector| members.extend(&detector.members));
    members
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
