//! Arrow batches as a table, JSON lines or CSV.

use std::io::{self, Write};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{Format, csv, terminal};

/// How times are written: RFC 3339 in UTC, as everywhere else.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// Writes batches of one schema as they come.
#[derive(Debug)]
pub struct BatchWriter {
    format: Format,
    header_written: bool,
}

impl BatchWriter {
    /// A writer for `format`.
    pub fn new(format: Format) -> Self {
        Self { format, header_written: false }
    }

    /// Writes one batch. A table is aligned within its batch.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => write_json(batch, true, out).map_err(io::Error::other),
            Format::Csv => self.write_csv(batch, out),
            Format::Table => write_table(batch, out),
        }
    }

    fn write_csv(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        if !self.header_written {
            self.header_written = true;
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            out.write_all(csv::line(names).as_bytes())?;
        }
        for row in cells(batch).map_err(io::Error::other)? {
            out.write_all(csv::line(row.iter().map(String::as_str)).as_bytes())?;
        }
        Ok(())
    }
}

/// Writes one JSON object a row; `nulls` says whether a column without a value is named.
///
/// # Errors
/// Where `out` cannot be written.
pub(super) fn write_json(batch: &RecordBatch, nulls: bool, out: &mut dyn Write) -> Result<(), ArrowError> {
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(nulls)
        .with_timestamp_tz_format(TIME.to_owned())
        .build::<_, LineDelimited>(out);
    writer.write(batch)?;
    writer.finish()
}

fn write_table(batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
    let rows = cells(batch).map_err(io::Error::other)?;
    let schema = batch.schema();
    let header: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    out.write_all(terminal::table(&header, &rows).as_bytes())
}

/// Every cell as text; a list has its members with commas between, null is empty.
pub(super) fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let columns = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.at(row)).collect()).collect()
}

struct Cells<'a> {
    column: &'a ArrayRef,
    formatter: ArrayFormatter<'a>,
}

impl<'a> Cells<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, ArrowError> {
        let options = FormatOptions::new().with_timestamp_tz_format(Some(TIME));
        Ok(Self { column, formatter: ArrayFormatter::try_new(column.as_ref(), &options)? })
    }

    fn at(&self, row: usize) -> Result<String, ArrowError> {
        if self.column.is_null(row) {
            return Ok(String::new());
        }
        match self.column.as_list_opt::<i32>() {
            None => self.formatter.value(row).try_to_string(),
            Some(list) => {
                let members = list.value(row);
                let members = Cells::of(&members)?;
                let texts = (0..members.column.len()).map(|place| members.at(place));
                Ok(texts.collect::<Result<Vec<_>, _>>()?.join(","))
            }
        }
    }
}
