//! Secrets stay in files of their own, and are read when they are used: a changed file needs no restart.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// The longest secret, in bytes: a private key or a token is far shorter.
const LONGEST: u64 = 64 * 1024;

/// A file that holds one secret, its last line break aside.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

/// Why a secret could not be read. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("could not read the secret in {path}: {cause}")]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("the secret in {path} is empty")]
    Empty { path: PathBuf },
    #[error("the secret in {path} is longer than {LONGEST} bytes")]
    TooLong { path: PathBuf },
}

impl SecretFile {
    /// A secret in the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The secret as it is now.
    ///
    /// # Errors
    /// Where the file cannot be read, is empty or far too long.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let path = || self.0.clone();
        let unreadable = |cause| SecretError::Unreadable { path: path(), cause };
        if std::fs::metadata(&self.0).map_err(unreadable)?.len() > LONGEST {
            return Err(SecretError::TooLong { path: path() });
        }
        let text = std::fs::read_to_string(&self.0).map_err(unreadable)?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(SecretError::Empty { path: path() });
        }
        Ok(SecretString::from(secret))
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.0.display())
    }
}
