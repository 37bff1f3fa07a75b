//! Rejects that were read again and understood: what they came to, and out of which account they go.

use super::Store;
use super::database::{Transaction, query};
use super::error::StoreError;
use super::seal::SealId;
use super::statements::{ALL_REPLAYED, INSERT_REPLAYED};
use crate::domain::reject::RejectReason;
use crate::domain::vocabulary::vocabulary;
use crate::metrics::Account;

vocabulary! {
    /// What a replayed reject came to.
    pub enum CameTo as "outcome of a replay" {
        Events = "events",
        /// A Vault request, merged into its response.
        Merged = "merged",
        /// A Vault request that waits for its response.
        Waits = "waits",
        Irrelevant = "irrelevant",
        Duplicate = "duplicate",
    }
}

/// A reject that is none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Derived from where the record was and what it was.
    pub id: String,
    /// Why it was rejected.
    pub reason: RejectReason,
    pub came_to: CameTo,
}

impl Store {
    /// All replayed rejects, by id.
    ///
    /// # Errors
    /// When the database fails, or holds words that this version cannot read.
    pub async fn replayed(&self) -> Result<Vec<Replayed>, StoreError> {
        let rows = query(ALL_REPLAYED).fetch_all(&self.database).await?;
        let replayed = |row: &super::database::Row| -> Result<Replayed, StoreError> {
            let (reason, came_to): (String, String) = (row.try_get("reason")?, row.try_get("came_to")?);
            let unreadable = |text| StoreError::Unreadable { what: "a replayed reject", text };
            Ok(Replayed {
                id: row.try_get("id")?,
                reason: RejectReason::from_word(&reason).ok_or_else(|| unreadable(reason))?,
                came_to: CameTo::from_word(&came_to).ok_or_else(|| unreadable(came_to))?,
            })
        };
        rows.iter().map(replayed).collect()
    }

    /// Takes replayed rejects out of the account in which they were rejects: they are in that of their
    /// replay.
    pub(super) async fn without_replayed(&self, account: &mut Account) -> Result<(), StoreError> {
        for replayed in self.replayed().await? {
            if let Some(rejects) = account.rejects.get_mut(&replayed.reason)
                && *rejects > 0
            {
                *rejects -= 1;
                account.received = account.received.saturating_sub(1);
            }
        }
        account.rejects.retain(|_, count| *count > 0);
        Ok(())
    }
}

/// Marks one inside the transaction of the seal that holds what it came to.
pub(super) async fn insert(
    transaction: &mut Transaction,
    seal: SealId,
    replayed: &Replayed,
    at: i64,
) -> Result<(), StoreError> {
    query(INSERT_REPLAYED)
        .bind(&replayed.id)
        .bind(replayed.reason.as_str())
        .bind(replayed.came_to.as_str())
        .bind(seal.to_string())
        .bind(at)
        .execute(transaction)
        .await?;
    Ok(())
}
