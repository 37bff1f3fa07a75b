//! Key events of history, as they were before they were judged.
//!
//! In: an open history. Out: rows with the log's columns, to be judged again, and the alias facts that
//! they tell. What is asked of history in SQL stays with [`super::ask`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::ask::{AskError, Asked, Past};
use crate::catalog::AliasBook;
use crate::history;
use crate::sql::question::Value;
use crate::table::columns::{LOG_COLUMNS, events_schema};
use crate::table::tags;

/// When each alias first and last stood for each key. An alias that came back to a key it had left twice
/// is not told apart.
const ALIASES: &str = "SELECT key_alias, key_id, min(event_time) AS first, max(event_time) AS last \
    FROM events WHERE key_alias IS NOT NULL AND (key_id IS NOT NULL OR action = 'DeleteAlias') \
    GROUP BY key_alias, key_id";

/// The events of one id: the log's, the one that two copies of a call share, or a finding's.
const EVENTS: &str = "SELECT * FROM events WHERE event_id = $id OR shared_event_id = $id \
    OR event_id IN (SELECT event_id FROM findings WHERE id = $id) ORDER BY event_time, event_id, ordinal";

/// The calls that tell of tags and rotations; what they say is read as it is from the live stream.
fn telling_of_tags() -> String {
    let actions: Vec<String> = tags::telling().map(|action| format!("'{action}'")).collect();
    format!(
        "SELECT action, key_id, event_time, request FROM events WHERE category = 'key' AND outcome = 'success' \
         AND key_id IS NOT NULL AND action IN ({}) ORDER BY event_time",
        actions.join(", ")
    )
}

impl Past {
    /// The events that `id` means, with the verdict that was kept.
    ///
    /// # Errors
    /// Where history cannot be read.
    pub fn events_of(&self, id: &str) -> Result<RecordBatch, AskError> {
        let values = vec![("id".to_owned(), Value::Text(id.to_owned()))];
        Ok(as_live(&self.ask(&Asked { sql: EVENTS.to_owned(), values })?)?)
    }

    /// All events, batch by batch, with the verdicts that were kept.
    pub fn events(&self) -> impl Iterator<Item = Result<RecordBatch, AskError>> {
        let files = self.snapshot.events.clone();
        let batches = history::batches(&self.snapshot.folder, files, events_schema());
        batches.map(|batch| batch.map_err(AskError::from))
    }

    /// What the events tell of aliases and tags.
    ///
    /// # Errors
    /// Where history cannot be read.
    pub fn aliases(&self) -> Result<AliasBook, AskError> {
        let mut book = AliasBook::default();
        self.learn_aliases(&mut book)?;
        self.learn_tags(&mut book)?;
        Ok(book)
    }

    fn learn_tags(&self, book: &mut AliasBook) -> Result<(), AskError> {
        let calls = self.ask(&Asked { sql: telling_of_tags(), values: Vec::new() })?;
        let text = |name: &str| calls.column_by_name(name).map(|column| cast(column, &DataType::Utf8));
        let (Some(actions), Some(keys), Some(requests), Some(times)) =
            (text("action"), text("key_id"), text("request"), calls.column_by_name("event_time"))
        else {
            return Ok(());
        };
        let (actions, keys, requests) = (actions?, keys?, requests?);
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let (actions, keys, requests) =
            (actions.as_string::<i32>(), keys.as_string::<i32>(), requests.as_string::<i32>());
        let mut learnt = Vec::new();
        for (row, at) in times.values().iter().enumerate() {
            tags::said_by(actions.value(row), keys.value(row), *at, requests.value(row), &mut learnt);
        }
        learnt.iter().for_each(|tag| book.learn_tag(tag.at, &tag.key, &tag.name, tag.value.as_deref()));
        Ok(())
    }

    fn learn_aliases(&self, book: &mut AliasBook) -> Result<(), AskError> {
        let facts = self.ask(&Asked { sql: ALIASES.to_owned(), values: Vec::new() })?;
        let column = |name: &str| facts.column_by_name(name);
        let (Some(alias), Some(key), Some(first), Some(last)) =
            (column("key_alias"), column("key_id"), column("first"), column("last"))
        else {
            return Ok(());
        };
        let (alias, key) = (cast(alias, &DataType::Utf8)?, cast(key, &DataType::Utf8)?);
        let (alias, key) = (alias.as_string::<i32>(), key.as_string::<i32>());
        let mut learnt: Vec<(i64, usize)> = Vec::new();
        for times in [first, last] {
            let times = times.as_primitive::<TimestampMicrosecondType>();
            learnt.extend(times.values().iter().copied().zip(0..times.len()));
        }
        learnt.sort_unstable();
        for (at, row) in learnt {
            book.learn(at, alias.value(row), key.is_valid(row).then(|| key.value(row)));
        }
        Ok(())
    }
}

/// The log's columns of a batch, which is what the judge takes.
///
/// # Errors
/// Never in practice: every batch of events begins with them.
pub fn unjudged(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    batch.project(&(0..LOG_COLUMNS).collect::<Vec<_>>())
}

/// What SQL answered, in the types of the live table: SQL sees text as views.
fn as_live(answer: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let live = events_schema();
    let columns = live.fields().iter().zip(answer.columns());
    let columns = columns.map(|(field, column)| as_type(column, field.data_type()));
    RecordBatch::try_new(live.clone(), columns.collect::<Result<Vec<_>, _>>()?)
}

fn as_type(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    match wanted {
        same if same == column.data_type() => Ok(Arc::clone(column)),
        DataType::Dictionary(..) => cast(&cast(column, &DataType::Utf8)?, wanted),
        _ => cast(column, wanted),
    }
}
