//! Reads history back as the live batches were, for judging it again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::error::HistoryError;
use super::file::failed;
use crate::store::{DataFolder, FileRow};
use crate::table::dictionary::WordBuilder;

/// Rows a batch: what live batches hold.
const BATCH: usize = 8192;

/// The rows of `files`, file by file, in batches of the live schema: dictionaries hold only values
/// that their batch uses. A file is opened when its turn comes.
pub fn batches(
    folder: &DataFolder,
    files: Vec<FileRow>,
    live: SchemaRef,
) -> impl Iterator<Item = Result<RecordBatch, HistoryError>> {
    let folder = folder.clone();
    files.into_iter().flat_map(move |file| {
        let path = folder.file(&file.file);
        let (reader, error) = match open(&path, &live) {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Err(error))),
        };
        let batches = reader.into_iter().flatten().map(|batch| Ok(compact(&batch?)?));
        error.into_iter().chain(batches)
    })
}

fn open(path: &Path, live: &SchemaRef) -> Result<ParquetRecordBatchReader, HistoryError> {
    let file = File::open(path).map_err(failed("open", path))?;
    let options = ArrowReaderOptions::new().with_schema(live.clone());
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .and_then(|builder| builder.with_batch_size(BATCH).build())
        .map_err(|source| HistoryError::Parquet { doing: "read", path: path.to_owned(), source })
}

/// A row group's dictionary may be far larger than a batch; detectors evaluate it value by value.
fn compact(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch.columns().iter().map(compact_column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(batch.schema(), columns)
}

fn compact_column(column: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { return Ok(Arc::clone(column)) };
    let Some(values) = dictionary.values().as_string_opt::<i32>() else { return Ok(Arc::clone(column)) };
    let mut words = WordBuilder::default();
    for key in dictionary.keys() {
        words.push(key.map(|key| values.value(key as usize)));
    }
    words.finish()
}
