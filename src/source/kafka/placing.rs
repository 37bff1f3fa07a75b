//! Which partitions are read, and from where: assignment, revocation, rewinding, and gaps.
//!
//! What cannot be answered at once, by the store or the cluster, is tried again every second; until then
//! the partition is not read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError as ClientError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::Client;
use super::member::{Member, Stopping};
use super::partition::{Begin, Reading};
use super::places::PATIENCE;
use crate::source::feed::{Lost, Partition, Signal, Trouble};

/// How long the service may take to seal what was read of partitions that go to somebody else.
const REVOKE_WITHIN: Duration = Duration::from_secs(5);

/// How long after a failed question it is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// What is still to be placed.
#[derive(Debug, Default)]
pub(super) struct Placing {
    /// Assigned by the group and not read yet.
    waiting: Vec<(String, i32)>,
    /// Whether a partition has to be sought.
    rewound: bool,
    /// Whether a position lies outside of its log.
    gaps: bool,
    /// When it is tried again.
    retry_at: Option<Instant>,
    /// Why it failed last.
    error: Option<String>,
    /// Why the source cannot go on.
    pub(super) failure: Option<String>,
}

impl Placing {
    pub(super) fn look_for_gaps(&mut self) {
        self.gaps = true;
    }

    /// What reading waits for, if anything.
    pub(super) fn waits_for(&self) -> Option<&str> {
        if self.is_done() {
            return None;
        }
        Some(self.error.as_deref().unwrap_or("to find where to go on"))
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.rewound && !self.gaps
    }

    fn failed(&mut self, error: String, now: Instant) {
        tracing::debug!(%error, "placing partitions failed");
        self.retry_at = Some(now + RETRY);
        self.error = Some(error);
    }
}

impl Member {
    /// The group gives these partitions to this member.
    pub(super) fn assigned(&mut self, client: &Client, partitions: &TopicPartitionList) {
        let keys: Vec<_> = keys(partitions);
        let list = self.begin_reading(client, keys);
        if let Err(error) = assign(client, &list) {
            self.placing.failure = Some(format!("the assigned partitions were not taken: {error}"));
        }
        self.pause_new(client, &list);
        self.joined = true;
        if partitions.count() > 0 {
            let trouble = self.reach.assigned();
            self.tell(trouble);
        }
    }

    /// The group takes these partitions away. Returns once what was read of them is sealed, or given up.
    pub(super) fn revoked(&mut self, client: &Client, partitions: &TopicPartitionList) {
        let keys = keys(partitions);
        self.placing.waiting.retain(|key| !keys.contains(key));
        let mut identities = Vec::new();
        for (topic, number) in &keys {
            let reading = self.readings.get(topic).and_then(|topic| topic.get(number));
            identities.extend(reading.map(|reading| reading.partition.identity.clone()));
        }
        self.outbox.forget_records(|identity| identities.iter().any(|known| known == identity));
        if !identities.is_empty() && self.stopping < Stopping::Ended {
            self.have_sealed(identities);
        }
        self.commit_sealed(client);
        for (topic, number) in &keys {
            if let Some(numbers) = self.readings.get_mut(topic) {
                numbers.remove(number);
            }
        }
        self.readings.retain(|_, numbers| !numbers.is_empty());
        if let Err(error) = unassign(client, partitions) {
            tracing::debug!(source = &*self.source, %error, "giving partitions up failed");
        }
    }

    /// Nothing is assigned any more: the group is joined again.
    pub(super) fn start_over(&mut self) {
        let readings = self.readings.values().flat_map(|numbers| numbers.values());
        let left: Vec<_> = readings.map(|reading| reading.partition.identity.clone()).collect();
        self.outbox.forget_records(|_| true);
        if !left.is_empty() {
            self.have_sealed(left);
        }
        self.readings.clear();
        self.placing = Placing::default();
        self.due = None;
        self.paused = false;
        self.joined = false;
    }

    fn have_sealed(&mut self, identities: Vec<String>) {
        let deadline = Instant::now() + REVOKE_WITHIN;
        let (sealed, answer) = bounded(1);
        let source = Arc::clone(&self.source);
        let count = identities.len();
        let told = self.outbox.send_by(Signal::Revoked { source, identities, sealed }, deadline);
        if !told || !answer.recv_deadline(deadline).unwrap_or(false) {
            tracing::warn!(
                source = &*self.source,
                partitions = count,
                "partitions went to another member before what was read of them was sealed; it reads that again"
            );
        }
    }

    /// What was handed over and not sealed is to be read again.
    pub(super) fn rewind(&mut self) {
        self.outbox.forget_records(|_| true);
        for reading in self.readings.values_mut().flat_map(|numbers| numbers.values_mut()) {
            reading.rewind();
            self.placing.rewound = true;
        }
        self.placing.retry_at = None;
    }

    /// Places what is not placed yet.
    pub(super) fn place(&mut self, client: &Client, now: Instant) {
        if self.placing.is_done() || self.placing.retry_at.is_some_and(|at| at > now) {
            return;
        }
        self.placing.retry_at = None;
        self.placing.error = None;
        if !self.placing.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.placing.waiting);
            let list = self.begin_reading(client, waiting);
            if list.count() > 0 {
                self.reassign(client, &list);
            }
        }
        if self.placing.rewound {
            self.seek(client, now);
        }
        if self.placing.gaps {
            self.pass_gaps(client, now);
        }
    }

    /// Begins to read these partitions as far as their beginning is known; gives those, with it.
    fn begin_reading(&mut self, client: &Client, keys: Vec<(String, i32)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        let now = Instant::now();
        let mut failed = false;
        for (topic, number) in keys {
            let placed = if failed { None } else { Some(self.placed(client, &topic, number)) };
            match placed {
                Some(Ok((partition, begin))) => {
                    add(&mut list, &topic, number, begin.offset);
                    let mut reading = Reading::new(partition, self.limits, begin);
                    reading.announce(now, (self.clock)());
                    self.due = self.due.or(reading.open_since());
                    self.readings.entry(topic).or_default().insert(number, reading);
                }
                Some(Err(error)) => {
                    failed = true; // the others would wait as long, and the group waits for us
                    self.placing.failed(error, now);
                    self.placing.waiting.push((topic, number));
                }
                None => self.placing.waiting.push((topic, number)),
            }
        }
        list
    }

    fn placed(&mut self, client: &Client, topic: &str, number: i32) -> Result<(Partition, Begin), String> {
        let partition = self.places.partition(client, topic, number)?;
        let begin = self.places.begin(client, &partition.identity, None)?;
        Ok((partition, begin))
    }

    /// Goes back to the stored positions.
    fn seek(&mut self, client: &Client, now: Instant) {
        let mut places = Vec::new();
        let mut list = TopicPartitionList::new();
        for (topic, numbers) in &self.readings {
            for (number, reading) in numbers.iter().filter(|(_, reading)| !reading.in_place) {
                let first = Some(reading.first());
                match self.places.begin(client, &reading.partition.identity, first) {
                    Ok(begin) => {
                        add(&mut list, topic, *number, begin.offset);
                        places.push((topic.clone(), *number, begin));
                    }
                    Err(error) => return self.placing.failed(error, now),
                }
            }
        }
        // What was fetched before cannot come after it: a seek raises the version that it is checked by.
        let sought = match client.seek_partitions(list, PATIENCE) {
            Ok(sought) => sought,
            Err(error) => return self.placing.failed(format!("going back failed: {error}"), now),
        };
        let mut stopped = TopicPartitionList::new();
        for element in sought.elements().iter().filter(|element| element.error().is_err()) {
            let begin = places
                .iter()
                .find(|(topic, number, _)| topic == element.topic() && *number == element.partition());
            if let Some((topic, number, begin)) = begin {
                add(&mut stopped, topic, *number, begin.offset);
            }
        }
        if stopped.count() > 0 {
            self.reassign(client, &stopped); // not being fetched: before its first fetch, or after a gap
        }
        for (topic, number, begin) in places {
            if let Some(reading) = self.readings.get_mut(&topic).and_then(|topic| topic.get_mut(&number)) {
                reading.begin(begin);
                reading.announce(now, (self.clock)());
                self.due = self.due.or(reading.open_since());
            }
        }
        self.placing.rewound = false;
    }

    /// Goes on after what is gone, and says what is gone. librdkafka does not say which partition.
    fn pass_gaps(&mut self, client: &Client, now: Instant) {
        let mut list = TopicPartitionList::new();
        let mut gaps = Vec::new();
        for (topic, numbers) in &self.readings {
            for (number, reading) in numbers {
                if let Some(next) = reading.next() {
                    match client.fetch_watermarks(topic, *number, PATIENCE) {
                        Ok((low, high)) if next < low || next > high => {
                            gaps.push((topic.clone(), *number, next, low));
                            add(&mut list, topic, *number, Offset::Offset(low));
                            continue;
                        }
                        Ok(_) => {}
                        Err(error) => {
                            let error = format!("what {topic}/{number} holds cannot be asked: {error}");
                            return self.placing.failed(error, now);
                        }
                    }
                }
                add(&mut list, topic, *number, reading.goes_on_at());
            }
        }
        for (topic, number, from, to) in gaps {
            self.hand_over_one(&topic, number);
            if let Some(reading) = self.readings.get_mut(&topic).and_then(|topic| topic.get_mut(&number)) {
                reading.jump(to);
                let (partition, lost) = (Arc::clone(&reading.partition), Lost::Outside);
                self.tell(Some(Trouble::Gap { partition, lost, from, to }));
            }
        }
        self.reassign(client, &list);
        self.placing.gaps = false;
    }

    /// Fetches these partitions from these offsets.
    fn reassign(&mut self, client: &Client, list: &TopicPartitionList) {
        let assigned = client.assignment();
        let mut known = TopicPartitionList::new();
        for (topic, number) in keys(list) {
            let held = assigned.as_ref().is_ok_and(|held| held.find_partition(&topic, number).is_some());
            if held {
                known.add_partition(&topic, number);
            }
        }
        let given_up = if known.count() > 0 { client.incremental_unassign(&known) } else { Ok(()) };
        if let Err(error) = given_up.and_then(|()| client.incremental_assign(list)) {
            self.placing.failure = Some(format!("partitions could not be placed: {error}"));
        }
        self.pause_new(client, list);
    }

    /// Partitions keep their pause over an assignment: has them as all others are.
    fn pause_new(&self, client: &Client, list: &TopicPartitionList) {
        let done = if self.paused { client.pause(list) } else { client.resume(list) };
        if let Err(error) = done {
            tracing::debug!(source = &*self.source, %error, "pausing or resuming failed");
        }
    }
}

fn assign(client: &Client, list: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.assign(list),
    }
}

fn unassign(client: &Client, list: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.unassign(),
    }
}

fn keys(list: &TopicPartitionList) -> Vec<(String, i32)> {
    let elements = list.elements();
    elements.iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

fn add(list: &mut TopicPartitionList, topic: &str, number: i32, offset: Offset) {
    let added: Result<(), ClientError> = list.add_partition_offset(topic, number, offset);
    debug_assert!(added.is_ok(), "{topic}/{number} has no such offset: {offset:?}");
}
