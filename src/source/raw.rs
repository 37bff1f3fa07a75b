//! Stored bytes as they come from a file or a pipe: counted, and with a look ahead.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read from the system at a time where the reader asks for less.
const READ_BYTES: usize = 256 << 10;

/// What bytes come from.
pub(super) type Bytes = Box<dyn Read + Send>;

/// The stored bytes of one input.
pub(super) struct Raw {
    /// Bytes looked at and not yet taken.
    ahead: VecDeque<u8>,
    inner: BufReader<Counted>,
}

struct Counted {
    bytes: Bytes,
    /// Bytes read by all inputs so far, for a progress bar.
    count: Arc<AtomicU64>,
    /// Whether the system failed, as opposed to a decoder on top.
    failed: bool,
}

impl Raw {
    /// The bytes of `bytes`; what is read of them is added to `count`.
    pub(super) fn new(bytes: Bytes, count: Arc<AtomicU64>) -> Self {
        Self {
            ahead: VecDeque::new(),
            inner: BufReader::with_capacity(READ_BYTES, Counted { bytes, count, failed: false }),
        }
    }

    /// Bytes that are in memory already.
    pub(super) fn of_memory(bytes: Vec<u8>) -> Self {
        let capacity = bytes.len().min(READ_BYTES);
        let counted = Counted { bytes: Box::new(Cursor::new(bytes)), count: Arc::default(), failed: false };
        Self { ahead: VecDeque::new(), inner: BufReader::with_capacity(capacity, counted) }
    }

    /// The next `N` bytes, fewer where the input ends, without taking them.
    ///
    /// # Errors
    /// Where reading fails.
    pub(super) fn look<const N: usize>(&mut self) -> io::Result<([u8; N], usize)> {
        while self.ahead.len() < N {
            let more = self.inner.fill_buf()?;
            if more.is_empty() {
                break;
            }
            let wanted = (N - self.ahead.len()).min(more.len());
            self.ahead.extend(more.iter().take(wanted));
            self.inner.consume(wanted);
        }
        let mut bytes = [0; N];
        for (to, from) in bytes.iter_mut().zip(&self.ahead) {
            *to = *from;
        }
        Ok((bytes, self.ahead.len().min(N)))
    }

    /// Whether the last read failed in the system.
    pub(super) fn failed(&self) -> bool {
        self.inner.get_ref().failed
    }

    /// Takes bytes until one for which `stop` holds comes next; false where the input ends before.
    ///
    /// # Errors
    /// Where reading fails.
    pub(super) fn skip_until(&mut self, stop: impl Fn(u8) -> bool) -> io::Result<bool> {
        loop {
            let bytes = self.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let found = bytes.iter().position(|byte| stop(*byte));
            let skipped = found.unwrap_or(bytes.len());
            self.consume(skipped);
            if found.is_some() {
                return Ok(true);
            }
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() { self.inner.read(buffer) } else { self.ahead.read(buffer) }
    }
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() { self.inner.fill_buf() } else { Ok(self.ahead.make_contiguous()) }
    }

    fn consume(&mut self, amount: usize) {
        if self.ahead.is_empty() {
            self.inner.consume(amount);
        } else {
            self.ahead.drain(..amount.min(self.ahead.len()));
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer);
        self.failed = read.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        let read = read?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
