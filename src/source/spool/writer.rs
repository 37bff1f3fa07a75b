//! The thread that writes: one write and one fsync for all that wait, and the segments' coming and going.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use tokio::sync::oneshot;

use super::Shared;
use super::budget::{Budget, Room};
use super::error::AppendError;
use super::segment::{self, Cursor, Step};

/// Bytes written with one fsync at most, so that the first of them does not wait for ever.
const BATCH_BYTES: usize = 8 << 20;

/// Parts of the whole room that one segment may have: room comes back a segment at a time.
const LEAST_SEGMENTS: u64 = 8;

/// Parts of a segment that are worth a new one where all of it is sealed.
const WORTH_A_FILE: u64 = 8;

/// What the thread is asked for.
pub(super) enum Ask {
    /// These entries, encoded one after the other.
    Append { encoded: Vec<u8>, room: Room, done: oneshot::Sender<Result<(), AppendError>> },
    /// What is before this offset may go.
    Sealed(u64),
    /// Nothing comes after this.
    Close,
}

/// The writing end of a log.
pub(super) struct Writer {
    folder: PathBuf,
    shared: Arc<Shared>,
    budget: Arc<Budget>,
    queue: Receiver<Ask>,
    /// First offset of each segment, and its bytes; the last is written to.
    segments: BTreeMap<u64, u64>,
    file: File,
    /// Where the log ends: everything before it is on disk.
    end: u64,
    segment_bytes: u64,
    /// Whether the file may hold more than the log, and a new one is needed.
    broken: bool,
}

impl Writer {
    /// Opens the log in `folder`: cuts off what a crash left half written, drops what is before `floor`,
    /// and begins there where the log ends before it.
    pub(super) fn open(
        folder: &Path,
        floor: u64,
        segment_bytes: u64,
        budget: Arc<Budget>,
        shared: Arc<Shared>,
        queue: Receiver<Ask>,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().skip(1).take(2).filter(|above| above.is_dir()) {
            File::open(above)?.sync_all()?; // so that the folder itself is still there after a power cut
        }
        let mut segments: BTreeMap<u64, u64> = segment::list(folder)?.into_iter().collect();
        if let Some(mut last) = segments.last_entry() {
            let first = *last.key();
            *last.get_mut() = cut_tail(folder, first, *last.get())?;
        }
        let mut end = segments.last_key_value().map_or(0, |(first, bytes)| first + bytes);
        if end < floor {
            tracing::warn!(folder = %folder.display(), end, floor, "the spool ends before its stored position; it goes on there");
            end = floor;
        }
        if segments.last_key_value().is_none_or(|(first, bytes)| first + bytes < end) {
            segments.insert(end, 0);
        }
        let first = segments.last_key_value().map_or(end, |(first, _)| *first);
        let file = open_to_write(folder, first)?;
        budget.count(segments.values().sum());
        shared.durable.store(end, Ordering::Release);
        let segment_bytes = segment_bytes.min(budget.most() / LEAST_SEGMENTS).max(1);
        let folder = folder.to_owned();
        let mut writer =
            Self { folder, shared, budget, queue, segments, file, end, segment_bytes, broken: false };
        writer.forget(floor);
        Ok(writer)
    }

    /// Serves what is asked until the spool is closed or gone.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.queue.recv() {
            let mut batch = Vec::new();
            let mut waiting = Vec::new();
            let mut next = Some(first);
            while let Some(ask) = next.take() {
                match ask {
                    Ask::Append { mut encoded, room, done } => {
                        if batch.is_empty() {
                            std::mem::swap(&mut batch, &mut encoded);
                        } else {
                            batch.extend_from_slice(&encoded);
                        }
                        waiting.push((room, done));
                    }
                    Ask::Sealed(offset) => self.forget(offset),
                    Ask::Close => {
                        self.commit(&batch, waiting);
                        self.shared.drained.store(true, Ordering::Release);
                        self.shared.wake();
                        return;
                    }
                }
                if batch.len() < BATCH_BYTES {
                    next = self.queue.try_recv().ok();
                }
            }
            self.commit(&batch, waiting);
        }
    }

    fn commit(&mut self, batch: &[u8], waiting: Vec<(Room, oneshot::Sender<Result<(), AppendError>>)>) {
        if batch.is_empty() && waiting.is_empty() {
            return;
        }
        let result = self.write(batch).map_err(|cause| {
            self.recover();
            let full = matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            if full { AppendError::Full } else { AppendError::Failed(cause.to_string()) }
        });
        self.shared.set_failure(result.as_ref().err().map(ToString::to_string));
        for (room, done) in waiting {
            if result.is_ok() {
                room.keep();
            }
            let _ = done.send(result.clone());
        }
        self.shared.wake();
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        let size = self.size();
        let too_long = size > 0 && size + batch.len() as u64 > self.segment_bytes;
        if self.broken || too_long {
            self.begin_segment()?;
        }
        self.file.write_all_at(batch, self.size())?;
        self.file.sync_data()?;
        self.end += batch.len() as u64;
        if let Some(mut last) = self.segments.last_entry() {
            *last.get_mut() += batch.len() as u64;
        }
        self.shared.durable.store(self.end, Ordering::Release);
        Ok(())
    }

    /// Bytes of the segment that is written to.
    fn size(&self) -> u64 {
        self.segments.last_key_value().map_or(0, |(_, bytes)| *bytes)
    }

    /// Cuts off what stands behind the last entry.
    fn trim(&mut self) {
        let size = self.size();
        if let Err(error) = self.file.set_len(size) {
            tracing::warn!(%error, "could not cut off the end of a segment of the spool");
        }
    }

    /// After a failed write or fsync nothing is known of the file's end but that it counts for nothing.
    fn recover(&mut self) {
        self.broken = true;
        self.trim();
    }

    /// Goes on in a new file; in the same one, emptied, where nothing was written to it.
    fn begin_segment(&mut self) -> io::Result<()> {
        let empty = self.size() == 0;
        let file = open_to_write(&self.folder, self.end)?;
        if empty {
            file.set_len(0)?;
        }
        self.file = file;
        self.segments.insert(self.end, 0);
        self.broken = false;
        Ok(())
    }

    /// Removes the segments of which everything is sealed; also the last one where it is long enough to
    /// be worth another.
    fn forget(&mut self, sealed: u64) {
        let size = self.size();
        let worth = size > 0 && size >= self.segment_bytes / WORTH_A_FILE;
        if worth
            && sealed >= self.end
            && let Err(error) = self.begin_segment()
        {
            tracing::warn!(%error, "could not begin a new segment of the spool");
        }
        let last = self.segments.last_key_value().map(|(first, _)| *first);
        while let Some(oldest) = self.segments.first_entry() {
            let (first, bytes) = (*oldest.key(), *oldest.get());
            if Some(first) == last || first + bytes > sealed {
                break;
            }
            if let Err(error) = fs::remove_file(segment::path(&self.folder, first))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "could not remove a sealed segment of the spool");
                break;
            }
            oldest.remove();
            self.budget.give(bytes);
        }
    }
}

/// Cuts off what stands behind the last whole entry of a segment, and says how long that leaves it.
fn cut_tail(folder: &Path, first: u64, bytes: u64) -> io::Result<u64> {
    let end = first + bytes;
    let mut cursor = Cursor::open(folder, first, first)?;
    let good = loop {
        match cursor.next(end)? {
            Step::End => return Ok(bytes),
            Step::Damaged { from, to } if to >= end => break from - first,
            Step::Entry { .. } | Step::Damaged { .. } => {}
        }
    };
    tracing::info!(folder = %folder.display(), bytes = bytes - good, "cut off what a crash left half written");
    let file = OpenOptions::new().write(true).open(segment::path(folder, first))?;
    file.set_len(good)?;
    file.sync_all()?;
    Ok(good)
}

fn open_to_write(folder: &Path, first: u64) -> io::Result<File> {
    let path = segment::path(folder, first);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}
