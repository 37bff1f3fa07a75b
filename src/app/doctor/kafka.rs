//! Whether brokers answer, and know the topics.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::Check;
use crate::config::{ClientSettings, ClientSettingsError, Kafka, KafkaCluster, KafkaTopic, SaslMechanism};

/// How long a cluster may take to say what it has.
const WAIT: Duration = Duration::from_secs(5);

/// The topics of a source.
pub(super) fn source(name: &str, kafka: &Kafka) -> Vec<Check> {
    let (tls, sasl) = (kafka.tls.as_ref(), kafka.sasl.as_ref());
    let cluster = KafkaCluster { brokers: &kafka.brokers, tls, sasl, settings: Some(&kafka.settings) };
    topics(&format!("Kafka of {name}"), cluster, &kafka.topics)
}

/// A topic that is written to.
pub(super) fn output(what: &str, topic: &KafkaTopic) -> Vec<Check> {
    let (tls, sasl) = (topic.tls.as_ref(), topic.sasl.as_ref());
    let cluster = KafkaCluster { brokers: &topic.brokers, tls, sasl, settings: None };
    topics(what, cluster, std::slice::from_ref(&topic.topic))
}

fn topics(what: &str, cluster: KafkaCluster<'_>, topics: &[String]) -> Vec<Check> {
    let client = match client(cluster) {
        Ok(client) => client,
        Err(error) => {
            let to_do = "mend it in the configuration, or in the file that it names";
            return vec![Check::failed(what, error.to_string(), to_do)];
        }
    };
    if cluster.sasl.is_some_and(|sasl| sasl.mechanism == SaslMechanism::OauthBearer) {
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
fn client(cluster: KafkaCluster<'_>) -> Result<ClientConfig, ClientSettingsError> {
    let mut client = ClientConfig::new();
    for (setting, value) in ClientSettings::new(cluster, &[])?.pairs() {
        client.set(setting, value);
    }
    client.set("client.id", "keyward-doctor").set("allow.auto.create.topics", "false");
    client.set("socket.timeout.ms", WAIT.as_millis().to_string());
    client.set_log_level(RDKafkaLogLevel::Emerg);
    Ok(client)
}
