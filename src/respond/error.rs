//! Why something was not done to an action.

use crate::sql::session::SqlError;
use crate::store::StoreError;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    #[error("there is no action {0}")]
    NotFound(String),
    /// It cannot be done to an action as it stands.
    #[error("{0}")]
    Conflict(String),
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("history could not be asked: {0}")]
    History(String),
    #[error("a row of the table of actions cannot be understood: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl From<SqlError> for RespondError {
    fn from(error: SqlError) -> Self {
        Self::History(error.to_string())
    }
}
