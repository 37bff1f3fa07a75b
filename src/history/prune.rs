//! Which files a question need not open, from what the manifest says of them: their time range, and
//! the keys and principals in them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, binary_expr};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use super::key_filter::{FILTERED, may_hold};
use crate::store::FileRow;

/// The column that the manifest's times are of.
const TIMED: &str = "event_time";

/// Longer IN lists are not looked up value by value.
const LONGEST_LIST: usize = 1000;

/// For each file whether `predicate` may hold for some row; for all where that cannot be told.
pub(super) fn may_match(
    files: &[FileRow],
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
) -> Vec<bool> {
    PruningPredicateBuilder::new()
        .with_file_schema(schema.clone())
        .with_max_in_list_size(LONGEST_LIST)
        .try_build(predicate.clone())
        .and_then(|pruning| pruning.prune(&Manifest { files }))
        .unwrap_or_else(|_| vec![true; files.len()])
}

/// Whether `filter` compares the time of events with something that every row of every file passes:
/// most questions are asked of all of history, and need not look at its times.
pub(super) fn holds_everywhere(files: &[FileRow], filter: &Expr, schema: &SchemaRef) -> bool {
    let Expr::BinaryExpr(comparison) = filter else { return false };
    let Some(opposite) = comparison.op.negate() else { return false };
    let is_timed = |column: &&Column| column.name == TIMED;
    if files.is_empty() || !filter.column_refs().iter().all(is_timed) {
        return false;
    }
    let opposite = binary_expr(*comparison.left.clone(), opposite, *comparison.right.clone());
    let Ok(columns) = DFSchema::try_from(schema.clone()) else { return false };
    create_physical_expr(&opposite, &columns, &ExecutionProps::new(), &PhysicalPlanningContext::default())
        .is_ok_and(|opposite| !may_match(files, &opposite, schema).contains(&true))
}

/// The manifest as DataFusion asks for it.
struct Manifest<'a> {
    files: &'a [FileRow],
}

impl Manifest<'_> {
    fn times(&self, column: &Column, time: impl Fn(&FileRow) -> i64) -> Option<ArrayRef> {
        if column.name != TIMED {
            return None;
        }
        let times = TimestampMicrosecondArray::from_iter_values(self.files.iter().map(time));
        Some(Arc::new(times.with_timezone("UTC")))
    }
}

impl PruningStatistics for Manifest<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |file| file.min_time)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |file| file.max_time)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.files.iter().map(|file| file.rows.unsigned_abs());
        Some(Arc::new(UInt64Array::from_iter_values(rows)))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        if !FILTERED.contains(&column.name.as_str()) {
            return None;
        }
        let texts: Vec<&str> =
            values.iter().map(|value| value.try_as_str().flatten()).collect::<Option<_>>()?;
        let holds = |file: &FileRow| texts.iter().any(|text| may_hold(&file.key_filter, &column.name, text));
        Some(self.files.iter().map(|file| if holds(file) { None } else { Some(false) }).collect())
    }
}
