//! Drains the outbox of one channel.
//!
//! The store is the queue: what is pending there is sent, whoever put it there and however often this
//! process was killed. Of each alert one delivery is under way at a time, in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::channel::{Outlet, Parcel};
use super::counters::Counters;
use super::error::NotifyError;
use super::retry::{Failure, Next, next};
use super::told::{Act, news};
use super::topic::{Message, Topic};
use crate::config;
use crate::metrics::{Metrics, Transaction};
use crate::store::{Attempt, Came, Delivery, Store, StoreError};

/// Requests under way at once: a receiver that takes a second still takes eight a second.
const IN_FLIGHT: usize = 8;

/// How often the outbox is looked at although nothing woke us: another process may have written to it.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long to leave a store alone that failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// At a stop, how long a topic is waited for; an attempt that takes longer is made again at the next start.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What a message of Kafka says of itself beside its key, the id of the alert.
const DELIVERY_HEADER: &str = "keyward-delivery";
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/json");

pub use super::topic::Clock;

/// Sends what the outbox holds for one channel.
#[derive(Debug)]
pub struct Dispatcher {
    store: Arc<Store>,
    channel: String,
    receiver: Receiver,
    retry: config::Retry,
    last_wait: Duration,
    wake: Arc<Notify>,
    counters: Arc<Counters>,
    /// Hears how long the store takes.
    metrics: Option<Arc<Metrics>>,
    clock: Clock,
}

/// Who takes deliveries.
#[derive(Debug, Clone)]
enum Receiver {
    Outlet(Outlet),
    Kafka(Topic),
}

impl Receiver {
    /// One attempt, at `now` in microseconds since the epoch, and what was answered.
    async fn take(&self, delivery: &Delivery, now: i64) -> Result<String, Failure> {
        match self {
            Self::Outlet(outlet) => send(outlet, delivery, now).await,
            Self::Kafka(topic) => {
                let headers = [(DELIVERY_HEADER, delivery.id.as_str()), CONTENT_TYPE];
                let (key, payload) = (&delivery.alert_id, &delivery.payload);
                topic.write(Message { key, headers: &headers, payload }).await?;
                Ok("taken by the brokers".to_owned())
            }
        }
    }
}

/// What is going on.
#[derive(Default)]
struct Work {
    tasks: JoinSet<Result<String, Failure>>,
    under_way: HashMap<Id, Delivery>,
    /// What the store has not taken yet. Nothing new is sent before: it would be sent again.
    unwritten: Vec<Outcome>,
}

/// How one attempt ended.
#[derive(Debug)]
struct Outcome {
    id: String,
    /// Its number, and when the first was.
    attempt: (i64, i64),
    at: i64,
    /// What the receiver said, or why it said nothing.
    answer: String,
    next: Option<Next>,
}

impl Dispatcher {
    /// A dispatcher for a channel of the configuration.
    ///
    /// # Errors
    /// Where its address is wrong or must not be reached.
    pub fn new(store: Arc<Store>, config: &config::Channel, clock: Clock) -> Result<Self, NotifyError> {
        let receiver = Receiver::Outlet(Outlet::new(config)?);
        let dispatcher = Self::of(store, config.name.clone(), receiver, clock);
        Ok(Self { retry: config.retry.clone(), last_wait: config.timeout.duration(), ..dispatcher })
    }

    /// A dispatcher for the topic of the configuration.
    ///
    /// # Errors
    /// As [`Topic::new`].
    pub fn kafka(store: Arc<Store>, config: &config::KafkaTopic, clock: Clock) -> Result<Self, NotifyError> {
        let receiver = Receiver::Kafka(Topic::new(config, clock)?);
        Ok(Self::of(store, super::KAFKA.to_owned(), receiver, clock))
    }

    fn of(store: Arc<Store>, channel: String, receiver: Receiver, clock: Clock) -> Self {
        Self {
            store,
            channel,
            receiver,
            retry: config::Retry::default(),
            last_wait: LAST_WRITES,
            wake: Arc::default(),
            counters: Arc::default(),
            metrics: None,
            clock,
        }
    }

    /// Tells these metrics how long its transactions take.
    #[must_use]
    pub fn timed_by(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// To be notified after deliveries were put into the outbox.
    pub fn waker(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Its counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Sends until it is told to stop, then waits for what is under way.
    pub async fn run(self, stop: CancellationToken) {
        let mut work = Work::default();
        while !stop.is_cancelled() {
            let pause = match self.turn(&mut work).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(channel = self.channel, %error, "the outbox could not be read or written");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(done) = work.tasks.join_next_with_id() => self.conclude(&mut work, done),
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let last = async {
            while let Some(done) = work.tasks.join_next_with_id().await {
                self.conclude(&mut work, done);
            }
        };
        let _ = tokio::time::timeout(self.last_wait, last).await;
        if let Err(error) = self.write(&mut work).await {
            tracing::warn!(channel = self.channel, %error, "what was sent last will be sent again");
        }
    }

    /// Writes what is done and starts what is due; says how long there is nothing to do.
    async fn turn(&self, work: &mut Work) -> Result<Duration, StoreError> {
        self.write(work).await?;
        let most = IN_FLIGHT + work.under_way.len() + 1;
        let pending = self.store.pending_deliveries(&self.channel, most as i64).await?;
        let now = (self.clock)();
        let mut pause = LOOK_EVERY;
        for delivery in pending {
            if work.under_way.values().any(|under_way| under_way.id == delivery.id) {
                continue;
            }
            let wait = delivery.next_attempt.saturating_sub(now);
            if wait > 0 {
                pause = pause.min(Duration::from_micros(wait.unsigned_abs()));
                break;
            }
            if work.under_way.len() >= IN_FLIGHT {
                break;
            }
            self.start(work, delivery, now);
        }
        let oldest = self.store.oldest_pending(&self.channel).await?;
        self.counters.stands(work.under_way.len(), oldest);
        Ok(pause)
    }

    fn start(&self, work: &mut Work, delivery: Delivery, now: i64) {
        self.counters.started();
        let (receiver, attempted) = (self.receiver.clone(), delivery.clone());
        let task = work.tasks.spawn(async move { receiver.take(&attempted, now).await });
        work.under_way.insert(task.id(), delivery);
    }

    fn conclude(&self, work: &mut Work, done: Result<(Id, Result<String, Failure>), JoinError>) {
        let (id, result) = done.unwrap_or_else(|error| {
            let why = "the attempt was broken off".to_owned();
            (error.id(), Err(Failure { why, for_good: false, pause: None }))
        });
        let Some(delivery) = work.under_way.remove(&id) else { return };
        let now = (self.clock)();
        let (attempts, first) = (delivery.attempts + 1, delivery.first_attempt.unwrap_or(now));
        let (answer, next) = match result {
            Ok(answer) => (answer, None),
            Err(failure) => (failure.why.clone(), Some(next(&self.retry, attempts, first, now, failure))),
        };
        match &next {
            None => self.counters.delivered(),
            Some(next) => self.counters.failed(next.at.is_none()),
        }
        if let Some(Next { at: None, why }) = &next {
            tracing::error!(channel = self.channel, delivery = delivery.id, why, "a delivery is parked");
        }
        work.unwritten.push(Outcome { id: delivery.id, attempt: (attempts, first), at: now, answer, next });
    }

    /// Notes what is done, all of it in one transaction.
    async fn write(&self, work: &mut Work) -> Result<(), StoreError> {
        if work.unwritten.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let attempts: Vec<Attempt<'_>> = work.unwritten.iter().map(Outcome::noted).collect();
        self.store.note_attempts(&attempts).await?;
        if let Some(metrics) = &self.metrics {
            metrics.transaction(Transaction::Other, started.elapsed());
        }
        work.unwritten.clear();
        Ok(())
    }
}

impl Outcome {
    fn noted(&self) -> Attempt<'_> {
        let came = match &self.next {
            None => Came::Arrived,
            Some(Next { at, why }) => Came::Failed { next: *at, why },
        };
        Attempt { id: &self.id, attempt: self.attempt, at: self.at, answer: &self.answer, came }
    }
}

/// One attempt at a delivery.
async fn send(outlet: &Outlet, delivery: &Delivery, now: i64) -> Result<String, Failure> {
    let act = match delivery.news.as_deref() {
        Some(news::ACKNOWLEDGED) => Act::Acknowledge,
        Some(news::RESOLVED) => Act::Resolve,
        _ => Act::Trigger,
    };
    let parcel = Parcel {
        id: &delivery.id,
        alert: &delivery.alert_id,
        act,
        target: delivery.target.as_deref(),
        body: &delivery.payload,
        now,
    };
    outlet.send(&parcel).await
}
