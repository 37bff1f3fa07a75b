//! Arrow batches as a table, JSON lines or CSV.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, WriterBuilder};

use super::grid::Grid;
use super::{Format, csv, terminal};

/// How times are written: RFC 3339 in UTC, as everywhere else.
pub(super) const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

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
        let mut line = String::new();
        for row in Grid::of(batch).map_err(io::Error::other)?.rows() {
            line.clear();
            csv::push_line(&mut line, row);
            out.write_all(line.as_bytes())?;
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
    let grid = Grid::of(batch).map_err(io::Error::other)?;
    let schema = batch.schema();
    let header: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    out.write_all(terminal::aligned(&header, grid.rows()).as_bytes())
}
