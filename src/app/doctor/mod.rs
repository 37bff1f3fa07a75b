//! Looks at each thing that the service needs, without changing any.
//!
//! In: the path of a configuration, and now. Out: one [`Check`] for each dependency: what was found, and what
//! to do where it is wrong. A check that needs another machine waits for it a few seconds at most.

mod files;
mod kafka;
mod network;
mod running;
mod storage;

use std::path::Path;

use crate::config::{Config, SourceKind};
use crate::domain::problem::{Problem, Severity};
use crate::domain::vocabulary::vocabulary;

use super::load;

pub use running::running;

vocabulary! {
    /// How a check ended.
    pub enum State as "state of a check" {
        Ok = "ok",
        /// The service runs, and something should be looked at.
        Warning = "warning",
        /// The service does not start, or does not do what it was told.
        Failed = "failed",
    }
}

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub state: State,
    /// What was looked at.
    pub what: String,
    pub found: String,
    /// Empty where there is nothing to do.
    pub to_do: String,
}

impl Check {
    fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Ok, what: what.into(), found: found.into(), to_do: String::new() }
    }

    fn warning(what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { state: State::Warning, what: what.into(), found: found.into(), to_do: to_do.into() }
    }

    fn failed(what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { state: State::Failed, what: what.into(), found: found.into(), to_do: to_do.into() }
    }
}

/// Midnight of 1 November 2026 in microseconds since the epoch: no clock of a machine that this program was
/// installed on stands before it.
const RELEASED: i64 = 1_793_491_200_000_000;

/// Examines everything that the configuration at `path` names; `now` is in microseconds since the epoch.
pub fn examine(path: &Path, now: i64) -> Vec<Check> {
    let config = match load::config(path) {
        Ok(config) => config,
        Err(problems) => return problems.iter().map(|problem| mistake("configuration", problem)).collect(),
    };
    let named = format!("{} with {} sources", path.display(), config.sources.len());
    let mut checks = vec![Check::ok("configuration", named), clock(now)];
    checks.extend(rules(&config));
    let storage = storage::examine(&config, now);
    checks.extend(storage.checks);
    checks.extend(files::secrets(&config));
    checks.extend(network::ports(&config, storage.running));
    for source in &config.sources {
        match &source.kind {
            SourceKind::Kafka(kafka) => checks.extend(kafka::source(&source.name, kafka)),
            SourceKind::Follow(follow) => checks.push(files::followed(&source.name, follow)),
            SourceKind::Unix(socket) => checks.push(files::socket(&source.name, &socket.listen)),
            SourceKind::Http(_) | SourceKind::Tcp(_) | SourceKind::Stdin(_) => {}
        }
    }
    if let Some(webhook) = &config.alerts.webhook {
        checks.push(network::webhook(webhook));
    }
    checks.extend(config.alerts.channels.iter().filter_map(network::channel));
    checks.extend(crate::notify::mistakes(&config.alerts).iter().map(|mistake| {
        let to_do = "mend it there; `keyward notify test` tries a route";
        Check::failed("alerts", mistake.to_string(), to_do)
    }));
    for (what, topic) in [("alert topic", &config.alerts.kafka), ("reject topic", &config.rejects.kafka)] {
        checks.extend(topic.iter().flat_map(|topic| kafka::output(what, topic)));
    }
    checks
}

fn mistake(what: &str, problem: &Problem) -> Check {
    let found = problem.to_string();
    match problem.severity {
        Severity::Error => Check::failed(what, found, "mend it there; `keyward check` finds the same"),
        Severity::Warning => Check::warning(what, found, "look at it; the service runs all the same"),
    }
}

fn rules(config: &Config) -> Vec<Check> {
    let loaded = match load::configured(config) {
        Ok(loaded) => loaded,
        Err(problems) => return problems.iter().map(|problem| mistake("rules", problem)).collect(),
    };
    let (catalog, engine) = (&loaded.rules.catalog, &loaded.rules.engine);
    let mut checks: Vec<Check> = loaded.warnings.iter().map(|problem| mistake("catalog", problem)).collect();
    if catalog.is_empty() {
        let to_do = "name one under `catalog`; until then every key is undeclared";
        checks.push(Check::warning("catalog", "none", to_do));
    } else {
        let found = format!("{} keys, version {}", catalog.len(), catalog.short_version());
        checks.push(Check::ok("catalog", found));
    }
    checks.push(Check::ok("detectors", format!("{} in force", engine.len())));
    checks
}

fn clock(now: i64) -> Check {
    let time = crate::domain::time::format_rfc3339(now);
    if now < RELEASED {
        let to_do = "set the clock, by NTP: windows, latencies and tokens go by it";
        return Check::failed("clock", format!("it says {time}, before this program was made"), to_do);
    }
    Check::ok("clock", time)
}
