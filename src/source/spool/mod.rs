//! The local log for what cannot be read again: an entry is safe once it is in here, and has a position.
//!
//! In: entries of HTTP requests, sockets and standard input, from many tasks at once. Out: through
//! [`SpoolFeed`], chunks with positions, like any source that can be read again; through
//! [`Spool::append`], the word that an entry is on disk.
//!
//! | file | holds |
//! |---|---|
//! | `append` | how entries get in, and what becomes of them where there is no room |
//! | `entry` | one entry on disk |
//! | `segment` | files of entries, and a cursor that finds its way through damaged ones |
//! | `writer` | group commit: one fsync for all that wait; recovery after a crash; what goes when it is sealed |
//! | `feed` | the reader |
//! | `budget` | the bound on disk, shared by all spools |
//!
//! A position is an offset in the log: bytes since its first entry ever, whatever became of older segments.

mod append;
mod budget;
mod entry;
mod error;
mod feed;
mod segment;
mod writer;

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::store::StoredPosition;

pub use append::{Appended, Filler};
pub use budget::{Budget, Priority};
pub use error::{AppendError, OpenError};
pub use feed::SpoolFeed;
use writer::{Ask, Writer};

/// Takes secrets out of an entry before it reaches the disk.
pub type Redact = Arc<dyn Fn(&[u8]) -> Cow<'_, [u8]> + Send + Sync>;

/// The time, in microseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The stored position of a partition, by its identity; a text says why it cannot be read.
pub type Positions = Arc<dyn Fn(&str) -> Result<Option<StoredPosition>, String> + Send + Sync>;

/// Requests that wait for the writing thread; more wait for a place among them.
const QUEUE: usize = 1024;

/// What a spool needs from outside.
#[derive(Clone)]
pub struct Surroundings {
    pub config: config::Spool,
    /// Shared by all spools of the process.
    pub budget: Arc<Budget>,
    pub redact: Redact,
    pub clock: Clock,
    pub positions: Positions,
}

/// An append-only log of one source.
pub struct Spool {
    name: Arc<str>,
    shared: Arc<Shared>,
    queue: Sender<Ask>,
    surroundings: Surroundings,
}

/// What writer, reader and appenders share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Everything before this offset is on disk.
    durable: AtomicU64,
    /// Whether the writer has nothing more to do.
    drained: AtomicBool,
    /// Entries dropped since the reader told of them.
    dropped: AtomicU64,
    closing: CancellationToken,
    /// Those who still have something to append when it closes.
    fillers: AtomicUsize,
    closed: AtomicBool,
    failure: Mutex<Option<String>>,
    wake: Sender<()>,
}

impl Shared {
    /// Wakes the reader; once is enough for many.
    fn wake(&self) {
        if let Err(TrySendError::Disconnected(())) = self.wake.try_send(()) {
            tracing::debug!("nobody reads the spool");
        }
    }

    fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The identity of a spool's only partition.
pub fn identity(name: &str) -> String {
    format!("spool:{name}")
}

impl Spool {
    /// Opens the spool of the source `name` below `folder` (`DATA/spool`). What comes back with it reads it.
    ///
    /// # Errors
    /// Where the name is none for a folder, the disk fails, or the stored position cannot be read.
    pub fn open(folder: &Path, name: &str, surroundings: Surroundings) -> Result<(Self, Unread), OpenError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(OpenError::Name { name: name.to_owned() });
        }
        let folder = folder.join(name);
        let stored = (surroundings.positions)(&identity(name))
            .map_err(|cause| OpenError::Position { name: name.to_owned(), cause })?;
        let floor = stored.map_or(0, |stored| u64::try_from(stored.next.offset).unwrap_or_default());
        let (wake, woken) = crossbeam_channel::bounded(1);
        let shared = Arc::new(Shared {
            durable: AtomicU64::new(0),
            drained: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            closing: CancellationToken::new(),
            fillers: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            failure: Mutex::new(None),
            wake,
        });
        let (queue, asked) = crossbeam_channel::bounded(QUEUE);
        let io = |cause| OpenError::Io { path: folder.clone(), cause };
        let segment = surroundings.config.segment.bytes();
        let budget = Arc::clone(&surroundings.budget);
        let writer = Writer::open(&folder, floor, segment, budget, Arc::clone(&shared), asked).map_err(io)?;
        let thread = std::thread::Builder::new().name(format!("spool-{name}"));
        thread.spawn(move || writer.run()).map_err(io)?;
        let unread = Unread { folder: folder.clone(), woken };
        Ok((Self { name: Arc::from(name), shared, queue, surroundings }, unread))
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cancelled when nothing more is taken: whoever fills the spool stops then.
    pub fn closing(&self) -> CancellationToken {
        self.shared.closing.clone()
    }

    /// The time.
    pub fn now(&self) -> i64 {
        (self.surroundings.clock)()
    }

    /// Takes nothing more. What was taken is still written and read.
    pub fn close(&self) {
        close(&self.shared, &self.queue);
    }
}

fn close(shared: &Shared, queue: &Sender<Ask>) {
    shared.closing.cancel();
    if shared.fillers.load(Ordering::SeqCst) == 0 {
        end(shared, queue);
    }
}

/// Tells the writer that nothing more comes.
fn end(shared: &Shared, queue: &Sender<Ask>) {
    if !shared.closed.swap(true, Ordering::SeqCst) && queue.send(Ask::Close).is_err() {
        tracing::debug!("the writer of the spool is gone already");
    }
}

/// A spool that nobody reads yet: [`Unread::read`] begins.
pub struct Unread {
    folder: std::path::PathBuf,
    woken: Receiver<()>,
}

#[cfg(test)]
mod tests;
