//! The one transaction of a seal: manifest rows, positions and counters, all or nothing.

use std::fmt;

use super::Store;
use super::coverage::{self, CoverageRow};
use super::database::{Transaction, query};
use super::error::StoreError;
use super::manifest::{self, FileRow, Kind};
use super::position::{self, PositionMove};
use super::replayed::{self, Replayed};
use super::statements::{
    ALL_ACCOUNTS, FIND_SEAL, INSERT_SEAL, LAST_SEAL, READ_OPEN_REQUESTS, WRITE_OPEN_REQUESTS,
};
use super::unpublished;
use crate::metrics::Account;

/// The open requests of all partitions together: a request and its response may come by two.
const ALL: &str = "all";

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
    /// The Vault requests that wait for their response once these positions are reached, in the form
    /// of `history`; nothing leaves those stored before as they are.
    pub open_requests: Option<Vec<u8>>,
    /// Rejects that this seal holds the records of.
    pub replayed: Vec<Replayed>,
    /// Whether its rejects are to be written to the topic of rejects.
    pub publishes_rejects: bool,
    /// What was read between the old and the new positions.
    pub coverage: Vec<CoverageRow>,
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
        let mut transaction = self.begin_seal(seal.id).await?;
        let written = write(&mut transaction, seal).await;
        self.conclude(transaction, written, seal.id).await
    }

    /// Begins the transaction of a seal, which must be of this writer's epoch: the files of an earlier
    /// one may have been swept away.
    pub(super) async fn begin_seal(&self, seal: SealId) -> Result<Transaction, StoreError> {
        if seal.epoch != self.epoch()? {
            return Err(StoreError::LeaseLost);
        }
        self.begin().await
    }

    /// Commits what was written, or takes it back.
    pub(super) async fn conclude(
        &self,
        transaction: Transaction,
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

    /// A commit that reported an error may still have happened, or be about to: the seal's own row
    /// knows, once the old transaction's lock on the lease is free.
    async fn settle(&self, seal: SealId, error: sqlx::Error) -> Result<(), StoreError> {
        let unknown = |source| StoreError::CommitUnknown { seal: seal.to_string(), source };
        match self.begin().await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(_) => return Err(unknown(error)),
        }
        match self.has_seal(seal).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Database(error)),
            Err(_) => Err(unknown(error)),
        }
    }

    /// Whether this seal was committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_seal(&self, seal: SealId) -> Result<bool, StoreError> {
        let count: Option<i64> = query(FIND_SEAL).bind(seal.to_string()).fetch_scalar(&self.database).await?;
        Ok(count.is_some_and(|count| count > 0))
    }

    /// When the last seal was committed, in microseconds since the epoch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_seal(&self) -> Result<Option<i64>, StoreError> {
        let last: Option<Option<i64>> = query(LAST_SEAL).fetch_scalar(&self.database).await?;
        Ok(last.flatten())
    }

    /// The Vault requests that waited for their response at the last seal; empty where none did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_requests(&self) -> Result<Vec<u8>, StoreError> {
        let open = query(READ_OPEN_REQUESTS).bind(ALL).fetch_scalar(&self.database).await?;
        Ok(open.unwrap_or_default())
    }

    /// The account of all records ever sealed here; a replayed reject counts as what it came to.
    ///
    /// # Errors
    /// When the database fails, or holds an account that this version cannot read.
    pub async fn account(&self) -> Result<Account, StoreError> {
        let mut total = Account::default();
        for row in query(ALL_ACCOUNTS).fetch_all(&self.database).await? {
            let text: String = row.try_get("account")?;
            let part = serde_json::from_str(&text)
                .map_err(|_| StoreError::Unreadable { what: "an account of records", text })?;
            total.add(&part);
        }
        self.without_replayed(&mut total).await?;
        Ok(total)
    }
}

async fn write(transaction: &mut Transaction, seal: &SealRecord) -> Result<(), StoreError> {
    insert(transaction, seal.id, &seal.account, seal.sealed_at).await?;
    for step in &seal.moves {
        position::advance(transaction, step, seal.sealed_at).await?;
    }
    for file in &seal.files {
        manifest::insert(transaction, seal.id, file).await?;
        if seal.publishes_rejects && file.kind == Kind::Rejects {
            unpublished::mark(transaction, file).await?;
        }
    }
    for row in &seal.coverage {
        coverage::add(transaction, row).await?;
    }
    for rejected in &seal.replayed {
        replayed::insert(transaction, seal.id, rejected, seal.sealed_at).await?;
    }
    if let Some(open) = &seal.open_requests {
        query(WRITE_OPEN_REQUESTS).bind(ALL).bind(open).execute(transaction).await?;
    }
    Ok(())
}

/// Writes the seal's own row.
pub(super) async fn insert(
    transaction: &mut Transaction,
    seal: SealId,
    account: &Account,
    at: i64,
) -> Result<(), StoreError> {
    let account = serde_json::to_string(account)
        .map_err(|error| StoreError::Unreadable { what: "an account of records", text: error.to_string() })?;
    query(INSERT_SEAL)
        .bind(seal.to_string())
        .bind(seal.epoch)
        .bind(seal.sequence)
        .bind(account)
        .bind(at)
        .execute(transaction)
        .await?;
    Ok(())
}
