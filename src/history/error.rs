//! What can go wrong with history, and what to do about it.

use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::store::StoreError;

/// A failure to write or read history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file or folder of history cannot be written or read.
    #[error("could not {doing} {}: {source}; check free space and that you may write there", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be encoded or decoded.
    #[error("could not {doing} {}: {source}", .path.display())]
    Parquet {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// Rows that the store keeps cannot be encoded or decoded.
    #[error("could not encode or decode the requests that wait for a response: {0}")]
    Rows(#[source] ParquetError),
    /// Columns do not fit together.
    #[error("could not lay out a batch: {0}")]
    Arrow(#[from] ArrowError),
    /// A batch has other columns than the ones before it.
    #[error("a batch of {kind} has other columns than the batches before it; seal first")]
    OtherColumns { kind: &'static str },
    /// A batch has no column that says when its rows happened.
    #[error("a batch of {kind} has neither event_time nor ingested_at as a timestamp in microseconds")]
    NoTime { kind: &'static str },
    /// The transaction of a seal failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
