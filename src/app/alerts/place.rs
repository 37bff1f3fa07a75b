//! A data folder, the store that a configuration names, or a running service.

use std::path::{Path, PathBuf};

use super::{Client, DeskError, Folder};
use crate::config::SecretFile;

/// Where alerts and actions are.
#[derive(Debug)]
pub enum Place {
    /// The store, beside a service or without.
    Folder(Folder),
    Service(Client),
}

impl Place {
    /// The embedded store of a data folder.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn folder(data: &Path) -> Result<Self, DeskError> {
        Folder::embedded(data).map(Self::Folder)
    }

    /// The store that a configuration names.
    ///
    /// # Errors
    /// Where the configuration is wrong.
    pub fn configured(path: &Path) -> Result<Self, DeskError> {
        Folder::configured(path).map(Self::Folder)
    }

    /// A running service, and the token for it.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn service(url: &str, token: Option<PathBuf>) -> Result<Self, DeskError> {
        Client::new(url, token.map(SecretFile::new)).map(Self::Service)
    }
}
