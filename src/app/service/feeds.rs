//! Starts the sources of the configuration.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::runtime::Handle;

use super::entrance::Entrance;
use crate::api::ingest;
use crate::app::clock::now_micros;
use crate::config::{Config, Follow, SecretFile, Source, SourceKind};
use crate::normalize::redact_raw;
use crate::source::feed::{Feed, Signals};
use crate::source::kafka::{Consumer, Setup};
use crate::source::spool::{Budget, Spool, Surroundings};
use crate::source::{GATHERED_BYTES, Limits, follow, socket, stdin};
use crate::store::{BlockingStore, StoredPosition};

/// What every source is given.
pub struct Ground<'g> {
    pub config: &'g Config,
    pub store: &'g Arc<BlockingStore>,
    pub signals: &'g Signals,
    pub runtime: &'g Handle,
    /// Where HTTP sources take entries, once they are started.
    pub ingest: &'g Entrance,
}

/// Starts every source.
///
/// # Errors
/// Where one cannot be started.
pub fn start(ground: &Ground<'_>) -> Result<Vec<Arc<dyn Feed>>> {
    let mut starting = Starting {
        ground,
        budget: Arc::new(Budget::new(ground.config.spool.most.bytes())),
        posted: Vec::new(),
    };
    let mut feeds = Vec::new();
    for source in &ground.config.sources {
        let started = starting.one(source);
        feeds.push(started.with_context(|| format!("could not start the source `{}`", source.name))?);
    }
    ground.ingest.open(ingest::router(starting.posted, &ground.config.http));
    Ok(feeds)
}

struct Starting<'g> {
    ground: &'g Ground<'g>,
    budget: Arc<Budget>,
    /// The sources that are posted to.
    posted: Vec<ingest::Source>,
}

impl Starting<'_> {
    fn one(&mut self, source: &Source) -> Result<Arc<dyn Feed>> {
        match &source.kind {
            SourceKind::Kafka(kafka) => Ok(Consumer::start(kafka, self.kafka_setup(source))?),
            SourceKind::Http(http) => self.posted_to(source, &http.token),
            SourceKind::Tcp(tcp) => {
                let listener = self.ground.runtime.block_on(socket::Listener::tcp(tcp.listen));
                let listener = listener.with_context(|| format!("could not listen on {}", tcp.listen))?;
                self.listening(source, listener, tcp.connections)
            }
            SourceKind::Unix(unix) => {
                let listener = self.ground.runtime.block_on(socket::Listener::unix(&unix.listen));
                let listener =
                    listener.with_context(|| format!("could not listen on {}", unix.listen.display()))?;
                self.listening(source, listener, unix.connections)
            }
            SourceKind::Follow(config) => self.following(source, config),
            SourceKind::Stdin(_) => {
                let (spool, feed) = self.spooled(source)?;
                stdin::read(std::io::stdin(), spool).context("could not start a thread")?;
                Ok(feed)
            }
        }
    }

    fn posted_to(&mut self, source: &Source, token: &SecretFile) -> Result<Arc<dyn Feed>> {
        token.read()?;
        let (spool, feed) = self.spooled(source)?;
        self.posted.push(ingest::Source { spool, token: token.clone() });
        Ok(feed)
    }

    fn listening(
        &self,
        source: &Source,
        listener: socket::Listener,
        connections: usize,
    ) -> Result<Arc<dyn Feed>> {
        let (spool, feed) = self.spooled(source)?;
        self.ground.runtime.spawn(listener.run(spool, connections));
        Ok(feed)
    }

    fn following(&self, source: &Source, config: &Follow) -> Result<Arc<dyn Feed>> {
        let surroundings = follow::Surroundings {
            config: config.clone(),
            device: device(source),
            limits: self.limits(),
            clock: Arc::new(now_micros),
            positions: self.positions(),
        };
        let feed = follow::follow(&source.name, surroundings, self.ground.signals.clone());
        Ok(Arc::new(feed.context("could not start a thread")?))
    }

    /// The spool of a source that cannot be read again, and its reader.
    fn spooled(&self, source: &Source) -> Result<(Arc<Spool>, Arc<dyn Feed>)> {
        let surroundings = Surroundings {
            config: self.ground.config.spool.clone(),
            budget: Arc::clone(&self.budget),
            redact: Arc::new(redact_raw),
            clock: Arc::new(now_micros),
            positions: self.positions(),
        };
        let folder = self.ground.config.data.join(Path::new("spool"));
        let (spool, unread) = Spool::open(&folder, &source.name, surroundings)?;
        let feed = unread.read(&spool, device(source), self.limits(), self.ground.signals.clone());
        Ok((Arc::new(spool), Arc::new(feed.context("could not start a thread")?)))
    }

    fn kafka_setup(&self, source: &Source) -> Setup {
        Setup {
            name: source.name.as_str().into(),
            device: device(source),
            limits: self.limits(),
            positions: self.positions(),
            signals: self.ground.signals.clone(),
            clock: now_micros,
        }
    }

    fn limits(&self) -> Limits {
        let sample = super::sample(self.ground.config.rejects.sample);
        Limits { chunk_bytes: GATHERED_BYTES, sample, ..Limits::default() }
    }

    /// How far a partition was sealed.
    #[expect(clippy::type_complexity, reason = "the sources have their own names for it")]
    fn positions(&self) -> Arc<dyn Fn(&str) -> Result<Option<StoredPosition>, String> + Send + Sync> {
        let store = Arc::clone(self.ground.store);
        Arc::new(move |identity| {
            store.wait(store.store().position_of(identity)).map_err(|error| error.to_string())
        })
    }
}

fn device(source: &Source) -> Option<Arc<str>> {
    source.device.as_deref().map(Into::into)
}
