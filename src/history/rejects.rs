//! The table of records that could not be understood.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::domain::reject::Reject;
use crate::table::columns::described;
use crate::table::dictionary::WordBuilder;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        described("source", &word, false, "The file, topic or endpoint that the record came from."),
        described("position", &DataType::Int64, false, "Where in its source the record begins."),
        described("index", &DataType::Int64, false, "Which record of the enclosing document it is."),
        described("reason", &word, false, "Why it could not be understood, in a word."),
        described("detail", &DataType::Utf8, false, "What exactly was wrong."),
        described("sha256", &DataType::Utf8, false, "The hash of the record's bytes."),
        described(
            "sample",
            &DataType::Utf8,
            true,
            "The beginning of the record, masked unless configured otherwise.",
        ),
        described("ingested_at", &time, false, "When keyward read the record."),
    ]))
});

/// The columns of a reject.
pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Where a rejected record was, and what is kept of it.
#[derive(Debug, Clone, Copy)]
pub struct RejectedRecord<'a> {
    pub source: &'a str,
    pub position: i64,
    pub index: i64,
    /// Of the record's bytes, in hex.
    pub sha256: &'a str,
    /// Already masked.
    pub sample: Option<&'a str>,
    /// Microseconds since the epoch.
    pub ingested_at: i64,
}

/// Collects rejects and turns them into batches for [`super::OpenSet::push`].
#[derive(Debug, Default)]
pub struct RejectsBuilder {
    source: WordBuilder,
    position: Int64Builder,
    index: Int64Builder,
    reason: WordBuilder,
    detail: StringBuilder,
    sha256: StringBuilder,
    sample: StringBuilder,
    ingested_at: TimestampMicrosecondBuilder,
}

impl RejectsBuilder {
    /// Adds one reject.
    pub fn push(&mut self, record: RejectedRecord<'_>, reject: &Reject) {
        self.source.push(Some(record.source));
        self.position.append_value(record.position);
        self.index.append_value(record.index);
        self.reason.push(Some(reject.reason.as_str()));
        self.detail.append_value(&reject.detail);
        self.sha256.append_value(record.sha256);
        self.sample.append_option(record.sample);
        self.ingested_at.append_value(record.ingested_at);
    }

    /// Whether nothing was added since the last [`Self::finish`].
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// The batch of all rejects added since the last call.
    ///
    /// # Errors
    /// Never in practice: builders and schema stand side by side.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            self.source.finish()?,
            Arc::new(self.position.finish()),
            Arc::new(self.index.finish()),
            self.reason.finish()?,
            Arc::new(self.detail.finish()),
            Arc::new(self.sha256.finish()),
            Arc::new(self.sample.finish()),
            Arc::new(self.ingested_at.finish().with_timezone("UTC")),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}
