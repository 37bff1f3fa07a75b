//! Where alerts go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::channel::Channel;
use super::quantity::Span;
use super::route::Route;
use super::secret::SecretFile;
use super::source::{Sasl, Tls};

/// What becomes of alerts beside being stored.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    pub mode: Mode,
    /// One address that alerts are posted to as JSON: a channel called `webhook`.
    pub webhook: Option<Webhook>,
    /// Where people and machines are told; each has a name of its own.
    pub channels: Vec<Channel>,
    /// Which page goes to which channel. Without it every page goes to every channel.
    pub route: Option<Route>,
    /// On-call schedules by name: files that say who is on call when.
    pub schedules: BTreeMap<String, PathBuf>,
    /// A folder whose templates stand in for the built-in ones of the same names.
    pub templates: Option<PathBuf>,
    /// A topic for them: one message for each page, an OCSF Detection Finding under the alert's id.
    pub kafka: Option<KafkaTopic>,
}

/// Whether anybody is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Alerts are delivered.
    #[default]
    Page,
    /// Alerts are recorded and never delivered: for the first weeks with a new catalog.
    Observe,
}

/// An address that alerts are posted to as JSON.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    /// The key that bodies are signed with (Standard Webhooks), in a file.
    #[serde(default)]
    pub signing_key: Option<SecretFile>,
    /// A file with a token sent as `Authorization: Bearer`.
    #[serde(default)]
    pub token: Option<SecretFile>,
    /// Networks that may be posted to although they are private, loopback or link-local.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub allow_networks: Vec<ipnet::IpNet>,
    /// How long one attempt may take.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    #[serde(default)]
    pub retry: Retry,
}

/// Receivers answer within a second or are broken; ten give a slow one a chance.
pub(super) fn default_timeout() -> Span {
    Span::seconds(10)
}

/// How a failed delivery is tried again: after `first`, then twice as long, at most `longest`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub first: Span,
    pub longest: Span,
    /// After this long it is parked: kept, listed, and sent again on request.
    pub give_up_after: Span,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Span::milliseconds(500),
            longest: Span::seconds(60),
            // A receiver that is away over a long weekend still gets everything.
            give_up_after: Span::seconds(4 * 86_400),
        }
    }
}

/// A topic to write to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaTopic {
    pub brokers: Vec<String>,
    pub topic: String,
    #[serde(default)]
    pub tls: Option<Tls>,
    #[serde(default)]
    pub sasl: Option<Sasl>,
}
