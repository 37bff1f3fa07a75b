//! Reads inputs one after the other and hands on chunks of whole records.
//!
//! In: inputs, each with the mark to begin at. Out: [`Chunk`]s, in the order of the inputs and of the
//! bytes in them. Keeps one buffer of about a chunk, or of the largest record, whatever the input's
//! length. Which normalizer reads a record, and what it means, is left to others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::{Chunk, Mark};
use super::cut::{Cut, Origin};
use super::decompress::{Filled, Stream};
use super::error::SourceError;
use super::frame::{Framer, Pause};
use super::input::Input;
use super::limits::Limits;
use super::paths;
use super::window::Window;

/// Bytes asked for at least, where a record is longer than the buffer.
const LEAST_READ: usize = 64 << 10;

/// Reads inputs one after the other.
pub struct Reader {
    inputs: Vec<Input>,
    limits: Limits,
    /// The place of the next input to open.
    next: usize,
    open: Option<Open>,
    read: Arc<AtomicU64>,
}

impl Reader {
    /// A reader of what `paths` name: files, folders, globs, `-`.
    ///
    /// # Errors
    /// Where a path cannot be opened, or a folder or glob holds no file.
    pub fn open(paths: &[String], limits: Limits) -> Result<Self, SourceError> {
        Ok(Self::new(paths::find(paths)?, limits))
    }

    /// A reader of these inputs.
    pub fn new(inputs: Vec<Input>, limits: Limits) -> Self {
        Self { inputs, limits, next: 0, open: None, read: Arc::default() }
    }

    /// The inputs, in the order of reading; [`Chunk::input`] is a place among them.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The inputs before they are opened, to say where in them a chunk has to end.
    pub fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.inputs
    }

    /// How far reading is; cheap to clone, and good on another thread.
    pub fn progress(&self) -> Progress {
        let total = self.inputs.iter().map(|input| input.size).sum();
        Progress { read: Arc::clone(&self.read), total }
    }

    /// The next chunk; `reuse` is a buffer that nobody needs any more. After an error the next call goes
    /// on with the next input.
    ///
    /// # Errors
    /// Where an input cannot be opened or read on.
    pub fn next_chunk(&mut self, reuse: Vec<u8>) -> Result<Option<Chunk>, SourceError> {
        if self.open.is_none() {
            let place = self.next;
            let Some(input) = self.inputs.get_mut(place) else { return Ok(None) };
            self.next += 1;
            self.open = Some(Open::new(input, place, self.limits, Arc::clone(&self.read))?);
        }
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let chunk = open.next_chunk(reuse)?;
        if !chunk.last {
            self.open = Some(open);
        }
        Ok(Some(chunk))
    }
}

/// How far reading is, in stored bytes.
#[derive(Debug, Clone)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes to read, where every input has a size.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// One input being read.
struct Open {
    stream: Stream,
    framer: Framer,
    cut: Cut,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    base: u64,
    /// Whether what is framed ends with the buffer.
    ended: Ended,
    origin: Origin,
    chunk_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    /// By damage: the stream may go on after it.
    Broken,
    Yes,
}

impl Open {
    fn new(
        input: &mut Input,
        place: usize,
        limits: Limits,
        read: Arc<AtomicU64>,
    ) -> Result<Self, SourceError> {
        let origin = Origin { source: Arc::clone(&input.name), device: input.device.clone(), input: place };
        let start = input.start;
        let (stream, to_pass) = input.open(read).map_err(|cause| {
            let path = input.path().map_or_else(|| input.name.as_ref().into(), Into::into);
            SourceError::Open { path, cause }
        })?;
        let mut open = Self {
            stream,
            framer: Framer::new(limits.largest_record, start.offset),
            cut: Cut::new(limits, start).not_across(input.border),
            buffer: Vec::new(),
            base: start.offset - to_pass,
            ended: Ended::No,
            origin,
            chunk_bytes: limits.chunk_bytes,
        };
        open.pass_over(start)?;
        Ok(open)
    }

    /// Passes over the bytes before the mark: of a compressed stream, or of one that cannot be entered
    /// elsewhere. What is damaged among them was told before.
    fn pass_over(&mut self, start: Mark) -> Result<(), SourceError> {
        while self.base < start.offset {
            let wanted = (start.offset - self.base).min(self.chunk_bytes as u64);
            let filled = self.fill(usize::try_from(wanted).unwrap_or(self.chunk_bytes))?;
            self.base += self.buffer.len() as u64;
            self.buffer.clear();
            if matches!(filled, Filled::End) {
                let input = self.origin.source.to_string();
                return Err(SourceError::Shrunk { input, offset: start.offset });
            }
        }
        Ok(())
    }

    fn fill(&mut self, wanted: usize) -> Result<Filled, SourceError> {
        self.stream.fill(&mut self.buffer, wanted).map_err(|cause: io::Error| SourceError::Read {
            input: self.origin.source.to_string(),
            offset: self.base + self.buffer.len() as u64,
            cause,
        })
    }

    fn next_chunk(&mut self, reuse: Vec<u8>) -> Result<Chunk, SourceError> {
        loop {
            let window = Window { bytes: &self.buffer, base: self.base, ended: self.ended != Ended::No };
            match self.framer.run(&window, &mut self.cut) {
                Pause::Full => return Ok(self.seal(reuse, false)),
                Pause::End if self.ended == Ended::Yes => return Ok(self.seal(reuse, true)),
                Pause::End => self.ended = Ended::No,
                Pause::More if self.is_filled() => return Ok(self.seal(reuse, false)),
                Pause::More => self.read_on()?,
            }
        }
    }

    /// Whether the buffer is as long as it should be and something was cut from it.
    fn is_filled(&self) -> bool {
        self.buffer.len() >= self.chunk_bytes && !self.cut.is_empty()
    }

    fn read_on(&mut self) -> Result<(), SourceError> {
        if self.cut.is_empty() {
            let used = self.used();
            self.buffer.drain(..used);
            self.base += used as u64;
        }
        let wanted = self.chunk_bytes.saturating_sub(self.buffer.len()).max(LEAST_READ);
        self.buffer.reserve(wanted);
        match self.fill(wanted)? {
            Filled::More => {}
            Filled::End => self.ended = Ended::Yes,
            Filled::Broken(reject) => {
                self.framer.ends_because(reject);
                self.ended = Ended::Broken;
            }
        }
        Ok(())
    }

    /// How many bytes of the buffer are dealt with.
    fn used(&self) -> usize {
        let used = self.framer.kept_from().saturating_sub(self.base);
        usize::try_from(used).unwrap_or(usize::MAX).min(self.buffer.len())
    }

    fn seal(&mut self, mut reuse: Vec<u8>, last: bool) -> Chunk {
        let used = self.used();
        reuse.clear();
        reuse.extend_from_slice(self.buffer.get(used..).unwrap_or_default());
        let mut bytes = std::mem::replace(&mut self.buffer, reuse);
        bytes.truncate(used);
        self.base += used as u64;
        let next = self.framer.mark(&self.cut);
        let next = if last { self.cut.begin_of_cut_end().unwrap_or(next) } else { next };
        self.cut.seal(bytes, &self.origin, next, last)
    }
}
