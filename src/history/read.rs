//! Reads history back as the live batches were, for judging it again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::datatypes::{FieldRef, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::error::HistoryError;
use super::file::failed;
use crate::store::{DataFolder, FileRow};
use crate::table::dictionary::WordBuilder;

/// Rows a batch: what live batches hold.
const BATCH: usize = 8192;

/// The rows of `files`, file by file, in batches of the live schema: dictionaries hold only values
/// that their batch uses, and a column that an older file lacks is null. A file is opened when its
/// turn comes.
pub fn batches(
    folder: &DataFolder,
    files: Vec<FileRow>,
    live: SchemaRef,
) -> impl Iterator<Item = Result<RecordBatch, HistoryError>> {
    let folder = folder.clone();
    files.into_iter().flat_map(move |file| {
        let (reader, error) = match open(&folder.file(&file.file), &live) {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Err(error))),
        };
        let live = live.clone();
        let batches = reader.into_iter().flatten().map(move |batch| Ok(as_live(&batch?, &live)?));
        error.into_iter().chain(batches)
    })
}

fn open(path: &Path, live: &SchemaRef) -> Result<ParquetRecordBatchReader, HistoryError> {
    let file = File::open(path).map_err(failed("open", path))?;
    reader(file, live).map_err(|source| HistoryError::Parquet {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

fn reader(file: File, live: &SchemaRef) -> Result<ParquetRecordBatchReader, ParquetError> {
    let written = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    typed_reader(file, &written, live, BATCH)
}

/// As [`reader`], in batches of `rows`; nothing when the file has columns that `live` lacks, or lacks
/// columns that `live` has in every row.
///
/// # Errors
/// When the file cannot be read, or has other types than `live`.
pub(super) fn whole_reader(
    file: File,
    live: &SchemaRef,
    rows: usize,
) -> Result<Option<ParquetRecordBatchReader>, ParquetError> {
    let written = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let has = |schema: &Schema, field: &FieldRef| schema.field_with_name(field.name()).is_ok();
    let is_newer = written.schema().fields().iter().any(|field| !has(live, field));
    let is_older = live.fields().iter().any(|field| !field.is_nullable() && !has(written.schema(), field));
    if is_newer || is_older {
        return Ok(None);
    }
    typed_reader(file, &written, live, rows).map(Some)
}

/// Reads what columns the file has in the types of `live`.
fn typed_reader(
    file: File,
    written: &ArrowReaderMetadata,
    live: &SchemaRef,
    rows: usize,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let names = written.schema().fields().iter();
    let known: Vec<_> = names.filter_map(|field| live.field_with_name(field.name()).ok().cloned()).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(known)));
    let metadata = ArrowReaderMetadata::try_new(written.metadata().clone(), options)?;
    ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(rows).build()
}

/// The columns of `live` in its order, null where the batch has none.
///
/// # Errors
/// When a column has another type.
pub(super) fn with_columns(batch: &RecordBatch, live: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    };
    RecordBatch::try_new(live.clone(), live.fields().iter().map(column).collect())
}

/// The columns of the live schema, in its order.
fn as_live(batch: &RecordBatch, live: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let batch = with_columns(batch, live)?;
    RecordBatch::try_new(live.clone(), batch.columns().iter().map(compact).collect::<Result<Vec<_>, _>>()?)
}

/// A row group's dictionary may be far larger than a batch; detectors evaluate it value by value.
fn compact(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { return Ok(Arc::clone(column)) };
    let Some(values) = dictionary.values().as_string_opt::<i32>() else { return Ok(Arc::clone(column)) };
    let mut words = WordBuilder::default();
    for key in dictionary.keys() {
        words.push(key.map(|key| values.value(key as usize)));
    }
    words.finish()
}
