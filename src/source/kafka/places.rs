//! Where partitions begin: at their stored position, or where the configuration says.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::{Offset, TopicPartitionList};

use super::partition::Begin;
use super::{Client, KafkaError, Positions};
use crate::config::Start;
use crate::source::feed::Partition;

/// How long one question to the cluster may take. It is asked again later.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Where a partition begins that was never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Earliest,
    Latest,
    /// In milliseconds since the epoch.
    Time(i64),
}

impl First {
    pub(super) fn new(start: &Start) -> Result<Self, KafkaError> {
        Ok(match start {
            Start::Earliest => Self::Earliest,
            Start::Latest => Self::Latest,
            Start::Time(text) => {
                let time = DateTime::parse_from_rfc3339(text);
                Self::Time(time.map_err(|_| KafkaError::StartTime(text.clone()))?.timestamp_millis())
            }
        })
    }
}

/// Knows partitions, and where they begin.
pub(super) struct Places {
    source: Arc<str>,
    positions: Positions,
    first: First,
    /// The cluster's id, once it was heard.
    cluster: Option<String>,
}

impl Places {
    pub(super) fn new(source: Arc<str>, positions: Positions, first: First) -> Self {
        Self { source, positions, first, cluster: None }
    }

    /// A partition by its topic and number.
    pub(super) fn partition(
        &mut self,
        client: &Client,
        topic: &str,
        number: i32,
    ) -> Result<Partition, String> {
        if self.cluster.is_none() {
            self.cluster = client.client().fetch_cluster_id(PATIENCE);
        }
        let cluster = self.cluster.as_deref().ok_or("the cluster does not tell its id")?;
        Ok(Partition {
            identity: format!("kafka:{cluster}:{topic}:{number}"),
            label: format!("{topic}/{number}"),
            source: Arc::clone(&self.source),
        })
    }

    /// Where the partition of this identity begins; `first` where that is known for one never sealed.
    pub(super) fn begin(
        &self,
        client: &Client,
        identity: &str,
        first: Option<Offset>,
    ) -> Result<Begin, String> {
        let stored = (self.positions)(identity)
            .map_err(|error| format!("the stored position of {identity} cannot be read: {error}"))?;
        if let Some(stored) = stored {
            return Ok(Begin { stored: Some(stored.next), offset: Offset::Offset(stored.next.offset) });
        }
        let offset = match (first, topic_and_number(identity)) {
            (Some(first), _) => first,
            (None, Some((topic, number))) => self
                .resolve(client, topic, number)
                .map_err(|error| format!("where {topic}/{number} begins cannot be asked: {error}"))?,
            (None, None) => return Err(format!("{identity} is no partition")),
        };
        Ok(Begin { stored: None, offset })
    }

    /// Where to begin without a stored position, as a plain offset where it would move.
    fn resolve(&self, client: &Client, topic: &str, number: i32) -> Result<Offset, ClientError> {
        if self.first == First::Earliest {
            return Ok(Offset::Beginning);
        }
        // Before the question for the time: what is written in between must not be left out.
        let (_, end) = client.fetch_watermarks(topic, number, PATIENCE)?;
        let First::Time(time) = self.first else { return Ok(Offset::Offset(end)) };
        let mut times = TopicPartitionList::new();
        times.add_partition_offset(topic, number, Offset::Offset(time))?;
        let found = client.offsets_for_times(times, PATIENCE)?;
        let Some(element) = found.find_partition(topic, number) else { return Ok(Offset::Offset(end)) };
        element.error()?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Offset::Offset(offset),
            _ => Offset::Offset(end),
        })
    }
}

/// The topic and the number in a partition's identity. A topic's name has no colon.
pub(super) fn topic_and_number(identity: &str) -> Option<(&str, i32)> {
    let (rest, number) = identity.rsplit_once(':')?;
    let (_, topic) = rest.rsplit_once(':')?;
    Some((topic, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_says_topic_and_number() {
        assert_eq!(topic_and_number("kafka:lkc-1:audit.log-2:17"), Some(("audit.log-2", 17)));
        assert_eq!(topic_and_number("spool:a"), None);
    }

    #[test]
    fn a_start_time_is_rfc_3339() {
        let time = First::new(&Start::Time("2026-11-24T12:00:00Z".to_owned())).unwrap();
        assert_eq!(time, First::Time(1_795_521_600_000));
        let error = First::new(&Start::Time("yesterday".to_owned())).unwrap_err();
        assert!(error.to_string().contains("RFC 3339"));
    }
}
