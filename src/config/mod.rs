//! The configuration of the service: one YAML file, read whole or refused with the place of each mistake.
//!
//! In: the text of `keyward.yaml`, and environment variables that override single values. Out: [`Config`],
//! typed and with every default filled in. Whether a broker answers or a file exists is `keyward doctor`'s
//! and the start-up's business. Secrets are only ever named by the file that holds them ([`SecretFile`]).

mod alerts;
mod bearer;
mod channel;
mod channel_check;
mod history;
mod kafka_client;
pub mod kafka_context;
mod load;
mod privacy;
mod quantity;
mod respond;
mod retention;
mod route;
mod schema;
mod secret;
mod source;
mod user;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

pub use alerts::{Alerts, KafkaTopic, Mode, Retry, Webhook};
pub use bearer::{Bearer, BearerFile};
pub use channel::{
    Alertmanager, Channel, ChannelKind, Chat, Digest, Email, Hook, HookFormat, Limit, MailSecurity, Opsgenie,
    PagerDuty, Syslog, SyslogTransport, WEBHOOK,
};
pub use history::{History, Raw};
pub use kafka_client::{ClientSettings, ClientSettingsError, KafkaCluster};
pub use load::{load, read};
pub use privacy::{Privacy, PrivateColumn, Treatment};
pub use quantity::{Size, Span};
pub use respond::{Bounds, Receiver, Respond, RespondMode};
pub use retention::Retention;
pub use route::{Day, Detail, Escalation, Hours, Recipient, Route, TimeOfDay, When, Zone};
pub use schema::json_schema;
pub use secret::{SecretError, SecretFile};
pub use source::{
    Follow, Http, Kafka, Sasl, SaslMechanism, Socket, Source, SourceKind, Start, Stdin, Tls, WhenFull,
};
pub use user::{Role, User};

/// Everything that `keyward run` is told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder for history, positions, the spool and the embedded store.
    pub data: PathBuf,
    /// Where positions, the manifest and alerts are kept: `embedded` (SQLite in `data`), or
    /// `postgres://…` to share one store between instances.
    #[serde(default)]
    pub store: StoreAddress,
    /// The catalog: files, or folders of them. Without one every key is undeclared.
    #[serde(default)]
    pub catalog: Vec<PathBuf>,
    /// Folders of detectors, beside the built-in ones; one with the id of a built-in one replaces it.
    #[serde(default)]
    pub detectors: Vec<PathBuf>,
    /// Where events come from; each has a name of its own.
    pub sources: Vec<Source>,
    #[serde(default)]
    pub alerts: Alerts,
    #[serde(default)]
    pub respond: Respond,
    #[serde(default)]
    pub rejects: Rejects,
    #[serde(default)]
    pub privacy: Privacy,
    #[serde(default)]
    pub history: History,
    #[serde(default)]
    pub seal: Seal,
    #[serde(default)]
    pub retention: Retention,
    #[serde(default)]
    pub spool: Spool,
    #[serde(default)]
    pub http: Server,
    #[serde(default)]
    pub log: Log,
    /// How long a graceful stop may take before what is open is left to be read again.
    #[serde(default = "defaults::stop")]
    pub stop_within: Span,
}

impl Config {
    /// Every default, with an embedded store in `data`, and nothing to read yet.
    pub fn embedded(data: PathBuf) -> Self {
        Self {
            data,
            store: StoreAddress::Embedded,
            catalog: Vec::new(),
            detectors: Vec::new(),
            sources: Vec::new(),
            alerts: Alerts::default(),
            respond: Respond::default(),
            rejects: Rejects::default(),
            privacy: Privacy::default(),
            history: History::default(),
            seal: Seal::default(),
            retention: Retention::default(),
            spool: Spool::default(),
            http: Server::default(),
            log: Log::default(),
            stop_within: defaults::stop(),
        }
    }
}

impl Config {
    /// Which raw records are kept.
    pub fn raw(&self) -> Raw {
        let usual = if self.privacy.hides() { Raw::None } else { Raw::default() };
        self.history.raw.unwrap_or(usual)
    }
}

/// Where what must be transactional is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum StoreAddress {
    /// SQLite in the data folder.
    #[default]
    Embedded,
    /// A PostgreSQL database. The password belongs into `PGPASSFILE`, not into the address.
    Postgres(String),
}

impl TryFrom<String> for StoreAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "embedded" => Ok(Self::Embedded),
            address if address.starts_with("postgres://") || address.starts_with("postgresql://") => {
                Ok(Self::Postgres(text))
            }
            _ => Err("`store` is `embedded` or an address `postgres://…`".to_owned()),
        }
    }
}

/// What becomes of records that are not understood, beside their row in `rejects`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rejects {
    /// How much of a rejected record is kept for a person to look at.
    pub sample: RejectSample,
    /// A topic for them: one message for each reject, under its id, once it is sealed.
    pub kafka: Option<KafkaTopic>,
}

/// How much of a rejected record is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RejectSample {
    /// Structure and known field names; letters become `x`, digits `0`.
    #[default]
    Masked,
    /// As it came.
    Raw,
    /// Nothing.
    None,
}

/// When an open set of events is sealed: files, then one transaction that moves the positions.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Seal {
    /// At the latest this long after its first record.
    pub every: Span,
    /// At this many rows.
    pub rows: usize,
    /// At this much memory.
    pub bytes: Size,
}

impl Default for Seal {
    fn default() -> Self {
        // Five seconds: what a crash makes to be read again is small, and a day's files are few enough
        // for the hourly compaction. Rows and bytes are those of a scan.
        Self { every: Span::seconds(5), rows: 512 * 1024, bytes: Size::mebibytes(192) }
    }
}

/// The local log for sources that cannot be read again: HTTP, sockets, standard input.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spool {
    /// What all segments together may take on disk.
    pub most: Size,
    /// A segment is closed at this size.
    pub segment: Size,
    /// What happens to new entries when it is full.
    pub when_full: WhenFull,
}

impl Default for Spool {
    fn default() -> Self {
        // A gibibyte holds ten minutes of 2,000 entries a second of 900 bytes.
        Self { most: Size::mebibytes(1024), segment: Size::mebibytes(64), when_full: WhenFull::Refuse }
    }
}

/// The HTTP server: health, metrics, and the ingest of HTTP sources.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen: SocketAddr,
    /// Connections open at once; more wait in the system's queue.
    pub connections: usize,
    /// The largest body of a request, as it comes.
    pub body: Size,
    /// The largest body once unpacked.
    pub unpacked: Size,
    /// How long a client may take for the head and the body of one request.
    pub timeout: Span,
    /// A file with the token that `/metrics` asks for; without one it is open to whoever can connect.
    pub metrics_token: Option<SecretFile>,
    /// A file with the token for changing things: reloading the rules. Without one that is refused.
    pub admin_token: Option<SecretFile>,
    /// Who may see alerts over HTTP, and do something to them. Without anybody that is refused.
    pub users: Vec<User>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464),
            connections: 1024,
            // Firehose sends at most 64 MiB, Vault one entry.
            body: Size::mebibytes(64),
            unpacked: Size::mebibytes(256),
            timeout: Span::seconds(30),
            metrics_token: None,
            admin_token: None,
            users: Vec::new(),
        }
    }
}

/// The program's own log, on standard error.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// As in `RUST_LOG`: `info`, `keyward=debug,warn`.
    pub filter: Option<String>,
}

/// How the program's own log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, as JSON otherwise.
    #[default]
    Auto,
    Pretty,
    Json,
}

mod defaults {
    use super::Span;

    /// Within what Kubernetes and systemd give a process by default (30 s and 90 s).
    pub(super) const fn stop() -> Span {
        Span::seconds(25)
    }
}

#[cfg(test)]
mod tests;
