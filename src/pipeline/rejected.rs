//! Refused records as rows of the table of rejects.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::history::rejects::{RejectedRecord, RejectsBuilder};
use crate::source::Refused;

/// The rows of `refused` records of `source`, read at `ingested_at` (microseconds since the epoch).
///
/// # Errors
/// Never in practice: builders and schema stand side by side.
pub fn rows(source: &str, refused: &[Refused], ingested_at: i64) -> Result<RecordBatch, ArrowError> {
    let mut rejects = RejectsBuilder::default();
    for one in refused {
        let record = RejectedRecord {
            source,
            position: i64::try_from(one.position).unwrap_or(i64::MAX),
            index: i64::from(one.index),
            sha256: &hex(&one.sha256),
            sample: Some(one.sample.as_str()).filter(|sample| !sample.is_empty()),
            ingested_at,
        };
        rejects.push(record, &one.reject);
    }
    rejects.finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
