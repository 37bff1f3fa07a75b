//! A topic of Kafka that is written to: one message, acknowledged by all replicas in sync, or a failure.
//!
//! The producer is idempotent, so what librdkafka tries again by itself is written once. What we try again
//! after a failure may stand there twice, under the same key and with the same bytes.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel as Level};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::error::NotifyError;
use super::retry::Failure;
use crate::config::{BearerFile, ClientSettings, KafkaCluster, KafkaTopic, kafka_context};

/// What time it is, in microseconds since the epoch.
pub type Clock = fn() -> i64;

/// How long one attempt may take: a broker that restarts, or a partition that gets another leader, is back
/// by then. It ends with the attempt, so that a message is never written after it was given up.
const ATTEMPT: Duration = Duration::from_secs(20);

/// How long a full queue of librdkafka is waited for: it holds far more than we ever have under way.
const QUEUE: Duration = Duration::from_secs(1);

/// Settings that the promise relies on, and two that keep an alert's way short. Meanings: librdkafka's
/// `CONFIGURATION.md`.
const SETTINGS: &[(&str, &str)] = &[
    ("client.id", "keyward"),
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("linger.ms", "1"),
    ("reconnect.backoff.max.ms", "2000"),
    // A mistyped name must not become a topic.
    ("allow.auto.create.topics", "false"),
];

/// A message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// Messages with one key stay in order.
    pub key: &'m str,
    pub headers: &'m [(&'m str, &'m str)],
    pub payload: &'m str,
}

/// A topic to write to. Cheap to clone.
#[derive(Clone)]
pub struct Topic {
    name: Arc<str>,
    config: ClientConfig,
    context: Context,
    /// Replaced after an error that it cannot go on from.
    producer: Arc<Mutex<FutureProducer<Context>>>,
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Topic({})", self.name)
    }
}

impl Topic {
    /// The topic of a configuration. The brokers are reached later.
    ///
    /// # Errors
    /// Where the configuration is wrong, or a file that it names cannot be read.
    pub fn new(config: &KafkaTopic, clock: Clock) -> Result<Self, NotifyError> {
        let (tls, sasl) = (config.tls.as_ref(), config.sasl.as_ref());
        let cluster = KafkaCluster { brokers: &config.brokers, tls, sasl, settings: None };
        let mut client = ClientConfig::new();
        for (name, value) in ClientSettings::new(cluster, &[])?.pairs().chain(SETTINGS.iter().copied()) {
            client.set(name, value);
        }
        client.set("message.timeout.ms", ATTEMPT.as_millis().to_string());
        let context = Context { token: BearerFile::of(sasl), clock };
        let producer = client.create_with_context(context.clone()).map_err(NotifyError::Producer)?;
        let producer = Arc::new(Mutex::new(producer));
        Ok(Self { name: config.topic.as_str().into(), config: client, context, producer })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes one message: it is there when this returns.
    ///
    /// # Errors
    /// Where the brokers did not acknowledge it: it may be there all the same.
    pub async fn write(&self, message: Message<'_>) -> Result<(), Failure> {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let record = FutureRecord::to(&self.name).key(message.key).payload(message.payload).headers(headers);
        let Err((error, _)) = producer.send(record, QUEUE).await else { return Ok(()) };
        if producer.client().fatal_error().is_some() {
            self.renew();
        }
        Err(failure(&error))
    }

    /// Another producer in the place of one that will never write again.
    fn renew(&self) {
        let mut place = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if place.client().fatal_error().is_none() {
            return; // another attempt did it
        }
        match self.config.create_with_context(self.context.clone()) {
            Ok(producer) => *place = producer,
            Err(error) => tracing::warn!(topic = &*self.name, %error, "no new producer could be made"),
        }
    }
}

/// Too large stays too large; everything else may be mended: brokers, topics, rights.
fn failure(error: &KafkaError) -> Failure {
    let code = error.rdkafka_error_code();
    let why = match code {
        Some(Code::MessageTimedOut) => "no broker took it in time".to_owned(),
        Some(code) => format!("the brokers did not take it: {code}"),
        None => error.to_string(),
    };
    Failure { why, for_good: code == Some(Code::MessageSizeTooLarge), pause: None }
}

/// What librdkafka calls back.
#[derive(Clone)]
struct Context {
    token: Option<BearerFile>,
    clock: Clock,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: Level, facility: &str, message: &str) {
        kafka_context::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }

    fn generate_oauth_token(&self, _configured: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        kafka_context::oauth_token(self.token.as_ref(), (self.clock)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafka_knows_every_setting_and_a_wrong_broker_is_refused_at_the_start() {
        let config = |broker: &str| {
            let config = serde_json::json!({ "brokers": [broker], "topic": "alerts" });
            serde_json::from_value::<KafkaTopic>(config).unwrap()
        };
        let topic = Topic::new(&config("127.0.0.1:9"), || 0).unwrap();
        assert_eq!(topic.config.get("enable.idempotence"), Some("true"));
        assert_eq!((topic.config.get("acks"), topic.name()), (Some("all"), "alerts"));
        assert!(matches!(Topic::new(&config("localhost"), || 0), Err(NotifyError::Settings(_))));
    }

    #[test]
    fn only_what_is_too_large_is_given_up_soon() {
        let of = |code| failure(&KafkaError::MessageProduction(code));
        assert!(of(Code::MessageSizeTooLarge).for_good);
        for code in [Code::MessageTimedOut, Code::UnknownTopicOrPartition, Code::TopicAuthorizationFailed] {
            assert!(!of(code).for_good, "{code:?}");
        }
    }
}
