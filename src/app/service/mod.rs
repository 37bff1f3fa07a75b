//! The service: everything constructed, started in the right order, and stopped in the reverse one.
//!
//! Order at the start: the HTTP server (so that somebody can ask what is waited for), the store with its
//! lease, the rules, the loop, the sources. At a stop: the sources take nothing new, the loop seals what was
//! taken, deliveries under way end, the server goes last.
//!
//! A service that loses its lease ends with an error: whoever supervises it starts it again, and it stands
//! by.

mod deliver;
mod entrance;
mod feeds;
mod made;
mod outside;
mod publish;
mod raise;
mod remedy;
mod retention;
pub mod rules;
mod upkeep;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock::now_micros;
use crate::alerts::Keeper;
use crate::api::deliveries::{self, Outbox, OutboxPlace};
use crate::api::{self, Health, Part};
use crate::config::{Config, RejectSample};
use crate::history::{self, Limits};
use crate::metrics::{Metrics, RulesInfo};
use crate::pipeline::lateness::Lateness;
use crate::pipeline::memory::Memory;
use crate::pipeline::recall::recall;
use crate::pipeline::service::live::Live;
use crate::pipeline::service::versions::Versions;
use crate::pipeline::service::watch::Watch;
use crate::pipeline::service::{Clock, Handle, Parts, Service, ServiceError};
use crate::respond::Settings;
use crate::source::Sample;
use crate::source::feed::Feed;
use crate::store::{BlockingStore, Kind, Place, Store};
use entrance::Entrance;
pub use made::{Delivery, MadeLog};
use raise::Raising;
pub use raise::Show;
use remedy::Remedy;
use rules::{Loaded, Reloader, RuleFiles};
use watch::Watching;

/// Signals that wait between sources and the loop: enough that neither waits for the other's breath, few
/// enough that what waits there is small beside a chunk.
const QUEUE: usize = 16;

/// How often the loop's heartbeat is looked at.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What whoever runs a service adds to it.
pub struct Guests {
    /// Is given every page.
    pub show: Show,
    /// Hears what the loop tells, beside metrics and log.
    pub ear: Option<Arc<dyn Watch>>,
    /// Is read instead of the sources of the configuration.
    pub log: Option<MadeLog>,
}

/// A service that is set up and listens, and does not read yet.
pub struct Prepared {
    config: Config,
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    /// Where the HTTP server listens.
    pub address: SocketAddr,
    loaded: Loaded,
    told_to_stop: CancellationToken,
    settings: Settings,
    /// What deserves attention in the rules.
    pub warnings: Vec<String>,
}

/// Prepares a service: checks its rules and takes its port.
///
/// # Errors
/// Where the rules are wrong or the port is taken.
pub fn prepare(config: Config) -> Result<Prepared> {
    let loaded = RuleFiles::of(&config).load().map_err(rules::RulesError::Wrong)?;
    let settings = Settings::read(&config.respond).map_err(rules::RulesError::Wrong)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("keyward")
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let told_to_stop = outside::told_to_stop(runtime.handle());
    let wanted = config.http.listen;
    let listener = runtime
        .block_on(TcpListener::bind(wanted))
        .with_context(|| format!("could not listen on {wanted}: is another keyward running there?"))?;
    let address = listener.local_addr().context("could not learn the address listened on")?;
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    Ok(Prepared { config, runtime, listener, address, loaded, settings, told_to_stop, warnings })
}

/// The parts that live as long as the service.
struct Running {
    config: Config,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// Cancelled when the process is asked to stop.
    told_to_stop: CancellationToken,
    /// Ends the server and the deliveries.
    end: CancellationToken,
}

impl Prepared {
    /// Runs until every source has ended, or the process is told to stop.
    ///
    /// # Errors
    /// Where the store cannot be opened, a source cannot be started, or the lease is lost.
    pub fn run(self, guests: Guests) -> Result<()> {
        let Self { config, runtime, listener, loaded, settings, told_to_stop, .. } = self;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), &config.sources, now_micros())
            .context("could not make the metrics")?;
        let running = Running {
            config,
            health: Arc::default(),
            metrics: Arc::new(metrics),
            clock: Arc::new(now_micros),
            told_to_stop,
            end: CancellationToken::new(),
        };
        let result = running.live(&runtime, listener, (loaded, settings), guests);
        running.end.cancel();
        runtime.shutdown_timeout(Duration::from_secs(1));
        result
    }
}

impl Running {
    fn live(
        &self,
        runtime: &tokio::runtime::Runtime,
        listener: TcpListener,
        (loaded, settings): (Loaded, Settings),
        guests: Guests,
    ) -> Result<()> {
        let Guests { show, ear, log } = guests;
        let reload = outside::ReloadPlace::default();
        let (ingest, alerts) = (Entrance::default(), Entrance::default());
        let outbox = OutboxPlace::default();
        let replays = deliveries::router(outbox.clone(), self.config.http.admin_token.clone(), now_micros);
        self.serve(runtime, listener, &reload, outer_routes(&ingest, &alerts).merge(replays));
        let Some(store) = self.open_store(runtime)? else { return Ok(()) };
        let owners = deliver::OwnerBook::of(&loaded.rules.catalog);
        let versions = self.versions(&store, loaded)?;
        let wakes = deliver::start(runtime.handle(), &store, self, owners.clone())?;
        outbox.set(Outbox { store: store.shared(), dispatchers: wakes.dispatchers });
        let wake = wakes.wake;
        let remedy = remedy::start(runtime.handle(), &store, self, settings)?;
        let sealed = Arc::<Notify>::default();
        publish::start(runtime.handle(), &store, self, Arc::clone(&sealed))?;
        alerts.open(self.alert_routes(&store, &wake, &remedy));
        let (signals, heard) = crossbeam_channel::bounded(QUEUE);
        let ground = feeds::Ground {
            config: &self.config,
            store: &store,
            signals: &signals,
            runtime: runtime.handle(),
            ingest: &ingest,
        };
        let feeds = match log {
            Some(log) => vec![log.start(&ground)?],
            None => feeds::start(&ground)?,
        };
        drop(signals);
        self.health.watch(feeds.clone());
        let live = self.recall(&store, &versions.versions)?;
        let (service, handle) = Service::new(Parts {
            live,
            store: Arc::clone(&store),
            feeds: feeds.clone(),
            signals: heard,
            versions: versions.versions,
            raise: Box::new(Raising {
                keeper: Keeper::new(self.config.alerts.mode, self.channels()),
                store: Arc::clone(&store),
                metrics: Arc::clone(&self.metrics),
                wake: Arc::clone(&wake),
                own: remedy.own.clone(),
                show,
            }),
            watch: Arc::new(Watching {
                metrics: Arc::clone(&self.metrics),
                health: Arc::clone(&self.health),
                clock: Arc::clone(&self.clock),
                ear,
                seen: Mutex::default(),
                sealed,
            }),
            clock: Arc::clone(&self.clock),
            limits: self.limits(),
            seal_every: self.config.seal.every.duration(),
            sample: sample(self.config.rejects.sample),
            publishes_rejects: self.config.rejects.kafka.is_some(),
            memory: store
                .wait(Memory::restore(store.store()))
                .context("could not read what was known before")?,
        })?;
        let reloader = Reloader::new(
            RuleFiles::of(&self.config),
            Arc::clone(&store),
            handle.clone(),
            Arc::clone(&self.clock),
            versions.hashes,
            owners,
        );
        reload.set(Arc::new(reloader));
        let looped = std::thread::Builder::new()
            .name("loop".to_owned())
            .spawn(move || service.run())
            .context("could not start the loop")?;
        upkeep::start(runtime.handle(), &store, self, wake);
        self.watch_lease(runtime, &store, &handle);
        self.accompany(runtime, &handle, &feeds, &reload);
        self.conclude(looped)
    }

    /// Alerts and actions over HTTP.
    fn alert_routes(&self, store: &BlockingStore, wake: &Arc<Notify>, remedy: &Remedy) -> Router {
        let (store, wake) = (store.shared(), Arc::clone(wake));
        let actions = api::actions::Actions::new(
            Arc::clone(&store),
            &self.config.http,
            now_micros,
            Arc::clone(&remedy.wake),
        );
        let alerts = api::alerts::Alerts::new(store, &self.config.http, now_micros, wake, self.end.clone());
        api::alerts::router(alerts).merge(api::actions::router(actions))
    }

    /// Starts the HTTP server.
    fn serve(
        &self,
        runtime: &tokio::runtime::Runtime,
        listener: TcpListener,
        reload: &outside::ReloadPlace,
        further: Router,
    ) {
        let state = api::State::new(
            &self.config.http,
            Arc::clone(&self.health),
            Arc::clone(&self.metrics),
            reload.answer(Arc::clone(&self.health), Arc::clone(&self.metrics)),
            now_micros,
        );
        let router = api::router(&self.config.http, state, further);
        let (limits, metrics, end) = (self.config.http.clone(), Arc::clone(&self.metrics), self.end.clone());
        runtime.spawn(async move { api::server::serve(listener, router, &limits, metrics, end).await });
    }

    /// Opens the store, after whoever has it now, and clears away what a writer that died left. Nothing where
    /// the process is told to stop while it stands by.
    fn open_store(&self, runtime: &tokio::runtime::Runtime) -> Result<Option<Arc<BlockingStore>>> {
        self.health.waits(Part::Lease, "another instance has the store; standing by");
        let instance = instance();
        let place = Place { root: &self.config.data, address: &self.config.store, instance: &instance };
        let store = runtime.block_on(async {
            tokio::select! {
                store = Store::stand_by(place, now_micros) => store.map(Some),
                () = self.told_to_stop.cancelled() => Ok(None),
            }
        })?;
        let Some(store) = store else {
            tracing::info!("stopping: nothing was taken yet");
            return Ok(None);
        };
        self.health.ready(Part::Lease);
        self.metrics.lease(true);
        let store = Arc::new(BlockingStore::over(Arc::new(store), runtime.handle().clone()));
        store.wait(history::sweep(store.store(), now_micros())).context("could not clear history")?;
        store
            .wait(upkeep::note_stand_by(store.store(), &self.config.sources, now_micros()))
            .context("could not note since when nobody read")?;
        self.health.ready(Part::Store);
        Ok(Some(store))
    }

    /// The rules of all times, recorded.
    fn versions(&self, store: &BlockingStore, loaded: Loaded) -> Result<Recorded> {
        let files = store.wait(store.store().files(Kind::Events))?;
        let judged_up_to = files.iter().map(|file| file.max_time).max();
        let hashes = loaded.hashes.clone();
        let info = RulesInfo {
            catalog: hashes.catalog.clone(),
            detectors: hashes.detectors.clone(),
            keys: loaded.rules.catalog.len(),
            loaded_at: now_micros(),
        };
        let versions = rules::versions(store, loaded, now_micros(), judged_up_to)?;
        self.metrics.rules(&info);
        self.health.rules(info);
        Ok(Recorded { versions, hashes })
    }

    /// What windows remember of history.
    fn recall(&self, store: &BlockingStore, versions: &Versions) -> Result<Live> {
        self.health.waits(Part::Store, "what windows remember to be read from history");
        let engine = &versions.newest().rules.engine;
        let started = Instant::now();
        let live = store.wait(recall(store.store(), engine, &lateness(&self.config)));
        let live = live.context("could not read what windows remember from history")?;
        let (groups, bytes) = live.windows().size();
        self.health.ready(Part::Store);
        tracing::info!(groups, bytes, took = ?started.elapsed(), "windows remember what history holds");
        Ok(live)
    }

    /// Runs beside the loop: its heartbeat, deliveries, upkeep, and whatever comes from outside.
    fn accompany(
        &self,
        runtime: &tokio::runtime::Runtime,
        handle: &Handle,
        feeds: &[Arc<dyn Feed>],
        reload: &outside::ReloadPlace,
    ) {
        let (health, metrics) = (Arc::clone(&self.health), Arc::clone(&self.metrics));
        let (beat, feeds, end) = (handle.clone(), feeds.to_vec(), self.end.clone());
        runtime.spawn(async move {
            while !end.is_cancelled() {
                health.beat(beat.heartbeat());
                for feed in &feeds {
                    let status = feed.status();
                    let lags = status.lags.iter().map(|lag| (lag.partition.as_str(), lag.behind));
                    metrics.source(feed.name(), status.ready, lags);
                }
                tokio::time::sleep(HEARTBEAT).await;
            }
        });
        let watched: Vec<PathBuf> = RuleFiles::of(&self.config).paths().cloned().collect();
        let stop = outside::Stop { told: self.told_to_stop.clone(), within: self.config.stop_within };
        outside::listen(runtime.handle(), handle, reload, &watched, &self.health, stop);
    }

    /// Ends the loop when another instance has taken over: there may be nothing to seal that would tell.
    fn watch_lease(&self, runtime: &tokio::runtime::Runtime, store: &BlockingStore, handle: &Handle) {
        let (store, handle, metrics) = (store.shared(), handle.clone(), Arc::clone(&self.metrics));
        runtime.spawn(async move {
            store.lease_lost().await;
            metrics.lease(false);
            handle.overtaken();
        });
    }

    fn conclude(&self, looped: std::thread::JoinHandle<Result<(), ServiceError>>) -> Result<()> {
        let result = looped.join().map_err(|_| anyhow::anyhow!("the loop stopped unexpectedly"))?;
        self.health.stopping();
        Ok(result?)
    }

    fn limits(&self) -> Limits {
        Limits { rows: self.config.seal.rows, bytes: self.config.seal.bytes.in_memory(), ..Limits::default() }
    }

    /// What pages are put into the outbox for: to be routed, where there is a channel.
    fn channels(&self) -> Vec<String> {
        deliver::channels(&self.config)
    }
}

/// The routes that lead somewhere once the store is open.
fn outer_routes(ingest: &Entrance, alerts: &Entrance) -> Router {
    let ingest = ingest.router(&["/api/v1/ingest/{source}"]);
    ingest.merge(alerts.router(&[
        "/api/v1/alerts",
        "/api/v1/alerts/{*rest}",
        "/api/v1/actions",
        "/api/v1/actions/{*rest}",
    ]))
}

/// How late the events of each source may come.
fn lateness(config: &Config) -> Lateness {
    let said = config
        .sources
        .iter()
        .filter_map(|source| Some((source.name.clone(), source.lateness?.microseconds())));
    Lateness::of(said)
}

/// Versions, and the content of the newest.
struct Recorded {
    versions: Versions,
    hashes: rules::Hashes,
}

/// What other instances are told has the store.
fn instance() -> String {
    let host = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    format!("{} (process {})", host.trim(), std::process::id())
}

fn sample(sample: RejectSample) -> Sample {
    match sample {
        RejectSample::Masked => Sample::Masked,
        RejectSample::Raw => Sample::Raw,
        RejectSample::None => Sample::None,
    }
}
