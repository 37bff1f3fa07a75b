//! What librdkafka calls back: rebalances, errors, statistics, and for tokens.
//!
//! Everything here runs inside a poll, so on the source's own thread.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError as ClientError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

use super::Clock;
use super::member::Member;
use crate::config::{BearerFile, kafka_context};

/// Errors kept between two looks at them: librdkafka reports each broker's.
const MOST_ERRORS: usize = 64;

/// What the callbacks of a consumer share with its thread.
pub(super) struct Context {
    member: Arc<Mutex<Member>>,
    inbox: Mutex<Inbox>,
    token: Option<BearerFile>,
    clock: Clock,
}

/// What was called back since the last look, in its order: statistics from before an outage must not end it.
#[derive(Default)]
pub(super) struct Inbox(pub(super) Vec<Call>);

/// One thing that was called back.
pub(super) enum Call {
    Error(RDKafkaErrorCode, String),
    Statistics(Box<Statistics>),
}

impl Context {
    pub(super) fn new(member: Arc<Mutex<Member>>, token: Option<BearerFile>, clock: Clock) -> Self {
        Self { member, inbox: Mutex::default(), token, clock }
    }

    /// Not to be held over a poll.
    pub(super) fn member(&self) -> MutexGuard<'_, Member> {
        lock(&self.member)
    }

    /// What was called back since the last look.
    pub(super) fn take_inbox(&self) -> Inbox {
        std::mem::take(&mut *self.inbox())
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }
}

/// A panic in one callback must not stop the others.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: Level, facility: &str, message: &str) {
        kafka_context::log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        let mut inbox = self.inbox();
        inbox.0.retain(|call| matches!(call, Call::Error(..))); // the newest tell it all
        inbox.0.push(Call::Statistics(Box::new(statistics)));
    }

    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        let mut inbox = self.inbox();
        if let Some(code) = error.rdkafka_error_code()
            && inbox.0.len() < MOST_ERRORS
        {
            inbox.0.push(Call::Error(code, reason.to_owned()));
        }
    }

    fn generate_oauth_token(&self, _configured: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        kafka_context::oauth_token(self.token.as_ref(), (self.clock)())
    }
}

impl ConsumerContext for Context {
    /// Puts stored positions into the assignment itself: seeking after it is late.
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let mut member = self.member();
        match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => member.assigned(client, partitions),
            _ => member.revoked(client, partitions),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            // Advisory: the positions are in the store.
            tracing::debug!(target: "librdkafka", %error, "an advisory commit failed");
        }
    }
}
