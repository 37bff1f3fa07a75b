//! What stops a source. A record that is not understood never does: it is refused and the rest goes on.

use std::io;
use std::path::PathBuf;

/// Why an input could not be found, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No path was given.
    #[error("could not read anything: no path given; name files, folders, globs, or `-` for standard input")]
    NoPaths,
    /// The path does not exist or may not be opened.
    #[error("could not open {}: {cause}; check the path and its permissions", path.display())]
    Open {
        /// The path as it was given or found.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A folder without a file.
    #[error("could not find a file in the folder {}; name the folder that holds the logs", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A glob that matches nothing.
    #[error(
        "could not find a file that matches `{pattern}`; quote the pattern, and use `**` to cross folders"
    )]
    NoMatch {
        /// The glob as it was given.
        pattern: String,
    },
    /// Not a glob.
    #[error("could not read `{pattern}` as a glob: {cause}")]
    Pattern {
        /// The glob as it was given.
        pattern: String,
        /// What is wrong with it.
        #[source]
        cause: globset::Error,
    },
    /// A folder could not be walked.
    #[error("could not list {}: {cause}; check its permissions", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Reading failed half-way.
    #[error(
        "could not read on in {input} at byte {offset}: {cause}; the records before are kept, read it again"
    )]
    Read {
        /// The input's name.
        input: String,
        /// Offset in the decompressed stream.
        offset: u64,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The input ends before the position that it is to be continued from.
    #[error(
        "could not continue {input} at byte {offset}: it is shorter now; it was truncated, read it from its start"
    )]
    Shrunk {
        /// The input's name.
        input: String,
        /// Offset in the decompressed stream.
        offset: u64,
    },
}
