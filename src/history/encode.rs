//! Encodes one day's rows as a Parquet file, a column at a time.
//!
//! Columns of few words go through [`super::chunk`], lists of few words through [`super::lists`];
//! the rest, and dictionary columns whose values hardly repeat, through Arrow's own column writers.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringBuilder, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::chunk::Chunk;
use super::key_filter::{Collector, FILTERED};
use super::layout::{self, ROWS_PER_GROUP, ZSTD_LEVEL};
use super::lists::Lists;
use super::order::Row;
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
    Lists(Lists),
    /// A column of text without a value: written as a dictionary of none, so that the footer says so.
    Absent,
    Other(Vec<&'a ArrayRef>),
}

impl<'a> Column<'a> {
    fn of(arrays: Vec<&'a ArrayRef>) -> Self {
        let is_text = |array: &&ArrayRef| array.data_type() == &DataType::Utf8;
        if arrays.iter().all(|array| is_text(array) && array.null_count() == array.len()) {
            return Self::Absent;
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
        let mut file = Encoder::new(self.schema, rows.len(), to)?;
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
    groups: usize,
}

impl<W: Write + Send> Encoder<W> {
    /// Begins a file of these columns; `rows` is about how many a row group will have.
    ///
    /// # Errors
    /// When the writer or zstd fails.
    pub(super) fn new(schema: &Schema, rows: usize, to: W) -> Result<Self> {
        let plain = Arc::new(layout::plain(schema));
        let parquet = ArrowSchemaConverter::new().convert(&plain)?;
        let properties = Arc::new(layout::properties(schema, rows)?);
        let file = SerializedFileWriter::new(to, parquet.root_schema_ptr(), properties)?;
        Ok(Self {
            factory: ArrowRowGroupWriterFactory::new(&file, plain.clone()),
            plain,
            columns: parquet.columns().to_vec(),
            file,
            filter: Collector::default(),
            zstd: Compressor::new(ZSTD_LEVEL).map_err(external)?,
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
        };
        let places: Vec<_> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
        for (field, column) in self.plain.fields().iter().zip(&columns.columns) {
            group.write(field, column, rows, &places)?;
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
}

impl<'w, W: Write + Send, L> GroupWriter<'w, W, L>
where
    L: Iterator<Item = (&'w ColumnDescPtr, ArrowColumnWriter)>,
{
    /// Writes one column; `places` are the batch and row of `rows`.
    fn write(
        &mut self,
        field: &Field,
        column: &Column<'_>,
        rows: &[Row],
        places: &[(usize, usize)],
    ) -> Result<()> {
        match column {
            Column::Merged(words, merged) => {
                let (values, codes) = merged.narrow(words.codes(merged, rows));
                self.write_words(field, &codes, &values)
            }
            Column::Absent => self.write_words(field, &Codes::Same(NULL, rows.len()), &[]),
            Column::Spread(words) => {
                let texts: ArrayRef = Arc::new(words.texts(rows));
                self.write_texts(field, &texts)
            }
            Column::Lists(lists) => {
                let (column, _) = self.leaves.next().ok_or_else(too_few_columns)?;
                let (bytes, close) = lists.encode(column.clone(), rows, self.zstd)?;
                self.group.append_column(&bytes, close)
            }
            Column::Other(arrays) => self.write_texts(field, &gather(arrays, places)?),
        }
    }

    /// `values` are those that occur; the codes are their places.
    fn write_words(&mut self, field: &Field, codes: &Codes, values: &[String]) -> Result<()> {
        if is_filtered(field) {
            values.iter().for_each(|value| self.filter.add(field.name(), value));
        }
        if !words::fits_a_dictionary(values) {
            return self.write_array(field, &texts(codes, values));
        }
        let (column, _) = self.leaves.next().ok_or_else(too_few_columns)?;
        let chunk = Chunk {
            column: column.clone(),
            codes,
            values,
            page_statistics: layout::has_page_statistics(field.name()),
            bloom_filter: layout::has_bloom_filter(field.name()),
        };
        let (bytes, close) = chunk.encode(self.zstd)?;
        self.group.append_column(&bytes, close)
    }

    fn write_texts(&mut self, field: &Field, array: &ArrayRef) -> Result<()> {
        if is_filtered(field)
            && let Some(texts) = array.as_string_opt::<i32>()
        {
            texts.iter().flatten().for_each(|text| self.filter.add(field.name(), text));
        }
        self.write_array(field, array)
    }

    fn write_array(&mut self, field: &Field, array: &ArrayRef) -> Result<()> {
        for leaf in compute_leaves(field, array)? {
            let (_, mut writer) = self.leaves.next().ok_or_else(too_few_columns)?;
            writer.write(&leaf)?;
            writer.close()?.append_to_row_group(&mut self.group)?;
        }
        Ok(())
    }
}

fn is_filtered(field: &Field) -> bool {
    FILTERED.contains(&field.name().as_str())
}

/// The values of a column in the order of `places`.
fn gather(arrays: &[&ArrayRef], places: &[(usize, usize)]) -> Result<ArrayRef> {
    let all_null = arrays.iter().all(|array| array.null_count() == array.len());
    if let Some(first) = arrays.first()
        && all_null
    {
        return Ok(new_null_array(first.data_type(), places.len()));
    }
    if let Some(flags) = arrays.iter().map(|array| array.as_boolean_opt()).collect::<Option<Vec<_>>>() {
        return Ok(Arc::new(gather_flags(&flags, places)));
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    Ok(interleave(&arrays, places)?)
}

/// Arrow gathers flags run by run, which takes longer than asking each.
fn gather_flags(flags: &[&BooleanArray], places: &[(usize, usize)]) -> BooleanArray {
    let bits = |ask: fn(&BooleanArray, usize) -> bool| {
        let bit = |(batch, row): &(usize, usize)| flags.get(*batch).is_some_and(|flags| ask(flags, *row));
        places.iter().map(bit).collect::<BooleanBuffer>()
    };
    let values = bits(|flags, row| flags.value(row));
    let has_nulls = flags.iter().any(|flags| flags.null_count() > 0);
    let nulls = has_nulls.then(|| NullBuffer::new(bits(|flags, row| flags.is_valid(row))));
    BooleanArray::new(values, nulls)
}

fn texts(codes: &Codes, values: &[String]) -> ArrayRef {
    let mut texts = StringBuilder::new();
    for code in codes.iter() {
        texts.append_option(values.get(code as usize));
    }
    Arc::new(texts.finish())
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
