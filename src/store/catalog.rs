//! Catalog versions: every one that ever judged is kept, with the time from which it holds.

use super::Store;
use super::database::{Row, query};
use super::error::StoreError;
use super::statements::{ALL_CATALOG_VERSIONS, INSERT_CATALOG_VERSION};

/// From when the first version holds: it reaches back without limit.
pub const FROM_THE_BEGINNING: i64 = i64::MIN;

/// A catalog as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogVersion {
    /// Event time from which it judges, microseconds since the epoch.
    pub effective_from: i64,
    /// Content hash.
    pub hash: String,
    /// When it was loaded, microseconds since the epoch.
    pub recorded_at: i64,
    /// The catalog itself.
    pub text: String,
}

impl Store {
    /// Records a loaded catalog and says from which event time it judges. Call it before the first
    /// event is judged with it. The version in force again is no new version.
    ///
    /// `judged_up_to` is the highest event time judged so far: a version never reaches back to it,
    /// so that a replay judges as before.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn record_catalog(
        &self,
        hash: &str,
        text: &str,
        now: i64,
        judged_up_to: Option<i64>,
    ) -> Result<i64, StoreError> {
        let mut transaction = self.begin().await?;
        let rows = query(ALL_CATALOG_VERSIONS).fetch_all(&mut transaction).await?;
        let latest = rows.last().map(version_of).transpose()?;
        if let Some(latest) = &latest
            && latest.hash == hash
        {
            return Ok(latest.effective_from);
        }
        let effective_from = effective_from(latest.as_ref(), now, judged_up_to);
        query(INSERT_CATALOG_VERSION)
            .bind(effective_from)
            .bind(hash)
            .bind(now)
            .bind(text)
            .execute(&mut transaction)
            .await?;
        transaction.commit().await?;
        Ok(effective_from)
    }

    /// Every recorded version, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catalog_versions(&self) -> Result<Vec<CatalogVersion>, StoreError> {
        let rows = query(ALL_CATALOG_VERSIONS).fetch_all(&self.database).await?;
        rows.iter().map(version_of).collect()
    }
}

fn effective_from(latest: Option<&CatalogVersion>, now: i64, judged_up_to: Option<i64>) -> i64 {
    latest.map_or(FROM_THE_BEGINNING, |latest| {
        let after_judged = judged_up_to.map_or(now, |highest| highest.saturating_add(1));
        now.max(after_judged).max(latest.effective_from.saturating_add(1))
    })
}

fn version_of(row: &Row) -> Result<CatalogVersion, StoreError> {
    Ok(CatalogVersion {
        effective_from: row.try_get("effective_from")?,
        hash: row.try_get("hash")?,
        recorded_at: row.try_get("recorded_at")?,
        text: row.try_get("text")?,
    })
}
