//! A few rows as bytes, for a column of the store.

use arrow::array::RecordBatch;
use arrow::compute;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::error::HistoryError;
use super::read;

/// The rows as bytes; none for no rows.
///
/// # Errors
/// When they cannot be encoded, which consistent batches never make happen.
pub fn to_bytes(rows: Option<&RecordBatch>) -> Result<Vec<u8>, HistoryError> {
    let Some(rows) = rows else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).map_err(HistoryError::Rows)?;
    writer.write(rows).map_err(HistoryError::Rows)?;
    writer.close().map_err(HistoryError::Rows)?;
    Ok(bytes)
}

/// What [`to_bytes`] wrote, in the columns of `live`: one that it lacks is null.
///
/// # Errors
/// When the bytes are not of this form.
pub fn from_bytes(bytes: Vec<u8>, live: &SchemaRef) -> Result<Option<RecordBatch>, HistoryError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let options = ArrowReaderOptions::new();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options);
    let reader = builder.and_then(ParquetRecordBatchReaderBuilder::build).map_err(HistoryError::Rows)?;
    let batches = reader
        .map(|batch| read::with_columns(&batch?, live))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| HistoryError::Rows(ParquetError::from(error)))?;
    Ok(Some(compute::concat_batches(live, &batches)?))
}
