//! What can go wrong with keeping alerts.

use crate::store::StoreError;

/// Why a batch of findings is not kept. Nothing of it is; giving it again is right.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored of an alert is of another version, or damaged.
    #[error(
        "an alert in the store cannot be read or written: {0}; was the store written by a newer keyward?"
    )]
    Form(#[from] serde_json::Error),
}
