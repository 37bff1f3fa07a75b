//! What people see of alerts: one in full, and what was not told. The same for the command line and for HTTP.

use serde::{Deserialize, Serialize};

use super::act::{Entry, entries_of};
use super::error::LifeError;
use crate::alerts::{KeptAlert, kept_of};
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertFilter, Store, SuppressedRow};

/// Journal entries that are shown with an alert, the latest of them: nobody reads more in one go.
pub const MOST_ENTRIES: i64 = 1_000;

/// Alerts that a list gives in one go at most.
pub const MOST_LISTED: i64 = 1_000;

/// Alerts that are put into incidents: the latest unresolved ones.
pub const MOST_GROUPED: i64 = 10_000;

/// One alert in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub alert: KeptAlert,
    /// Its journal, in its order.
    pub journal: Vec<Entry>,
    /// What was not told of it.
    pub suppressed: Vec<Untold>,
    /// The alerts that were merged into it.
    pub members: Vec<String>,
}

/// How many pages of an alert were not sent for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub alert_id: String,
    pub reason: Suppression,
    pub pages: i64,
    pub level: Level,
    pub title: String,
    pub key_id: Option<String>,
    pub principal: Option<String>,
    /// RFC 3339.
    pub updated_at: String,
}

impl From<SuppressedRow> for Untold {
    fn from(row: SuppressedRow) -> Self {
        Self {
            alert_id: row.alert_id,
            reason: row.reason,
            pages: row.pages,
            level: row.level,
            title: row.title,
            key_id: row.key_id,
            principal: row.principal,
            updated_at: format_rfc3339(row.updated_at),
        }
    }
}

/// One alert as it stands.
///
/// # Errors
/// [`LifeError::NotFound`], or where the store fails.
pub async fn find(store: &Store, id: &str) -> Result<KeptAlert, LifeError> {
    let filter = AlertFilter { id: Some(id.to_owned()), ..AlertFilter::default() };
    let found = kept_of(store, &filter, MOST_LISTED).await?.into_iter().find(|kept| kept.alert.id == id);
    found.ok_or_else(|| LifeError::NotFound { what: "alert", list: "list", id: id.to_owned() })
}

/// One alert in full.
///
/// # Errors
/// As [`find`].
pub async fn show(store: &Store, id: &str) -> Result<Shown, LifeError> {
    let alert = find(store, id).await?;
    let merged = AlertFilter { merged_into: Some(id.to_owned()), ..AlertFilter::default() };
    let members = kept_of(store, &merged, MOST_LISTED).await?;
    let suppressed = store.suppressed_of(None, Some(id), MOST_LISTED).await?;
    Ok(Shown {
        alert,
        journal: entries_of(store, id, 0, MOST_ENTRIES).await?,
        suppressed: suppressed.into_iter().map(Untold::from).collect(),
        members: members.into_iter().map(|kept| kept.alert.id).collect(),
    })
}

/// What was not told, of the alerts that changed last, at most so many rows; for one reason alone where it is given.
///
/// # Errors
/// Where the store fails.
pub async fn untold(store: &Store, reason: Option<Suppression>, most: i64) -> Result<Vec<Untold>, LifeError> {
    let rows = store.suppressed_of(reason, None, most).await?;
    Ok(rows.into_iter().map(Untold::from).collect())
}
