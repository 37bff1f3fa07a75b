//! What the pipeline remembers from one batch to the next, and again after a restart.
//!
//! In: built batches in the order they were read. Out: joined batches, the alias facts to judge them by,
//! and [`Traces`] that travel with the rows into the open set, so that a seal makes both true at once.
//! A service begins with [`Memory::restore`], and gives each set it seals [`Memory::open_requests`] as of
//! the last batch in the set: nothing that was joined may be outside of it. Where joined rows are
//! dropped unsealed, to be read again, the memory is restored again, or it would call them duplicates.

use std::sync::Arc;

use arrow::error::ArrowError;

use super::join::{Join, Joined};
use super::open::open_schema;
use super::seen::DUPLICATE_HORIZON;
use crate::catalog::AliasBook;
use crate::history::{HistoryError, Traces, blob};
use crate::store::Store;
use crate::table::build::Built;

/// The join step and the alias book.
#[derive(Debug, Default)]
pub struct Memory {
    join: Join,
    aliases: Arc<AliasBook>,
}

/// One batch after its neighbours were seen.
#[derive(Debug)]
pub struct Remembered {
    /// Its uids are in the traces.
    pub joined: Joined,
    /// For [`crate::history::OpenSet::remember`], with the rows.
    pub traces: Traces,
    /// The alias facts known to this batch; what later ones bring leaves them as they are.
    pub aliases: Arc<AliasBook>,
}

impl Memory {
    /// What was remembered when the newest seal was committed.
    ///
    /// # Errors
    /// When the store or a file cannot be read.
    pub async fn restore(store: &Store) -> Result<Self, HistoryError> {
        let traces = Traces::read(store, DUPLICATE_HORIZON).await?;
        Self::of(traces, store.open_requests().await?)
    }

    /// What these traces and open requests tell.
    fn of(traces: Traces, open_requests: Vec<u8>) -> Result<Self, HistoryError> {
        let open = blob::from_bytes(open_requests, &open_schema())?;
        let aliases = book_of(&traces);
        Ok(Self { join: Join::restored(traces.uids, open.as_ref())?, aliases: Arc::new(aliases) })
    }

    /// For a pass that sees each event for the first time, but not the first facts: those of `traces` are known.
    pub fn knowing(traces: &Traces) -> Self {
        Self { join: Join::default(), aliases: Arc::new(book_of(traces)) }
    }

    /// Joins the next batch of a source that is read in order, as a file is, and learns from it.
    ///
    /// # Errors
    /// Where Arrow refuses to select rows, which consistent batches never make it do.
    pub fn batch(&mut self, built: Built) -> Result<Remembered, ArrowError> {
        self.batch_of(built, None)
    }

    /// The same for a batch from this partition of its source.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn batch_of(&mut self, built: Built, partition: Option<&str>) -> Result<Remembered, ArrowError> {
        let mut joined = self.join.batch(&built, partition)?;
        for fact in &built.aliases {
            Arc::make_mut(&mut self.aliases).learn(fact.at, &fact.alias, fact.key.as_deref());
        }
        for tag in &built.tags {
            Arc::make_mut(&mut self.aliases).learn_tag(tag.at, &tag.key, &tag.name, tag.value.as_deref());
        }
        let uids = std::mem::take(&mut joined.uids);
        let traces = Traces { uids, aliases: built.aliases, tags: built.tags };
        Ok(Remembered { joined, traces, aliases: self.aliases.clone() })
    }

    /// The end of the input: what still waits for a neighbour stands alone; nothing where nothing does.
    /// A service that will go on leaves it waiting.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn finish(&mut self) -> Result<Option<Remembered>, ArrowError> {
        let Some(mut joined) = self.join.finish()? else { return Ok(None) };
        let traces = Traces { uids: std::mem::take(&mut joined.uids), ..Traces::default() };
        Ok(Some(Remembered { joined, traces, aliases: self.aliases.clone() }))
    }

    /// The requests that wait, for [`crate::history::OpenSet::leaves_open`].
    ///
    /// # Errors
    /// When they cannot be encoded, which consistent batches never make happen.
    pub fn open_requests(&self) -> Result<Vec<u8>, HistoryError> {
        blob::to_bytes(self.join.open_requests()?.as_ref())
    }
}

/// The facts about aliases and tags.
fn book_of(traces: &Traces) -> AliasBook {
    let mut book = AliasBook::default();
    for fact in &traces.aliases {
        book.learn(fact.at, &fact.alias, fact.key.as_deref());
    }
    for tag in &traces.tags {
        book.learn_tag(tag.at, &tag.key, &tag.name, tag.value.as_deref());
    }
    book
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
