//! What must be transactional: the manifest of history files and the positions read so far.
//!
//! In: seals, catalog versions. Out: which files are history, where each source goes on. The files
//! themselves are `history`'s; this module knows only their names.
//!
//! One process writes: it holds a lock on the data folder and raises the lease's epoch, which every
//! seal checks. Readers open the database read-only and take no lock. SQLite runs in WAL mode with
//! `synchronous=FULL`: what a seal committed survives a power cut.
//!
//! Decisions:
//! - 2026-11-24: seals are named by (epoch, sequence) instead of a hash: nothing is drawn, a name is
//!   never used twice, and files sort by when they were sealed.
//! - 2026-11-24: [`BlockingStore`] owns a small runtime of its own, so that a scan, which has no
//!   other use for one, stays plain threads. It must not be used inside an async function.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

mod alerts;
mod blocking;
mod catalog;
mod error;
mod findings;
mod folder;
mod manifest;
mod outbox;
mod position;
mod replacement;
mod seal;
mod statements;

pub use alerts::{AlertKind, AlertRow, AlertState, AlertTransaction, CampaignRow, DigestCount, Suppression};
pub use blocking::BlockingStore;
pub use catalog::{CatalogVersion, FROM_THE_BEGINNING};
pub use error::StoreError;
pub use findings::{FindingCount, FindingRow, Standing};
pub use folder::{DataFolder, FolderLock};
pub use manifest::{FileRow, Kind};
pub use outbox::{Delivery, DeliveryRow, DeliveryState, NewDelivery};
pub use position::{Position, PositionMove, StoredPosition};
pub use replacement::{Replacement, RetiredFile};
pub use seal::{SealId, SealRecord};

use statements::{READ_EPOCH, READ_META, TAKE_LEASE, WRITE_META};

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// Writers take the write lock at once, so that no transaction fails half-way for want of it.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// How long a statement waits for the write lock. Transactions are a few rows long; a reader never
/// blocks a writer in WAL mode, so only a checkpoint can take noticeable time.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// One connection writes; more would only queue at SQLite's one write lock.
const CONNECTIONS: u32 = 1;

/// The open store of one data folder.
#[derive(Debug)]
pub struct Store {
    folder: DataFolder,
    pool: SqlitePool,
    writer: Option<WriterRight>,
}

/// What the one writer holds.
#[derive(Debug)]
struct WriterRight {
    epoch: i64,
    sequence: AtomicI64,
    _lock: FolderLock,
}

impl Store {
    /// Opens a data folder for writing, making it where it is missing. `at` is now, in microseconds
    /// since the epoch.
    ///
    /// # Errors
    /// When another process has it, or the folder or database cannot be opened.
    pub async fn open(root: &Path, at: i64) -> Result<Self, StoreError> {
        let folder = DataFolder::new(root);
        let lock = folder.lock()?;
        let options = options(&folder).create_if_missing(true);
        let pool = connect(&folder, options).await?;
        migrate(&folder, &pool).await?;
        let epoch = take_lease(&pool, at).await?;
        let writer = WriterRight { epoch, sequence: AtomicI64::new(0), _lock: lock };
        Ok(Self { folder, pool, writer: Some(writer) })
    }

    /// Opens a data folder for reading, beside a writer or without one. A folder without a database
    /// reads as an empty one.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open_read_only(root: &Path) -> Result<Self, StoreError> {
        let folder = DataFolder::new(root);
        if folder.database().exists() {
            let pool = connect(&folder, options(&folder).read_only(true)).await?;
            return Ok(Self { folder, pool, writer: None });
        }
        let pool = connect(&folder, SqliteConnectOptions::new().in_memory(true)).await?;
        migrate(&folder, &pool).await?;
        Ok(Self { folder, pool, writer: None })
    }

    /// Where the files lie.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// The name of the next seal.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`].
    pub fn next_seal(&self) -> Result<SealId, StoreError> {
        let writer = self.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let sequence = writer.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(SealId { epoch: writer.epoch, sequence })
    }

    /// A named value, for what needs no table of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(READ_META).bind(name).fetch_optional(&self.pool).await?)
    }

    /// Sets a named value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(WRITE_META).bind(name).bind(value).execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the database; dropping does the same in the background.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn options(folder: &DataFolder) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.database())
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(LOCK_WAIT)
}

async fn connect(folder: &DataFolder, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|source| StoreError::Open { path: folder.database(), source })
}

async fn migrate(folder: &DataFolder, pool: &SqlitePool) -> Result<(), StoreError> {
    MIGRATIONS.run(pool).await.map_err(|source| StoreError::Migrate { path: folder.database(), source })
}

async fn take_lease(pool: &SqlitePool, at: i64) -> Result<i64, StoreError> {
    let mut transaction = pool.begin_with(BEGIN).await?;
    sqlx::query(TAKE_LEASE).bind(at).execute(&mut *transaction).await?;
    let epoch = sqlx::query_scalar(READ_EPOCH).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(epoch)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
