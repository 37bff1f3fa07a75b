//! Everything that SQL can ask, registered in a DataFusion session.
//!
//! | table | holds |
//! |---|---|
//! | `events` `findings` `rejects` | the sealed rows, as of when the snapshot was taken |
//! | `usage` | uses by key, principal, function, via, outcome and hour; corrections left out |
//! | `coverage` | what each source, account and region has, by day: first, last, how many |
//! | `catalog` | what the caller gives |
//! | `alerts` `deliveries` `actions` | empty: the service fills them |

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::Result;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::error::HistoryError;
use super::rejects;
use super::table::HistoryTable;
use crate::store::{DataFolder, FileRow, Kind, Store};
use crate::table::columns::events_schema;

/// The service will keep this beside history, as a rollup; as a view it is the same table.
const USAGE: &str = "SELECT key_id, principal, function, via, outcome, date_trunc('hour', event_time) AS hour, \
    count(*) AS events FROM events WHERE key_id IS NOT NULL AND corrects IS NULL \
    GROUP BY key_id, principal, function, via, outcome, date_trunc('hour', event_time)";

const COVERAGE: &str = "SELECT provider, source, account, region, date_trunc('day', event_time) AS day, \
    min(event_time) AS first, max(event_time) AS last, count(*) AS events FROM events \
    GROUP BY provider, source, account, region, date_trunc('day', event_time)";

/// The files of history as of one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub folder: DataFolder,
    pub events: Vec<FileRow>,
    pub findings: Vec<FileRow>,
    pub rejects: Vec<FileRow>,
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
        for (name, columns) in SERVICE_TABLES {
            session.register_table(*name, memory(service_schema(columns), Vec::new())?)?;
        }
        for (name, query) in [("usage", USAGE), ("coverage", COVERAGE)] {
            let view = session.sql(query).await?.into_view();
            session.register_table(name, view)?;
        }
        Ok(())
    }
}

/// What the service will fill, and so what a query may already name.
const SERVICE_TABLES: &[(&str, &[(&str, Type)])] = &[
    (
        "alerts",
        &[
            ("alert_id", Type::Text),
            ("state", Type::Text),
            ("disposition", Type::Text),
            ("level", Type::Text),
            ("title", Type::Text),
            ("key_id", Type::Text),
            ("principal", Type::Text),
            ("findings", Type::Count),
            ("first_time", Type::Time),
            ("last_time", Type::Time),
            ("opened_at", Type::Time),
        ],
    ),
    (
        "deliveries",
        &[
            ("delivery_id", Type::Text),
            ("alert_id", Type::Text),
            ("channel", Type::Text),
            ("state", Type::Text),
            ("attempts", Type::Count),
            ("delivered_at", Type::Time),
        ],
    ),
    (
        "actions",
        &[
            ("action_id", Type::Text),
            ("alert_id", Type::Text),
            ("action", Type::Text),
            ("key_id", Type::Text),
            ("state", Type::Text),
            ("done_at", Type::Time),
        ],
    ),
];

#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Count,
    Time,
}

fn service_schema(columns: &[(&str, Type)]) -> SchemaRef {
    let field = |(name, kind): &(&str, Type)| {
        let data_type = match kind {
            Type::Text => DataType::Utf8View,
            Type::Count => DataType::Int64,
            Type::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(*name, data_type, true)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn memory(schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(schema, vec![rows])?))
}
