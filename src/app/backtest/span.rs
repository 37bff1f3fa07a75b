//! A span of event time, and which rows and files lie in it or beside it.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;

use crate::store::FileRow;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// A span of event time in microseconds since the epoch; `to` is not part of it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

impl Span {
    /// Whether the moment is part of it.
    pub const fn has(self, at: i64) -> bool {
        self.from <= at && at < self.to
    }

    /// With so many microseconds more before and after it.
    pub const fn widened(self, before: i64, after: i64) -> Self {
        Self { from: self.from.saturating_sub(before), to: self.to.saturating_add(after) }
    }

    /// Whether a row of the file can be in it.
    pub const fn meets(self, file: &FileRow) -> bool {
        file.min_time < self.to && self.from <= file.max_time
    }

    /// Whether all rows of the file are.
    pub const fn holds(self, file: &FileRow) -> bool {
        self.from <= file.min_time && file.max_time < self.to
    }

    /// The rows of a batch within it.
    ///
    /// # Errors
    /// Never in practice: the mask is as long as the batch.
    pub fn of(self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        where_time(batch, |at| self.has(at))
    }

    /// The rows of a batch beside it, as far as a wider span has them.
    ///
    /// # Errors
    /// Never in practice: the mask is as long as the batch.
    pub fn beside(self, batch: &RecordBatch, wider: Self) -> Result<RecordBatch, ArrowError> {
        where_time(batch, |at| wider.has(at) && !self.has(at))
    }
}

fn where_time(batch: &RecordBatch, wanted: impl Fn(i64) -> bool) -> Result<RecordBatch, ArrowError> {
    let rows = Rows::of(batch);
    let is_wanted = |row| rows.time(Column::EventTime, row).is_some_and(&wanted);
    let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_wanted(row))).collect();
    filter_record_batch(batch, &mask)
}
