//! Alerts as they are listed: what a scan prints of one, and how it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::error::AlertError;
use super::facts::Facts;
use crate::domain::alert::Alert;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertKind, AlertRow, AlertState, Store};

/// One alert of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptAlert {
    #[serde(flatten)]
    pub alert: Alert,
    pub kind: AlertKind,
    pub state: AlertState,
    /// How often it was opened.
    pub transition: i64,
    /// Pages since it was last opened, sent or suppressed.
    pub pages: i64,
    /// The campaign or digest that speaks for it.
    pub folded_into: Option<String>,
    /// RFC 3339, by the clock.
    pub opened_at: String,
    pub updated_at: String,
}

/// The alerts of a store, at most so many, those that changed last first.
///
/// # Errors
/// Where the store fails or holds what cannot be read.
pub async fn kept(store: &Store, most: i64) -> Result<Vec<KeptAlert>, AlertError> {
    store.alerts(most).await?.into_iter().map(KeptAlert::of).collect()
}

impl KeptAlert {
    fn of(row: AlertRow) -> Result<Self, AlertError> {
        let facts: Facts = serde_json::from_str(&row.facts)?;
        let by: BTreeMap<Cow<'static, str>, Option<String>> = serde_json::from_str(&row.alert_by)?;
        Ok(Self {
            alert: facts.alert(row.id, by),
            kind: row.kind,
            state: row.state,
            transition: row.transition,
            pages: row.pages,
            folded_into: row.folded_into,
            opened_at: format_rfc3339(row.opened_at),
            updated_at: format_rfc3339(row.updated_at),
        })
    }
}
