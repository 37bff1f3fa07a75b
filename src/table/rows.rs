//! Reads single values out of a batch of key events, without copying.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};

use super::columns::{COLUMNS, Column};

/// One column, seen by its kind.
#[derive(Debug)]
enum Cells<'a> {
    Word(&'a Int32Array, &'a StringArray),
    Text(&'a StringArray),
    Integer(&'a Int64Array),
    Time(&'a TimestampMicrosecondArray),
    Flag(&'a BooleanArray),
    Other,
}

/// Typed access to a batch whose columns are those of [`COLUMNS`], or its first ones.
#[derive(Debug)]
pub struct Rows<'a> {
    columns: Vec<Cells<'a>>,
    rows: usize,
}

impl<'a> Rows<'a> {
    /// Looks at `batch`, whose columns stand in table order.
    pub fn of(batch: &'a RecordBatch) -> Self {
        debug_assert!(batch.num_columns() <= COLUMNS.len());
        Self { columns: batch.columns().iter().map(cells).collect(), rows: batch.num_rows() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    #[inline]
    fn cells(&self, column: Column) -> &Cells<'a> {
        self.columns.get(column as usize).unwrap_or(&Cells::Other)
    }

    /// The text in a word or text column; nothing where null or out of range.
    #[inline]
    pub fn text(&self, column: Column, row: usize) -> Option<&'a str> {
        match self.cells(column) {
            Cells::Word(keys, values) if row < keys.len() && keys.is_valid(row) => {
                let key = keys.value(row) as usize;
                (key < values.len()).then(|| values.value(key))
            }
            Cells::Text(values) if row < values.len() && values.is_valid(row) => Some(values.value(row)),
            _ => None,
        }
    }

    /// The dictionary key in a word column, to remember by; nothing where null.
    #[inline]
    pub fn key(&self, column: Column, row: usize) -> Option<i32> {
        match self.cells(column) {
            Cells::Word(keys, _) if row < keys.len() && keys.is_valid(row) => Some(keys.value(row)),
            _ => None,
        }
    }

    /// The dictionary of a word column.
    pub fn dictionary(&self, column: Column) -> Option<&'a StringArray> {
        match self.cells(column) {
            Cells::Word(_, values) => Some(values),
            _ => None,
        }
    }

    /// The keys of a word column.
    pub fn keys(&self, column: Column) -> Option<&'a Int32Array> {
        match self.cells(column) {
            Cells::Word(keys, _) => Some(keys),
            _ => None,
        }
    }

    /// The number in an integer column.
    #[inline]
    pub fn integer(&self, column: Column, row: usize) -> Option<i64> {
        match self.cells(column) {
            Cells::Integer(values) if row < values.len() && values.is_valid(row) => Some(values.value(row)),
            _ => None,
        }
    }

    /// The time in a time column, in microseconds since the epoch.
    #[inline]
    pub fn time(&self, column: Column, row: usize) -> Option<i64> {
        match self.cells(column) {
            Cells::Time(values) if row < values.len() && values.is_valid(row) => Some(values.value(row)),
            _ => None,
        }
    }

    /// The newest event time; nothing where there is no row.
    pub fn latest(&self) -> Option<i64> {
        (0..self.len()).filter_map(|row| self.time(Column::EventTime, row)).max()
    }

    /// The flag in a flag column.
    #[inline]
    pub fn flag(&self, column: Column, row: usize) -> Option<bool> {
        match self.cells(column) {
            Cells::Flag(values) if row < values.len() && values.is_valid(row) => Some(values.value(row)),
            _ => None,
        }
    }
}

fn cells(array: &ArrayRef) -> Cells<'_> {
    if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
        return dictionary
            .values()
            .as_string_opt::<i32>()
            .map_or(Cells::Other, |values| Cells::Word(dictionary.keys(), values));
    }
    if let Some(text) = array.as_string_opt::<i32>() {
        return Cells::Text(text);
    }
    if let Some(integer) = array.as_primitive_opt::<Int64Type>() {
        return Cells::Integer(integer);
    }
    if let Some(time) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        return Cells::Time(time);
    }
    array.as_boolean_opt().map_or(Cells::Other, Cells::Flag)
}
