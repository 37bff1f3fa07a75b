//! Whether brokers answer, and know the topics.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use secrecy::ExposeSecret;

use super::Check;
use crate::config::{Kafka, KafkaTopic, Sasl, SaslMechanism, SecretError, Tls};

/// How long a cluster may take to say what it has.
const WAIT: Duration = Duration::from_secs(5);

/// The topics of a source.
pub(super) fn source(name: &str, kafka: &Kafka) -> Vec<Check> {
    let what = format!("Kafka of {name}");
    let mut client = match client(&kafka.brokers, kafka.tls.as_ref(), kafka.sasl.as_ref()) {
        Ok(client) => client,
        Err(check) => return vec![named(&what, check)],
    };
    for (setting, value) in &kafka.settings {
        client.set(setting, value);
    }
    topics(&what, &client, kafka.sasl.as_ref(), kafka.topics.iter().map(String::as_str))
}

/// A topic that is written to.
pub(super) fn output(what: &str, topic: &KafkaTopic) -> Vec<Check> {
    match client(&topic.brokers, topic.tls.as_ref(), topic.sasl.as_ref()) {
        Ok(client) => topics(what, &client, topic.sasl.as_ref(), [topic.topic.as_str()].into_iter()),
        Err(check) => vec![named(what, check)],
    }
}

fn named(what: &str, error: SecretError) -> Check {
    Check::failed(what, error.to_string(), "write the secret into that file")
}

fn topics<'t>(
    what: &str,
    client: &ClientConfig,
    sasl: Option<&Sasl>,
    topics: impl Iterator<Item = &'t str>,
) -> Vec<Check> {
    if sasl.is_some_and(|sasl| sasl.mechanism == SaslMechanism::OauthBearer) {
        let to_do = "start keyward: /readyz says whether the token is taken";
        return vec![Check::warning(what, "not asked: the brokers want a token of OAUTHBEARER", to_do)];
    }
    let consumer: BaseConsumer = match client.create() {
        Ok(consumer) => consumer,
        Err(error) => {
            let to_do = "look at `tls`, `sasl` and `settings` of the source";
            return vec![Check::failed(what, error.to_string(), to_do)];
        }
    };
    let mut checks = Vec::new();
    for topic in topics {
        let check = look(what, &consumer, topic);
        let unreachable = check.found.starts_with(UNREACHABLE);
        checks.push(check);
        if unreachable {
            break;
        }
    }
    checks
}

/// How a check begins whose cluster did not answer: its other topics need not be asked for.
const UNREACHABLE: &str = "no answer";

fn look(what: &str, consumer: &BaseConsumer, topic: &str) -> Check {
    let metadata = match consumer.fetch_metadata(Some(topic), WAIT) {
        Ok(metadata) => metadata,
        Err(error) => {
            let to_do = "start the brokers; look at `brokers`, at firewalls, and at `tls` and `sasl`";
            return Check::failed(what, format!("{UNREACHABLE} within {} s: {error}", WAIT.as_secs()), to_do);
        }
    };
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.filter(|found| found.error().is_none()).map(|found| found.partitions().len());
    match partitions {
        Some(partitions) if partitions > 0 => {
            let brokers = metadata.brokers().len();
            Check::ok(what, format!("{brokers} brokers; topic {topic} has {partitions} partitions"))
        }
        _ => Check::failed(
            what,
            format!("the brokers have no topic {topic} for this user"),
            "make the topic, or let the user of `sasl` describe and read it",
        ),
    }
}

/// A client of these brokers. It makes no topic and joins no group.
fn client(brokers: &[String], tls: Option<&Tls>, sasl: Option<&Sasl>) -> Result<ClientConfig, SecretError> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers.join(",")).set("client.id", "keyward-doctor");
    client.set("allow.auto.create.topics", "false").set("socket.timeout.ms", WAIT.as_millis().to_string());
    client.set_log_level(RDKafkaLogLevel::Emerg);
    let protocol = match (tls, sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(tls) = tls {
        for (setting, path) in [
            ("ssl.ca.location", &tls.authorities),
            ("ssl.certificate.location", &tls.certificate),
            ("ssl.key.location", &tls.key),
        ] {
            if let Some(path) = path {
                client.set(setting, path.to_string_lossy());
            }
        }
        if let Some(passphrase) = &tls.key_passphrase {
            client.set("ssl.key.password", passphrase.read()?.expose_secret());
        }
    }
    if let Some(sasl) = sasl {
        let mechanism = match sasl.mechanism {
            SaslMechanism::Plain => "PLAIN",
            SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
            SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
            SaslMechanism::OauthBearer => "OAUTHBEARER",
        };
        client.set("sasl.mechanism", mechanism);
        if let Some(username) = &sasl.username {
            client.set("sasl.username", username);
        }
        if let Some(password) = &sasl.password {
            client.set("sasl.password", password.read()?.expose_secret());
        }
    }
    Ok(client)
}
