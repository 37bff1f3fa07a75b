//! Listens for the socket devices of Vault and OpenBao: one entry a line, over TCP or a unix socket.
//!
//! In: connections. Out: each line as an entry of the spool. A device does not wait for an answer, so a line
//! is safe once it is in the spool; what was in the system's buffers is lost with a killed process. Where the
//! spool is full, the connection is not read on (`refuse`) or lines are dropped and counted (`drop`).
//!
//! Every connection is a task: one that is slow or silent holds up nobody. Where places run out, one that never
//! sent a line leaves for a new one.

mod lines;
mod places;

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::task::TaskTracker;

use super::spool::{AppendError, Filler, Priority, Spool};
use places::{Given, Place, Places};

pub use lines::{LONGEST_LINE, Lines};

/// Bytes read from a connection at a time.
pub(super) const READ_BYTES: usize = 64 << 10;

/// Pause after a connection could not be accepted: there are no file descriptors left, most often.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// How long a stopping listener waits for more bytes of a connection: those that were sent are here by then.
const LAST_BYTES: Duration = Duration::from_millis(20);

/// How long it goes on where more keep coming.
const LAST_READS: Duration = Duration::from_millis(500);

/// Who may write to a unix socket: owner and group.
const MODE: u32 = 0o660;

/// A bound listener.
pub struct Listener {
    kind: Kind,
    counts: Arc<Counts>,
}

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// What a listener did.
#[derive(Debug, Default)]
pub struct Counts {
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    /// Connections that were served.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections that were closed because there were too many: at once, or before they sent anything.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Listens at a TCP address.
    ///
    /// # Errors
    /// Where the address is in use or none of this machine.
    pub async fn tcp(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::new(Kind::Tcp(TcpListener::bind(address).await?)))
    }

    /// Listens at a path, in place of a socket there that nobody listens at any more.
    ///
    /// # Errors
    /// Where the path is in use, or its folder cannot be written.
    pub async fn unix(path: &Path) -> io::Result<Self> {
        let stale = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
            && UnixStream::connect(path).await.is_err();
        if stale {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
        Ok(Self::new(Kind::Unix(listener, path.to_owned())))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, counts: Arc::default() }
    }

    /// The TCP address that it listens at.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            Kind::Unix(..) => None,
        }
    }

    /// What it did so far.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Puts lines into the spool until that closes; `most` connections are open at once.
    pub async fn run(self, spool: Arc<Spool>, most: usize) {
        let places = Places::new(most);
        let tasks = TaskTracker::new();
        let closing = spool.closing();
        while let Some(filler) = spool.filler() {
            let stream = tokio::select! {
                () = closing.cancelled() => break,
                stream = self.accept() => stream,
            };
            drop(filler);
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "could not accept a connection");
                    tokio::time::sleep(AFTER_ERROR).await;
                    continue;
                }
            };
            let Some(place) = self.place(&places, spool.name()) else { continue };
            self.counts.accepted.fetch_add(1, Ordering::Relaxed);
            let spool = Arc::clone(&spool);
            tasks.spawn(async move {
                tokio::select! {
                    () = place.asked_to_leave() => {}
                    () = serve(stream, &spool, &place) => {}
                }
            });
        }
        if let Kind::Unix(_, path) = &self.kind
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(%error, "could not remove the socket");
        }
        tasks.close();
        tasks.wait().await;
    }

    /// A place for the next connection, if there is one; counts who has to go for want of one.
    fn place(&self, places: &Arc<Places>, source: &str) -> Option<Place> {
        let given = places.take();
        if let Given::Free(place) = given {
            return Some(place);
        }
        let refused = self.counts.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if refused.is_power_of_two() {
            tracing::warn!(source, refused, "closed a connection, since there are too many");
        }
        match given {
            Given::Free(place) | Given::InsteadOf(place) => Some(place),
            Given::None => None,
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        match &self.kind {
            Kind::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Kind::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

async fn serve(stream: Stream, spool: &Spool, place: &Place) {
    match stream {
        Stream::Tcp(stream) => take_lines(stream, spool, place).await,
        Stream::Unix(stream) => take_lines(stream, spool, place).await,
    }
}

/// Puts the lines of one connection into the spool, also those that were sent before it closes.
async fn take_lines(mut stream: impl AsyncRead + Unpin, spool: &Spool, place: &Place) {
    let Some(filler) = spool.filler() else { return };
    let closing = spool.closing();
    let mut lines = Lines::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut last = None;
    loop {
        let read = match last {
            None => tokio::select! {
                () = closing.cancelled() => {
                    last = Some(tokio::time::Instant::now() + LAST_READS);
                    continue;
                }
                read = stream.read(&mut buffer) => read,
            },
            Some(until) if tokio::time::Instant::now() >= until => break,
            Some(_) => match tokio::time::timeout(LAST_BYTES, stream.read(&mut buffer)).await {
                Ok(read) => read,
                Err(_) => break,
            },
        };
        let bytes = match read {
            Ok(read) if read > 0 => buffer.get(..read).unwrap_or_default(),
            _ => break,
        };
        let mut whole = Vec::new();
        lines.push(bytes, &mut whole);
        if !whole.is_empty() {
            place.has_sent(); // before it is put away: nobody may send it away meanwhile
        }
        if put(&filler, &whole).await.is_err() {
            return;
        }
    }
    let mut rest = Vec::new();
    lines.finish(&mut rest);
    if put(&filler, &rest).await.is_err() {
        tracing::warn!(source = spool.name(), "the last line of a connection was not stored");
    }
}

async fn put(filler: &Filler<'_>, lines: &[Vec<u8>]) -> Result<(), AppendError> {
    filler.append_in_time(lines, Priority::Audit).await
}
