//! How entries get into a spool: at once or refused, or in time by those who cannot refuse.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::TrySendError;
use tokio::sync::oneshot;

use super::budget::Priority;
use super::error::AppendError;
use super::writer::Ask;
use super::{Spool, end, entry};
use crate::config::WhenFull;

/// Parts of the room for all that one group of lines may take, so that it is not refused for being many.
const GROUPS: u64 = 16;

/// Bytes of the largest such group.
const LARGEST_GROUP: u64 = 1 << 20;

/// What became of an entry that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk.
    Stored,
    /// There was no room, and it was to be dropped then.
    Dropped,
}

/// How long a task waits for a place among those that wait for the writer.
const PATIENCE: Duration = Duration::from_millis(1);

/// How long somebody who cannot refuse waits for room in a full spool, before he asks again.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// Somebody who appends; the spool closes when the last one is gone.
pub struct Filler<'s>(&'s Spool);

impl Filler<'_> {
    /// As [`Spool::append`].
    ///
    /// # Errors
    /// As there.
    pub async fn append<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<Appended, AppendError> {
        let Self(spool) = self;
        let (mut ask, stored) = match spool.ask(payloads, priority) {
            Ok(asked) => asked,
            Err(error) => return spool.when_full(payloads.len(), error),
        };
        while let Err(error) = spool.queue.try_send(ask) {
            ask = match error {
                TrySendError::Full(ask) => ask,
                TrySendError::Disconnected(_) => return Err(AppendError::Closed),
            };
            tokio::time::sleep(PATIENCE).await;
        }
        let result = stored.await.unwrap_or(Err(AppendError::Closed)).map(|()| Appended::Stored);
        result.or_else(|error| spool.when_full(payloads.len(), error))
    }

    /// As [`Self::append`], for a thread of its own.
    ///
    /// # Errors
    /// As there.
    pub fn append_blocking<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<Appended, AppendError> {
        let Self(spool) = self;
        let asked = spool.ask(payloads, priority).and_then(|(ask, stored)| {
            spool.queue.send(ask).map_err(|_| AppendError::Closed)?;
            stored.blocking_recv().unwrap_or(Err(AppendError::Closed)).map(|()| Appended::Stored)
        });
        asked.or_else(|error| spool.when_full(payloads.len(), error))
    }

    /// As [`Self::append`], but in groups that fit, and waits where there is no room until the spool closes.
    /// What can never fit is dropped and counted.
    ///
    /// # Errors
    /// Where the spool closes while there is still no room.
    pub async fn append_in_time<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<(), AppendError> {
        let mut rest = payloads;
        while !rest.is_empty() {
            let (group, behind) = self.0.group(rest);
            match self.append(group, priority).await {
                Ok(_) => rest = behind,
                Err(AppendError::TooLarge) => {
                    self.0.count_dropped(group.len());
                    rest = behind;
                }
                Err(error) if self.0.shared.closing.is_cancelled() => return Err(error),
                Err(_) => tokio::time::sleep(WAIT_FOR_ROOM).await,
            }
        }
        Ok(())
    }
}

impl Drop for Filler<'_> {
    fn drop(&mut self) {
        let Self(spool) = self;
        if spool.shared.fillers.fetch_sub(1, Ordering::SeqCst) == 1 && spool.shared.closing.is_cancelled() {
            end(&spool.shared, &spool.queue);
        }
    }
}

impl Spool {
    /// Stores entries, all or none, and comes back when they are on disk.
    ///
    /// # Errors
    /// Where there is no room, the spool is closed, or the disk fails.
    pub async fn append<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<Appended, AppendError> {
        match self.filler() {
            Some(filler) => filler.append(payloads, priority).await,
            None => Err(AppendError::Closed),
        }
    }

    /// As [`Self::append`], for a thread of its own.
    ///
    /// # Errors
    /// As there.
    pub fn append_blocking<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<Appended, AppendError> {
        self.filler().map_or(Err(AppendError::Closed), |filler| filler.append_blocking(payloads, priority))
    }

    /// Somebody who may append until it is dropped, also while the spool closes; nobody where it closes
    /// already.
    pub fn filler(&self) -> Option<Filler<'_>> {
        self.shared.fillers.fetch_add(1, Ordering::SeqCst);
        let filler = Filler(self);
        (!self.shared.closing.is_cancelled()).then_some(filler)
    }

    /// Redacts and encodes entries, and takes the room for them.
    fn ask<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<(Ask, oneshot::Receiver<Result<(), AppendError>>), AppendError> {
        let now = self.now();
        let mut encoded = Vec::new();
        for payload in payloads {
            entry::encode(&mut encoded, &(self.surroundings.redact)(payload.as_ref()), now);
        }
        if encoded.len() as u64 > self.surroundings.budget.most_for(priority) {
            return Err(AppendError::TooLarge);
        }
        let room = self.surroundings.budget.take(encoded.len() as u64, priority).ok_or(AppendError::Full)?;
        let (done, stored) = oneshot::channel();
        Ok((Ask::Append { encoded, room, done }, stored))
    }

    /// As many of these as are stored at once where there is little room, and the others.
    fn group<'p, P: AsRef<[u8]>>(&self, payloads: &'p [P]) -> (&'p [P], &'p [P]) {
        let most = (self.surroundings.budget.most() / GROUPS).min(LARGEST_GROUP);
        let mut bytes = 0;
        let fits = |payload: &&P| {
            bytes += payload.as_ref().len() as u64;
            bytes <= most
        };
        let count = payloads.iter().take_while(fits).count().clamp(1, payloads.len().max(1));
        payloads.split_at_checked(count).unwrap_or((payloads, &[]))
    }

    /// As [`Self::append`], for a thread of its own that cannot refuse: in groups that fit, and when there
    /// is room. What can never fit is dropped and counted.
    ///
    /// # Errors
    /// Where the spool closes.
    pub fn append_in_time_blocking<P: AsRef<[u8]>>(
        &self,
        payloads: &[P],
        priority: Priority,
    ) -> Result<(), AppendError> {
        let mut rest = payloads;
        while !rest.is_empty() {
            let (group, behind) = self.group(rest);
            match self.append_blocking(group, priority) {
                Ok(_) => rest = behind,
                Err(AppendError::TooLarge) => {
                    self.count_dropped(group.len());
                    rest = behind;
                }
                Err(AppendError::Closed) => return Err(AppendError::Closed),
                Err(AppendError::Full | AppendError::Failed(_)) => std::thread::sleep(WAIT_FOR_ROOM),
            }
        }
        Ok(())
    }

    fn count_dropped(&self, entries: usize) {
        self.shared.dropped.fetch_add(entries as u64, Ordering::Relaxed);
        self.shared.wake();
    }

    fn when_full(&self, entries: usize, error: AppendError) -> Result<Appended, AppendError> {
        if error == AppendError::Full && self.surroundings.config.when_full == WhenFull::Drop {
            self.count_dropped(entries);
            return Ok(Appended::Dropped);
        }
        Err(error)
    }
}
