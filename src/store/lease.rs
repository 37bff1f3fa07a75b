//! The right to write to a store: one instance has it, others stand by.
//!
//! Embedded, it is the exclusive lock on the data folder, which ends with the process. In PostgreSQL it
//! is a row with an owner and an end, by the database's clock: the owner moves the end on while it
//! runs, and whoever finds it passed may take over. Either way taking it raises the epoch, and every
//! transaction that writes begins with `hold`, which fails for any other epoch: an owner that was
//! paused, or cut off, and wakes up later changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::database::{Database, Transaction, query};
use super::error::StoreError;
use super::folder::FolderLock;
use super::statements::{
    HOLD_LEASE, READ_EPOCH, READ_OWNER, RELEASE_LEASE, RENEW_LEASE, TAKE_LEASE, TAKE_SHARED_LEASE,
};

/// How often the owner moves the end of its lease on.
pub const RENEW_EVERY: Duration = Duration::from_secs(2);

/// How long a lease lasts without being renewed: two renewals may fail or be late. A standby takes
/// over at most this and [`LOOK_EVERY`] after the owner is gone. In microseconds.
pub const LASTS_MICROS: i64 = 6_000_000;

/// How often a standby looks whether it may take over.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The right to write, given up when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) epoch: i64,
    lost: Arc<watch::Sender<bool>>,
    _right: Right,
}

/// What it rests on.
#[derive(Debug)]
enum Right {
    Folder { _lock: FolderLock },
    Row { _renewal: AbortOnDropHandle<()> },
}

impl Lease {
    /// Takes the lease of an embedded store, whose folder is locked.
    pub(super) async fn with_lock(
        database: &Database,
        lock: FolderLock,
        at: i64,
    ) -> Result<Self, StoreError> {
        let mut transaction = database.begin().await?;
        query(TAKE_LEASE).bind(at).execute(&mut transaction).await?;
        let epoch = read_epoch(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Self { epoch, lost: Arc::default(), _right: Right::Folder { _lock: lock } })
    }

    /// Takes the lease of a shared store, and renews it from now on by a task of this runtime.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while somebody else has it.
    pub(super) async fn shared(database: &Database, instance: &str, at: i64) -> Result<Self, StoreError> {
        let mut transaction = database.begin().await?;
        let take = query(TAKE_SHARED_LEASE).bind(instance).bind(at).bind(LASTS_MICROS);
        if take.execute(&mut transaction).await? != 1 {
            let owner: Option<String> = query(READ_OWNER).fetch_scalar(&mut transaction).await?;
            let place = format!("the store ({})", owner.unwrap_or_default());
            return Err(StoreError::InUse { place });
        }
        let epoch = read_epoch(&mut transaction).await?;
        transaction.commit().await?;
        let lost = Arc::<watch::Sender<bool>>::default();
        let renewal = tokio::spawn(renew(database.clone(), epoch, lost.clone()));
        Ok(Self { epoch, lost, _right: Right::Row { _renewal: AbortOnDropHandle::new(renewal) } })
    }

    /// Makes sure, at the beginning of a transaction that writes, that the lease is still held. In
    /// PostgreSQL it also locks the row until the end of it: nobody takes over in between.
    pub(super) async fn hold(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        if query(HOLD_LEASE).bind(self.epoch).execute(transaction).await? == 1 {
            return Ok(());
        }
        self.lost.send_replace(true);
        Err(StoreError::LeaseLost)
    }

    /// Returns once somebody else has taken over.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.subscribe();
        // The sender lives as long as the lease does.
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Lets a standby take over at once. Should it fail, the lease ends by itself.
    pub(super) async fn release(self, database: &Database) {
        if matches!(self._right, Right::Row { .. }) {
            let _ = query(RELEASE_LEASE).bind(self.epoch).execute(database).await;
        }
    }
}

/// Moves the end of the lease on until it is lost. An unreachable database is asked again: nobody can
/// take over there either.
async fn renew(database: Database, epoch: i64, lost: Arc<watch::Sender<bool>>) {
    let mut ticks = interval(RENEW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Ok(0) = query(RENEW_LEASE).bind(epoch).bind(LASTS_MICROS).execute(&database).await {
            lost.send_replace(true);
            return;
        }
    }
}

async fn read_epoch(transaction: &mut Transaction) -> Result<i64, StoreError> {
    let epoch = query(READ_EPOCH).fetch_scalar(transaction).await?;
    epoch.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
}
