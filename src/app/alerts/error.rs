//! Why alerts cannot be looked at or worked on.

use std::path::PathBuf;

use crate::alerts::AlertError;
use crate::alerts::life::LifeError;
use crate::config::SecretError;
use crate::domain::problem::Problem;
use crate::respond::RespondError;
use crate::store::StoreError;

/// Why nothing is shown or done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("there is no data folder {}: give the one that the service's configuration names", .0.display())]
    NoFolder(PathBuf),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<Problem>),
    /// The service has it.
    #[error("{0}; to change alerts while a service runs, ask the service: `--url http://… --token FILE`")]
    InUse(StoreError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Life(#[from] LifeError),
    #[error(transparent)]
    Respond(#[from] RespondError),
    #[error("`{0}` is no address of a service such as http://127.0.0.1:9464")]
    Address(String),
    #[error(transparent)]
    Token(#[from] SecretError),
    /// The service says no.
    #[error("the service refused (HTTP {status}): {told}")]
    Refused { status: u16, told: String },
    #[error("the service could not be asked: {0}; is it running, and is `--url` right?")]
    Unreachable(reqwest::Error),
    #[error("the service answered what this version does not understand: {0}")]
    Answer(String),
    #[error("could not start: {0}")]
    Runtime(std::io::Error),
    /// What was to be shown could not be.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

impl DeskError {
    /// Whether it was asked for something that cannot be, rather than that something is broken.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Life(error) => !matches!(error, LifeError::Alerts(_)),
            Self::Respond(error) => matches!(
                error,
                RespondError::NotFound(_) | RespondError::Conflict(_) | RespondError::Invalid(_)
            ),
            Self::Refused { status, .. } => matches!(status, 400 | 404 | 409 | 412 | 422),
            _ => false,
        }
    }
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            error @ StoreError::InUse { .. } => Self::InUse(error),
            error => Self::Store(error),
        }
    }
}

impl From<AlertError> for DeskError {
    fn from(error: AlertError) -> Self {
        Self::Life(error.into())
    }
}

impl From<reqwest::Error> for DeskError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}
