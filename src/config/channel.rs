//! Channels: the ways in which people and machines are told of alerts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::alerts::{Retry, Webhook, default_timeout};
use super::quantity::Span;
use super::secret::SecretFile;
use crate::domain::level::Level;

/// The name of the channel that `alerts: webhook:` makes.
pub const WEBHOOK: &str = "webhook";

/// One way in which people or machines are told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name: in routes, metrics and the ledger.
    pub name: String,
    /// Networks that may be reached although they are private, loopback or link-local.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub allow_networks: Vec<ipnet::IpNet>,
    /// How long one attempt may take.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    #[serde(default)]
    pub retry: Retry,
    /// How many messages at most; what is beyond is told in one summary with the true counts. By default 30
    /// in ten minutes where people read, and no limit for machines.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// Quieter pages are gathered and told together.
    #[serde(default)]
    pub digest: Option<Digest>,
    #[serde(flatten)]
    pub kind: ChannelKind,
}

/// So many messages in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub messages: u32,
    pub per: Span,
}

/// Pages that are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// At every multiple of this by the clock, UTC.
    pub every: Span,
    /// Pages of this level and louder go out at once; without it none does.
    #[serde(default)]
    pub below: Option<Level>,
}

/// The kinds of channels.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    Email(Box<Email>),
    Pagerduty(PagerDuty),
    Opsgenie(Opsgenie),
    Slack(Chat),
    Teams(Chat),
    Alertmanager(Alertmanager),
    Webhook(Box<Hook>),
    Syslog(Syslog),
}

/// Mail over SMTP.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server that takes mail.
    pub host: String,
    #[serde(default = "submission")]
    pub port: u16,
    #[serde(default)]
    pub security: MailSecurity,
    /// Certificates of the authorities to trust, PEM; the system's without it.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<SecretFile>,
    pub from: String,
    /// Who is told, and who is told instead where nobody is on call or an owner has no contact.
    pub to: Vec<String>,
}

/// The port for handing in mail, with STARTTLS (RFC 6409).
fn submission() -> u16 {
    587
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// Begins in the clear and is encrypted before anything is said; without it nothing is sent.
    #[default]
    Starttls,
    /// Encrypted from the start (port 465).
    Tls,
    /// Never encrypted: for a server on this machine.
    None,
}

/// `PagerDuty`, Events API v2.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// The integration key, in a file.
    pub routing_key: SecretFile,
    #[serde(default = "pagerduty")]
    pub url: String,
}

fn pagerduty() -> String {
    "https://events.pagerduty.com/v2/enqueue".to_owned()
}

/// Opsgenie, Alert API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opsgenie {
    /// The key of an API integration, in a file.
    pub api_key: SecretFile,
    /// `https://api.eu.opsgenie.com` for accounts in the European Union.
    #[serde(default = "opsgenie")]
    pub url: String,
    /// Names of the teams that are told.
    #[serde(default)]
    pub teams: Vec<String>,
}

fn opsgenie() -> String {
    "https://api.opsgenie.com".to_owned()
}

/// A chat's incoming webhook: Slack's, or the workflow webhook of Microsoft Teams.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The webhook's address, in a file: whoever knows it can post.
    pub url: SecretFile,
}

/// Prometheus' Alertmanager, API v2.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    /// Its address, without `/api/v2/alerts`.
    pub url: String,
    /// A file with a token sent as `Authorization: Bearer`.
    #[serde(default)]
    pub token: Option<SecretFile>,
    /// How long an alert lasts there after its last page, unless it is resolved before.
    #[serde(default = "a_day")]
    pub lasts: Span,
    /// Labels that every alert gets beside its own.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

fn a_day() -> Span {
    Span::seconds(86_400)
}

/// A webhook of your own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    pub url: String,
    #[serde(default)]
    pub format: HookFormat,
    /// Files with the keys that bodies are signed with (Standard Webhooks). Each gives one signature, so that
    /// a new key can be brought in before the old one goes.
    #[serde(default)]
    pub signing_keys: Vec<SecretFile>,
    /// A file with a token sent as `Authorization: Bearer`.
    #[serde(default)]
    pub token: Option<SecretFile>,
}

/// What the body of a webhook is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HookFormat {
    /// The page in a `CloudEvents` 1.0 envelope.
    #[default]
    Cloudevents,
    /// The page by itself, as `alerts: webhook:` posts it.
    Page,
    /// What the template `webhook/body.json` makes of it.
    Template,
}

/// Syslog (RFC 5424) with a message in CEF.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    pub host: String,
    /// By default 514 over UDP, 601 over TCP, 6514 over TLS.
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default)]
    pub transport: SyslogTransport,
    /// Certificates of the authorities to trust, PEM; the system's without it.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// What the message says it comes from; by default this machine's name.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// How syslog travels. What is lost over UDP, nobody learns of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyslogTransport {
    #[default]
    Tls,
    Tcp,
    Udp,
}

impl Syslog {
    /// The port, by default the registered one.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.transport {
            SyslogTransport::Tls => 6514,
            SyslogTransport::Tcp => 601,
            SyslogTransport::Udp => 514,
        })
    }
}

impl ChannelKind {
    /// Its word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Pagerduty(_) => "pagerduty",
            Self::Opsgenie(_) => "opsgenie",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Alertmanager(_) => "alertmanager",
            Self::Webhook(_) => "webhook",
            Self::Syslog(_) => "syslog",
        }
    }

    /// Whether people read what comes, so that there can be too much of it.
    pub const fn is_for_people(&self) -> bool {
        !matches!(self, Self::Alertmanager(_) | Self::Webhook(_) | Self::Syslog(_))
    }

    /// Whether single people can be told on it, by their mail address.
    pub const fn takes_people(&self) -> bool {
        matches!(self, Self::Email(_) | Self::Opsgenie(_))
    }

    /// Every file with a secret that it names.
    pub fn secrets(&self) -> Vec<&SecretFile> {
        match self {
            Self::Email(email) => email.password.iter().collect(),
            Self::Pagerduty(pagerduty) => vec![&pagerduty.routing_key],
            Self::Opsgenie(opsgenie) => vec![&opsgenie.api_key],
            Self::Slack(chat) | Self::Teams(chat) => vec![&chat.url],
            Self::Alertmanager(alertmanager) => alertmanager.token.iter().collect(),
            Self::Webhook(hook) => hook.signing_keys.iter().chain(&hook.token).collect(),
            Self::Syslog(_) => Vec::new(),
        }
    }
}

/// More messages than a person reads in ten minutes.
const FOR_PEOPLE: Limit = Limit { messages: 30, per: Span::seconds(600) };

impl Channel {
    /// How many messages it takes; nothing where there is no limit.
    pub fn limit(&self) -> Option<Limit> {
        self.limit.or(self.kind.is_for_people().then_some(FOR_PEOPLE))
    }
}

impl From<&Webhook> for Channel {
    fn from(webhook: &Webhook) -> Self {
        Self {
            name: WEBHOOK.to_owned(),
            allow_networks: webhook.allow_networks.clone(),
            timeout: webhook.timeout,
            retry: webhook.retry.clone(),
            limit: None,
            digest: None,
            kind: ChannelKind::Webhook(Box::new(Hook {
                url: webhook.url.clone(),
                format: HookFormat::Page,
                signing_keys: webhook.signing_key.iter().cloned().collect(),
                token: webhook.token.clone(),
            })),
        }
    }
}
