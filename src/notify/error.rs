//! Why nobody can be told.

use super::guard::RefusedAddress;
use crate::config::ClientSettingsError;

/// What is wrong with a channel's configuration.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("`alerts: webhook: url` is no address: write https://host/path")]
    Address,
    #[error("`alerts: webhook: url` must begin with https:// or http://")]
    Scheme,
    #[error("`alerts: webhook: url` may not hold a user or password: name a file in `token`")]
    Credentials,
    #[error("`alerts: webhook: url`: {0}")]
    Refused(#[from] RefusedAddress),
    #[error("could not set up the webhook's client: {0}")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Settings(#[from] ClientSettingsError),
    #[error("could not set up the producer: {0}")]
    Producer(#[source] rdkafka::error::KafkaError),
}
