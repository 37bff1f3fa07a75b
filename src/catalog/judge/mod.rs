//! Holds a batch of key events against the catalog.
//!
//! In: a batch with the log's columns, and the aliases known. Out: the batch with the judge's columns.
//! What varies little is worked out once for each distinct value of the batch: the entry of a key, the
//! standing of a caller with an entry, where a caller belongs. One file a group of aspects; [`case`]
//! decides over them, for the batch and for [`super::explain`] alike.

pub mod case;
mod columns;
mod context;
mod dues;
pub mod lens;
mod memory;
pub mod reason;
pub mod what;
pub mod when;
pub mod whence;
pub mod who;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use self::case::{Case, Decision, without_entry};
use self::columns::Columns;
use self::lens::Lens;
use self::memory::{Found, Memory};
use super::Catalog;
use super::aliases::AliasBook;
use super::index::Match;
use crate::domain::verdict::Verdict;
use crate::table::columns::LOG_COLUMNS;

impl Catalog {
    /// Judges every event of `batch` and appends the judge's columns; columns of an earlier judgement are
    /// replaced. Aliases are resolved as of each event's time.
    ///
    /// # Errors
    /// Where `batch` does not begin with the columns of the key-event table.
    pub fn judge(&self, batch: &RecordBatch, aliases: &AliasBook) -> Result<RecordBatch, ArrowError> {
        let log: Vec<usize> = (0..LOG_COLUMNS).collect();
        let batch = batch.project(&log)?;
        let lens = Lens::of(&batch);
        let mut memory = Memory::new(self, aliases, &lens);
        let mut columns = Columns::new(self, batch.num_rows());
        for row in 0..batch.num_rows() {
            let found = memory.find(row);
            let decision = self.decide(&lens, row, found, &memory);
            columns.push(&lens.event(row), found, &decision, &memory);
        }
        columns.finish(&batch, &memory)
    }

    fn decide(&self, lens: &Lens<'_>, row: usize, found: Found, memory: &Memory<'_, '_>) -> Decision {
        if let Some(decision) = without_entry(&lens.event(row), memory.matched(found.key)) {
            return decision;
        }
        match memory.case(row, found) {
            Some(case) => case.decide(),
            None => Decision::bare(Verdict::Undeclared, None),
        }
    }

    /// Looks at a batch once, and hands `work` a way to judge single rows of it with all that was looked
    /// at, for explaining them.
    pub(super) fn with_cases<T>(
        &self,
        batch: &RecordBatch,
        aliases: &AliasBook,
        work: impl FnOnce(&mut JudgeRow<'_>) -> T,
    ) -> T {
        let lens = Lens::of(batch);
        let mut memory = Memory::new(self, aliases, &lens);
        work(&mut |row, explain| {
            let found = memory.find(row);
            let decision = self.decide(&lens, row, found, &memory);
            explain(&lens, memory.matched(found.key), memory.case(row, found).as_ref(), &decision);
        })
    }
}

/// Judges a row and shows what was looked at.
pub(super) type JudgeRow<'w> = dyn FnMut(usize, &mut Show<'_>) + 'w;

/// What was looked at for one row.
pub(super) type Show<'s> = dyn FnMut(&Lens<'_>, &Match, Option<&Case<'_, '_>>, &Decision) + 's;

#[cfg(test)]
mod tests;
