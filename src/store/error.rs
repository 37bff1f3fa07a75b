//! What can go wrong with the store, and what to do about it.

use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another instance has it.
    #[error("{place} is in use by another keyward; stop it, or use another one")]
    InUse { place: String },
    /// The folder or a file in it cannot be made, opened or locked.
    #[error("could not open {}: {source}; check that it exists and that you may write there", .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("could not open the database {name}: {source}")]
    Open {
        name: String,
        #[source]
        source: sqlx::Error,
    },
    /// The database is of a newer keyward, or damaged.
    #[error("could not bring the database {name} up to date: {source}")]
    Migrate {
        name: String,
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A write was asked of a store that was opened for reading.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// Another instance took over; nothing more may be sealed by this one.
    #[error("another instance has taken over the store; this one stops writing")]
    LeaseLost,
    /// A source is not where this seal began to read it.
    #[error("{label} was read by somebody else meanwhile; read it again from its stored position")]
    PositionMoved { label: String },
    /// A file that a replacement would replace is not part of history.
    #[error("{file} was replaced by somebody else meanwhile; nothing was changed")]
    FileGone { file: String },
    /// The database could not say whether the commit happened.
    #[error(
        "could not learn whether seal {seal} was committed: {source}; its files are kept for the next start"
    )]
    CommitUnknown {
        seal: String,
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored value is not what this version writes.
    #[error("the database holds {what} that cannot be read: {text}")]
    Unreadable { what: &'static str, text: String },
    /// The thread that a blocking caller waits on could not be made.
    #[error("could not start the store's runtime: {0}")]
    Runtime(#[source] std::io::Error),
}
