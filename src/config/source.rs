//! Where events come from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::Span;
use super::secret::SecretFile;

/// One source of events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name: in events (`source`), metrics, and the address `/api/v1/ingest/NAME`.
    pub name: String,
    /// How late its events may come, by event time. By default the provider's: CloudTrail 15 minutes,
    /// Vault and OpenBao 1 minute.
    #[serde(default)]
    pub lateness: Option<Span>,
    /// The audit device or trail that it is the log of.
    #[serde(default)]
    pub device: Option<String>,
    #[serde(flatten)]
    pub kind: SourceKind,
}

/// The kinds of sources.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Kafka(Box<Kafka>),
    Http(Http),
    /// A TCP listener for Vault's socket device: one entry a line.
    Tcp(Socket<SocketAddr>),
    /// The same on a unix socket.
    Unix(Socket<PathBuf>),
    Follow(Follow),
    Stdin(Stdin),
}

/// Topics of a Kafka cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub brokers: Vec<String>,
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// The static member (`group.instance.id`), by default the group's name, this host's and the source's.
    /// No other running member may have it.
    #[serde(default)]
    pub instance: Option<String>,
    /// Where a partition begins that was never read.
    #[serde(default)]
    pub start: Start,
    #[serde(default)]
    pub tls: Option<Tls>,
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// Further settings of librdkafka, by their names there. Those that keyward relies on are refused.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// Where reading begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// With the oldest record that is there.
    #[default]
    Earliest,
    /// With what comes from now on.
    Latest,
    /// With the first record of this time, RFC 3339.
    Time(String),
}

/// Encryption and identity on a connection.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates of the authorities to trust, PEM; the system's without it.
    pub authorities: Option<PathBuf>,
    /// Our certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The passphrase of the private key.
    pub key_passphrase: Option<SecretFile>,
}

/// Authentication at a broker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    pub mechanism: SaslMechanism,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<SecretFile>,
    /// OAUTHBEARER: a file with the token, read again before it expires.
    #[serde(default)]
    pub token: Option<SecretFile>,
}

/// SASL mechanisms, by the names that Kafka has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

/// Entries that are posted to `/api/v1/ingest/NAME` of the HTTP server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The token that clients send, as `Authorization: Bearer` or, for Firehose, as
    /// `X-Amz-Firehose-Access-Key`.
    pub token: SecretFile,
}

/// A listener that takes one entry a line.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Socket<A> {
    pub listen: A,
    /// Connections open at once. Where there are more, one that never sent a line is closed for the new one; where
    /// all have, the new one is.
    #[serde(default = "default_connections")]
    pub connections: usize,
}

/// Vault opens one connection a device; a fleet of agents some hundred.
fn default_connections() -> usize {
    256
}

/// Files that grow: audit logs on this machine. Rotated and truncated ones are recognised.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Files, folders and globs; looked for again all the time.
    pub paths: Vec<String>,
    /// Where a file begins that was never read.
    #[serde(default)]
    pub start: Start,
}

/// Standard input.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stdin {}

/// What happens to new entries when the spool is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// They are refused; a Vault without another audit device then refuses all requests.
    #[default]
    Refuse,
    /// They are dropped, counted and logged.
    Drop,
}
