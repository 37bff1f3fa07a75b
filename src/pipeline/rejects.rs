//! The table of rejected records: the columns, and batches of them.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::source::Refused;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        Field::new("ingested_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        text("source"),
        number("position"),
        number("index"),
        text("reason"),
        text("detail"),
        number("length"),
        text("sha256"),
        text("sample"),
    ]))
});

/// The schema of the table `rejects`.
pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// The rejects of one source as a batch.
///
/// # Errors
/// Where Arrow refuses the columns, which consistent ones never make it do.
pub fn batch(source: &str, rejects: &[Refused], ingested_at: i64) -> Result<RecordBatch, ArrowError> {
    let text = |of: &dyn Fn(&Refused) -> String| -> ArrayRef {
        Arc::new(rejects.iter().map(|reject| Some(of(reject))).collect::<StringArray>())
    };
    let number = |of: &dyn Fn(&Refused) -> u64| -> ArrayRef {
        let values = rejects.iter().map(|reject| i64::try_from(of(reject)).unwrap_or(i64::MAX));
        Arc::new(values.collect::<Int64Array>())
    };
    let times = TimestampMicrosecondArray::from(vec![ingested_at; rejects.len()]).with_timezone("UTC");
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(times),
            text(&|_| source.to_owned()),
            number(&|reject| reject.position),
            number(&|reject| u64::from(reject.index)),
            text(&|reject| reject.reject.reason.to_string()),
            text(&|reject| reject.reject.detail.clone()),
            number(&|reject| reject.length),
            text(&|reject| reject.sha256.iter().map(|byte| format!("{byte:02x}")).collect()),
            text(&|reject| reject.sample.clone()),
        ],
    )
}
