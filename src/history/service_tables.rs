//! What is kept in the store beside history, as tables for SQL: alerts, deliveries, actions, coverage.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use super::coverage;
use super::error::HistoryError;
use crate::store::{AlertRow, CoverageRow, DeliveryRow, Store};

/// Rows of a table that a query sees, the latest: years of a team's alerts, in some tens of megabytes.
const MOST: i64 = 100_000;

/// The rows of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceTables {
    alerts: Vec<AlertRow>,
    deliveries: Vec<DeliveryRow>,
    coverage: Vec<CoverageRow>,
}

/// A column's name and values.
type Filled = (&'static str, ArrayRef);

impl ServiceTables {
    /// The rows that the store has now; none where no service ever ran.
    pub async fn read(store: &Store) -> Result<Self, HistoryError> {
        let (alerts, deliveries) = (store.alerts(MOST).await?, store.deliveries(MOST).await?);
        Ok(Self { alerts, deliveries, coverage: store.coverage().await? })
    }

    /// Each table with its name.
    pub fn batches(&self) -> Result<[(&'static str, RecordBatch); 4], ArrowError> {
        Ok([
            ("alerts", batch(alerts(&self.alerts))?),
            ("deliveries", batch(deliveries(&self.deliveries))?),
            ("actions", batch(actions())?),
            ("coverage", coverage::batch(&self.coverage)?),
        ])
    }
}

fn alerts(rows: &[AlertRow]) -> Vec<Filled> {
    vec![
        ("alert_id", text(rows, |row| Some(&row.id))),
        ("kind", text(rows, |row| Some(row.kind.as_str()))),
        ("state", text(rows, |row| Some(row.state.as_str()))),
        ("disposition", text(rows, |_| None)),
        ("level", text(rows, |row| Some(row.level.as_str()))),
        ("title", text(rows, |row| Some(&row.title))),
        ("key_id", text(rows, |row| row.key_id.as_deref())),
        ("principal", text(rows, |row| row.principal.as_deref())),
        ("findings", count(rows, |row| row.findings)),
        ("first_time", time(rows, |row| Some(row.first_time))),
        ("last_time", time(rows, |row| Some(row.last_time))),
        ("transition", count(rows, |row| row.transition)),
        ("pages", count(rows, |row| row.pages)),
        ("folded_into", text(rows, |row| row.folded_into.as_deref())),
        ("opened_at", time(rows, |row| Some(row.opened_at))),
        ("updated_at", time(rows, |row| Some(row.updated_at))),
    ]
}

fn deliveries(rows: &[DeliveryRow]) -> Vec<Filled> {
    vec![
        ("delivery_id", text(rows, |row| Some(&row.id))),
        ("alert_id", text(rows, |row| Some(&row.alert_id))),
        ("channel", text(rows, |row| Some(&row.channel))),
        ("transition", count(rows, |row| row.transition)),
        ("repeat", count(rows, |row| row.repeat)),
        ("state", text(rows, |row| Some(row.state.as_str()))),
        ("attempts", count(rows, |row| row.attempts)),
        ("last_error", text(rows, |row| row.last_error.as_deref())),
        ("created_at", time(rows, |row| Some(row.created_at))),
        ("delivered_at", time(rows, |row| row.delivered_at)),
    ]
}

/// What a later issue fills, and so what a query may already name.
fn actions() -> Vec<Filled> {
    let none: &[()] = &[];
    let texts = ["action_id", "alert_id", "action", "key_id", "state"];
    let columns = texts.into_iter().map(|name| (name, text(none, |_| None)));
    columns.chain([("done_at", time(none, |_| None))]).collect()
}

fn text<R>(rows: &[R], value: impl Fn(&R) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringViewArray>())
}

fn count<R>(rows: &[R], value: impl Fn(&R) -> i64) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<Int64Array>())
}

fn time<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn batch(columns: Vec<Filled>) -> Result<RecordBatch, ArrowError> {
    let field = |(name, values): &Filled| Field::new(*name, values.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, values)| values).collect())
}
