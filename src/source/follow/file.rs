//! One followed file: which it is, how far it was read, and how much of it may be read now.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Positions;
use crate::config::Start;
use crate::source::chunk::Mark;
use crate::source::decompress;
use crate::source::feed::{Lost, Partition, Trouble};
use crate::source::identity::{FileIdentity, HEAD_BYTES};
use crate::store::Position;

/// How long a file must not grow before what has no line break is read, and a compressed one at all.
pub(super) const SETTLED: Duration = Duration::from_secs(1);

/// How long a file that is no longer at its path must not grow before it is at its end: its writer may
/// have it open still.
pub(super) const GIVEN_UP: Duration = Duration::from_secs(30);

/// Bytes of the shortest head that tells a file from another one.
const SHORTEST_HEAD: u64 = 64;

/// Bytes read at a time to find the last line break.
const BLOCK: u64 = 64 << 10;

/// A followed file.
pub(super) struct Followed {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) partition: Arc<Partition>,
    identity: FileIdentity,
    pub(super) compressed: bool,
    /// How far it was handed over.
    pub(super) mark: Mark,
    /// What the next arrival begins with.
    pub(super) from: Option<Position>,
    /// When it was last seen to be longer than before, and how long it was.
    grown: Instant,
    pub(super) size: u64,
    /// How long it was when all that could be read was.
    tried: Option<u64>,
    /// Whether its path leads to it no more.
    pub(super) gone: bool,
    /// Whether it was read to its very end.
    pub(super) done: bool,
}

/// How far a file may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Readable {
    pub(super) end: u64,
    /// Whether everything was written, so that what is unfinished stays so.
    pub(super) whole: bool,
}

/// Whether a file is still what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Same,
    /// It was cut off, and perhaps written anew.
    Truncated,
}

impl Followed {
    /// The file at `path`; nothing while it is too short to be told from others. A position that is stored
    /// under an identity by fewer bytes is its own: it was shorter then.
    pub(super) fn open(
        path: &Path,
        source: &Arc<str>,
        positions: &Positions,
        now: Instant,
    ) -> Result<Option<Self>, String> {
        let text = |error: io::Error| format!("could not open {}: {error}", path.display());
        let mut file = File::open(path).map_err(text)?;
        let size = file.metadata().map_err(text)?.len();
        if size < SHORTEST_HEAD {
            return Ok(None);
        }
        let (identity, from) = identify(&file, size, positions)?;
        let partition = Partition {
            identity: identity.name(),
            label: path.display().to_string(),
            source: Arc::clone(source),
        };
        let compressed = decompress::is_compressed(&mut file).map_err(text)?;
        Ok(Some(Self {
            file,
            path: path.to_owned(),
            partition: Arc::new(partition),
            identity,
            compressed,
            mark: from.map(Mark::from).unwrap_or_default(),
            from,
            grown: now,
            size,
            tried: None,
            gone: false,
            done: false,
        }))
    }

    /// Passes over what is there, where reading is to begin with what comes.
    pub(super) fn begin(&mut self, start: &Start) -> io::Result<()> {
        let old = match start {
            Start::Earliest => false,
            Start::Latest => true,
            Start::Time(time) => {
                let since = crate::domain::time::parse_rfc3339(time).unwrap_or(i64::MIN);
                self.written_at().is_some_and(|written| written < since)
            }
        };
        if old && self.from.is_none() && !self.compressed {
            self.mark = Mark { offset: self.last_line_end(self.size)?, index: 0 };
        }
        Ok(())
    }

    /// Goes back to the stored position, or the start.
    pub(super) fn rewind(&mut self, positions: &Positions) -> Result<(), String> {
        self.from = positions(&self.partition.identity)?.map(|stored| stored.next);
        self.mark = self.from.map(Mark::from).unwrap_or_default();
        self.tried = None;
        self.done = false;
        Ok(())
    }

    /// The file system's name of the file.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.identity.device, self.identity.inode)
    }

    /// Sees how long the file is now.
    pub(super) fn look(&mut self, now: Instant) -> io::Result<Look> {
        let size = self.file.metadata()?.len();
        if size == self.size {
            return Ok(Look::Same);
        }
        let shrunk = size < self.size || !self.compressed && size < self.mark.offset;
        if shrunk || !self.identity.is_of(&self.file)? {
            return Ok(Look::Truncated);
        }
        self.size = size;
        self.grown = now;
        Ok(Look::Same)
    }

    /// What is told of it when it was cut off: what was seen of it and not read is lost.
    pub(super) fn cut_off(&self) -> Trouble {
        let position = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
        let (partition, lost) = (Arc::clone(&self.partition), Lost::Truncated);
        // A compressed file's size is not counted in what its positions are.
        let seen = if self.compressed { self.mark.offset } else { self.size.max(self.mark.offset) };
        Trouble::Gap { partition, lost, from: position(self.mark.offset), to: position(seen) }
    }

    /// How far it may be read now, if further than before; `at_once` where nothing more is waited for.
    pub(super) fn readable(&self, now: Instant, at_once: bool) -> io::Result<Option<Readable>> {
        let quiet = now.saturating_duration_since(self.grown);
        let whole = self.gone && quiet >= GIVEN_UP;
        if self.done || (self.tried == Some(self.size) && !whole) {
            return Ok(None);
        }
        let settled = at_once || quiet >= SETTLED;
        if whole || settled {
            return Ok(Some(Readable { end: self.size, whole: whole || self.compressed }));
        }
        if self.compressed {
            return Ok(None);
        }
        let end = self.last_line_end(self.size)?;
        Ok((end > self.mark.offset).then_some(Readable { end, whole: false }))
    }

    /// Everything up to `end` was read.
    pub(super) fn has_read(&mut self, readable: Readable) {
        if readable.end == self.size {
            self.tried = Some(self.size);
            self.done = readable.whole && self.gone;
        }
    }

    /// Where the last line that ends before `end` does; where none does, where the file was read to.
    fn last_line_end(&self, end: u64) -> io::Result<u64> {
        let mut block = Vec::new();
        let mut until = end;
        while until > self.mark.offset {
            let from = until.saturating_sub(BLOCK).max(self.mark.offset);
            block.resize(usize::try_from(until - from).unwrap_or_default(), 0);
            self.file.read_exact_at(&mut block, from)?;
            if let Some(found) = memchr::memrchr(b'\n', &block) {
                return Ok(from + found as u64 + 1);
            }
            until = from;
        }
        Ok(self.mark.offset)
    }

    /// When it was last written, in microseconds since the epoch.
    pub(super) fn written_at(&self) -> Option<i64> {
        let metadata = self.file.metadata().ok()?;
        metadata.mtime().checked_mul(1_000_000)?.checked_add(metadata.mtime_nsec() / 1_000)
    }

    /// Bytes that are there and were not handed over.
    pub(super) fn behind(&self) -> u64 {
        if self.compressed { 0 } else { self.size.saturating_sub(self.mark.offset) }
    }
}

/// The identity under which a position is stored, else the one by the longest head.
fn identify(
    file: &File,
    size: u64,
    positions: &Positions,
) -> Result<(FileIdentity, Option<Position>), String> {
    let text = |error: io::Error| error.to_string();
    let mut first = None;
    let mut head = HEAD_BYTES;
    while head >= SHORTEST_HEAD {
        if head <= size {
            let identity = FileIdentity::of(file, head).map_err(text)?;
            if let Some(stored) = positions(&identity.name())? {
                return Ok((identity, Some(stored.next)));
            }
            first.get_or_insert(identity);
        }
        head /= 2;
    }
    Ok((first.map_or_else(|| FileIdentity::of(file, SHORTEST_HEAD).map_err(text), Ok)?, None))
}
