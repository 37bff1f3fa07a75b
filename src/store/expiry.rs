//! Removes what is older than it has to be kept, a few rows at a time, so that nobody waits for long.

use super::Store;
use super::database::{Row, query};
use super::error::StoreError;
use super::statements::{DELETE_FILE, INSERT_RETIRED};

/// Rows a transaction: some milliseconds of the write lock, for which alerts wait.
const BATCH: i64 = 500;

const OLD_ALERTS: &str = "SELECT a.id FROM alerts a WHERE a.updated_at < $1 \
    AND EXISTS (SELECT 1 FROM findings f WHERE f.alert_id = a.id) ORDER BY a.updated_at LIMIT $2";
const DELETE_FINDINGS: &str = "DELETE FROM findings WHERE alert_id = $1";
const OLD_CAMPAIGNS: &str = "SELECT p.campaign_id AS id FROM campaign_parts p \
    JOIN alerts a ON a.id = p.alert_id GROUP BY p.campaign_id HAVING MAX(a.updated_at) < $1 LIMIT $2";
const DELETE_PARTS: &str = "DELETE FROM campaign_parts WHERE campaign_id = $1";
const DELETE_CAMPAIGN: &str = "DELETE FROM campaigns WHERE id = $1";
const OLD_DELIVERIES: &str =
    "SELECT id FROM deliveries WHERE state <> 'pending' AND created_at < $1 ORDER BY created_at LIMIT $2";
const DELETE_DELIVERY: &str = "DELETE FROM deliveries WHERE id = $1";

impl Store {
    /// Removes the findings of some alerts that did not change since `before`, in microseconds since the
    /// epoch; says how many. Their alerts stay.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn expire_findings(&self, before: i64) -> Result<u64, StoreError> {
        self.expire(OLD_ALERTS, &[DELETE_FINDINGS], before).await
    }

    /// Removes what is known of some campaigns none of whose alerts changed since `before`; says how many
    /// rows that was.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn expire_campaigns(&self, before: i64) -> Result<u64, StoreError> {
        self.expire(OLD_CAMPAIGNS, &[DELETE_PARTS, DELETE_CAMPAIGN], before).await
    }

    /// Removes some deliveries made before `before` that wait for nothing; says how many.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn expire_deliveries(&self, before: i64) -> Result<u64, StoreError> {
        self.expire(OLD_DELIVERIES, &[DELETE_DELIVERY], before).await
    }

    /// Finds what is old without the write lock, and removes it by its key.
    async fn expire(
        &self,
        old: &'static str,
        removals: &[&'static str],
        before: i64,
    ) -> Result<u64, StoreError> {
        let rows = query(old).bind(before).bind(BATCH).fetch_all(&self.database).await?;
        let ids = rows.iter().map(|row: &Row| row.try_get("id")).collect::<Result<Vec<String>, _>>()?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.begin().await?;
        let mut removed = 0;
        for id in &ids {
            for removal in removals {
                removed += query(removal).bind(id).execute(&mut transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// Takes files out of the manifest; they stay on disk until `remove_after`, in microseconds since the
    /// epoch, for those who read by an older one.
    ///
    /// # Errors
    /// [`StoreError::FileGone`] where the manifest does not name one; nothing happened then. Else as every
    /// write.
    pub async fn retire_files(&self, files: &[String], remove_after: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for file in files {
            if query(DELETE_FILE).bind(file).execute(&mut transaction).await? != 1 {
                return Err(StoreError::FileGone { file: file.clone() });
            }
            query(INSERT_RETIRED).bind(file).bind(remove_after).execute(&mut transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
