//! What the routes need, constructed by the app.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;

use super::health::Health;
use crate::config::{SecretFile, Server};
use crate::domain::problem::Problem;
use crate::metrics::Metrics;

/// The rules after a reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// Whether anything is different from before.
    pub changed: bool,
    /// Content hashes, as in `keyward_rules_info`.
    pub catalog: String,
    pub detectors: String,
    /// The event time from which they judge, RFC 3339; none where nothing changed.
    pub effective_from: Option<String>,
    /// Warnings about them.
    pub warnings: Vec<String>,
}

/// Why a reload changed nothing; the rules from before stay in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The new rules are wrong.
    #[error("the new rules are wrong; those from before stay in force")]
    Refused(Vec<Problem>),
    /// The service cannot do it now.
    #[error("the rules cannot be reloaded now: {0}")]
    Unavailable(String),
}

/// Reloads the rules from their files.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<Reloaded, ReloadError>> + Send + Sync>;

/// What the routes need.
#[derive(Clone)]
pub struct State {
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    pub reload: Reload,
    /// Now, in microseconds since the epoch.
    pub clock: fn() -> i64,
    /// The version of the program.
    pub version: &'static str,
    /// When the service started, in microseconds since the epoch.
    pub started_at: i64,
    pub metrics_token: Option<SecretFile>,
    pub admin_token: Option<SecretFile>,
    /// Held while a reload runs: a second one is told to wait.
    reloading: Arc<tokio::sync::Mutex<()>>,
}

impl State {
    /// The state of a service that starts now.
    pub fn new(
        server: &Server,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
        reload: Reload,
        clock: fn() -> i64,
    ) -> Self {
        Self {
            health,
            metrics,
            reload,
            clock,
            version: env!("CARGO_PKG_VERSION"),
            started_at: clock(),
            metrics_token: server.metrics_token.clone(),
            admin_token: server.admin_token.clone(),
            reloading: Arc::default(),
        }
    }

    /// The right to reload, unless somebody has it.
    pub(super) fn begin_reload(&self) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        Arc::clone(&self.reloading).try_lock_owned().ok()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("started_at", &self.started_at).finish_non_exhaustive()
    }
}
