//! Measures what history costs: time and bytes a row, over generated events that are always the same.

use std::path::Path;
use std::time::{Duration, Instant};

use super::error::HistoryError;
use super::writer::Writer;
use crate::store::{BlockingStore, Kind};

mod corpus;

pub use corpus::Corpus;

/// Rows a generated batch: what the pipeline's batches hold.
const BATCH: usize = 8192;

/// What writing some rows took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub rows: usize,
    /// Of all files.
    pub bytes: i64,
    pub files: usize,
    /// Taking batches into the open set.
    pub collecting: Duration,
    /// Encoding, hashing, saving, and the transaction.
    pub sealing: Duration,
}

impl Written {
    /// Nanoseconds a row.
    pub fn nanoseconds_a_row(&self) -> f64 {
        (self.collecting + self.sealing).as_nanos() as f64 / self.rows.max(1) as f64
    }

    /// Bytes a row on disk.
    pub fn bytes_a_row(&self) -> f64 {
        self.bytes as f64 / self.rows.max(1) as f64
    }
}

/// Writes `rows` events of `corpus` into the data folder `root`, as a scan would, and measures it
/// without the generating. `at` is now, in microseconds since the epoch.
///
/// # Errors
/// When the folder is in use or cannot be written.
pub fn writing(root: &Path, corpus: &mut Corpus, rows: usize, at: i64) -> Result<Written, HistoryError> {
    let store = BlockingStore::open(root, at)?;
    let mut writer = Writer::default();
    let mut written = Written::default();
    while written.rows < rows {
        let batch = corpus.batch(BATCH.min(rows - written.rows))?;
        let started = Instant::now();
        writer.open.push(Kind::Events, &batch)?;
        written.collecting += started.elapsed();
        written.rows += batch.num_rows();
        if writer.is_due() {
            seal(&mut writer, &store, at, &mut written)?;
        }
    }
    seal(&mut writer, &store, at, &mut written)?;
    Ok(written)
}

fn seal(
    writer: &mut Writer,
    store: &BlockingStore,
    at: i64,
    written: &mut Written,
) -> Result<(), HistoryError> {
    let started = Instant::now();
    let sealed = writer.seal(store, at)?;
    written.sealing += started.elapsed();
    let files = sealed.iter().flat_map(|sealed| &sealed.files);
    for file in files.filter(|file| file.kind == Kind::Events) {
        written.bytes += file.bytes;
        written.files += 1;
    }
    Ok(())
}
