//! The files that a seal derives from its events, and that stay when these expire: usage and facts.
//!
//! In: the events of a set. Out: files of the same seal, and tables in which the rows of all files are added
//! up. Compaction adds up the rows of several files of a day into one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as PlanResult;
use datafusion::datasource::TableProvider;
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::prelude::{SessionContext, col};

use super::compact::{GRACE, MergedFile};
use super::error::HistoryError;
use super::file::{self, Table, Unsealed};
use super::read::batches;
use super::rollup::{COUNT, FIRST, Form, LAST, Rollup};
use super::table::HistoryTable;
use super::{facts, usage};
use crate::store::{DataFolder, FileRow, Kind, Replacement, SealId, Store};

/// What is derived, from which each kind of file and table comes.
pub(super) const DERIVED: [Derived; 2] =
    [Derived { kind: Kind::Usage, form: usage::FORM }, Derived { kind: Kind::Facts, form: facts::FORM }];

/// One kind of derived rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Derived {
    pub kind: Kind,
    form: Form,
}

/// Writes what these events add: at most a file a kind and day.
///
/// # Errors
/// As [`file::write_table`].
pub(super) fn write(
    folder: &DataFolder,
    seal: SealId,
    events: &[RecordBatch],
    at: i64,
    unsealed: &mut Unsealed,
) -> Result<Vec<FileRow>, HistoryError> {
    let [usage, facts] = DERIVED;
    let (mut uses, mut told) = (Rollup::new(usage.form), Rollup::new(facts.form));
    for batch in events {
        usage::add(&mut uses, batch);
        facts::add(&mut told, batch);
    }
    facts::add_uses(&mut told, &uses);
    let mut files = usage.write(uses, folder, seal, at, unsealed)?;
    files.extend(facts.write(told, folder, seal, at, unsealed)?);
    Ok(files)
}

/// The columns of the table `usage`.
pub fn usage_schema() -> SchemaRef {
    usage::FORM.schema()
}

/// The columns of the table `facts`.
pub fn facts_schema() -> SchemaRef {
    facts::FORM.schema()
}

impl Derived {
    /// Its columns.
    pub fn schema(&self) -> SchemaRef {
        self.form.schema()
    }

    fn write(
        &self,
        rollup: Rollup,
        folder: &DataFolder,
        seal: SealId,
        at: i64,
        unsealed: &mut Unsealed,
    ) -> Result<Vec<FileRow>, HistoryError> {
        if rollup.is_empty() {
            return Ok(Vec::new());
        }
        let (schema, batch) = (self.schema(), rollup.finish()?);
        let table = Table { kind: self.kind, schema: &schema, batches: std::slice::from_ref(&batch) };
        file::write_table(folder, seal, &table, at, unsealed)
    }

    /// One file in the place of several of one day, their rows added up.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn merge(
        &self,
        store: &Store,
        files: &[FileRow],
        at: i64,
    ) -> Result<Option<MergedFile>, HistoryError> {
        let mut rollup = Rollup::new(self.form);
        for batch in batches(store.folder(), files.to_vec(), self.schema()) {
            rollup.add_rows(&batch?);
        }
        let (id, mut unsealed) = (store.next_seal()?, Unsealed::default());
        let mut written = self.write(rollup, store.folder(), id, at, &mut unsealed)?;
        // What is of one day stays of one day.
        let (Some(added), true) = (written.pop(), written.is_empty()) else { return Ok(None) };
        let removed = files.iter().map(|file| file.file.clone()).collect();
        let remove_after = at.saturating_add(GRACE);
        let replacement = Replacement { id, added, removed, replaced_at: at, remove_after };
        Ok(Some(MergedFile { replacement, unsealed }))
    }

    /// The table of all files, each row there once.
    ///
    /// # Errors
    /// When DataFusion refuses the plan, which it never should.
    pub fn view(
        &self,
        session: &SessionContext,
        folder: &DataFolder,
        files: &[FileRow],
    ) -> PlanResult<Arc<dyn TableProvider>> {
        let table = HistoryTable::new(&self.schema(), folder.clone(), files.to_vec());
        let words = self.form.words.iter().map(|(name, ..)| *name);
        let places = words.chain(self.form.time.map(|(name, _)| name)).map(col).collect();
        let counted =
            vec![sum(col(COUNT)).alias(COUNT), min(col(FIRST)).alias(FIRST), max(col(LAST)).alias(LAST)];
        Ok(session.read_table(Arc::new(table))?.aggregate(places, counted)?.into_view())
    }
}
