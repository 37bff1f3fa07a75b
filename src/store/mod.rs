//! What must be transactional: the manifest of history files and the positions read so far.
//!
//! In: seals, catalog versions. Out: which files are history, where each source goes on. The files
//! themselves are `history`'s; this module knows only their names.
//!
//! It is SQLite in the data folder (WAL mode, `synchronous=FULL`: what a seal committed survives a power
//! cut), or PostgreSQL for instances that share one. Statements are the same: all are in `statements`, in
//! the common subset, and run through `database`:
//!
//! ```ignore
//! let rows = query(FILES_OF_KIND).bind(kind.as_str()).fetch_all(&self.database).await?;   // reads
//! let mut transaction = self.begin().await?;                                              // writes
//! query(WRITE_META).bind(name).bind(value).execute(&mut transaction).await?;
//! transaction.commit().await?;
//! ```
//!
//! One instance writes: it holds the `lease`, and every transaction that writes comes from
//! `Store::begin`, which makes sure of that first. Readers take no lock.
//!
//! Decisions:
//! - 2026-11-24: seals are named by (epoch, sequence) instead of a hash: nothing is drawn, a name is
//!   never used twice, and files sort by when they were sealed.
//! - 2026-11-24: one enum of two databases instead of `sqlx::Any`: SQLite keeps its own settings (WAL,
//!   `BEGIN IMMEDIATE`), nulls keep their type, and no query is interpreted at run time.
//! - 2026-11-24: [`BlockingStore`] owns a small runtime of its own, so that a scan, which has no
//!   other use for one, stays plain threads. It must not be used inside an async function.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

mod actions;
mod alerts;
mod blocking;
mod bulk;
mod campaigns;
mod catalog;
mod connect;
mod coverage;
mod database;
mod error;
mod expiry;
mod findings;
mod folder;
mod journal;
mod lease;
mod ledger;
mod life;
mod manifest;
mod outbox;
mod position;
mod replacement;
mod replayed;
mod routing;
mod seal;
mod silences;
mod statements;
mod unpublished;

pub use actions::{ActionEntry, ActionFilter, ActionRow, ActionTransaction};
pub use alerts::{AlertKind, AlertRow, AlertState, AlertTransaction, DigestCount};
pub use blocking::BlockingStore;
pub use campaigns::{CampaignPart, CampaignRow};
pub use catalog::{CatalogVersion, FROM_THE_BEGINNING};
pub use coverage::{CoverageKind, CoverageRow};
pub use error::StoreError;
pub use findings::{FindingCount, FindingRow, KnownFinding, Standing, storable};
pub use folder::{DataFolder, FolderLock};
pub use journal::{JournalRow, NewEntry};
pub use lease::{LASTS_MICROS, LOOK_EVERY, RENEW_EVERY};
pub use ledger::{AnswerRow, Replay};
pub use life::{AlertFilter, Disposition, LifeRow, LivingAlert, SuppressedRow};
pub use manifest::{FileRow, Kind};
pub use outbox::{Attempt, Came, Delivery, DeliveryRow, DeliveryState, NewDelivery};
pub use position::{Position, PositionMove, StoredPosition};
pub use replacement::{Replacement, RetiredFile};
pub use replayed::{CameTo, Replayed};
pub use routing::{
    FoldedCount, ROUTES, ReminderRow, RoutedDelivery, RoutingTransaction, Summary, ToldTo, UnroutedPage,
};
pub use seal::{SealId, SealRecord};
pub use silences::SilenceRow;

use crate::config::StoreAddress;
use database::{Database, Transaction, query};
use lease::Lease;
use statements::{HAS_MIGRATION, READ_META, WRITE_META};

/// Which store, and who asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// The data folder. With PostgreSQL it holds history alone, on storage that all instances see.
    pub root: &'p Path,
    pub address: &'p StoreAddress,
    /// What others are told has the store: a host and a process.
    pub instance: &'p str,
}

/// The open store of one data folder.
#[derive(Debug)]
pub struct Store {
    folder: DataFolder,
    database: Database,
    writer: Option<Writer>,
}

/// What the one writer has.
#[derive(Debug)]
struct Writer {
    lease: Lease,
    sequence: AtomicI64,
}

impl Store {
    /// Opens a data folder with its embedded database for writing, making it where it is missing. `at`
    /// is now, in microseconds since the epoch.
    ///
    /// # Errors
    /// When another process has it, or the folder or database cannot be opened.
    pub async fn open(root: &Path, at: i64) -> Result<Self, StoreError> {
        let folder = DataFolder::new(root);
        let lock = folder.lock()?;
        let database = connect::embedded(&folder).await?;
        let lease = Lease::with_lock(&database, lock, at).await?;
        Ok(Self::writing(folder, database, lease))
    }

    /// Opens a store for writing. One in PostgreSQL keeps its lease by a task of this runtime.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another instance has it; any other when it cannot be opened.
    pub async fn open_at(place: Place<'_>, at: i64) -> Result<Self, StoreError> {
        let StoreAddress::Postgres(address) = place.address else { return Self::open(place.root, at).await };
        let folder = DataFolder::new(place.root);
        folder.create()?;
        let database = connect::postgres(address, false).await?;
        let lease = Lease::shared(&database, place.instance, at).await?;
        Ok(Self::writing(folder, database, lease))
    }

    /// Waits until no other instance has the store, and opens it for writing. `now` reads the clock.
    ///
    /// # Errors
    /// When it cannot be opened for another reason than being in use.
    pub async fn stand_by(place: Place<'_>, now: impl Fn() -> i64) -> Result<Self, StoreError> {
        let StoreAddress::Postgres(address) = place.address else {
            return wait_for(async || Self::open(place.root, now()).await).await;
        };
        let folder = DataFolder::new(place.root);
        folder.create()?;
        let database = connect::postgres(address, false).await?;
        let lease = wait_for(async || Lease::shared(&database, place.instance, now()).await).await?;
        Ok(Self::writing(folder, database, lease))
    }

    /// Opens a data folder with its embedded database for reading, beside a writer or without one. A
    /// folder without a database reads as an empty one.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open_read_only(root: &Path) -> Result<Self, StoreError> {
        let folder = DataFolder::new(root);
        let database = connect::embedded_read_only(&folder).await?;
        Ok(Self { folder, database, writer: None })
    }

    /// Opens a store for reading, beside a writer or without one.
    ///
    /// # Errors
    /// When the database cannot be opened; a query fails when no writer ever opened it.
    pub async fn read_at(place: Place<'_>) -> Result<Self, StoreError> {
        let StoreAddress::Postgres(address) = place.address else {
            return Self::open_read_only(place.root).await;
        };
        let database = connect::postgres(address, true).await?;
        Ok(Self { folder: DataFolder::new(place.root), database, writer: None })
    }

    fn writing(folder: DataFolder, database: Database, lease: Lease) -> Self {
        Self { folder, database, writer: Some(Writer { lease, sequence: AtomicI64::new(0) }) }
    }

    /// Where the files lie.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// The epoch of this writer: higher than that of all before it.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`].
    pub fn epoch(&self) -> Result<i64, StoreError> {
        Ok(self.writer()?.lease.epoch)
    }

    /// Returns once another instance has taken over: from then on every write fails with
    /// [`StoreError::LeaseLost`]. For an embedded store, or a reader, it never returns.
    pub async fn lease_lost(&self) {
        match &self.writer {
            Some(writer) => writer.lease.lost().await,
            None => std::future::pending().await,
        }
    }

    /// The name of the next seal.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`].
    pub fn next_seal(&self) -> Result<SealId, StoreError> {
        let writer = self.writer()?;
        let sequence = writer.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(SealId { epoch: writer.lease.epoch, sequence })
    }

    /// A named value, for what needs no table of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(query(READ_META).bind(name).fetch_scalar(&self.database).await?)
    }

    /// Sets a named value.
    ///
    /// # Errors
    /// As every write: [`StoreError::ReadOnly`], [`StoreError::LeaseLost`], or when the database fails.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        query(WRITE_META).bind(name).bind(value).execute(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Whether the database has been brought this far: a reader does not bring it up to date.
    async fn has_migration(&self, version: i64) -> Result<bool, StoreError> {
        let applied: Option<i64> = query(HAS_MIGRATION).bind(version).fetch_scalar(&self.database).await?;
        Ok(applied.is_some_and(|count| count > 0))
    }

    /// Closes the database and lets another instance have it at once; after a drop it has to wait until
    /// the lease ends.
    pub async fn close(self) {
        if let Some(writer) = self.writer {
            writer.lease.release(&self.database).await;
        }
        self.database.close().await;
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or(StoreError::ReadOnly)
    }

    /// Begins a transaction that writes, for as long as this instance may.
    async fn begin(&self) -> Result<Transaction, StoreError> {
        let writer = self.writer()?;
        let mut transaction = self.database.begin().await?;
        writer.lease.hold(&mut transaction).await?;
        Ok(transaction)
    }
}

/// Asks until what is wanted is in use no more.
async fn wait_for<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    loop {
        match ask().await {
            Err(StoreError::InUse { .. }) => tokio::time::sleep(LOOK_EVERY).await,
            answer => return answer,
        }
    }
}
