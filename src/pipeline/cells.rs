//! Any column of a batch of key events as text.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::domain::time::format_rfc3339;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// The cells of one batch.
#[derive(Debug)]
pub struct Cells<'a> {
    batch: &'a RecordBatch,
    rows: Rows<'a>,
}

impl<'a> Cells<'a> {
    /// The cells of `batch`, whose columns stand in table order.
    pub fn of(batch: &'a RecordBatch) -> Self {
        Self { batch, rows: Rows::of(batch) }
    }

    /// A cell in words; nothing where it is null. Times are RFC 3339, lists have commas between.
    pub fn text(&self, column: Column, row: usize) -> Option<String> {
        if let Some(text) = self.rows.text(column, row) {
            return Some(text.to_owned());
        }
        if let Some(time) = self.rows.time(column, row) {
            return Some(format_rfc3339(time));
        }
        let array = self.batch.columns().get(column as usize)?;
        if row >= array.len() || array.is_null(row) {
            return None;
        }
        let written = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).ok()?;
        Some(written.value(row).try_to_string().ok()?.trim_matches(['[', ']']).replace(", ", ","))
    }
}
