//! Everything that SQL can ask, registered in a DataFusion session.
//!
//! | table | holds |
//! |---|---|
//! | `events` `findings` `rejects` | the sealed rows, as of when the snapshot was taken |
//! | `usage` | uses by key, principal, function, via, outcome and hour; corrections left out |
//! | `coverage` | which spans of which source were read, and which were not ([`super::coverage`]) |
//! | `catalog` | what the caller gives |
//! | `alerts` `deliveries` | what the service keeps beside history: the latest of each |
//! | `actions` | empty: the service will fill it |

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::error::HistoryError;
use super::rejects;
use super::service_tables::ServiceTables;
use super::table::HistoryTable;
use crate::store::{DataFolder, FileRow, Kind, Store};
use crate::table::columns::events_schema;

/// The service will keep this beside history, as a rollup; as a view it is the same table.
const USAGE: &str = "SELECT key_id, principal, function, via, outcome, date_trunc('hour', event_time) AS hour, \
    count(*) AS events FROM events WHERE key_id IS NOT NULL AND corrects IS NULL \
    GROUP BY key_id, principal, function, via, outcome, date_trunc('hour', event_time)";

/// The files of history as of one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub folder: DataFolder,
    pub events: Vec<FileRow>,
    pub findings: Vec<FileRow>,
    pub rejects: Vec<FileRow>,
    /// The tables of the service, as they were then.
    service: ServiceTables,
}

impl Snapshot {
    /// What is sealed now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(store: &Store) -> Result<Self, HistoryError> {
        Ok(Self {
            folder: store.folder().clone(),
            events: store.files(Kind::Events).await?,
            findings: store.files(Kind::Findings).await?,
            rejects: store.files(Kind::Rejects).await?,
            service: ServiceTables::read(store).await?,
        })
    }

    /// Registers every table of this module in `session`. `findings` are the columns of a finding,
    /// which `detect` knows; `catalog` is the catalog as a table.
    ///
    /// # Errors
    /// When DataFusion refuses a table, for instance since its name is taken by a view.
    pub async fn register(
        &self,
        session: &SessionContext,
        findings: &SchemaRef,
        catalog: RecordBatch,
    ) -> Result<()> {
        let table = |schema: &Schema, files: &[FileRow]| {
            Arc::new(HistoryTable::new(schema, self.folder.clone(), files.to_vec()))
        };
        session.register_table("events", table(&events_schema(), &self.events))?;
        session.register_table("findings", table(findings, &self.findings))?;
        session.register_table("rejects", table(&rejects::schema(), &self.rejects))?;
        session.register_table("catalog", memory(catalog.schema(), vec![catalog])?)?;
        for (name, rows) in self.service.batches()? {
            session.register_table(name, memory(rows.schema(), vec![rows])?)?;
        }
        session.register_table("usage", session.sql(USAGE).await?.into_view())?;
        Ok(())
    }
}

fn memory(schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(schema, vec![rows])?))
}
