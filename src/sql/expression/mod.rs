//! Boolean expressions over a table's columns, compiled and checked before they meet an event.
//!
//! In: an expression's text and a schema. Out: the expression, ready to be evaluated on a batch, or
//! every mistake in it with line and column. Evaluating many of them cheaply is `detect`'s matter.

mod mistake;
mod one_row;
mod syntax;
mod types;

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue};
use datafusion::config::Dialect;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::sql::sqlparser::ast::ExprWithAlias;

pub use mistake::Mistake;
use mistake::Place;

use super::session::{self, Limits, SqlError};

/// Length of an expression, in bytes: a detector that needs more is several detectors.
const MAX_EXPRESSION_BYTES: usize = 16 << 10;

/// Compiles expressions over one schema. Making one costs milliseconds; compiling with it, far less.
pub struct Compiler {
    state: SessionState,
    schema: DFSchemaRef,
}

/// A checked expression: Boolean, deterministic, of known columns, without hidden conversions.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    physical: Arc<dyn PhysicalExpr>,
    conjuncts: Vec<Expr>,
}

impl Expression {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must all be true for the whole to be true, in the author's order, types resolved and
    /// simplified.
    pub fn conjuncts(&self) -> &[Expr] {
        &self.conjuncts
    }

    /// The rows of `batch` for which the expression is true, computed in one piece and without any
    /// sharing: the plain path that the fast one is compared with.
    ///
    /// # Errors
    /// When the expression fails on a value, such as in a division by zero.
    pub fn select(&self, batch: &RecordBatch) -> Result<BooleanBuffer, DataFusionError> {
        true_rows(&self.physical.evaluate(batch)?, batch.num_rows())
    }
}

/// The rows that are true; null is not.
///
/// # Errors
/// When the value is not Boolean.
pub fn true_rows(value: &ColumnarValue, rows: usize) -> Result<BooleanBuffer, DataFusionError> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => Ok(BooleanBuffer::new_set(rows)),
        ColumnarValue::Scalar(ScalarValue::Boolean(_) | ScalarValue::Null) => {
            Ok(BooleanBuffer::new_unset(rows))
        }
        ColumnarValue::Array(array) => match array.as_any().downcast_ref::<BooleanArray>() {
            Some(flags) => Ok(flags
                .nulls()
                .map_or_else(|| flags.values().clone(), |valid| flags.values() & valid.inner())),
            None => Err(not_boolean(array.data_type())),
        },
        ColumnarValue::Scalar(other) => Err(not_boolean(&other.data_type())),
    }
}

fn not_boolean(found: &DataType) -> DataFusionError {
    DataFusionError::Execution(format!("expected true or false, got {found}"))
}

impl Compiler {
    /// A compiler for expressions over the columns of `schema`.
    ///
    /// # Errors
    /// When DataFusion cannot be set up.
    pub fn new(schema: &SchemaRef) -> Result<Self, SqlError> {
        let context = session::open(&Limits::default())?;
        Ok(Self { state: context.state(), schema: Arc::new(DFSchema::try_from(schema.clone())?) })
    }

    /// Compiles one expression.
    ///
    /// # Errors
    /// Every mistake that can be told at once: those of syntax and names first, then those of types.
    pub fn compile(&self, text: &str) -> Result<Expression, Vec<Mistake>> {
        let parsed = self.parse(text)?;
        none(syntax::check(&parsed.expr, self.schema.as_arrow(), &self.state))?;
        let planned = self.state.create_logical_expr_from_sql_expr(parsed, &self.schema).map_err(one)?;
        none(types::check(&planned, &self.schema))?;
        let coerced = self.coerce(planned.clone()).map_err(|error| vec![at_columns(&error, &planned)])?;
        none(types::check_hidden_casts(&planned, &coerced, &self.schema))?;
        none(types::check_result(&coerced, &self.schema))?;
        let compiled = self.finish(text, coerced).map_err(|error| vec![at_columns(&error, &planned)])?;
        Ok(compiled)
    }

    fn parse(&self, text: &str) -> Result<ExprWithAlias, Vec<Mistake>> {
        if text.len() > MAX_EXPRESSION_BYTES {
            let told = format!("the expression is longer than {MAX_EXPRESSION_BYTES} bytes");
            return Err(vec![Mistake::at_start(told).with_help("make several detectors of it")]);
        }
        if text.trim().is_empty() {
            return Err(vec![Mistake::at_start("the expression is empty")]);
        }
        let parsed = self
            .state
            .sql_to_expr_with_alias(text, &Dialect::PostgreSQL)
            .map_err(|error| vec![Mistake::of_syntax(&error, text)])?;
        match &parsed.alias {
            Some(alias) => Err(vec![Mistake::at(alias.span, format!("unexpected `{}`", alias.value))]),
            None => Ok(parsed),
        }
    }

    /// Makes the types of all operands agree, and applies the JSON functions' rewrites.
    fn coerce(&self, planned: Expr) -> Result<Expr, DataFusionError> {
        let mut expr = self.simplifier().coerce(planned, &self.schema)?;
        for rewrite in self.state.analyzer().function_rewrites() {
            expr = expr
                .transform_up(|expr| rewrite.rewrite(expr, &self.schema, self.state.config_options()))?
                .data;
        }
        Ok(expr)
    }

    fn simplifier(&self) -> ExprSimplifier {
        let context = SimplifyContext::builder()
            .with_schema(self.schema.clone())
            .with_config_options(self.state.config_options().clone())
            .build();
        ExprSimplifier::new(context)
    }

    fn finish(&self, text: &str, coerced: Expr) -> Result<Expression, DataFusionError> {
        let coerced = without_aliases(coerced)?;
        let physical = self.state.create_physical_expr(self.simplify(coerced.clone())?, &self.schema)?;
        let row = one_row::of(self.schema.inner())?;
        true_rows(&physical.evaluate(&row)?, 1)?;
        let conjuncts = self.conjuncts(coerced)?;
        Ok(Expression { text: text.to_owned(), physical, conjuncts })
    }

    /// Splits first and simplifies each part alone: the author's order is kept, and equal parts of
    /// different expressions become equal expressions.
    fn conjuncts(&self, coerced: Expr) -> Result<Vec<Expr>, DataFusionError> {
        let mut conjuncts = Vec::new();
        for part in split_conjunction_owned(coerced) {
            conjuncts.extend(split_conjunction_owned(self.simplify(part)?));
        }
        Ok(conjuncts)
    }

    /// Twice, because `'x' = column` is only turned round once the literal's cast is computed. Some
    /// functions, such as `coalesce`, exist only until they are simplified.
    fn simplify(&self, expr: Expr) -> Result<Expr, DataFusionError> {
        let simplifier = self.simplifier();
        simplifier.simplify(simplifier.simplify(expr)?)
    }

    /// Turns a resolved expression into one that evaluates batches of `schema`, which holds some of
    /// the compiler's columns.
    ///
    /// # Errors
    /// When a column that the expression reads is not among them.
    pub fn physical(
        &self,
        expr: &Expr,
        schema: &SchemaRef,
    ) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
        self.state.create_physical_expr(expr.clone(), &DFSchema::try_from(schema.clone())?)
    }

    /// The type of a resolved expression.
    ///
    /// # Errors
    /// When the expression is not one of this compiler's.
    pub fn data_type(&self, expr: &Expr) -> Result<DataType, DataFusionError> {
        expr.get_type(&self.schema)
    }

    /// The schema that expressions are compiled over.
    pub fn schema(&self) -> &SchemaRef {
        self.schema.inner()
    }
}

/// JSON operators carry an alias for column headings, which would hide that two parts are equal.
fn without_aliases(expr: Expr) -> Result<Expr, DataFusionError> {
    Ok(expr.transform_up(|expr| Ok(expr.unalias_nested()))?.data)
}

fn none(mistakes: Vec<Mistake>) -> Result<(), Vec<Mistake>> {
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn one(error: DataFusionError) -> Vec<Mistake> {
    let mistake = Mistake::of_error(&error);
    vec![if mistake.line > 0 { mistake } else { mistake.moved_to(Place::START) }]
}

/// An error without a place is shown at the first column that the expression reads.
fn at_columns(error: &DataFusionError, planned: &Expr) -> Mistake {
    let mistake = Mistake::of_error(error);
    if mistake.line > 0 { mistake } else { mistake.moved_to(types::place(planned)) }
}

/// Compiles one expression over `schema`; for many, make one [`Compiler`].
///
/// # Errors
/// As [`Compiler::compile`].
pub fn compile(text: &str, schema: &SchemaRef) -> Result<Expression, Vec<Mistake>> {
    Compiler::new(schema).map_err(|error| vec![Mistake::at_start(error.to_string())])?.compile(text)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
