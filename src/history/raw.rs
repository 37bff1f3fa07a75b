//! The table of raw records that are kept beside the events that they gave.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::table::columns::described;
use crate::table::dictionary::WordBuilder;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        described(
            "event_id",
            &DataType::Utf8,
            false,
            "The event that the record gave; of several the first.",
        ),
        described("event_time", &time, false, "When the call completed, by the log's own clock."),
        described("key_id", &word, true, "The key of that event."),
        described("source", &word, false, "The file, topic or endpoint that the record came from."),
        described("position", &DataType::Int64, false, "Where in its source the record begins."),
        described("record", &DataType::Utf8, false, "The record as it was read, secrets redacted."),
    ]))
});

/// The columns of a raw record.
pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// A raw record and what it is found by.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    pub event_id: &'a str,
    /// Microseconds since the epoch.
    pub event_time: i64,
    pub key_id: Option<&'a str>,
    pub source: &'a str,
    pub position: i64,
    /// Secrets redacted.
    pub record: &'a str,
}

/// Collects raw records and turns them into batches for [`super::OpenSet::push`].
#[derive(Debug, Default)]
pub struct RawBuilder {
    event_id: StringBuilder,
    event_time: TimestampMicrosecondBuilder,
    key_id: WordBuilder,
    source: WordBuilder,
    position: Int64Builder,
    record: StringBuilder,
}

impl RawBuilder {
    /// Adds one record.
    pub fn push(&mut self, record: &RawRecord<'_>) {
        self.event_id.append_value(record.event_id);
        self.event_time.append_value(record.event_time);
        self.key_id.push(record.key_id);
        self.source.push(Some(record.source));
        self.position.append_value(record.position);
        self.record.append_value(record.record);
    }

    /// What was added.
    ///
    /// # Errors
    /// Never in practice: builders and schema stand side by side.
    pub fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.event_id.finish()),
            Arc::new(self.event_time.finish().with_timezone("UTC")),
            self.key_id.finish()?,
            self.source.finish()?,
            Arc::new(self.position.finish()),
            Arc::new(self.record.finish()),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}
