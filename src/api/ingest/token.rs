//! The token of a source: read from its file, again when that changes, and compared in constant time.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::SecretFile;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A token that clients must send.
pub(super) struct Token {
    file: SecretFile,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    looked: Option<Instant>,
    version: Option<(SystemTime, u64)>,
    /// SHA-256 of the token; nothing while there is none.
    digest: Option<[u8; 32]>,
}

impl Token {
    /// The token in this file.
    pub(super) fn new(file: SecretFile) -> Self {
        Self { file, known: Mutex::default() }
    }

    /// Whether `sent` is the token.
    pub(super) fn is(&self, sent: &[u8]) -> bool {
        let Some(digest) = self.digest() else { return false };
        let sent: [u8; 32] = Sha256::digest(sent).into();
        // All bytes are looked at, so that the time says nothing.
        digest.iter().zip(sent).fold(0, |differs, (own, sent)| differs | (own ^ sent)) == 0
    }

    fn digest(&self) -> Option<[u8; 32]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            known.looked = Some(Instant::now());
            let metadata = std::fs::metadata(self.file.path());
            let version = metadata.ok().and_then(|found| Some((found.modified().ok()?, found.len())));
            if known.digest.is_none() || version != known.version {
                match self.file.read() {
                    Ok(token) => {
                        known.digest = Some(Sha256::digest(token.expose_secret().as_bytes()).into());
                        known.version = version;
                    }
                    // The last one stays good: files are replaced by removing them first, too.
                    Err(error) => tracing::warn!(%error, "could not read the token of a source"),
                }
            }
        }
        known.digest
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}
