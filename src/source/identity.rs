//! Knows a file again after it was renamed or rotated.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::chunk::Mark;
use crate::store::Position;

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
        Self::of(&File::open(path)?, HEAD_BYTES)
    }

    /// The identity of an open file by at most `most` bytes of its start.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(file: &File, most: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let wanted = usize::try_from(most.min(HEAD_BYTES)).unwrap_or_default();
        let mut head = vec![0; wanted];
        let mut length = 0;
        while let Some(room) = head.get_mut(length..).filter(|room| !room.is_empty()) {
            match file.read_at(room, length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        head.truncate(length);
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            head_bytes: head.len() as u64,
            head_sha256: Sha256::digest(&head).into(),
        })
    }

    /// Whether the file at `path` is this one, perhaps longer by now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.is_of(&File::open(path)?)
    }

    /// Whether an open file is this one, perhaps longer by now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn is_of(&self, file: &File) -> io::Result<bool> {
        Ok(Self::of(file, self.head_bytes)? == *self)
    }

    /// The name under which the store keeps the file's position.
    pub fn name(&self) -> String {
        let Self { device, inode, head_bytes, head_sha256 } = self;
        let digits: String = head_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("file:{device}:{inode}:{head_bytes}:{digits}")
    }
}

impl From<Mark> for Position {
    fn from(mark: Mark) -> Self {
        Self { offset: i64::try_from(mark.offset).unwrap_or(i64::MAX), index: i64::from(mark.index) }
    }
}

impl From<Position> for Mark {
    fn from(position: Position) -> Self {
        Self {
            offset: u64::try_from(position.offset).unwrap_or_default(),
            index: u32::try_from(position.index).unwrap_or_default(),
        }
    }
}
