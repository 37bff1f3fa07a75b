//! Detectors that came by a reload and have a memory: history tells it, in the background.
//!
//! In: the files that are sealed when the rules come, and every row from then on. Out: the windows of these
//! detectors as if they had been there all along; until then they remember from the reload on. What is found
//! in history alone is not told: it is of the past, and a backtest's to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use crossbeam_channel::{Receiver, bounded};

use super::live::Live;
use super::versions::Verdicts;
use crate::detect::engine::Engine;
use crate::detect::window::firing::Found;
use crate::detect::window::windows::Windows;
use crate::history::HistoryError;
use crate::pipeline::recall::read_files;
use crate::store::{BlockingStore, FileRow};

/// Rows that are kept while history is read, some 100 MB. They come faster than history is read only where a reload
/// falls into a backlog; the detectors then go on with what they have seen since.
const MOST_ROWS: usize = 1 << 18;

/// What became of reading history.
#[derive(Debug)]
pub enum Warmed {
    /// Nothing yet, or no more than before.
    Waits,
    /// It is in the windows; these were found in the rows that came meanwhile.
    Done(Vec<Found>),
    /// The detectors begin with the reload.
    GaveUp(String),
}

/// Detectors whose memory is being read from history.
#[derive(Debug)]
pub struct Warming {
    /// These detectors alone.
    engine: Engine,
    /// The rows since that enter their windows.
    since: Vec<RecordBatch>,
    rows: usize,
    read: Receiver<Result<Windows, HistoryError>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Warming {
    /// Begins to read `files`, which hold every row that was taken so far.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn start(
        engine: Engine,
        live: &Live,
        store: &Arc<BlockingStore>,
        files: Vec<FileRow>,
    ) -> std::io::Result<Self> {
        let (done, read) = bounded(1);
        let stop = Arc::<AtomicBool>::default();
        let (told_to_stop, theirs, store) = (Arc::clone(&stop), engine.clone(), Arc::clone(store));
        let (lateness, settled) = (live.lateness().clone(), live.settled());
        let mut windows = Windows::of(&engine, live.windows().pace());
        std::thread::Builder::new().name("warming".to_owned()).spawn(move || {
            let folder = store.store().folder();
            let result = read_files(folder, files, &theirs, &lateness, &mut windows, &told_to_stop);
            windows.advance(settled);
            // Whoever does not wait for it any more has dropped the other end.
            let _ = done.send(result.map(|()| windows));
        })?;
        Ok(Self { engine, since: Vec::new(), rows: 0, read, stop })
    }

    /// The detectors by id.
    pub fn detectors(&self) -> Vec<String> {
        self.engine.detectors().iter().map(|detector| detector.id.clone()).collect()
    }

    /// Whether it is about this detector.
    pub fn is_about(&self, content: &[u8; 32]) -> bool {
        self.engine.detectors().iter().any(|detector| detector.content == *content)
    }

    /// Keeps the rows of an arrival that the detectors will need.
    ///
    /// # Errors
    /// Where Arrow refuses to select rows, which consistent batches never make it do.
    pub fn keep(&mut self, verdicts: &[Verdicts]) -> Result<(), ArrowError> {
        for Verdicts { judged, .. } in verdicts {
            let entering = self.engine.run(&judged.batch).entering;
            let enters = |row| entering.iter().any(|entering| entering.rows.value(row));
            let mask: BooleanArray = (0..judged.batch.num_rows()).map(|row| Some(enters(row))).collect();
            if mask.true_count() > 0 && self.rows <= MOST_ROWS {
                self.rows += mask.true_count();
                self.since.push(filter_record_batch(&judged.batch, &mask)?);
            }
        }
        Ok(())
    }

    /// Hands what history told to the windows, once it is read; `waits` until then.
    pub fn hand_over(&mut self, live: &mut Live, waits: bool) -> Warmed {
        let read = if waits { self.read.recv().ok() } else { self.read.try_recv().ok() };
        if self.rows > MOST_ROWS {
            return Warmed::GaveUp(format!("more than {MOST_ROWS} rows came while history was read"));
        }
        match read {
            None if waits => Warmed::GaveUp("the thread that read history has stopped".to_owned()),
            None => Warmed::Waits,
            Some(Err(error)) => Warmed::GaveUp(error.to_string()),
            Some(Ok(mut windows)) => {
                let mut found = Vec::new();
                for batch in std::mem::take(&mut self.since) {
                    found.extend(windows.add(&batch, &self.engine.run(&batch).entering));
                }
                found.extend(live.take_over(windows));
                Warmed::Done(found)
            }
        }
    }
}
