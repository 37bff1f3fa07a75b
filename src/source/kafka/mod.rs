//! Reads topics of a Kafka cluster as a member of a consumer group.
//!
//! In: the configuration of a source, the stored positions, and what the service says through [`Feed`].
//! Out: [`Signal`](super::feed::Signal)s. What records mean, and when they are safe, is left to others.
//!
//! **Nothing lost, nothing doubled** (STREAMING §4). The store's positions are the only ones: they go into
//! the assignment itself, and are gone back to on a rewind; what is committed to the group is advisory and
//! follows a seal. A position outside of its log is told as a gap, then reading goes on with the oldest
//! record; librdkafka never resets an offset on its own. A partition that begins at the end has that end
//! stored at once.
//!
//! **Back-pressure.** Messages are gathered per partition for at most 20 ms, or until a chunk is full. Where
//! the service's queue is full, what was gathered is held back and all partitions are paused; polling goes
//! on, so that the group does not miss this member.
//!
//! The way of the calls: [`Consumer::start`] makes a thread that polls (`membership`); `member` is its state
//! between two polls, `placing` which partitions are read and from where, `places` the questions for that, `partition`
//! one partition, `outbox` the service's queue, `context` what librdkafka calls back, `reach` whether the
//! cluster answers, `settings` the client's settings.

mod context;
mod member;
mod membership;
mod outbox;
mod partition;
mod places;
mod placing;
mod reach;
mod settings;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError as ClientError;

use self::context::{Context, lock};
use self::member::{Member, Stopping};
use self::membership::Membership;
use self::outbox::Outbox;
use self::places::{First, Places};
use super::feed::{Feed, Signals, Status};
use super::limits::Limits;
use crate::config::{BearerFile, ClientSettingsError, Kafka};
use crate::store::{PositionMove, StoredPosition};

/// How far a source was sealed, by its identity; the error is for people.
pub type Positions = Arc<dyn Fn(&str) -> Result<Option<StoredPosition>, String> + Send + Sync>;

/// What time it is, in microseconds since the epoch.
pub type Clock = fn() -> i64;

type Client = BaseConsumer<Context>;

/// How long leaving the group may hold up whoever drops the source. Without an answer of the cluster the
/// member is forgotten after its session timeout.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// Why a Kafka source cannot be started. Whether the cluster answers shows later.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    #[error("no topic is named; list at least one under `topics`")]
    NoTopics,
    #[error("the consumer group has no name; give one under `group`")]
    NoGroup,
    #[error("`{0}` is no time; write `start` as RFC 3339, for example 2026-11-24T00:00:00Z")]
    StartTime(String),
    #[error(transparent)]
    Settings(#[from] ClientSettingsError),
    #[error("librdkafka refuses the setting `{name}`: {problem}; correct or remove it")]
    Setting { name: String, problem: String },
    #[error("librdkafka refuses the settings: {0}; correct `tls`, `sasl` or `settings`")]
    Client(String),
    #[error("the topics cannot be subscribed to: {0}; check their names")]
    Topics(String),
    #[error("no thread could be started for the source: {0}")]
    Thread(std::io::Error),
}

impl From<ClientError> for KafkaError {
    /// Leaves out the value of a setting, which may be secret.
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::ClientConfig(_, problem, name, _) => Self::Setting { name, problem },
            ClientError::Subscription(problem) => Self::Topics(problem),
            error => Self::Client(error.to_string()),
        }
    }
}

/// What a source is given beside its configuration.
pub struct Setup {
    /// Its configured name.
    pub name: Arc<str>,
    /// The audit device or trail that it is the log of.
    pub device: Option<Arc<str>>,
    pub limits: Limits,
    pub positions: Positions,
    pub signals: Signals,
    pub clock: Clock,
}

/// What the service says.
enum Command {
    Sealed(Vec<PositionMove>),
    Rewind(u64),
    Stop,
}

/// A running Kafka source. It leaves the group when it is dropped.
pub struct Consumer {
    name: Arc<str>,
    /// Nothing once it is being dropped.
    commands: Option<Sender<Command>>,
    status: Arc<Mutex<Status>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Consumer {
    /// Starts to read. Returns at once: the cluster is reached later, or told to be out of reach.
    ///
    /// # Errors
    /// Where the configuration is wrong, or a file that it names cannot be read.
    pub fn start(config: &Kafka, setup: Setup) -> Result<Arc<dyn Feed>, KafkaError> {
        let first = First::new(&config.start)?;
        let client_config = settings::consumer(config, &setup.name)?;
        let (commands, received) = unbounded();
        let status = Arc::<Mutex<Status>>::default();
        let name = Arc::clone(&setup.name);
        let member = Member {
            source: Arc::clone(&name),
            device: setup.device,
            group: config.group.clone(),
            limits: setup.limits,
            clock: setup.clock,
            places: Places::new(Arc::clone(&name), setup.positions, first),
            outbox: Outbox::new(setup.signals),
            reach: reach::Reach::default(),
            commands: received,
            status: Arc::clone(&status),
            generation: 0,
            readings: std::collections::BTreeMap::new(),
            placing: placing::Placing::default(),
            due: None,
            paused: false,
            joined: false,
            fenced_at: None,
            told: None,
            stopping: Stopping::No,
        };
        let membership = Membership {
            config: client_config,
            topics: config.topics.clone(),
            member: Arc::new(Mutex::new(member)),
            token: BearerFile::of(config.sasl.as_ref()),
            clock: setup.clock,
        };
        let client = membership.join()?;
        let (alive, ended) = bounded::<()>(0);
        thread::Builder::new()
            .name(format!("kafka {name}"))
            .spawn(move || {
                membership.last(client);
                drop(alive);
            })
            .map_err(KafkaError::Thread)?;
        Ok(Arc::new(Self { name, commands: Some(commands), status, ended }))
    }

    fn say(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // Without its thread the source has failed, and has said so.
            let _ = commands.send(command);
        }
    }
}

impl Feed for Consumer {
    fn name(&self) -> &str {
        &self.name
    }

    fn sealed(&self, moves: &[PositionMove]) {
        self.say(Command::Sealed(moves.to_vec()));
    }

    fn rewind(&self, generation: u64) {
        self.say(Command::Rewind(generation));
    }

    fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    fn stop(&self) {
        self.say(Command::Stop);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.commands = None;
        let left = self.ended.recv_timeout(LEAVE_WITHIN);
        if left == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            tracing::warn!(source = &*self.name, "the cluster did not answer when leaving the group");
        }
    }
}
