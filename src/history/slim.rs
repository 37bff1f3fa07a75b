//! Makes a batch small enough to wait for its seal: most of a key event's columns are empty or hold
//! one value all through a batch, and their keys can share one array of zeros.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

/// Holds the arrays that slimmed columns share.
#[derive(Debug, Default)]
pub(super) struct Slimmer {
    zeros: Option<ScalarBuffer<i32>>,
    empty: Option<NullBuffer>,
}

impl Slimmer {
    /// The same rows, and the bytes of memory that they hold.
    ///
    /// # Errors
    /// Never in practice: a slimmed column has the type of the one it replaces.
    pub(super) fn slim(&mut self, batch: &RecordBatch) -> Result<(RecordBatch, usize), ArrowError> {
        let mut bytes = 0;
        let columns = batch.columns().iter().map(|column| {
            let slim = self.slim_column(column)?;
            if slim.is_none() {
                bytes += column.get_array_memory_size();
            }
            Ok(slim.unwrap_or_else(|| column.clone()))
        });
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        Ok((RecordBatch::try_new(batch.schema(), columns)?, bytes))
    }

    fn slim_column(&mut self, column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
        let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { return Ok(None) };
        let rows = dictionary.len();
        let nulls = match dictionary.null_count() {
            0 if dictionary.keys().values().iter().all(|key| *key == 0) => None,
            all if all == rows => Some(self.empty(rows)),
            _ => return Ok(None),
        };
        let keys = Int32Array::try_new(self.zeros(rows), nulls)?;
        Ok(Some(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, dictionary.values().clone())?)))
    }

    fn zeros(&mut self, rows: usize) -> ScalarBuffer<i32> {
        let held = self.zeros.take().filter(|zeros| zeros.len() >= rows);
        let zeros = held.unwrap_or_else(|| vec![0; rows].into());
        let slice = zeros.slice(0, rows);
        self.zeros = Some(zeros);
        slice
    }

    fn empty(&mut self, rows: usize) -> NullBuffer {
        let held = self.empty.take().filter(|empty| empty.len() >= rows);
        let empty = held.unwrap_or_else(|| NullBuffer::new_null(rows));
        let slice = empty.slice(0, rows);
        self.empty = Some(empty);
        slice
    }
}
