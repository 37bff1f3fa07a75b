//! The consumer's settings: what is configured, and what the commit rule relies on.

use rdkafka::ClientConfig;

use super::KafkaError;
use crate::config::{ClientSettings, Kafka, KafkaCluster};

/// Settings that keyward relies on. Sources of the meanings: librdkafka's `CONFIGURATION.md`.
const RELIED_ON: &[(&str, &str)] = &[
    // Positions are the store's; what is committed is advisory, and only after a seal.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // The default, `largest`, is silent loss.
    ("auto.offset.reset", "error"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("isolation.level", "read_committed"),
    ("enable.partition.eof", "false"),
    ("group.protocol", "classic"),
    // Lag, and whether any broker answers.
    ("statistics.interval.ms", "1000"),
];

/// Other names of these, and what is set from the configuration's own fields.
const ALSO_RELIED_ON: &[&str] = &[
    "group.id",
    "group.instance.id",
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "offset.store.method",
    "log.queue",
];

/// Settings that may be given otherwise.
const DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "keyward"),
    // A member that was killed, of a host that does not come back, gives its partitions up within the
    // ten seconds of a takeover. Brokers allow six seconds and more.
    ("session.timeout.ms", "8000"),
    ("heartbeat.interval.ms", "2000"),
    // By default a full queue of fetched messages stops fetching for a whole second.
    ("fetch.queue.backoff.ms", "20"),
    // How long it takes at most to notice that a broker is back; by default ten seconds.
    ("reconnect.backoff.max.ms", "2000"),
];

/// The settings of a consumer, none of which may be logged.
pub(super) fn consumer(config: &Kafka, name: &str) -> Result<ClientConfig, KafkaError> {
    if config.topics.is_empty() {
        return Err(KafkaError::NoTopics);
    }
    if config.group.is_empty() {
        return Err(KafkaError::NoGroup);
    }
    let refused: Vec<&str> =
        RELIED_ON.iter().map(|(name, _)| *name).chain(ALSO_RELIED_ON.iter().copied()).collect();
    let cluster = KafkaCluster {
        brokers: &config.brokers,
        tls: config.tls.as_ref(),
        sasl: config.sasl.as_ref(),
        settings: Some(&config.settings),
    };
    let mut settings = ClientSettings::new(cluster, &refused)?;
    for (name, value) in DEFAULTS {
        if !settings.has(name) {
            settings.set(name, *value);
        }
    }
    for (name, value) in RELIED_ON {
        settings.set(name, *value);
    }
    settings.set("group.id", config.group.as_str());
    settings.set("group.instance.id", instance(config, name));
    let mut client = ClientConfig::new();
    for (name, value) in settings.pairs() {
        client.set(name, value);
    }
    Ok(client)
}

/// The static member that this source is: the same after a restart, another one on another host.
pub(super) fn instance(config: &Kafka, name: &str) -> String {
    config.instance.clone().unwrap_or_else(|| format!("{}-{}-{name}", config.group, host()))
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "localhost".to_owned() } else { name.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Start;

    fn config(settings: &[(&str, &str)]) -> Kafka {
        Kafka {
            brokers: vec!["localhost:9092".to_owned()],
            topics: vec!["t".to_owned()],
            group: "g".to_owned(),
            instance: None,
            start: Start::Earliest,
            tls: None,
            sasl: None,
            settings: settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        }
    }

    #[test]
    fn what_the_commit_rule_relies_on_is_set_and_cannot_be_set_otherwise() {
        let client = consumer(&config(&[("session.timeout.ms", "30000")]), "trail").unwrap();
        assert_eq!(client.get("enable.auto.commit"), Some("false"));
        assert_eq!(client.get("enable.auto.offset.store"), Some("false"));
        assert_eq!(client.get("auto.offset.reset"), Some("error"));
        assert_eq!(client.get("isolation.level"), Some("read_committed"));
        assert_eq!(client.get("session.timeout.ms"), Some("30000"));
        assert!(client.get("group.instance.id").unwrap().ends_with("-trail"));
        for (name, _) in RELIED_ON {
            let error = consumer(&config(&[(name, "x")]), "trail").unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(client.create_native_config().is_ok(), "librdkafka knows every setting");
    }

    #[test]
    fn a_source_without_topics_or_group_says_so() {
        let nothing = Kafka { topics: Vec::new(), ..config(&[]) };
        assert!(matches!(consumer(&nothing, "trail"), Err(KafkaError::NoTopics)));
        let nobody = Kafka { group: String::new(), ..config(&[]) };
        assert!(matches!(consumer(&nobody, "trail"), Err(KafkaError::NoGroup)));
    }
}
