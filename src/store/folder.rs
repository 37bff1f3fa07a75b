//! The data folder: what lies where, and who may write there.
//!
//! ```text
//! DATA/keyward.lock                                   held by the process that writes
//! DATA/keyward.db                                     the store
//! DATA/history/events/day=2026-11-24/….parquet        and likewise findings/, rejects/
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// The paths of one data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    root: PathBuf,
}

/// The right to write to a data folder, given up when dropped or when the process ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl DataFolder {
    /// The folder at `root`, whether or not it exists.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.root.join("keyward.db")
    }

    /// The root of all Parquet files; manifest names are relative to it.
    pub fn history(&self) -> PathBuf {
        self.root.join("history")
    }

    /// The file that a manifest row names.
    pub fn file(&self, name: &str) -> PathBuf {
        self.history().join(name)
    }

    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn create(&self) -> Result<(), StoreError> {
        fs::create_dir_all(self.history())
            .map_err(|source| StoreError::Folder { path: self.history(), source })
    }

    /// Makes the folder where it is missing and takes the right to write to it.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be made or written.
    pub fn lock(&self) -> Result<FolderLock, StoreError> {
        self.create()?;
        let path = self.root.join("keyward.lock");
        let at = |source| StoreError::Folder { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::InUse { place: format!("the data folder {}", self.root.display()) })
            }
            Err(TryLockError::Error(source)) => Err(at(source)),
        }
    }
}
