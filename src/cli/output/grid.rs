//! The cells of an answer as text, all in one piece of memory: an answer may have millions of them.
//!
//! In: an Arrow batch. Out: its cells, row by row; a list has its members with commas between, null is empty.
//! Making them harmless is left to those who write them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::batches::TIME;

/// Rows of text.
#[derive(Debug)]
pub struct Grid {
    text: String,
    /// Where each cell ends in `text`, row by row.
    ends: Vec<usize>,
    columns: usize,
}

impl Grid {
    /// The cells of `batch`.
    ///
    /// # Errors
    /// Where Arrow cannot write a value as text.
    pub fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
        let mut grid = Self { text: String::new(), ends: Vec::new(), columns: columns.len() };
        grid.ends.reserve(batch.num_rows() * columns.len());
        for row in 0..batch.num_rows() {
            for column in &columns {
                column.append(row, &mut grid.text)?;
                grid.ends.push(grid.text.len());
            }
        }
        Ok(grid)
    }

    /// The cells of each row.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> + Clone {
        self.ends.chunks(self.columns.max(1)).enumerate().map(|(row, ends)| {
            let before = (row * self.columns).checked_sub(1).and_then(|last| self.ends.get(last));
            ends.iter().scan(before.copied().unwrap_or_default(), |start, end| {
                let cell = self.text.get(std::mem::replace(start, *end)..*end);
                Some(cell.unwrap_or_default())
            })
        })
    }
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

    fn append(&self, row: usize, text: &mut String) -> Result<(), ArrowError> {
        if self.column.is_null(row) {
            return Ok(());
        }
        if let Some(values) = self.column.as_string_view_opt() {
            text.push_str(values.value(row));
            return Ok(());
        }
        let Some(list) = self.column.as_list_opt::<i32>() else {
            return self.formatter.value(row).write(text);
        };
        let members = list.value(row);
        let cells = Cells::of(&members)?;
        for place in 0..members.len() {
            if place > 0 {
                text.push(',');
            }
            cells.append(place, text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListBuilder, StringArray, StringBuilder, StringViewArray};

    use super::*;

    #[test]
    fn every_cell_is_where_its_row_and_column_say() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("via"), None, Some("role")]);
        lists.append_value::<[Option<&str>; 0], _>([]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("view", Arc::new(StringViewArray::from(vec![Some("é"), None])) as ArrayRef, true),
            ("number", Arc::new(Int64Array::from(vec![None, Some(-7)])) as ArrayRef, true),
            ("list", Arc::new(lists.finish()) as ArrayRef, true),
            ("text", Arc::new(StringArray::from(vec!["a", ""])) as ArrayRef, true),
        ])
        .unwrap();
        let grid = Grid::of(&batch).unwrap();
        let rows: Vec<Vec<&str>> = grid.rows().map(Iterator::collect).collect();
        assert_eq!(rows, [["é", "", "via,,role", "a"], ["", "-7", "", ""]]);
    }

    #[test]
    fn an_answer_without_rows_has_no_cells() {
        let batch =
            RecordBatch::try_from_iter([("x", Arc::new(StringArray::new_null(0)) as ArrayRef)]).unwrap();
        assert_eq!(Grid::of(&batch).unwrap().rows().count(), 0);
    }
}
