//! What windows remember, read back from history after a restart.
//!
//! In: sealed events, and how far their partitions were. Out: windows as they were at the last seal. What
//! they found in these events was stored before the events were sealed, and is not found again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::lateness::Lateness;
use super::service::live::{Live, settled};
use crate::detect::engine::Engine;
use crate::detect::window::memory::Pace;
use crate::detect::window::windows::Windows;
use crate::history::{HistoryError, batches};
use crate::store::{DataFolder, FileRow, Kind, Store, StoredPosition};
use crate::table::columns::events_schema;

/// The furthest that a start looks back, in microseconds of event time: two years. A window that reaches
/// further begins with what is left.
const FURTHEST: i64 = 730 * 86_400_000_000;

/// The windows of an engine's detectors as the newest seal left them.
///
/// # Errors
/// When the store or a file cannot be read.
pub async fn recall(store: &Store, engine: &Engine, lateness: &Lateness) -> Result<Live, HistoryError> {
    let mut windows = Windows::of(engine, Pace::Live { lateness: lateness.longest() });
    let positions = store.positions().await?;
    if !windows.is_idle() {
        read(store, engine, lateness, &mut windows).await?;
        let marks: Vec<i64> =
            positions.iter().filter_map(|position: &StoredPosition| position.watermark).collect();
        // Stored already.
        windows.advance(settled(marks.iter().copied()));
    }
    Ok(Live::of(windows, lateness.clone(), positions))
}

async fn read(
    store: &Store,
    engine: &Engine,
    lateness: &Lateness,
    windows: &mut Windows,
) -> Result<(), HistoryError> {
    let files = store.files(Kind::Events).await?;
    read_files(store.folder(), files, engine, lateness, windows, &AtomicBool::default())
}

/// Gives windows the rows of these files that they reach back to, until it is told to stop. What fires is left
/// out: it was stored before these rows were sealed, or is of the past.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read_files(
    folder: &DataFolder,
    mut files: Vec<FileRow>,
    engine: &Engine,
    lateness: &Lateness,
    windows: &mut Windows,
    stop: &AtomicBool,
) -> Result<(), HistoryError> {
    let newest = files.iter().map(|file| file.max_time).max().unwrap_or_default();
    let reach = windows.reach().saturating_add(lateness.longest()).min(FURTHEST);
    let oldest = newest.saturating_sub(reach);
    files.retain(|file| file.max_time >= oldest);
    for batch in batches(folder, files, events_schema()) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let batch = batch?;
        windows.add(&batch, &engine.run(&batch).entering);
    }
    Ok(())
}
