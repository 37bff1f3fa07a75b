//! Many expressions over one batch, with everything they share computed once.
//!
//! In: compiled expressions and batches. Out: for each expression the rows for which it is true,
//! exactly as the plain path would say. Each expression is split at its ANDs and ORs; every distinct
//! part is one node, evaluated at most once a batch: on the dictionary's values where it reads one
//! word column alone, on all rows where it is cheap, and on the rows still alive where it is not.

mod build;
mod evaluate;
mod nature;

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

use crate::sql::expression::{Compiler, Expression};
use build::Builder;
use evaluate::Evaluation;
use nature::Cost;

/// The place of a node in the plan.
type NodeId = usize;

/// One distinct part of the expressions.
#[derive(Debug)]
struct Node {
    cost: Cost,
    access: Access,
}

/// How a node is computed.
#[derive(Debug)]
enum Access {
    /// On the distinct values of one word column, and once for null.
    Words(Part),
    /// On rows.
    Rows(Part),
    /// True where any of these is.
    Any(Vec<NodeId>),
    /// True where all of these are.
    All(Vec<NodeId>),
}

/// An expression over some of the table's columns.
#[derive(Debug)]
struct Part {
    /// Places of the columns in the table, in the order of `schema`.
    columns: Vec<usize>,
    schema: SchemaRef,
    physical: Arc<dyn PhysicalExpr>,
}

/// One expression: nodes that must all be true.
#[derive(Debug, Default)]
struct Conjunction {
    /// Nodes that cannot fail, cheapest first.
    safe: Vec<NodeId>,
    /// Nodes that can, such as divisions, in the author's order; evaluated last, and only on rows
    /// that everything else lets through, so that a guard in the expression guards them.
    fallible: Vec<NodeId>,
    /// Whether a constant part makes the whole false.
    never: bool,
}

/// Many expressions, ready to run.
#[derive(Debug)]
pub struct Plan {
    schema: SchemaRef,
    nodes: Vec<Node>,
    conjunctions: Vec<Conjunction>,
}

/// One row selected by one expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Place of the expression in the plan.
    pub expression: usize,
    pub row: usize,
}

/// An expression that failed on a batch, and so selected nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Place of the expression in the plan.
    pub expression: usize,
    /// What went wrong; carries no value of an event.
    pub message: String,
}

/// What a plan found in one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// By expression, then by row.
    pub hits: Vec<Hit>,
    pub failed: Vec<Failed>,
}

impl Plan {
    /// Plans expressions that `compiler` compiled.
    ///
    /// # Errors
    /// The place of the first expression that cannot be planned, and why.
    pub fn new<'a>(
        compiler: &Compiler,
        expressions: impl IntoIterator<Item = &'a Expression>,
    ) -> Result<Self, (usize, DataFusionError)> {
        let mut builder = Builder::new(compiler);
        let mut conjunctions = Vec::new();
        for (place, expression) in expressions.into_iter().enumerate() {
            conjunctions.push(builder.conjunction(expression).map_err(|error| (place, error))?);
        }
        Ok(Self { schema: compiler.schema().clone(), nodes: builder.finish(), conjunctions })
    }

    /// How many distinct parts are computed.
    pub fn parts(&self) -> usize {
        self.nodes.len()
    }

    /// The rows of `batch` that each expression selects. Never panics on a batch of another schema:
    /// then every expression fails.
    pub fn run(&self, batch: &RecordBatch) -> Selected {
        let mut hits = Vec::new();
        let failed = self.run_each(batch, |expression, rows| {
            hits.extend(rows.set_indices().map(|row| Hit { expression, row }));
        });
        Selected { hits, failed }
    }

    /// As [`Self::run`], giving the rows of each expression that has some to `take`.
    pub fn run_each(&self, batch: &RecordBatch, mut take: impl FnMut(usize, BooleanBuffer)) -> Vec<Failed> {
        if !self.fits(batch) {
            return self.refuse("the batch has other columns than the detectors were compiled for");
        }
        let mut evaluation = Evaluation::new(self, batch);
        let mut failed = Vec::new();
        for (expression, conjunction) in self.conjunctions.iter().enumerate() {
            match evaluation.select(conjunction) {
                Ok(Some(rows)) => take(expression, rows),
                Ok(None) => {}
                Err(error) => failed.push(Failed { expression, message: told(&error) }),
            }
        }
        failed
    }

    /// Names and types count; what is written about a column does not.
    fn fits(&self, batch: &RecordBatch) -> bool {
        let (ours, theirs) = (self.schema.fields(), batch.schema_ref().fields());
        let same = || {
            ours.iter()
                .zip(theirs)
                .all(|(our, their)| our.name() == their.name() && our.data_type() == their.data_type())
        };
        Arc::ptr_eq(&self.schema, batch.schema_ref()) || (ours.len() == theirs.len() && same())
    }

    fn refuse(&self, message: &str) -> Vec<Failed> {
        let all = 0..self.conjunctions.len();
        all.map(|expression| Failed { expression, message: message.to_owned() }).collect()
    }
}

/// Arrow's cast errors quote the value that did not fit, which may be a secret or hostile: only the
/// kind of error and the words before the value are kept.
fn told(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let line = text.lines().next().unwrap_or_default();
    line.split(['\'', '"']).next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
