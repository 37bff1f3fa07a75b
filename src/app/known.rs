//! Which events of a scan history holds already: the same file read again, or a copy of it.
//!
//! A file is known by its identity and how far it was sealed; what lies in a copy is known by the uids of
//! the newest events, up to the horizon of the join step.

use arrow::array::BooleanArray;

use crate::history::{HistoryError, Traces, Uid};
use crate::metrics::Account;
use crate::pipeline::memory::Memory;
use crate::pipeline::seen::{DUPLICATE_HORIZON, Seen};
use crate::store::{BlockingStore, Position};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// What was sealed before a scan began.
#[derive(Debug, Default)]
pub struct Known {
    seen: Seen,
    /// Sources by name, and how far they were sealed.
    held: Vec<(String, Position)>,
    memory: Memory,
}

/// What of one batch is new.
#[derive(Debug)]
pub struct New {
    /// By row.
    pub rows: BooleanArray,
    /// Records that were sealed as a part of this input before, and are in its account.
    held: u64,
    /// Records that were sealed as a part of another input.
    copied: u64,
}

impl Known {
    /// What `store` holds, of these inputs and of all.
    ///
    /// # Errors
    /// When the store or a file cannot be read.
    pub fn read(store: &BlockingStore, held: Vec<(String, Position)>) -> Result<Self, HistoryError> {
        let mut seen = Seen::default();
        let traces = store.wait(Traces::read(store.store(), DUPLICATE_HORIZON))?;
        let memory = Memory::knowing(&traces);
        for Uid { uid, content } in traces.uids {
            if content.is_some() || seen.get(uid).is_none() {
                seen.insert(uid, content);
            }
        }
        Ok(Self { seen, held, memory })
    }

    /// What was learnt of aliases and tags, for whoever judges what is new.
    pub fn take_memory(&mut self) -> Memory {
        std::mem::take(&mut self.memory)
    }

    /// Whether nothing is held.
    pub fn is_nothing(&self) -> bool {
        self.seen.is_empty() && self.held.is_empty()
    }

    /// Which of these rows are new; `uids` tells them apart, row by row.
    pub fn new_of(&self, rows: &Rows<'_>, uids: &[Uid]) -> New {
        let (mut held, mut copied) = (0, 0);
        let is_new = (0..rows.len()).map(|row| {
            let first = u64::from(rows.integer(Column::Ordinal, row) == Some(0));
            let source = (rows.text(Column::Source, row), rows.integer(Column::Position, row));
            let is_held = self.is_held(source);
            let is_copied = !is_held && uids.get(row).is_some_and(|uid| self.is_sealed(*uid));
            held += first * u64::from(is_held);
            copied += first * u64::from(is_copied);
            Some(!is_held && !is_copied)
        });
        let rows = is_new.collect();
        New { rows, held, copied }
    }

    /// Whether the record at this place was sealed.
    fn is_held(&self, (source, position): (Option<&str>, Option<i64>)) -> bool {
        let (Some(source), Some(position)) = (source, position) else { return false };
        self.held.iter().any(|(name, held)| name == source && position < held.offset)
    }

    /// Whether this event was sealed, with this content. A request is known by whatever came of it.
    fn is_sealed(&self, event: Uid) -> bool {
        let known = self.seen.get(event.uid);
        known.is_some_and(|content| event.content.is_none() || content == event.content)
    }
}

impl New {
    /// Takes what is not new out of the account of the records behind the rows.
    pub fn settle(&self, account: &mut Account) {
        account.gave_events = account.gave_events.saturating_sub(self.held + self.copied);
        account.duplicates += self.copied;
        account.events = account.events.saturating_sub(self.rows.false_count() as u64);
    }

    /// Whether the row is new.
    pub fn is_new(&self, row: usize) -> bool {
        row < self.rows.len() && self.rows.value(row)
    }
}
