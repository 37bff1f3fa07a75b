//! The one transaction of a seal: manifest rows, positions and counters, all or nothing.

use std::fmt;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, Transaction};

use super::error::StoreError;
use super::manifest::{self, FileRow};
use super::position::{self, PositionMove};
use super::statements::{ALL_ACCOUNTS, FIND_SEAL, HOLD_LEASE, INSERT_SEAL};
use super::{BEGIN, Store};
use crate::metrics::Account;

/// Names a seal: the epoch of the writer and the place of the seal in it. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealId {
    pub epoch: i64,
    pub sequence: i64,
}

impl fmt::Display for SealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}-{:08}", self.epoch, self.sequence)
    }
}

/// What one seal makes true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRecord {
    pub id: SealId,
    pub files: Vec<FileRow>,
    pub moves: Vec<PositionMove>,
    /// What became of the records between the old and the new positions.
    pub account: Account,
    /// Microseconds since the epoch.
    pub sealed_at: i64,
}

impl Store {
    /// Commits a seal. When this returns, its files are history and its positions have moved.
    ///
    /// # Errors
    /// [`StoreError::PositionMoved`] and [`StoreError::LeaseLost`]: nothing happened, drop the files.
    /// [`StoreError::CommitUnknown`]: keep the files. Any other: nothing happened.
    pub async fn commit_seal(&self, seal: &SealRecord) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let written = write(&mut transaction, seal).await;
        self.conclude(transaction, written, seal.id).await
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with(BEGIN).await?)
    }

    /// Commits what was written, or takes it back.
    pub(super) async fn conclude(
        &self,
        transaction: Transaction<'static, Sqlite>,
        written: Result<(), StoreError>,
        seal: SealId,
    ) -> Result<(), StoreError> {
        if let Err(error) = written {
            // Failing to roll back changes nothing: what is not committed is not there.
            let _ = transaction.rollback().await;
            return Err(error);
        }
        match transaction.commit().await {
            Ok(()) => Ok(()),
            Err(error) => self.settle(seal, error).await,
        }
    }

    /// A commit that reported an error may still have happened: the seal's own row knows.
    async fn settle(&self, seal: SealId, error: sqlx::Error) -> Result<(), StoreError> {
        match self.has_seal(seal).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Database(error)),
            Err(_) => Err(StoreError::CommitUnknown { seal: seal.to_string(), source: error }),
        }
    }

    /// Whether this seal was committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_seal(&self, seal: SealId) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar(FIND_SEAL).bind(seal.to_string()).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// The account of all records ever sealed here.
    ///
    /// # Errors
    /// When the database fails, or holds an account that this version cannot read.
    pub async fn account(&self) -> Result<Account, StoreError> {
        let texts: Vec<String> = sqlx::query_scalar(ALL_ACCOUNTS).fetch_all(&self.pool).await?;
        let mut total = Account::default();
        for text in texts {
            let part = serde_json::from_str(&text)
                .map_err(|_| StoreError::Unreadable { what: "an account of records", text })?;
            total.add(&part);
        }
        Ok(total)
    }
}

async fn write(connection: &mut SqliteConnection, seal: &SealRecord) -> Result<(), StoreError> {
    begin(connection, seal.id, &seal.account, seal.sealed_at).await?;
    for step in &seal.moves {
        position::advance(connection, step, seal.sealed_at).await?;
    }
    for file in &seal.files {
        manifest::insert(connection, seal.id, file).await?;
    }
    Ok(())
}

/// Makes sure that this instance still may write, and writes the seal's own row.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    seal: SealId,
    account: &Account,
    at: i64,
) -> Result<(), StoreError> {
    hold_lease(connection, seal.epoch).await?;
    let account = serde_json::to_string(account)
        .map_err(|error| StoreError::Unreadable { what: "an account of records", text: error.to_string() })?;
    sqlx::query(INSERT_SEAL)
        .bind(seal.to_string())
        .bind(seal.epoch)
        .bind(seal.sequence)
        .bind(account)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Fails where another instance has taken over.
pub(super) async fn hold_lease(connection: &mut SqliteConnection, epoch: i64) -> Result<(), StoreError> {
    match sqlx::query(HOLD_LEASE).bind(epoch).execute(connection).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::LeaseLost),
    }
}
