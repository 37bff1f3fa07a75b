//! What is kept in the store beside history, as tables for SQL: alerts, their journal, deliveries, actions, coverage.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, ListBuilder, RecordBatch, StringBuilder, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use super::coverage;
use super::error::HistoryError;
use crate::store::{
    ActionFilter, ActionRow, AlertFilter, CoverageRow, DeliveryRow, JournalRow, LifeRow, LivingAlert, Store,
};

/// Rows of a table that a query sees, the latest: years of a team's alerts, in some tens of megabytes.
const MOST: i64 = 100_000;

/// The rows of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceTables {
    alerts: Vec<LivingAlert>,
    journal: Vec<JournalRow>,
    deliveries: Vec<DeliveryRow>,
    actions: Vec<ActionRow>,
    coverage: Vec<CoverageRow>,
}

/// A column's name and values.
type Filled = (&'static str, ArrayRef);

impl ServiceTables {
    /// The rows that the store has now; none where no service ever ran.
    pub async fn read(store: &Store) -> Result<Self, HistoryError> {
        let after = store.journal_end().await?.saturating_sub(MOST);
        Ok(Self {
            alerts: store.living(&AlertFilter::default(), MOST).await?,
            journal: store.journal_after(after, MOST).await?,
            deliveries: store.deliveries(MOST).await?,
            actions: store.actions(&ActionFilter::default(), MOST).await?,
            coverage: store.coverage().await?,
        })
    }

    /// What was read of which source alone.
    pub async fn of_coverage(store: &Store) -> Result<Self, HistoryError> {
        Ok(Self { coverage: store.coverage().await?, ..Self::default() })
    }

    /// Each table with its name.
    pub fn batches(&self) -> Result<[(&'static str, RecordBatch); 5], ArrowError> {
        Ok([
            ("alerts", batch(alerts(&self.alerts))?),
            ("journal", batch(journal(&self.journal))?),
            ("deliveries", batch(deliveries(&self.deliveries))?),
            ("actions", batch(actions(&self.actions))?),
            ("coverage", coverage::batch(&self.coverage)?),
        ])
    }
}

fn alerts(rows: &[LivingAlert]) -> Vec<Filled> {
    vec![
        ("alert_id", text(rows, |row| Some(&row.alert.id))),
        ("kind", text(rows, |row| Some(row.alert.kind.as_str()))),
        ("state", text(rows, |row| Some(row.alert.state.as_str()))),
        ("disposition", text(rows, |row| row.life.as_ref()?.disposition.map(|word| word.as_str()))),
        ("level", text(rows, |row| Some(set_level(row).unwrap_or(row.alert.level.as_str())))),
        ("title", text(rows, |row| Some(&row.alert.title))),
        ("key_id", text(rows, |row| row.alert.key_id.as_deref())),
        ("principal", text(rows, |row| row.alert.principal.as_deref())),
        ("findings", count(rows, |row| row.alert.findings)),
        ("first_time", time(rows, |row| Some(row.alert.first_time))),
        ("last_time", time(rows, |row| Some(row.alert.last_time))),
        ("transition", count(rows, |row| row.alert.transition)),
        ("pages", count(rows, |row| row.alert.pages)),
        ("folded_into", text(rows, |row| row.alert.folded_into.as_deref())),
        ("opened_at", time(rows, |row| Some(row.alert.opened_at))),
        ("updated_at", time(rows, |row| Some(row.alert.updated_at))),
        ("found_level", text(rows, |row| Some(row.alert.level.as_str()))),
        ("detectors", list(rows, |row| detectors(&row.alert.facts))),
        ("assignee", of_life(rows, |life| life.assignee.as_deref())),
        ("verdict_reason", of_life(rows, |life| life.verdict_reason.as_deref())),
        ("merged_into", of_life(rows, |life| life.merged_into.as_deref())),
        ("acknowledged_at", time(rows, |row| row.life.as_ref()?.acknowledged_at)),
        ("acknowledged_by", of_life(rows, |life| life.acknowledged_by.as_deref())),
        ("resolved_at", time(rows, |row| row.life.as_ref()?.resolved_at)),
        ("resolved_by", of_life(rows, |life| life.resolved_by.as_deref())),
        ("notes", count(rows, |row| row.life.as_ref().map_or(0, |life| life.notes))),
    ]
}

fn set_level(row: &LivingAlert) -> Option<&'static str> {
    row.life.as_ref()?.set_level.map(|level| level.as_str())
}

fn of_life(rows: &[LivingAlert], value: impl Fn(&LifeRow) -> Option<&str>) -> ArrayRef {
    text(rows, |row| value(row.life.as_ref()?))
}

/// The detectors of an alert. The form of its facts belongs to `alerts`, whose tests hold it against this.
fn detectors(facts: &str) -> Vec<String> {
    #[derive(Default, serde::Deserialize)]
    struct Facts {
        said: Said,
    }
    #[derive(Default, serde::Deserialize)]
    struct Said {
        detectors: Vec<String>,
    }
    serde_json::from_str::<Facts>(facts).unwrap_or_default().said.detectors
}

fn journal(rows: &[JournalRow]) -> Vec<Filled> {
    vec![
        ("seq", count(rows, |row| row.seq)),
        ("alert_id", text(rows, |row| Some(&row.alert_id))),
        ("transition", count(rows, |row| row.transition)),
        ("done_at", time(rows, |row| Some(row.done_at))),
        ("actor", text(rows, |row| Some(&row.actor))),
        ("action", text(rows, |row| Some(&row.action))),
        ("reason", text(rows, |row| row.reason.as_deref())),
        ("detail", text(rows, |row| Some(&row.detail))),
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
        ("target", text(rows, |row| row.target.as_deref())),
        ("news", text(rows, |row| row.news.as_deref())),
        ("level", text(rows, |row| row.level.as_deref())),
        ("route", text(rows, |row| row.route.as_deref())),
        ("folded_into", text(rows, |row| row.folded_into.as_deref())),
        ("answer", text(rows, |row| row.answer.as_deref())),
        ("created_at", time(rows, |row| Some(row.created_at))),
        ("delivered_at", time(rows, |row| row.delivered_at)),
    ]
}

fn actions(rows: &[ActionRow]) -> Vec<Filled> {
    vec![
        ("action_id", text(rows, |row| Some(&row.id))),
        ("alert_id", text(rows, |row| Some(&row.alert_id))),
        ("action", text(rows, |row| Some(row.kind.as_str()))),
        ("key_id", text(rows, |row| row.key_id.as_deref())),
        ("state", text(rows, |row| Some(row.state.as_str()))),
        ("reason", text(rows, |row| row.reason.as_deref())),
        ("playbook", text(rows, |row| Some(&row.playbook))),
        ("step", count(rows, |row| row.step)),
        ("title", text(rows, |row| Some(&row.title))),
        ("level", text(rows, |row| Some(row.level.as_str()))),
        ("principal", text(rows, |row| row.principal.as_deref())),
        ("owner", text(rows, |row| row.owner.as_deref())),
        ("scope", text(rows, |row| Some(&row.scope))),
        ("receiver", text(rows, |row| Some(&row.receiver))),
        ("impact", text(rows, |row| Some(&row.impact))),
        ("approvals", text(rows, |row| Some(&row.approvals))),
        ("needs", count(rows, |row| row.needs)),
        ("attempts", count(rows, |row| row.attempts)),
        ("proposed_at", time(rows, |row| Some(row.proposed_at))),
        ("expires_at", time(rows, |row| Some(row.expires_at))),
        ("intent_at", time(rows, |row| row.intent_at)),
        ("done_at", time(rows, |row| row.done_at)),
        ("settled_at", time(rows, |row| row.settled_at)),
        ("undone_at", time(rows, |row| row.undone_at)),
    ]
}

fn text<R>(rows: &[R], value: impl Fn(&R) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringViewArray>())
}

fn list<R>(rows: &[R], values: impl Fn(&R) -> Vec<String>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    rows.iter().for_each(|row| lists.append_value(values(row).into_iter().map(Some)));
    Arc::new(lists.finish())
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
