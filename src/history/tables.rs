//! Everything that SQL can ask, registered in a DataFusion session.
//!
//! | table | holds |
//! |---|---|
//! | `events` `findings` `rejects` `raw` | the sealed rows, as of when the snapshot was taken |
//! | `usage` `facts` | what seals derived from events, added up over all files ([`super::derived`]) |
//! | `coverage` | which spans of which source were read, and which were not ([`super::coverage`]) |
//! | `catalog` | what the caller gives |
//! | `alerts` `journal` `deliveries` `actions` | what the service keeps beside history: the latest of each |
//! | `detector_quality` | by detector: alerts, what people judged them to be, how soon somebody looked |

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::derived::{DERIVED, Derived};
use super::error::HistoryError;
use super::raw;
use super::rejects;
use super::service_tables::ServiceTables;
use super::table::HistoryTable;
use crate::store::{DataFolder, FileRow, Kind, Store};
use crate::table::columns::events_schema;

/// An alert of several detectors counts for each of them. Digests and campaigns repeat what other alerts say.
const DETECTOR_QUALITY: &str = "SELECT detector, count(*) AS alerts, count(disposition) AS judged, \
    count(*) FILTER (WHERE disposition = 'false_positive') AS judged_false, \
    CAST(count(*) FILTER (WHERE disposition = 'false_positive') AS DOUBLE) / nullif(count(disposition), 0) \
    AS false_share, median(seconds) AS median_seconds_to_acknowledge FROM (SELECT unnest(detectors) AS detector, \
    disposition, CAST(date_part('epoch', acknowledged_at) - date_part('epoch', opened_at) AS DOUBLE) AS seconds \
    FROM alerts WHERE kind = 'misuse') GROUP BY detector";

/// The files of history as of one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub folder: DataFolder,
    pub events: Vec<FileRow>,
    pub findings: Vec<FileRow>,
    pub rejects: Vec<FileRow>,
    raw: Vec<FileRow>,
    /// The files of each derived table.
    derived: Vec<(Derived, Vec<FileRow>)>,
    /// The tables of the service, as they were then.
    service: ServiceTables,
}

impl Snapshot {
    /// What is sealed now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(store: &Store) -> Result<Self, HistoryError> {
        let mut derived = Vec::new();
        for one in DERIVED {
            derived.push((one, store.files(one.kind).await?));
        }
        Ok(Self {
            derived,
            folder: store.folder().clone(),
            events: store.files(Kind::Events).await?,
            findings: store.files(Kind::Findings).await?,
            rejects: store.files(Kind::Rejects).await?,
            raw: store.files(Kind::Raw).await?,
            service: ServiceTables::read(store).await?,
        })
    }

    /// The same without the tables of the service, `coverage` apart: for what is asked often, and of history alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_sealed(store: &Store) -> Result<Self, HistoryError> {
        Ok(Self {
            derived: Vec::new(),
            folder: store.folder().clone(),
            events: store.files(Kind::Events).await?,
            findings: store.files(Kind::Findings).await?,
            rejects: Vec::new(),
            raw: Vec::new(),
            service: ServiceTables::of_coverage(store).await?,
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
        session.register_table("raw", table(&raw::schema(), &self.raw))?;
        session.register_table("catalog", memory(catalog.schema(), vec![catalog])?)?;
        for (name, rows) in self.service.batches()? {
            session.register_table(name, memory(rows.schema(), vec![rows])?)?;
        }
        for (derived, files) in &self.derived {
            session.register_table(derived.kind.as_str(), derived.view(session, &self.folder, files)?)?;
        }
        for (name, query) in [("detector_quality", DETECTOR_QUALITY)] {
            let view = session.sql(query).await?.into_view();
            session.register_table(name, view)?;
        }
        Ok(())
    }
}

fn memory(schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(schema, vec![rows])?))
}
