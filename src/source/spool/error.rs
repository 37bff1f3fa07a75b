//! Why an entry was not taken, or a spool not opened.

use std::io;
use std::path::PathBuf;

/// Why a spool could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name cannot be one of a folder.
    #[error("the source `{name}` needs another name: use letters, digits, `-`, `_` and `.`")]
    Name {
        /// The name.
        name: String,
    },
    /// The folder or a file in it.
    #[error("could not open the spool in {}: {cause}; check its permissions and the disk", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The stored position.
    #[error("could not read the position of the spool of `{name}`: {cause}")]
    Position {
        /// The source.
        name: String,
        /// What the store said.
        cause: String,
    },
}

/// Why an entry was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The bound is reached, or the disk is full.
    #[error("the spool is full; retry later, or give it more room (`spool.most`)")]
    Full,
    /// Larger than all the room that there is.
    #[error("this is larger than the whole spool; send less at once, or raise `spool.most`")]
    TooLarge,
    /// The service stops.
    #[error("the service is stopping; retry")]
    Closed,
    /// The disk failed.
    #[error("could not write to the spool: {0}")]
    Failed(String),
}
