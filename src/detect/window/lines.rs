//! The rows of one batch as lines of a ledger: each row once, whatever the number of detectors that keep it.
//!
//! In: a batch and a row of it. Out: the row's [`Witness`]. What does not change from row to row is found when
//! the first is asked for: which column is where, and the numbers of the dictionary's words. Where a row is
//! likely to be replaced by the next, as the latest of its group is, its line waits until the batch is through.

use arrow::array::{Array, Int32Array};

use super::ledger::{EventName, Ledger, NONE, Witness};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// A column that the ledger keeps.
#[derive(Debug)]
enum Kept<'b> {
    /// By the dictionary's key: the number in the ledger and one; 0 where not known yet.
    Words {
        column: Column,
        keys: &'b Int32Array,
        words: Vec<u32>,
    },
    Plain(Column),
}

/// The lines of a batch, as far as they were asked for.
#[derive(Debug, Default)]
pub struct Lines<'b> {
    kept: Vec<Kept<'b>>,
    line: Vec<u32>,
    /// By row.
    names: Vec<Option<EventName>>,
    /// By row: the line and one; 0 where not kept yet.
    lines: Vec<u32>,
}

impl<'b> Lines<'b> {
    /// The row without a line: good for comparing, and to be settled before anything else.
    pub fn pending(&mut self, rows: &Rows<'b>, row: usize, ledger: &mut Ledger) -> Witness {
        if self.names.is_empty() {
            self.names = vec![None; rows.len()];
        }
        let known = self.names.get(row).copied().flatten();
        let event = known.unwrap_or_else(|| {
            let event = ledger.name(rows.text(Column::EventId, row).unwrap_or_default());
            self.names.get_mut(row).into_iter().for_each(|name| *name = Some(event));
            event
        });
        let time = rows.time(Column::EventTime, row).unwrap_or_default();
        let ordinal = rows.integer(Column::Ordinal, row).and_then(|ordinal| u32::try_from(ordinal).ok());
        Witness::pending(time, event, ordinal.unwrap_or_default(), row)
    }

    /// Keeps the row of a pending witness in the ledger, which is the same at every call.
    pub fn settle(&mut self, rows: &Rows<'b>, witness: &mut Witness, ledger: &mut Ledger) {
        if let Some(row) = witness.pending_row() {
            witness.settle(self.line_of(rows, row, ledger));
        }
    }

    fn line_of(&mut self, rows: &Rows<'b>, row: usize, ledger: &mut Ledger) -> u32 {
        if self.lines.is_empty() {
            self.kept = ledger.columns().iter().map(|column| kept(rows, *column)).collect();
            self.lines = vec![0; rows.len()];
        }
        match self.lines.get(row) {
            Some(known) if *known != 0 => return *known - 1,
            _ => {}
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend(self.kept.iter_mut().map(|kept| kept.word(rows, row, ledger)));
        let number = ledger.keep(&line);
        self.line = line;
        self.lines.get_mut(row).into_iter().for_each(|known| *known = number + 1);
        number
    }
}

fn kept<'b>(rows: &Rows<'b>, column: Column) -> Kept<'b> {
    match (rows.keys(column), rows.dictionary(column)) {
        (Some(keys), Some(dictionary)) => Kept::Words { column, keys, words: vec![0; dictionary.len()] },
        _ => Kept::Plain(column),
    }
}

impl Kept<'_> {
    fn word(&mut self, rows: &Rows<'_>, row: usize, ledger: &mut Ledger) -> u32 {
        let (column, keys, words) = match self {
            Self::Words { column, keys, words } => (*column, keys, words),
            Self::Plain(column) => return plain(rows, *column, row, ledger),
        };
        if row >= keys.len() || keys.is_null(row) {
            return NONE;
        }
        match words.get_mut(keys.value(row) as usize) {
            Some(known) if *known != 0 => *known - 1,
            Some(unknown) => {
                let word = rows.text(column, row).map_or(NONE, |text| ledger.word(text));
                *unknown = word.saturating_add(1);
                word
            }
            None => NONE,
        }
    }
}

fn plain(rows: &Rows<'_>, column: Column, row: usize, ledger: &mut Ledger) -> u32 {
    if let Some(text) = rows.text(column, row) {
        return ledger.word(text);
    }
    if let Some(number) = rows.integer(column, row) {
        return ledger.number(number);
    }
    rows.flag(column, row).map_or(NONE, |flag| ledger.word(if flag { "true" } else { "false" }))
}
