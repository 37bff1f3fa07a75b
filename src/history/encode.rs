//! Encodes one day's rows as a Parquet file, a column at a time.
//!
//! Dictionary columns go through [`super::chunk`]; the rest, and dictionary columns whose values
//! hardly repeat, through Arrow's own column writers.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::chunk::Chunk;
use super::key_filter::{Collector, FILTERED};
use super::layout::{self, ROWS_PER_GROUP, ZSTD_LEVEL};
use super::order::Row;
use super::words::{Merged, NULL, Words};

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
    Other(Vec<&'a ArrayRef>),
}

impl<'a> Columns<'a> {
    /// Looks at the columns of `batches`, all of which have this schema.
    pub(super) fn of(schema: &'a Schema, batches: &'a [RecordBatch]) -> Self {
        let columns = (0..schema.fields().len()).map(|place| {
            let arrays: Vec<_> = batches.iter().filter_map(|batch| batch.columns().get(place)).collect();
            match Words::of(&arrays) {
                None => Column::Other(arrays),
                Some(words) if words.repeats() => {
                    let merged = words.merge();
                    Column::Merged(words, merged)
                }
                Some(words) => Column::Spread(words),
            }
        });
        Self { schema, columns: columns.collect() }
    }

    /// Writes `rows` in their order as a file, and returns its key filter.
    ///
    /// # Errors
    /// When the writer or zstd fails.
    pub(super) fn write<W: Write + Send>(&self, rows: &[Row], to: W) -> Result<Vec<u8>> {
        let plain = Arc::new(layout::plain(self.schema));
        let parquet = ArrowSchemaConverter::new().convert(&plain)?;
        let properties = Arc::new(layout::properties(self.schema, rows.len())?);
        let mut file = SerializedFileWriter::new(to, parquet.root_schema_ptr(), properties)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, plain.clone());
        let mut filter = Collector::default();
        let mut zstd = Compressor::new(ZSTD_LEVEL).map_err(external)?;
        for (number, rows) in rows.chunks(ROWS_PER_GROUP).enumerate() {
            let writers = factory.create_column_writers(number)?;
            let mut group = GroupWriter {
                leaves: parquet.columns().iter().zip(writers),
                group: file.next_row_group()?,
                zstd: &mut zstd,
                filter: &mut filter,
                compression: layout::compression()?,
            };
            for (field, column) in plain.fields().iter().zip(&self.columns) {
                group.write(field, column, rows)?;
            }
            group.group.close()?;
        }
        file.close()?;
        Ok(filter.finish())
    }
}

/// One row group being written.
struct GroupWriter<'w, W: Write + Send, L> {
    /// The leaf columns not yet written, each with the writer that Arrow made for it.
    leaves: L,
    group: SerializedRowGroupWriter<'w, W>,
    zstd: &'w mut Compressor<'static>,
    filter: &'w mut Collector,
    compression: Compression,
}

impl<'w, W: Write + Send, L> GroupWriter<'w, W, L>
where
    L: Iterator<Item = (&'w ColumnDescPtr, ArrowColumnWriter)>,
{
    fn write(&mut self, field: &Field, column: &Column<'_>, rows: &[Row]) -> Result<()> {
        let filtered = FILTERED.contains(&field.name().as_str());
        match column {
            Column::Merged(words, merged) => {
                let codes = words.codes(merged, rows);
                if filtered {
                    self.filter_codes(field.name(), &codes, merged);
                }
                match merged.fits_a_dictionary() {
                    true => self.write_codes(field, &codes, merged),
                    false => self.write_array(field, &texts(&codes, merged)),
                }
            }
            Column::Spread(words) => {
                let texts: ArrayRef = Arc::new(words.texts(rows));
                self.write_texts(field, &texts, filtered)
            }
            Column::Other(arrays) => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
                let places: Vec<_> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
                self.write_texts(field, &interleave(&arrays, &places)?, filtered)
            }
        }
    }

    fn write_codes(&mut self, field: &Field, codes: &[u32], merged: &Merged) -> Result<()> {
        let (column, _) = self.leaves.next().ok_or_else(too_few_columns)?;
        let chunk = Chunk {
            column: column.clone(),
            codes,
            values: merged.values(),
            page_statistics: layout::has_page_statistics(field.name()),
            bloom_filter: layout::has_bloom_filter(field.name()),
            compression: self.compression,
        };
        let (bytes, close) = chunk.encode(self.zstd)?;
        self.group.append_column(&bytes, close)
    }

    fn write_texts(&mut self, field: &Field, array: &ArrayRef, filtered: bool) -> Result<()> {
        if filtered && let Some(texts) = array.as_string_opt::<i32>() {
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

    fn filter_codes(&mut self, name: &str, codes: &[u32], merged: &Merged) {
        let mut used = vec![false; merged.values().len()];
        for code in codes.iter().filter(|code| **code != NULL) {
            if let Some(slot) = used.get_mut(*code as usize) {
                *slot = true;
            }
        }
        let values = merged.values().iter().zip(used).filter(|(_, used)| *used);
        values.for_each(|(value, _)| self.filter.add(name, value));
    }
}

fn texts(codes: &[u32], merged: &Merged) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(codes.len(), codes.len() * 64);
    for code in codes {
        texts.append_option(merged.values().get(*code as usize));
    }
    Arc::new(texts.finish())
}

fn too_few_columns() -> ParquetError {
    ParquetError::General("the file has fewer columns than the batch".to_owned())
}

fn external(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
