//! The thread of a source: joins the group, polls, and leaves it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer as _;

use super::context::{Context, lock};
use super::member::{Member, Step, Stopping};
use super::{Client, Clock, KafkaError};
use crate::config::BearerFile;

/// Messages taken between two looks at everything else.
const BATCH: usize = 256;

/// Everything by which to join the group, also again.
pub(super) struct Membership {
    pub(super) config: ClientConfig,
    pub(super) topics: Vec<String>,
    pub(super) member: Arc<Mutex<Member>>,
    pub(super) token: Option<BearerFile>,
    pub(super) clock: Clock,
}

/// Why polling ended.
enum Parting {
    ForGood,
    ToJoinAgain,
}

impl Membership {
    /// A client that joins the group once it is polled.
    pub(super) fn join(&self) -> Result<Client, KafkaError> {
        let context = Context::new(Arc::clone(&self.member), self.token.clone(), self.clock);
        let client: Client = self.config.create_with_context(context)?;
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        client.subscribe(&topics)?;
        Ok(client)
    }

    /// Polls until the source ends, then leaves the group.
    pub(super) fn last(&self, mut client: Client) {
        while let Parting::ToJoinAgain = poll(&client) {
            drop(client); // has what was read sealed, as for any revocation
            lock(&self.member).start_over();
            client = match self.join() {
                Ok(client) => client,
                Err(error) => return lock(&self.member).fail(error.to_string()),
            };
        }
        client.context().member().stopping = Stopping::Ended; // nobody is asked to seal any more
    }
}

fn poll(client: &Client) -> Parting {
    loop {
        let inbox = client.context().take_inbox();
        let step = client.context().member().step(client, inbox);
        let mut wait = match step {
            Step::Poll(wait) => wait,
            Step::Leave => return Parting::ForGood,
            Step::JoinAgain => return Parting::ToJoinAgain,
        };
        for _ in 0..BATCH {
            let Some(Ok(message)) = client.poll(wait) else { break };
            if !client.context().member().message(&message) {
                break;
            }
            wait = Duration::ZERO;
        }
    }
}
