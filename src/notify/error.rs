//! Why nobody can be told.

use std::path::PathBuf;

use super::guard::RefusedAddress;
use crate::config::ClientSettingsError;

/// What is wrong with a channel, a route or a template.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("channel `{channel}`: {what}")]
    Channel { channel: String, what: ChannelError },
    #[error("the schedule {}: {why}", path.display())]
    Schedule { path: PathBuf, why: String },
    #[error("a route's pattern `{pattern}`: {why}")]
    Pattern { pattern: String, why: String },
    #[error("the template {name}: {why}")]
    Template { name: String, why: String },
    #[error("the templates in {}: {why}", path.display())]
    Templates { path: PathBuf, why: String },
    #[error(transparent)]
    Settings(#[from] ClientSettingsError),
    #[error("could not set up the producer: {0}")]
    Producer(#[source] rdkafka::error::KafkaError),
}

/// What is wrong with one channel's configuration.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("`url` is no address: write https://host/path")]
    Address,
    #[error("`url` must begin with https:// or http://")]
    Scheme,
    #[error("`url` may not hold a user or password: name a file in `token`")]
    Credentials,
    #[error("{0}")]
    Refused(#[from] RefusedAddress),
    #[error("`{0}` is no mail address")]
    Mailbox(String),
    #[error("could not set up its client: {0}")]
    Client(#[source] reqwest::Error),
}

impl ChannelError {
    /// The same, with the channel that it is about.
    pub(super) fn of(self, channel: &str) -> NotifyError {
        NotifyError::Channel { channel: channel.to_owned(), what: self }
    }
}
