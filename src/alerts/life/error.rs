//! Why something is not done to an alert.

use crate::alerts::AlertError;
use crate::store::StoreError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// There is no such alert or silence.
    #[error("there is no {what} {id}; `keyward alerts {list}` lists them")]
    NotFound { what: &'static str, list: &'static str, id: String },
    /// It stands otherwise than whoever asked believes.
    #[error("it has changed meanwhile: it is version {now}, not {asked}; look at it again")]
    Stale { now: String, asked: String },
    /// It cannot be done as the alert stands.
    #[error("{0}")]
    Conflict(String),
    /// What was asked makes no sense.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Alerts(#[from] AlertError),
}

impl From<StoreError> for LifeError {
    fn from(error: StoreError) -> Self {
        Self::Alerts(error.into())
    }
}

impl From<serde_json::Error> for LifeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Alerts(error.into())
    }
}
