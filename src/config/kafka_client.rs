//! Turns what is configured of a Kafka cluster into settings of librdkafka, for consumers and producers.
//!
//! In: brokers, encryption, identity, and further settings by librdkafka's names. Out: pairs of name and
//! value, secrets read from their files. Names: librdkafka's `CONFIGURATION.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::secret::{SecretError, SecretFile};
use super::source::{Sasl, SaslMechanism, Tls};

/// What is said of a cluster, wherever it is said.
#[derive(Debug, Clone, Copy)]
pub struct KafkaCluster<'c> {
    pub brokers: &'c [String],
    pub tls: Option<&'c Tls>,
    pub sasl: Option<&'c Sasl>,
    /// Further settings, by their names in librdkafka.
    pub settings: Option<&'c BTreeMap<String, String>>,
}

/// Settings of a client, some of them secret. `Debug` shows only their names.
#[derive(Clone, Default)]
pub struct ClientSettings(Vec<(String, SecretString)>);

/// Why settings cannot be made. Never quotes a value.
#[derive(Debug, thiserror::Error)]
pub enum ClientSettingsError {
    #[error("no broker is named; list at least one as `host:port` under `brokers`")]
    NoBrokers,
    #[error("`{0}` is no broker; write `host:port`")]
    Broker(String),
    #[error("the setting `{0}` cannot be given: keyward relies on its own value of it; remove it")]
    ReliedOn(String),
    #[error("the setting `{0}` is set by `brokers`, `tls` or `sasl`; say it there")]
    SaidElsewhere(String),
    #[error("the setting `{0}` holds a secret; put it in a file, and name that under `tls` or `sasl`")]
    Secret(String),
    #[error("`sasl` with {0} needs `username` and `password`")]
    NoPassword(&'static str),
    #[error("`sasl` with OAUTHBEARER needs `token`, a file with the token")]
    NoToken,
    #[error("`tls` needs `certificate` and `key` together, or neither")]
    HalfCertificate,
    #[error("`tls` names {path}, which cannot be read: {cause}")]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error(transparent)]
    SecretFile(#[from] SecretError),
}

/// What `brokers`, `tls` and `sasl` say, under all names that librdkafka has for it.
const SAID_ELSEWHERE: &[&str] = &[
    "bootstrap.servers",
    "metadata.broker.list",
    "security.protocol",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.oauthbearer.config",
    "enable.sasl.oauthbearer.unsecure.jwt",
];

/// Parts of the names of settings that hold a secret.
const SECRET: &[&str] = &["password", "secret", "pem"];

impl ClientSettings {
    /// The settings by which a client reaches this cluster. Those in `relied_on` cannot be given.
    ///
    /// # Errors
    /// Where something is missing, contradicts itself, or a file cannot be read.
    pub fn new(cluster: KafkaCluster<'_>, relied_on: &[&str]) -> Result<Self, ClientSettingsError> {
        let mut settings = Self::default();
        settings.set("bootstrap.servers", brokers(cluster.brokers)?);
        let protocol = match (cluster.tls.is_some(), cluster.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        settings.set("security.protocol", protocol);
        if let Some(tls) = cluster.tls {
            settings.tls(tls)?;
        }
        if let Some(sasl) = cluster.sasl {
            settings.sasl(sasl)?;
        }
        for (name, value) in cluster.settings.into_iter().flatten() {
            may_be_given(name, relied_on)?;
            settings.set(name, value.as_str());
        }
        Ok(settings)
    }

    /// Adds one, or replaces it.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.set_secret(name, SecretString::from(value.into()));
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Names and values, to be handed to the client and nowhere else.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }

    fn set_secret(&mut self, name: &str, value: SecretString) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    fn tls(&mut self, tls: &Tls) -> Result<(), ClientSettingsError> {
        if tls.certificate.is_some() != tls.key.is_some() {
            return Err(ClientSettingsError::HalfCertificate);
        }
        let files = [
            ("ssl.ca.location", &tls.authorities),
            ("ssl.certificate.location", &tls.certificate),
            ("ssl.key.location", &tls.key),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                self.set(name, readable(path)?);
            }
        }
        if let Some(passphrase) = &tls.key_passphrase {
            self.set_secret("ssl.key.password", passphrase.read()?);
        }
        Ok(())
    }

    fn sasl(&mut self, sasl: &Sasl) -> Result<(), ClientSettingsError> {
        let mechanism = sasl.mechanism.name();
        self.set("sasl.mechanism", mechanism);
        if sasl.mechanism == SaslMechanism::OauthBearer {
            // Read when the client asks for it; here only whether it is there.
            sasl.token.as_ref().ok_or(ClientSettingsError::NoToken)?.read()?;
            return Ok(());
        }
        let missing = ClientSettingsError::NoPassword(mechanism);
        let (Some(username), Some(password)) = (&sasl.username, &sasl.password) else { return Err(missing) };
        self.set("sasl.username", username.as_str());
        self.set_secret("sasl.password", SecretFile::read(password)?);
        Ok(())
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl SaslMechanism {
    /// Its name, as Kafka has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

fn brokers(brokers: &[String]) -> Result<String, ClientSettingsError> {
    if brokers.is_empty() {
        return Err(ClientSettingsError::NoBrokers);
    }
    for broker in brokers {
        let port = broker.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
        if broker.contains([',', ' ']) || port.is_none_or(|port| port.parse::<u16>().is_err()) {
            return Err(ClientSettingsError::Broker(broker.clone()));
        }
    }
    Ok(brokers.join(","))
}

fn readable(path: &Path) -> Result<String, ClientSettingsError> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(path.to_string_lossy().into_owned()),
        Err(cause) => Err(ClientSettingsError::Unreadable { path: path.to_owned(), cause }),
    }
}

fn may_be_given(name: &str, relied_on: &[&str]) -> Result<(), ClientSettingsError> {
    if relied_on.contains(&name) {
        return Err(ClientSettingsError::ReliedOn(name.to_owned()));
    }
    if SECRET.iter().any(|part| name.contains(part)) {
        return Err(ClientSettingsError::Secret(name.to_owned()));
    }
    if SAID_ELSEWHERE.contains(&name) {
        return Err(ClientSettingsError::SaidElsewhere(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
#[path = "kafka_client_tests.rs"]
mod tests;
