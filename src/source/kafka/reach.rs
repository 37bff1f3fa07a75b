//! Whether the cluster answers, told once when that changes.
//!
//! librdkafka reports every failed attempt to connect, for minutes; an operator wants to know that it
//! began and that it ended.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::source::feed::Trouble;

/// Statistics (one a second) without a broker that is up, before the cluster counts as unreachable.
/// One broker of several that restarts is no trouble.
const MOST_MISSED: u32 = 3;

/// What is known of the cluster's health.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Why it is out of reach, as was told.
    down: Option<String>,
    /// Whether only another assignment ends that, since brokers do answer.
    refused: bool,
    /// What was last heard of a failed connection.
    last: Option<String>,
    missed: u32,
}

impl Reach {
    /// Why nothing can be read, if so.
    pub(super) fn down(&self) -> Option<&str> {
        self.down.as_deref()
    }

    /// An error that librdkafka goes on after.
    pub(super) fn error(&mut self, code: Code, reason: &str) -> Option<Trouble> {
        match code {
            Code::AllBrokersDown => {
                let reason = self.last.clone().unwrap_or_else(|| reason.to_owned());
                self.goes_down(format!("no broker answers ({reason}); check `brokers`, and the cluster"))
            }
            Code::Authentication | Code::SaslAuthenticationFailed => {
                self.goes_down(format!("the broker refuses our identity ({reason}); check `sasl` and `tls`"))
            }
            Code::SSL => self.goes_down(format!("no encrypted connection ({reason}); check `tls`")),
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
                self.is_refused(format!("a topic is not there ({reason}); create it, or check `topics`"))
            }
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed => self.is_refused(format!(
                "not allowed ({reason}); grant Read on the topics and on the group to this client"
            )),
            _ => {
                self.last = Some(reason.to_owned());
                None
            }
        }
    }

    /// Whether any broker is up, once a second.
    pub(super) fn brokers(&mut self, any_up: bool) -> Option<Trouble> {
        if any_up {
            self.missed = 0;
            return if self.refused { None } else { self.comes_up() };
        }
        self.missed = self.missed.saturating_add(1);
        if self.missed < MOST_MISSED {
            return None;
        }
        let reason = self.last.clone().unwrap_or_else(|| "no connection so far".to_owned());
        self.goes_down(format!("no broker answers ({reason}); check `brokers`, and the cluster"))
    }

    /// Partitions were assigned: all is well.
    pub(super) fn assigned(&mut self) -> Option<Trouble> {
        self.refused = false;
        self.comes_up()
    }

    fn is_refused(&mut self, error: String) -> Option<Trouble> {
        self.refused = true;
        self.goes_down(error)
    }

    fn goes_down(&mut self, error: String) -> Option<Trouble> {
        if self.down.is_some() {
            return None;
        }
        self.down = Some(error.clone());
        Some(Trouble::Unreachable { error })
    }

    fn comes_up(&mut self) -> Option<Trouble> {
        self.down.take().map(|_| Trouble::Reachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut reach = Reach::default();
        assert_eq!(reach.error(Code::BrokerTransportFailure, "a:9092: refused"), None);
        let trouble = reach.error(Code::AllBrokersDown, "1/1 brokers are down");
        assert!(matches!(trouble, Some(Trouble::Unreachable { error }) if error.contains("a:9092: refused")));
        for _ in 0..100 {
            assert_eq!(reach.error(Code::AllBrokersDown, "1/1 brokers are down"), None);
            assert_eq!(reach.brokers(false), None);
        }
        assert!(reach.down().is_some());
        assert_eq!(reach.brokers(true), Some(Trouble::Reachable));
        assert_eq!(reach.brokers(true), None);
        assert_eq!(reach.down(), None);
    }

    #[test]
    fn silence_of_all_brokers_is_an_outage_after_a_while() {
        let mut reach = Reach::default();
        assert_eq!((reach.brokers(false), reach.brokers(false)), (None, None));
        assert!(matches!(reach.brokers(false), Some(Trouble::Unreachable { .. })));
    }

    #[test]
    fn a_missing_topic_is_not_over_because_brokers_answer() {
        let mut reach = Reach::default();
        assert!(reach.error(Code::UnknownTopicOrPartition, "t").is_some());
        assert_eq!(reach.brokers(true), None);
        assert_eq!(reach.assigned(), Some(Trouble::Reachable));
    }
}
