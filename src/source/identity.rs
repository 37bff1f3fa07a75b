//! Knows a file again after it was renamed or rotated.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes from a file's start that tell it from another one at the same place.
pub const HEAD_BYTES: u64 = 1 << 10;

/// Which file it is: the key of its stored position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// How many bytes of its start were hashed: fewer than [`HEAD_BYTES`] while the file is that short.
    pub head_bytes: u64,
    /// SHA-256 of those stored bytes.
    pub head_sha256: [u8; 32],
}

impl FileIdentity {
    /// The identity of the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::read_head(path, HEAD_BYTES)
    }

    /// Whether the file at `path` is this one, perhaps longer by now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(Self::read_head(path, self.head_bytes)? == *self)
    }

    fn read_head(path: &Path, most: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut head = Vec::new();
        file.take(most).read_to_end(&mut head)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            head_bytes: head.len() as u64,
            head_sha256: Sha256::digest(&head).into(),
        })
    }
}
