//! Runs a plan over one batch, remembering what was computed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatchOptions;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter;
use arrow::datatypes::Int32Type;
use datafusion::error::DataFusionError;

use super::nature::Cost;
use super::{Access, Conjunction, NodeId, Part, Plan};
use crate::sql::expression::true_rows;

/// Dear parts are computed on the rows still alive when these are fewer than one in this many;
/// above that, copying the rows out costs more than it saves, and others may need the whole.
const SPARSE: usize = 4;

/// What is known of one node in this batch.
#[derive(Debug, Clone, Default)]
struct Known {
    /// True or not for each value of the dictionary, and last for null.
    values: Option<Arc<ValueMask>>,
    rows: Option<BooleanBuffer>,
}

/// One truth a value, and last the one for null.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ValueMask {
    values: Vec<bool>,
    any: bool,
}

/// One batch under evaluation.
pub struct Evaluation<'a> {
    plan: &'a Plan,
    batch: &'a RecordBatch,
    known: Vec<Known>,
    /// Rows by column and mask of values: hundreds of different parts are true for the same values.
    spread: HashMap<(usize, Arc<ValueMask>), BooleanBuffer>,
    /// Each word column's values with a null after them, as the parts want to see them.
    dictionaries: Vec<Option<ArrayRef>>,
}

impl<'a> Evaluation<'a> {
    pub fn new(plan: &'a Plan, batch: &'a RecordBatch) -> Self {
        let known = vec![Known::default(); plan.nodes.len()];
        let dictionaries = vec![None; batch.num_columns()];
        Self { plan, batch, known, spread: HashMap::new(), dictionaries }
    }

    /// The rows for which all nodes are true; nothing where there is none.
    pub fn select(&mut self, conjunction: &Conjunction) -> Result<Option<BooleanBuffer>, DataFusionError> {
        if conjunction.never || self.batch.num_rows() == 0 || self.no_value_fits(conjunction)? {
            return Ok(None);
        }
        let mut alive = Alive::all(self.batch.num_rows());
        for id in &conjunction.safe {
            alive = self.narrow(*id, alive)?;
            if alive.is_empty() {
                return Ok(None);
            }
        }
        for id in &conjunction.fallible {
            let found = self.on_rows(*id, &alive)?;
            alive = alive.keep(found);
            if alive.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(alive.rows))
    }

    /// Whether the values of this batch's dictionaries already say that no row can fit.
    fn no_value_fits(&mut self, conjunction: &Conjunction) -> Result<bool, DataFusionError> {
        for id in &conjunction.safe {
            if !self.could_fit(*id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether some combination of this batch's words makes the node true; rows are not looked at.
    fn could_fit(&mut self, id: NodeId) -> Result<bool, DataFusionError> {
        let plan = self.plan;
        let Some(node) = plan.nodes.get(id) else { return Err(unplanned()) };
        match &node.access {
            Access::Words(part) => Ok(self.value_mask(id, part)?.any),
            Access::Rows(_) => Ok(true),
            Access::Any(children) => {
                for child in children {
                    if self.could_fit(*child)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Access::All(children) => {
                for child in children {
                    if !self.could_fit(*child)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    fn narrow(&mut self, id: NodeId, alive: Alive) -> Result<Alive, DataFusionError> {
        if self.is_dear(id) && alive.count * SPARSE < self.batch.num_rows() {
            let found = self.on_rows(id, &alive)?;
            return Ok(alive.keep(found));
        }
        let all = self.whole(id)?;
        Ok(alive.and(&all))
    }

    fn is_dear(&self, id: NodeId) -> bool {
        let unknown = self.known.get(id).is_some_and(|known| known.rows.is_none());
        unknown && self.plan.nodes.get(id).is_some_and(|node| node.cost >= Cost::List)
    }

    /// A node on all rows, computed once.
    fn whole(&mut self, id: NodeId) -> Result<BooleanBuffer, DataFusionError> {
        if let Some(rows) = self.known.get(id).and_then(|known| known.rows.clone()) {
            return Ok(rows);
        }
        let plan = self.plan;
        let Some(node) = plan.nodes.get(id) else { return Err(unplanned()) };
        let rows = match &node.access {
            Access::Words(part) => self.spread(id, part)?,
            Access::Rows(part) => evaluate(part, self.columns(part)?, self.batch.num_rows())?,
            Access::Any(children) => self.fold(children, |all, next| &all | &next)?,
            Access::All(children) => self.fold(children, |all, next| &all & &next)?,
        };
        if let Some(known) = self.known.get_mut(id) {
            known.rows = Some(rows.clone());
        }
        Ok(rows)
    }

    fn fold(
        &mut self,
        children: &[NodeId],
        join: impl Fn(BooleanBuffer, BooleanBuffer) -> BooleanBuffer,
    ) -> Result<BooleanBuffer, DataFusionError> {
        let (first, rest) = children.split_first().ok_or_else(unplanned)?;
        let first = self.whole(*first)?;
        rest.iter().try_fold(first, |all, child| Ok(join(all, self.whole(*child)?)))
    }

    /// A node on the living rows only; the result is as long as there are living rows.
    fn on_rows(&mut self, id: NodeId, alive: &Alive) -> Result<BooleanBuffer, DataFusionError> {
        let plan = self.plan;
        let Some(node) = plan.nodes.get(id) else { return Err(unplanned()) };
        match &node.access {
            Access::Rows(part) => {
                let picked = BooleanArray::new(alive.rows.clone(), None);
                let columns = self.columns(part)?;
                let columns = columns.iter().map(|column| filter(column, &picked));
                evaluate(part, columns.collect::<Result<_, _>>()?, alive.count)
            }
            Access::Words(_) => Ok(alive.of(&self.whole(id)?)),
            Access::Any(children) => {
                let parts = children.iter().map(|child| self.on_rows(*child, alive));
                join(parts.collect::<Result<Vec<_>, _>>()?, |all, next| &all | &next)
            }
            Access::All(children) => {
                let parts = children.iter().map(|child| self.on_rows(*child, alive));
                join(parts.collect::<Result<Vec<_>, _>>()?, |all, next| &all & &next)
            }
        }
    }

    fn columns(&self, part: &Part) -> Result<Vec<ArrayRef>, DataFusionError> {
        let columns = part.columns.iter().map(|place| self.batch.columns().get(*place).cloned());
        columns.collect::<Option<Vec<_>>>().ok_or_else(unplanned)
    }

    fn value_mask(&mut self, id: NodeId, part: &Part) -> Result<Arc<ValueMask>, DataFusionError> {
        if let Some(mask) = self.known.get(id).and_then(|known| known.values.clone()) {
            return Ok(mask);
        }
        let dictionary = self.dictionary(part)?;
        let rows = dictionary.len();
        let values: Vec<bool> = evaluate(part, vec![dictionary], rows)?.iter().collect();
        let any = values.contains(&true);
        let mask = Arc::new(ValueMask { values, any });
        if let Some(known) = self.known.get_mut(id) {
            known.values = Some(mask.clone());
        }
        Ok(mask)
    }

    fn dictionary(&mut self, part: &Part) -> Result<ArrayRef, DataFusionError> {
        let place = part.columns.first().copied().ok_or_else(unplanned)?;
        let slot = self.dictionaries.get_mut(place).ok_or_else(unplanned)?;
        if let Some(dictionary) = slot {
            return Ok(dictionary.clone());
        }
        let column = words_of(self.batch, place)?;
        let keys: Int32Array = (0..column.values().len() as i32).map(Some).chain([None]).collect();
        let dictionary: ArrayRef =
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, column.values().clone())?);
        *slot = Some(dictionary.clone());
        Ok(dictionary)
    }

    /// From values to rows.
    fn spread(&mut self, id: NodeId, part: &Part) -> Result<BooleanBuffer, DataFusionError> {
        let mask = self.value_mask(id, part)?;
        let place = part.columns.first().copied().ok_or_else(unplanned)?;
        let column = words_of(self.batch, place)?;
        if !mask.any {
            return Ok(BooleanBuffer::new_unset(column.len()));
        }
        let rows =
            self.spread.entry((place, mask)).or_insert_with_key(|(_, mask)| rows_of(column, &mask.values));
        Ok(rows.clone())
    }
}

fn rows_of(column: &DictionaryArray<Int32Type>, truth: &[bool]) -> BooleanBuffer {
    let (keys, codes) = (column.keys(), column.keys().values());
    let rows = BooleanBuffer::collect_bool(codes.len(), |row| {
        codes.get(row).and_then(|code| truth.get(*code as usize)).copied().unwrap_or(false)
    });
    let null_fits = truth.last().copied().unwrap_or(false);
    match keys.nulls() {
        None => rows,
        Some(valid) if null_fits => &rows | &!valid.inner(),
        Some(valid) => &rows & valid.inner(),
    }
}

fn words_of(batch: &RecordBatch, place: usize) -> Result<&DictionaryArray<Int32Type>, DataFusionError> {
    let column = batch.columns().get(place).ok_or_else(unplanned)?;
    column.as_dictionary_opt::<Int32Type>().ok_or_else(unplanned)
}

fn evaluate(part: &Part, columns: Vec<ArrayRef>, rows: usize) -> Result<BooleanBuffer, DataFusionError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(part.schema.clone(), columns, &options)?;
    let value = catch_unwind(AssertUnwindSafe(|| part.physical.evaluate(&batch))).map_err(|_| panicked())?;
    true_rows(&value?, rows)
}

/// A function that panics on a hostile value must cost one detector, not the stream; what it leaves
/// behind is dropped with the batch.
fn panicked() -> DataFusionError {
    DataFusionError::Execution("a function of the expression panicked".to_owned())
}

fn join(
    parts: Vec<BooleanBuffer>,
    join: impl Fn(BooleanBuffer, BooleanBuffer) -> BooleanBuffer,
) -> Result<BooleanBuffer, DataFusionError> {
    parts.into_iter().reduce(join).ok_or_else(unplanned)
}

/// Cannot happen: node ids come from the plan, and the batch's schema was compared with it.
fn unplanned() -> DataFusionError {
    DataFusionError::Internal("a detector's plan does not fit the batch".to_owned())
}

/// The rows that are still candidates.
struct Alive {
    rows: BooleanBuffer,
    count: usize,
}

impl Alive {
    fn all(rows: usize) -> Self {
        Self { rows: BooleanBuffer::new_set(rows), count: rows }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn and(self, other: &BooleanBuffer) -> Self {
        let rows = &self.rows & other;
        Self { count: rows.count_set_bits(), rows }
    }

    /// Keeps of the living rows those that `found` names, one bit a living row.
    fn keep(self, found: BooleanBuffer) -> Self {
        let mut rows = arrow::array::BooleanBufferBuilder::new(self.rows.len());
        rows.append_n(self.rows.len(), false);
        for (row, is_true) in self.rows.set_indices().zip(found.iter()) {
            if is_true {
                rows.set_bit(row, true);
            }
        }
        Self { rows: rows.finish(), count: found.count_set_bits() }
    }

    /// The bits of the living rows, one after the other.
    fn of(&self, whole: &BooleanBuffer) -> BooleanBuffer {
        self.rows.set_indices().map(|row| row < whole.len() && whole.value(row)).collect()
    }
}
