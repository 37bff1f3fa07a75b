//! The store for callers without a runtime.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use super::Store;
use super::error::StoreError;

/// A store together with the runtime that its futures run on: a small one of its own, or one that others
/// use too.
///
/// For plain threads only: inside an async function use [`Store`].
#[derive(Debug)]
pub struct BlockingStore {
    host: Host,
    store: Arc<Store>,
}

#[derive(Debug)]
enum Host {
    Own(Runtime),
    Shared(Handle),
}

impl BlockingStore {
    /// As [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(root: &Path, at: i64) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let store = runtime.block_on(Store::open(root, at))?;
        Ok(Self { host: Host::Own(runtime), store: Arc::new(store) })
    }

    /// As [`Store::open_read_only`].
    ///
    /// # Errors
    /// As [`Store::open_read_only`].
    pub fn open_read_only(root: &Path) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let store = runtime.block_on(Store::open_read_only(root))?;
        Ok(Self { host: Host::Own(runtime), store: Arc::new(store) })
    }

    /// A store that async tasks of this runtime use as well.
    pub fn over(store: Arc<Store>, runtime: Handle) -> Self {
        Self { host: Host::Shared(runtime), store }
    }

    /// The store itself, for what does not wait.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The same store for async tasks.
    pub fn shared(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Runs one request to its end: `blocking.wait(blocking.store().positions())`.
    pub fn wait<F: Future>(&self, request: F) -> F::Output {
        match &self.host {
            Host::Own(runtime) => runtime.block_on(request),
            Host::Shared(runtime) => runtime.block_on(request),
        }
    }
}

fn runtime() -> Result<Runtime, StoreError> {
    Builder::new_current_thread().enable_all().build().map_err(StoreError::Runtime)
}
