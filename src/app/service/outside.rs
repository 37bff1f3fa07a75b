//! What comes from outside while the service runs: signals of the system, changed rule files, requests to
//! reload.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use notify::{Config as WatchConfig, PollWatcher, RecursiveMode, Watcher};
use tokio::runtime::Handle as Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::rules::{Reloaded, Reloader, RulesError};
use crate::api::state::Reload;
use crate::api::{Health, ReloadError, Reloaded as Answer};
use crate::app::clock::now_micros;
use crate::config::Span;
use crate::domain::time::format_rfc3339;
use crate::metrics::{Metrics, Reload as Counted, RulesInfo};
use crate::pipeline::service::Handle;

/// How often rule files are looked at. Polling sees changes on every file system, and through the links
/// that Kubernetes exchanges.
const LOOK: Duration = Duration::from_secs(1);

/// After a change, how long nothing more may change before the files are read: editors and copies write in
/// several steps.
const QUIET: Duration = Duration::from_millis(300);

/// Where the reloader is, once there is one.
#[derive(Clone, Default)]
pub struct ReloadPlace {
    reloader: Arc<OnceLock<Arc<Reloader>>>,
    told: Arc<OnceLock<(Arc<Health>, Arc<Metrics>)>>,
}

impl ReloadPlace {
    /// From now on the rules can be reloaded.
    pub fn set(&self, reloader: Arc<Reloader>) {
        // There is only one in a life of the service.
        let _ = self.reloader.set(reloader);
    }

    /// What `POST /api/v1/reload` does.
    pub fn answer(&self, health: Arc<Health>, metrics: Arc<Metrics>) -> Reload {
        let _ = self.told.set((health, metrics));
        let place = self.clone();
        Arc::new(move || {
            let place = place.clone();
            async move {
                let reloaded = tokio::task::spawn_blocking(move || place.reload()).await;
                reloaded.map_err(|error| ReloadError::Unavailable(error.to_string()))?
            }
            .boxed()
        })
    }

    /// Reloads the rules, logs and counts what came of it. Blocks.
    pub fn reload(&self) -> Result<Answer, ReloadError> {
        let Some(reloader) = self.reloader.get() else {
            return Err(ReloadError::Unavailable("the service is still starting".to_owned()));
        };
        match reloader.reload() {
            Ok(reloaded) => Ok(self.accepted(reloaded)),
            Err(RulesError::Wrong(problems)) => {
                self.count(Counted::Refused);
                for problem in &problems {
                    tracing::error!(%problem, "the changed rules are wrong; those from before stay in force");
                }
                Err(ReloadError::Refused(problems))
            }
            Err(error) => Err(ReloadError::Unavailable(error.to_string())),
        }
    }

    fn accepted(&self, reloaded: Reloaded) -> Answer {
        let Reloaded { hashes, effective_from, warnings, keys } = reloaded;
        self.count(if effective_from.is_some() { Counted::Changed } else { Counted::Unchanged });
        if let Some(effective_from) = effective_from {
            if let Some((health, metrics)) = self.told.get() {
                let info = RulesInfo {
                    catalog: hashes.catalog.clone(),
                    detectors: hashes.detectors.clone(),
                    keys,
                    loaded_at: now_micros(),
                };
                metrics.rules(&info);
                health.rules(info);
            }
            let from = format_rfc3339(effective_from);
            tracing::info!(
                catalog = hashes.catalog,
                detectors = hashes.detectors,
                from,
                "new rules are in force"
            );
        }
        Answer {
            changed: effective_from.is_some(),
            catalog: hashes.catalog,
            detectors: hashes.detectors,
            effective_from: effective_from.map(format_rfc3339),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }

    fn count(&self, result: Counted) {
        if let Some((_, metrics)) = self.told.get() {
            metrics.reload(result);
        }
    }
}

/// How a stop is asked for, and how long it may take.
pub struct Stop {
    pub told: CancellationToken,
    pub within: Span,
}

/// Listens to the system and watches the rule files, as long as the runtime lives.
pub fn listen(
    runtime: &Runtime,
    handle: &Handle,
    reload: &ReloadPlace,
    files: &[PathBuf],
    health: &Arc<Health>,
    stop: Stop,
) {
    let (handle, health) = (handle.clone(), Arc::clone(health));
    let Stop { told, within } = stop;
    runtime.spawn(async move {
        told.cancelled().await;
        tracing::info!("stopping: sources take nothing new, what was taken is sealed");
        health.stopping();
        handle.stop(now_micros() + within.microseconds());
    });
    let place = reload.clone();
    runtime.spawn(async move {
        let Some(mut hangups) = heard(SignalKind::hangup()) else { return };
        while hangups.recv().await.is_some() {
            reload_in_background(&place).await;
        }
    });
    let (place, files) = (reload.clone(), files.to_vec());
    runtime.spawn(async move { watch(&files, &place).await });
}

/// Cancelled once the system asks this process to stop.
///
/// To be called before anything else of the service: from the first time that a signal is listened to it does
/// not end the process any more, and one that comes while nobody listens would be lost.
pub fn told_to_stop(runtime: &Runtime) -> CancellationToken {
    let told = CancellationToken::new();
    let within = runtime.enter();
    let (terminate, interrupt) = (heard(SignalKind::terminate()), heard(SignalKind::interrupt()));
    drop(within);
    let (Some(mut terminate), Some(mut interrupt)) = (terminate, interrupt) else { return told };
    let telling = told.clone();
    runtime.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        telling.cancel();
    });
    told
}

fn heard(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::error!(%error, "cannot listen to a signal of the system")).ok()
}

async fn reload_in_background(place: &ReloadPlace) {
    let place = place.clone();
    // What came of it is logged where it happened.
    let _ = tokio::task::spawn_blocking(move || place.reload()).await;
}

async fn watch(files: &[PathBuf], place: &ReloadPlace) {
    let (changed, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let watcher = watcher(files, move || {
        let _ = changed.send(());
    });
    let _watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!(%error, "rule files are not watched; reload with SIGHUP");
            return;
        }
    };
    while heard.recv().await.is_some() {
        while let Ok(Some(())) = tokio::time::timeout(QUIET, heard.recv()).await {}
        reload_in_background(place).await;
    }
}

fn watcher(files: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<PollWatcher> {
    let handler = move |event: notify::Result<notify::Event>| {
        if event.is_ok() {
            changed();
        }
    };
    let mut watcher = PollWatcher::new(handler, WatchConfig::default().with_poll_interval(LOOK))?;
    for file in files {
        let mode = if file.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(Path::new(file), mode)?;
    }
    Ok(watcher)
}
