//! Encodes one day's rows as a Parquet file, a column at a time.
//!
//! Columns of few words go through [`super::chunk`], lists of few words through [`super::lists`], times,
//! numbers and flags through [`super::numbers`], and text that hardly repeats through [`super::texts`].
//! What is left, Arrow's own column writers take.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::chunk::Chunk;
use super::key_filter::{Collector, FILTERED};
use super::layout::{self, ROWS_PER_GROUP, ZSTD_LEVEL};
use super::lists::Lists;
use super::numbers::Numbers;
use super::order::Row;
use super::texts::{TextChunk, Texts};
use super::words::{self, Codes, Merged, NULL, Words};

/// The batches of an open set and the columns in them, looked at column by column.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    schema: &'a Schema,
    columns: Vec<Column<'a>>,
}

#[derive(Debug)]
enum Column<'a> {
    /// A dictionary column with one dictionary for all batches.
    Merged(Words<'a>, Merged),
    /// A dictionary column whose values hardly repeat.
    Spread(Words<'a>),
    Texts(Texts<'a>),
    Numbers(Numbers<'a>),
    Lists(Lists),
    /// A column of text without a value: written as a dictionary of none, so that the footer says so.
    Absent,
    Other(Vec<&'a ArrayRef>),
}

impl<'a> Column<'a> {
    fn of(arrays: Vec<&'a ArrayRef>) -> Self {
        if let Some(numbers) = Numbers::of(&arrays) {
            return Self::Numbers(numbers);
        }
        if let Some(texts) = Texts::of(&arrays) {
            let is_absent = arrays.iter().all(|array| array.null_count() == array.len());
            return if is_absent { Self::Absent } else { Self::Texts(texts) };
        }
        match Words::of(&arrays) {
            Some(words) if words.repeats() => {
                let merged = words.merge();
                Self::Merged(words, merged)
            }
            Some(words) => Self::Spread(words),
            None => Lists::of(&arrays).map_or(Self::Other(arrays), Self::Lists),
        }
    }
}

impl<'a> Columns<'a> {
    /// Looks at the columns of `batches`, all of which have this schema.
    pub(super) fn of(schema: &'a Schema, batches: &'a [RecordBatch]) -> Self {
        let columns = (0..schema.fields().len()).map(|place| {
            let arrays: Vec<_> = batches.iter().filter_map(|batch| batch.columns().get(place)).collect();
            Column::of(arrays)
        });
        Self { schema, columns: columns.collect() }
    }

    /// Writes `rows` in their order as a file, and returns its key filter.
    ///
    /// # Errors
    /// When the writer or zstd fails.
    pub(super) fn write<W: Write + Send>(&self, rows: &[Row], to: W) -> Result<Vec<u8>> {
        let mut file = Encoder::new(self.schema, to)?;
        for rows in rows.chunks(ROWS_PER_GROUP) {
            file.write(self, rows)?;
        }
        file.finish()
    }
}

/// A file being encoded, a row group at a time.
pub(super) struct Encoder<W: Write + Send> {
    plain: SchemaRef,
    columns: Vec<ColumnDescPtr>,
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    filter: Collector,
    zstd: Compressor<'static>,
    /// The memory of the column written last.
    spare: Vec<u8>,
    groups: usize,
}

impl<W: Write + Send> Encoder<W> {
    /// Begins a file of these columns.
    ///
    /// # Errors
    /// When the writer or zstd fails.
    pub(super) fn new(schema: &Schema, to: W) -> Result<Self> {
        let plain = Arc::new(layout::plain(schema));
        let parquet = ArrowSchemaConverter::new().convert(&plain)?;
        let properties = Arc::new(layout::properties(schema)?);
        let file = SerializedFileWriter::new(to, parquet.root_schema_ptr(), properties)?;
        Ok(Self {
            factory: ArrowRowGroupWriterFactory::new(&file, plain.clone()),
            plain,
            columns: parquet.columns().to_vec(),
            file,
            filter: Collector::default(),
            zstd: Compressor::new(ZSTD_LEVEL).map_err(external)?,
            spare: Vec::new(),
            groups: 0,
        })
    }

    /// Writes `rows` of `columns` in their order as one row group.
    ///
    /// # Errors
    /// When the writer or zstd fails.
    pub(super) fn write(&mut self, columns: &Columns<'_>, rows: &[Row]) -> Result<()> {
        let writers = self.factory.create_column_writers(self.groups)?;
        self.groups += 1;
        let mut group = GroupWriter {
            leaves: self.columns.iter().zip(writers),
            group: self.file.next_row_group()?,
            zstd: &mut self.zstd,
            filter: &mut self.filter,
            spare: &mut self.spare,
        };
        for (field, column) in self.plain.fields().iter().zip(&columns.columns) {
            group.write(field, column, rows)?;
        }
        group.group.close()?;
        Ok(())
    }

    /// Ends the file, and returns its key filter.
    ///
    /// # Errors
    /// When the writer fails.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.file.close()?;
        Ok(self.filter.finish())
    }
}

/// One row group being written.
struct GroupWriter<'w, W: Write + Send, L> {
    /// The leaf columns not yet written, each with the writer that Arrow made for it.
    leaves: L,
    group: SerializedRowGroupWriter<'w, W>,
    zstd: &'w mut Compressor<'static>,
    filter: &'w mut Collector,
    spare: &'w mut Vec<u8>,
}

impl<'w, W: Write + Send, L> GroupWriter<'w, W, L>
where
    L: Iterator<Item = (&'w ColumnDescPtr, ArrowColumnWriter)>,
{
    fn write(&mut self, field: &Field, column: &Column<'_>, rows: &[Row]) -> Result<()> {
        match column {
            Column::Merged(words, merged) => {
                let (values, codes) = merged.narrow(words.codes(merged, rows));
                self.write_words(field, rows, &codes, &values)
            }
            Column::Absent => self.write_words(field, rows, &Codes::Same(NULL, rows.len()), &[]),
            Column::Spread(words) => self.write_texts(field, rows, &Texts::Words(words)),
            Column::Texts(texts) => self.write_texts(field, rows, texts),
            Column::Numbers(numbers) => {
                let column = self.next_column()?;
                let spare = std::mem::take(self.spare);
                let encoded = numbers.encode(column, field.name(), rows, self.zstd, spare)?;
                self.append(encoded)
            }
            Column::Lists(lists) => {
                let column = self.next_column()?;
                let encoded = lists.encode(column, rows, self.zstd)?;
                self.append(encoded)
            }
            Column::Other(arrays) => self.write_array(field, &gather(arrays, rows)?),
        }
    }

    /// `values` are those that occur; the codes are their places.
    fn write_words(&mut self, field: &Field, rows: &[Row], codes: &Codes, values: &[String]) -> Result<()> {
        if !words::fits_a_dictionary(values) {
            return self.write_texts(field, rows, &Texts::Codes(codes, values));
        }
        if is_filtered(field) {
            values.iter().for_each(|value| self.filter.add(field.name(), value));
        }
        let chunk = Chunk {
            column: self.next_column()?,
            codes,
            values,
            page_statistics: layout::has_page_statistics(field.name()),
            bloom_filter: layout::has_bloom_filter(field.name()),
        };
        let encoded = chunk.encode(self.zstd)?;
        self.append(encoded)
    }

    fn write_texts(&mut self, field: &Field, rows: &[Row], texts: &Texts<'_>) -> Result<()> {
        let column = self.next_column()?;
        let chunk = TextChunk { column, name: field.name(), rows, texts };
        let filter = is_filtered(field).then_some(&mut *self.filter);
        let encoded = chunk.encode(self.zstd, filter, std::mem::take(self.spare))?;
        self.append(encoded)
    }

    fn write_array(&mut self, field: &Field, array: &ArrayRef) -> Result<()> {
        for leaf in compute_leaves(field, array)? {
            let (_, mut writer) = self.leaves.next().ok_or_else(too_few_columns)?;
            writer.write(&leaf)?;
            writer.close()?.append_to_row_group(&mut self.group)?;
        }
        Ok(())
    }

    /// The next leaf, to be written without Arrow.
    fn next_column(&mut self) -> Result<ColumnDescPtr> {
        self.leaves.next().map(|(column, _)| column.clone()).ok_or_else(too_few_columns)
    }

    fn append(&mut self, (bytes, close): (Bytes, ColumnCloseResult)) -> Result<()> {
        self.group.append_column(&bytes, close)?;
        *self.spare = bytes.into();
        Ok(())
    }
}

fn is_filtered(field: &Field) -> bool {
    FILTERED.contains(&field.name().as_str())
}

/// The values of a column in the order of `rows`.
fn gather(arrays: &[&ArrayRef], rows: &[Row]) -> Result<ArrayRef> {
    let places: Vec<_> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    Ok(interleave(&arrays, &places)?)
}

fn too_few_columns() -> ParquetError {
    ParquetError::General("the file has fewer columns than the batch".to_owned())
}

fn external(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
