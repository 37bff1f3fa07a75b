//! One row that no log would hold, to evaluate an expression on when it is loaded.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, new_null_array};
use arrow::array::{Int64Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// A row that is null wherever it may be, and empty, false or 1 elsewhere.
///
/// # Errors
/// When the schema has a required column of a type that the event table does not use.
pub fn of(schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| {
        if field.is_nullable() { Ok(new_null_array(field.data_type(), 1)) } else { plain(field.data_type()) }
    });
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

/// 1 and not 0, so that a division by a required number does not fail where real rows would not.
fn plain(kind: &DataType) -> Result<ArrayRef, ArrowError> {
    match kind {
        DataType::Boolean => Ok(Arc::new(BooleanArray::from(vec![false]))),
        DataType::List(item) => {
            let values = arrow::array::new_empty_array(item.data_type());
            Ok(Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths([0]), values, None)?))
        }
        DataType::Timestamp(..) => cast(&Int64Array::from(vec![1]), kind),
        other if other.is_numeric() => cast(&Int64Array::from(vec![1]), other),
        other => cast(&StringArray::from(vec![""]), other),
    }
}
