//! Segments on disk: files named by the offset of their first byte, and a cursor over their entries.
//!
//! In: a folder and an offset in the log. Out: whole entries in order, and the places that are damaged.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::entry::{Found, HEADER, MAGIC, decode};

/// How the names of segments end.
const ENDING: &str = "log";

/// Bytes read at a time.
const READ_BYTES: usize = 256 << 10;

/// Where the segment lies whose first byte has this offset.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{ENDING}"))
}

/// The segments of a folder: first offset and bytes, in order.
pub(super) fn list(folder: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = PathBuf::from(file.file_name());
        let first = name.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (Some(first), Some(ENDING)) = (first, name.extension().and_then(|ending| ending.to_str())) {
            match file.metadata() {
                Ok(metadata) => found.push((first, metadata.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // sealed meanwhile
                Err(error) => return Err(error),
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An entry, now in [`Cursor::payload`].
    Entry { received_at: i64 },
    /// These bytes of the log hold no entry that can be read.
    Damaged { from: u64, to: u64 },
    /// Everything up to the bound was read.
    End,
}

/// Reads the entries of one segment.
pub(super) struct Cursor {
    file: File,
    /// Offset of the segment's first byte.
    pub(super) first: u64,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    base: u64,
    /// Where in the buffer the next entry begins.
    at: usize,
    payload: std::ops::Range<usize>,
}

impl Cursor {
    /// A cursor over the segment that begins at `first`, from `offset` on.
    pub(super) fn open(folder: &Path, first: u64, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path(folder, first))?;
        file.seek(SeekFrom::Start(offset.saturating_sub(first)))?;
        Ok(Self { file, first, buffer: Vec::new(), base: offset, at: 0, payload: 0..0 })
    }

    /// Offset of the next entry.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The bytes of the last entry.
    pub(super) fn payload(&self) -> &[u8] {
        self.buffer.get(self.payload.clone()).unwrap_or_default()
    }

    /// The next entry, or place without one, before the offset `end`, where the log or the segment ends.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn next(&mut self, end: u64) -> io::Result<Step> {
        let from = self.offset();
        loop {
            let left = usize::try_from(end.saturating_sub(self.offset())).unwrap_or(usize::MAX);
            if left == 0 {
                return Ok(if from < self.offset() {
                    Step::Damaged { from, to: self.offset() }
                } else {
                    Step::End
                });
            }
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let (entry, wanted) = match decode(rest) {
                Found::Entry { received_at, length, .. } => (Some((received_at, length)), 0),
                Found::Short(wanted) => (None, wanted),
                Found::Bad => (None, 0),
            };
            match entry.filter(|(_, length)| *length <= left) {
                Some(_) if from < self.offset() => return Ok(Step::Damaged { from, to: self.offset() }),
                Some((received_at, length)) => {
                    self.payload = self.at + HEADER..self.at + length;
                    self.at += length;
                    return Ok(Step::Entry { received_at });
                }
                None if wanted > 0 && wanted <= left && self.fill(wanted, end)? => {}
                None => self.pass_over(end)?,
            }
        }
    }

    /// Reads until the buffer holds `wanted` bytes from the current place on; false where the file ends.
    fn fill(&mut self, wanted: usize, end: u64) -> io::Result<bool> {
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        while self.buffer.len() < wanted {
            let room = end.saturating_sub(self.base + self.buffer.len() as u64);
            let most = (wanted - self.buffer.len()).max(READ_BYTES) as u64;
            if (&self.file).take(most.min(room)).read_to_end(&mut self.buffer)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on to the next place where an entry may begin, or to `end`.
    fn pass_over(&mut self, end: u64) -> io::Result<()> {
        self.at = (self.at + 1).min(self.buffer.len());
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(found) = memmem::find(rest, MAGIC) {
                self.at += found;
                return Ok(());
            }
            // The mark may lie across the end of what is here.
            self.at += rest.len().saturating_sub(MAGIC.len() - 1);
            let held = self.buffer.len() - self.at;
            if !self.fill(held + 1, end)? {
                self.at = self.buffer.len();
                if self.offset() < end {
                    self.base = end - self.at as u64;
                }
                return Ok(());
            }
        }
    }
}
