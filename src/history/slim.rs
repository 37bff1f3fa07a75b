//! Makes a batch small enough to wait for its seal: most of a key event's columns are empty or hold
//! one value all through a batch, and can share their memory with those of other batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;

/// Holds the arrays that slimmed columns share.
#[derive(Debug, Default)]
pub(super) struct Slimmer {
    zeros: Option<ScalarBuffer<i32>>,
    nulls: HashMap<DataType, ArrayRef>,
}

impl Slimmer {
    /// The same rows, and the bytes of memory that are theirs alone.
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
        if column.null_count() == column.len() {
            return Ok(Some(self.nulls(column.data_type(), column.len())));
        }
        let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { return Ok(None) };
        if dictionary.null_count() > 0 || dictionary.keys().values().iter().any(|key| *key != 0) {
            return Ok(None);
        }
        let keys = Int32Array::try_new(self.zeros(dictionary.len()), None)?;
        Ok(Some(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, dictionary.values().clone())?)))
    }

    fn zeros(&mut self, rows: usize) -> ScalarBuffer<i32> {
        let held = self.zeros.take().filter(|zeros| zeros.len() >= rows);
        let zeros = held.unwrap_or_else(|| vec![0; rows].into());
        let slice = zeros.slice(0, rows);
        self.zeros = Some(zeros);
        slice
    }

    fn nulls(&mut self, data_type: &DataType, rows: usize) -> ArrayRef {
        match self.nulls.get(data_type) {
            Some(nulls) if nulls.len() >= rows => nulls.slice(0, rows),
            _ => {
                let nulls = new_null_array(data_type, rows);
                self.nulls.insert(data_type.clone(), nulls.clone());
                nulls
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn batch(rows: usize) -> RecordBatch {
        let same: DictionaryArray<Int32Type> = vec![Some("prod"); rows].into_iter().collect();
        let mixed: DictionaryArray<Int32Type> = ["a", "b"].into_iter().cycle().take(rows).map(Some).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("same", Arc::new(same) as ArrayRef, true),
            ("mixed", Arc::new(mixed) as ArrayRef, true),
            ("no text", Arc::new(StringArray::new_null(rows)) as ArrayRef, true),
            ("no number", Arc::new(Int64Array::new_null(rows)) as ArrayRef, true),
            ("number", Arc::new(Int64Array::from_iter_values(0..rows as i64)) as ArrayRef, true),
        ])
        .unwrap()
    }

    #[test]
    fn a_slim_batch_holds_the_same_and_weighs_what_is_its_own() {
        let mut slimmer = Slimmer::default();
        for rows in [100, 1000, 10] {
            let batch = batch(rows);
            let (slim, bytes) = slimmer.slim(&batch).unwrap();
            assert_eq!(slim, batch);
            let own = |name| batch.column_by_name(name).unwrap().get_array_memory_size();
            assert_eq!(bytes, own("mixed") + own("number"));
        }
    }
}
