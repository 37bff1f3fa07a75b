//! Starts the sources of the configuration.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::Router;

use crate::app::clock::now_micros;
use crate::config::{Config, Source, SourceKind};
use crate::source::Limits;
use crate::source::feed::{Feed, Signals};
use crate::source::kafka::{Consumer, Setup};
use crate::store::BlockingStore;

/// Where HTTP sources take entries, once they are started.
#[derive(Clone, Default)]
pub struct IngestPlace {}

impl IngestPlace {
    /// The routes, which answer from the start.
    pub fn router(&self) -> Router {
        Router::new()
    }
}

/// What every source is given.
pub struct Ground<'g> {
    pub config: &'g Config,
    pub store: &'g Arc<BlockingStore>,
    pub signals: &'g Signals,
}

/// Starts every source.
///
/// # Errors
/// Where one cannot be started.
pub fn start(ground: &Ground<'_>) -> Result<Vec<Arc<dyn Feed>>> {
    let start = |source: &Source| {
        one(ground, source).with_context(|| format!("could not start the source `{}`", source.name))
    };
    ground.config.sources.iter().map(start).collect()
}

fn one(ground: &Ground<'_>, source: &Source) -> Result<Arc<dyn Feed>> {
    match &source.kind {
        SourceKind::Kafka(kafka) => Ok(Consumer::start(kafka, kafka_setup(ground, source))?),
        SourceKind::Http(_) | SourceKind::Tcp(_) | SourceKind::Unix(_) => bail!("not yet"),
        SourceKind::Follow(_) | SourceKind::Stdin(_) => bail!("not yet"),
    }
}

fn kafka_setup(ground: &Ground<'_>, source: &Source) -> Setup {
    let store = Arc::clone(ground.store);
    Setup {
        name: source.name.as_str().into(),
        device: source.device.as_deref().map(Into::into),
        limits: Limits { sample: super::sample(ground.config.rejects.sample), ..Limits::default() },
        positions: Arc::new(move |identity| {
            store.wait(store.store().position_of(identity)).map_err(|error| error.to_string())
        }),
        signals: ground.signals.clone(),
        clock: now_micros,
    }
}
