//! Reads the alerts that the service keeps.

use std::path::{Path, PathBuf};

use crate::alerts::{self, AlertError, KeptAlert};
use crate::store::{BlockingStore, StoreError};

/// Why alerts cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("there is no data folder {}: give the one that the service's configuration names", .0.display())]
    NoFolder(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Alerts(#[from] AlertError),
}

/// The alerts of the data folder, at most so many, those that changed last first. The service may run
/// meanwhile.
///
/// # Errors
/// Where there is no such folder, or its store cannot be read.
pub fn list(data: &Path, most: u32) -> Result<Vec<KeptAlert>, ListError> {
    if !data.is_dir() {
        return Err(ListError::NoFolder(data.to_owned()));
    }
    let store = BlockingStore::open_read_only(data)?;
    Ok(store.wait(alerts::kept(store.store(), i64::from(most)))?)
}
