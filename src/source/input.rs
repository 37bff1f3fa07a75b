//! One thing to read: a file, standard input, or any stream.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::chunk::Mark;
use super::decompress::{self, Stream};
use super::identity::FileIdentity;
use super::raw::{Bytes, Raw};

/// One input of a scan.
pub struct Input {
    kind: Kind,
    /// Its name, as findings and rejects show it.
    pub name: Arc<str>,
    /// The audit device or trail that it is the log of, where that is known.
    pub device: Option<Arc<str>>,
    /// Stored bytes, where it is a regular file.
    pub size: Option<u64>,
    /// Where to begin.
    pub start: Mark,
    /// A place between two records that a chunk must not reach across: what is before it was kept before.
    pub border: Option<Mark>,
    /// Where an uncompressed file is taken to end, in bytes: what is behind is not written whole yet.
    pub end: Option<u64>,
}

enum Kind {
    File(PathBuf),
    /// One that is open already, whatever became of its path.
    Opened(File),
    Stdin,
    /// Taken when it is opened: a stream can be read once.
    Stream(Option<Bytes>),
}

impl Input {
    /// A file; `size` where it has one.
    pub fn file(path: PathBuf, size: Option<u64>) -> Self {
        let name = Arc::from(path.to_string_lossy());
        Self {
            kind: Kind::File(path),
            name,
            device: None,
            size,
            start: Mark::default(),
            border: None,
            end: None,
        }
    }

    /// A file that is open; it is read from its start mark on, wherever it was read before.
    pub fn opened(name: &str, file: File, size: u64) -> Self {
        Self { size: Some(size), ..Self::named(name, Kind::Opened(file)) }
    }

    /// Standard input.
    pub fn stdin() -> Self {
        Self::named("stdin", Kind::Stdin)
    }

    /// Any stream of bytes.
    pub fn stream(name: &str, bytes: impl Read + Send + 'static) -> Self {
        Self::named(name, Kind::Stream(Some(Box::new(bytes))))
    }

    fn named(name: &str, kind: Kind) -> Self {
        Self {
            kind,
            name: Arc::from(name),
            device: None,
            size: None,
            start: Mark::default(),
            border: None,
            end: None,
        }
    }

    /// The file's path, if it is a file.
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File(path) => Some(path),
            Kind::Opened(_) | Kind::Stdin | Kind::Stream(_) => None,
        }
    }

    /// Which file it is, if it is a regular file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn identity(&self) -> io::Result<Option<FileIdentity>> {
        match (self.path(), self.size) {
            (Some(path), Some(_)) => FileIdentity::read(path).map(Some),
            _ => Ok(None),
        }
    }

    /// Opens the input at its start mark. Says how many plain bytes are still to be passed over: a
    /// compressed stream can only be entered at its beginning.
    pub(super) fn open(&mut self, count: Arc<AtomicU64>) -> io::Result<(Stream, u64)> {
        let wanted = self.start.offset;
        let (bytes, passed): (Bytes, u64) = match &mut self.kind {
            Kind::File(path) if self.size.is_some() && wanted > 0 => enter(File::open(path)?, wanted, None)?,
            Kind::Opened(file) => enter(file.try_clone()?, wanted, self.end)?,
            Kind::File(path) => (Box::new(File::open(path)?), 0),
            Kind::Stdin => (Box::new(io::stdin()), 0),
            Kind::Stream(bytes) => (bytes.take().unwrap_or_else(|| Box::new(io::empty())), 0),
        };
        let raw = Raw::new(bytes, count);
        let stream = if passed > 0 { Stream::plain(raw) } else { Stream::new(raw) };
        Ok((stream, wanted - passed))
    }
}

/// Goes to `wanted` in an uncompressed file, or to its end; a compressed one is read from its start.
fn enter(mut file: File, wanted: u64, end: Option<u64>) -> io::Result<(Bytes, u64)> {
    file.seek(SeekFrom::Start(0))?;
    if decompress::is_compressed(&mut file)? {
        file.seek(SeekFrom::Start(0))?;
        return Ok((Box::new(file), 0));
    }
    let passed = wanted.min(file.metadata()?.len());
    file.seek(SeekFrom::Start(passed))?;
    Ok(match end {
        Some(end) => (Box::new(file.take(end.saturating_sub(passed))), passed),
        None => (Box::new(file), passed),
    })
}
