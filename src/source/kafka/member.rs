//! The state of one member of a consumer group, and what it does between two polls.
//!
//! In: messages, commands of the service, what librdkafka called back. Out: signals. Which partitions it
//! reads and from where is in `placing`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Call, Inbox, lock};
use super::outbox::Outbox;
use super::partition::{Incoming, Reading};
use super::places::{Places, topic_and_number};
use super::reach::Reach;
use super::{Client, Clock, Command};
use crate::source::feed::{Signal, Status, Trouble};
use crate::source::limits::Limits;
use crate::store::PositionMove;

/// How long messages are gathered after the first: a twelfth of the 250 ms that a page may take, and at
/// 20,000 a second some hundred records, enough for the fixed costs of a batch to vanish.
const LINGER: Duration = Duration::from_millis(20);

/// How long a poll waits where nothing comes: what the service says is heard after it.
const IDLE: Duration = Duration::from_millis(50);

/// The same while signals are held back.
const HOLDING: Duration = Duration::from_millis(5);

/// A member that is fenced again within this time has a rival, who comes back as fast as this one. Once it
/// may have been itself: after an outage of the broker it joins anew, and what was on its way under its
/// former id is answered so. Seen with a broker that was killed and started again.
const RIVAL_WITHIN: Duration = Duration::from_secs(20);

/// What comes after a step.
pub(super) enum Step {
    /// Poll, for at most so long.
    Poll(Duration),
    /// Leave the group.
    Leave,
    /// Leave it and come back.
    JoinAgain,
}

/// A member of a consumer group.
pub(super) struct Member {
    pub(super) source: Arc<str>,
    pub(super) device: Option<Arc<str>>,
    pub(super) group: String,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) places: Places,
    pub(super) outbox: Outbox,
    pub(super) reach: Reach,
    pub(super) commands: Receiver<Command>,
    pub(super) status: Arc<Mutex<Status>>,
    pub(super) generation: u64,
    /// The partitions being read, by topic and number.
    pub(super) readings: BTreeMap<String, BTreeMap<i32, Reading>>,
    pub(super) placing: super::placing::Placing,
    /// When something gathered has to be handed over.
    pub(super) due: Option<Instant>,
    /// Whether the partitions are paused.
    pub(super) paused: bool,
    /// Whether it is a member of the group.
    pub(super) joined: bool,
    pub(super) stopping: Stopping,
    /// When another member with our name appeared.
    pub(super) fenced_at: Option<Instant>,
    /// What was last told that reading waits for, if anything was told since the last count.
    pub(super) told: Option<Option<String>>,
}

/// How far a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stopping {
    No,
    /// Nothing new is taken.
    Draining,
    /// The end was told; the service may still say what it sealed.
    Ended,
}

impl Member {
    /// Takes a message, and says whether more may come.
    pub(super) fn message(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let number = message.partition();
        let reading = self.readings.get_mut(message.topic()).and_then(|topic| topic.get_mut(&number));
        let Some(reading) = reading.filter(|_| self.stopping == Stopping::No) else { return true };
        let incoming = Incoming {
            offset: message.offset(),
            payload: message.payload().unwrap_or_default(),
            written_at: message.timestamp().to_millis().map(|millis| millis.saturating_mul(1000)),
        };
        let now = Instant::now();
        if reading.add(incoming, now, self.clock) {
            let arrival = reading.take(self.device.as_ref(), self.generation);
            if let Some(arrival) = arrival {
                self.outbox.put(Signal::Records(arrival));
            }
        } else if reading.open_since().is_some() && self.due.is_none() {
            self.due = Some(now + LINGER);
        }
        !self.outbox.is_holding()
    }

    /// Everything between two polls.
    pub(super) fn step(&mut self, client: &Client, inbox: Inbox) -> Step {
        if !self.obey(client) {
            return Step::Leave;
        }
        let now = Instant::now();
        if let Some((code, text)) = fatal_error(client, &inbox) {
            return self.parting(code, &text, now);
        }
        self.heed(inbox);
        if let Some(error) = self.placing.failure.take() {
            self.fail(error);
            return Step::Leave;
        }
        self.outbox.send_held();
        self.place(client, now);
        self.hand_over(now);
        self.pause_or_resume(client);
        self.end();
        self.tell_status();
        if self.outbox.is_closed() { Step::Leave } else { Step::Poll(self.wait(now)) }
    }

    fn wait(&self, now: Instant) -> Duration {
        if self.outbox.is_holding() {
            return HOLDING;
        }
        // A millisecond more: librdkafka rounds down, and would spin.
        let due = self.due.map(|due| due.saturating_duration_since(now) + Duration::from_millis(1));
        due.map_or(IDLE, |due| due.min(IDLE))
    }

    /// Does what the service says, and says whether it is still there.
    fn obey(&mut self, client: &Client) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Sealed(moves)) => self.commit(client, &moves),
                Ok(Command::Rewind(generation)) => {
                    self.generation = generation;
                    self.rewind();
                }
                Ok(Command::Stop) => self.stopping = self.stopping.max(Stopping::Draining),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => {
                    self.stopping = Stopping::Ended;
                    return false;
                }
            }
        }
    }

    /// Commits what was sealed until now, before partitions are given up. Other commands come later.
    pub(super) fn commit_sealed(&mut self, client: &Client) {
        let commands: Vec<_> = self.commands.try_iter().collect();
        for command in commands {
            match command {
                Command::Sealed(moves) => self.commit(client, &moves),
                Command::Rewind(generation) => {
                    self.generation = generation;
                    self.rewind();
                }
                Command::Stop => self.stopping = self.stopping.max(Stopping::Draining),
            }
        }
    }

    /// Tells the group how far the store is. For people and their tools; nothing here reads it.
    fn commit(&self, client: &Client, moves: &[PositionMove]) {
        let mut offsets = TopicPartitionList::new();
        for step in moves {
            let Some((topic, number)) = topic_and_number(&step.source) else { continue };
            let reading = self.readings.get(topic).and_then(|topic| topic.get(&number));
            if reading.is_some_and(|reading| reading.partition.identity == step.source) {
                let added = offsets.add_partition_offset(topic, number, Offset::Offset(step.to.offset));
                debug_assert!(added.is_ok(), "a sealed position is an offset");
            }
        }
        if offsets.count() > 0
            && let Err(error) = client.commit(&offsets, CommitMode::Async)
        {
            tracing::debug!(source = &*self.source, %error, "an advisory commit failed");
        }
    }

    /// Takes in what was called back.
    fn heed(&mut self, inbox: Inbox) {
        for call in inbox.0 {
            match call {
                Call::Error(Code::AutoOffsetReset | Code::LogTruncation, _) => self.placing.look_for_gaps(),
                Call::Error(code, reason) => {
                    let trouble = self.reach.error(code, &reason);
                    self.tell(trouble);
                }
                Call::Statistics(statistics) => self.count(&statistics),
            }
        }
    }

    /// What is to be done after an error that the client does not go on after.
    fn parting(&mut self, code: Code, text: &str, now: Instant) -> Step {
        let group = &self.group;
        if code != Code::FencedInstanceId {
            let error = format!("the Kafka client cannot go on: {text} ({code}); restart, and report it");
            self.fail(error);
            return Step::Leave;
        }
        let before = self.fenced_at.replace(now);
        if before.is_none_or(|before| now.duration_since(before) > RIVAL_WITHIN) {
            tracing::warn!(source = &*self.source, group, "this member was fenced; it joins the group again");
            return Step::JoinAgain;
        }
        let error = format!(
            "another running member of the group `{group}` has the same `instance`; give each its own"
        );
        self.fail(error);
        Step::Leave
    }

    /// Says that the source cannot go on.
    pub(super) fn fail(&mut self, error: String) {
        let status = Status { ready: false, waits_for: Some(error.clone()), lags: Vec::new() };
        *lock(&self.status) = status;
        self.outbox.put(Signal::Failed { source: Arc::clone(&self.source), error });
        self.outbox.send_rest();
        self.stopping = Stopping::Ended;
    }

    /// Tells trouble, once the status shows it too.
    pub(super) fn tell(&mut self, trouble: Option<Trouble>) {
        if let Some(trouble) = trouble {
            self.tell_status();
            self.outbox.put(Signal::Trouble { source: Arc::clone(&self.source), trouble });
        }
    }

    fn count(&mut self, statistics: &Statistics) {
        self.told = None;
        let any_up = statistics.brokers.values().any(|broker| broker.nodeid >= 0 && broker.state == "UP");
        let trouble = self.reach.brokers(any_up);
        self.tell(trouble);
        self.joined |= statistics.cgrp.as_ref().is_some_and(|group| group.join_state == "steady");
        for (name, topic) in &mut self.readings {
            let Some(of_topic) = statistics.topics.get(name) else { continue };
            for (number, reading) in topic {
                let end = of_topic.partitions.get(number);
                let end = end.map(|end| if end.ls_offset >= 0 { end.ls_offset } else { end.hi_offset });
                reading.end = end.filter(|end| *end >= 0).or(reading.end);
            }
        }
    }

    /// Hands over what is due; on a stop everything.
    fn hand_over(&mut self, now: Instant) {
        let all = self.stopping == Stopping::Draining;
        if !all && self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        for reading in self.readings.values_mut().flat_map(BTreeMap::values_mut) {
            let Some(due) = reading.open_since().map(|since| since + LINGER) else { continue };
            if !all && due > now {
                self.due = Some(self.due.map_or(due, |known| known.min(due)));
            } else if let Some(arrival) = reading.take(self.device.as_ref(), self.generation) {
                self.outbox.put(Signal::Records(arrival));
            }
        }
    }

    /// Hands over what was gathered of one partition.
    pub(super) fn hand_over_one(&mut self, topic: &str, number: i32) {
        let reading = self.readings.get_mut(topic).and_then(|topic| topic.get_mut(&number));
        let arrival = reading.and_then(|reading| reading.take(self.device.as_ref(), self.generation));
        if let Some(arrival) = arrival {
            self.outbox.put(Signal::Records(arrival));
        }
    }

    /// Whether nothing is to be fetched.
    pub(super) fn is_to_pause(&self) -> bool {
        self.outbox.is_holding() || self.stopping > Stopping::No
    }

    fn pause_or_resume(&mut self, client: &Client) {
        let wanted = self.is_to_pause();
        if wanted == self.paused {
            return;
        }
        let all = self.all();
        let done = if wanted { client.pause(&all) } else { client.resume(&all) };
        match done {
            Ok(()) => self.paused = wanted,
            Err(error) => tracing::debug!(source = &*self.source, %error, "pausing or resuming failed"),
        }
    }

    /// All partitions being read.
    fn all(&self) -> TopicPartitionList {
        let mut all = TopicPartitionList::new();
        for (topic, numbers) in &self.readings {
            for number in numbers.keys() {
                all.add_partition(topic, *number);
            }
        }
        all
    }

    fn end(&mut self) {
        if self.stopping == Stopping::Draining && !self.outbox.is_holding() {
            self.outbox.put(Signal::Ended { source: Arc::clone(&self.source) });
            self.stopping = Stopping::Ended;
        }
    }

    /// Tells the status where it changed, and lags once a second.
    fn tell_status(&mut self) {
        let waits_for = self.waits_for();
        if self.told.as_ref() == Some(&waits_for) {
            return;
        }
        self.told = Some(waits_for.clone());
        let readings = self.readings.values().flat_map(BTreeMap::values);
        let lags = readings.filter_map(Reading::lag).collect();
        *lock(&self.status) = Status { ready: waits_for.is_none(), waits_for, lags };
    }

    fn waits_for(&self) -> Option<String> {
        if let Some(down) = self.reach.down() {
            return Some(down.to_owned());
        }
        if let Some(waits) = self.placing.waits_for() {
            return Some(waits.to_owned());
        }
        (!self.joined).then(|| format!("to join the group `{}`", self.group))
    }
}

/// The error that the client does not go on after, if there is one.
fn fatal_error(client: &Client, inbox: &Inbox) -> Option<(Code, String)> {
    let any = inbox.0.iter().any(|call| matches!(call, Call::Error(..)));
    if any { client.client().fatal_error() } else { None }
}
