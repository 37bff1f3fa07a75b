//! One batch as windows see it: rows by the hashes of their values, each distinct value hashed once.
//!
//! In: a judged batch. Out: group ids, times, and rows as they are kept in a [`Ledger`].

use arrow::array::Array;

use crate::domain::identity::uid;
use crate::table::columns::{COLUMNS, Column};
use crate::table::rows::Rows;

use super::ledger::{Ledger, Witness};
use super::lines::Lines;

/// A group, by the hash of its values: 128 bits, of which an attacker cannot make two alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u128);

/// Odd and without pattern, so that the place of a value counts: the digits of pi.
const MIX: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7345;

/// What stands for null, which no hash of a text is likely to be.
const NULL: u128 = 1;

impl GroupId {
    /// The group of all rows: where the mixing begins.
    pub const ALL: Self = Self(MIX);

    /// With one more value.
    pub fn with(self, value: u128) -> Self {
        Self((self.0.rotate_left(23) ^ value).wrapping_mul(MIX))
    }
}

/// A batch under way. Everything is worked out when it is first asked for.
#[derive(Debug)]
pub struct BatchView<'b> {
    rows: Rows<'b>,
    /// By column, then by the dictionary's key; 0 where not worked out yet.
    hashes: Vec<Vec<u128>>,
    lines: Lines<'b>,
}

impl<'b> BatchView<'b> {
    /// A view of these rows.
    pub fn of(rows: Rows<'b>) -> Self {
        let columns = COLUMNS.len();
        Self { rows, hashes: vec![Vec::new(); columns], lines: Lines::default() }
    }

    /// When the row's call completed, in microseconds since the epoch.
    pub fn time(&self, row: usize) -> i64 {
        self.rows.time(Column::EventTime, row).unwrap_or_default()
    }

    /// The time in a column; nothing where it is null.
    pub fn time_of(&self, column: Column, row: usize) -> Option<i64> {
        self.rows.time(column, row)
    }

    /// The group that the row belongs to.
    pub fn group(&mut self, columns: &[Column], row: usize) -> GroupId {
        columns.iter().fold(GroupId::ALL, |group, column| group.with(self.value(*column, row)))
    }

    /// The hash of a value; nothing where it is null.
    pub fn value_of(&mut self, column: Column, row: usize) -> Option<u128> {
        Some(self.value(column, row)).filter(|value| *value != NULL)
    }

    fn value(&mut self, column: Column, row: usize) -> u128 {
        let Some(dictionary) = self.rows.dictionary(column) else {
            return plain(&self.rows, column, row).map_or(NULL, |text| hash(&text));
        };
        let Some(key) = self.rows.key(column, row) else { return NULL };
        let Some(hashes) = self.hashes.get_mut(column as usize) else { return NULL };
        if hashes.is_empty() {
            hashes.resize(dictionary.len(), 0);
        }
        match hashes.get_mut(key as usize) {
            Some(known) if *known != 0 => *known,
            Some(unknown) => {
                *unknown = self.rows.text(column, row).map_or(NULL, hash);
                *unknown
            }
            None => NULL,
        }
    }

    /// The row as it is kept in the ledger, which is the same at every call.
    pub fn witness(&mut self, row: usize, ledger: &mut Ledger) -> Witness {
        let mut witness = self.pending(row, ledger);
        self.settle(&mut witness, ledger);
        witness
    }

    /// The row, not kept yet: to be settled before this batch goes, unless another row takes its place.
    pub fn pending(&mut self, row: usize, ledger: &mut Ledger) -> Witness {
        self.lines.pending(&self.rows, row, ledger)
    }

    /// Keeps the row of a pending witness.
    pub fn settle(&mut self, witness: &mut Witness, ledger: &mut Ledger) {
        self.lines.settle(&self.rows, witness, ledger);
    }
}

/// A hash that is never 0.
fn hash(text: &str) -> u128 {
    uid(&[text.as_bytes()]).max(2)
}

/// The value of a column that has no dictionary, as text.
fn plain(rows: &Rows<'_>, column: Column, row: usize) -> Option<String> {
    if let Some(text) = rows.text(column, row) {
        return Some(text.to_owned());
    }
    let number = rows.integer(column, row).map(|number| number.to_string());
    number.or_else(|| rows.flag(column, row).map(|flag| flag.to_string()))
}
