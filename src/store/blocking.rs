//! The store for callers without a runtime.

use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use super::Store;
use super::error::StoreError;

/// A store together with the small runtime that its futures run on.
///
/// For plain threads only: inside an async function use [`Store`].
#[derive(Debug)]
pub struct BlockingStore {
    runtime: Runtime,
    store: Store,
}

impl BlockingStore {
    /// As [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(root: &Path, at: i64) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let store = runtime.block_on(Store::open(root, at))?;
        Ok(Self { runtime, store })
    }

    /// As [`Store::open_read_only`].
    ///
    /// # Errors
    /// As [`Store::open_read_only`].
    pub fn open_read_only(root: &Path) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let store = runtime.block_on(Store::open_read_only(root))?;
        Ok(Self { runtime, store })
    }

    /// The store itself, for what does not wait.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs one request to its end: `blocking.wait(blocking.store().positions())`.
    pub fn wait<F: Future>(&self, request: F) -> F::Output {
        self.runtime.block_on(request)
    }
}

fn runtime() -> Result<Runtime, StoreError> {
    Builder::new_current_thread().enable_all().build().map_err(StoreError::Runtime)
}
