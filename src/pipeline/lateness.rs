//! How late events may come: by source, or by what their provider does.

use std::collections::BTreeMap;

use crate::domain::event::Provider;

/// CloudTrail delivers most events within five minutes and nearly all within fifteen (its user guide, "How
/// CloudTrail works"), in microseconds.
const CLOUDTRAIL: i64 = 15 * 60 * 1_000_000;

/// Vault writes entries as calls end; shippers buffer for some seconds.
const VAULT: i64 = 60 * 1_000_000;

/// The allowed lateness of every source, in microseconds of event time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lateness {
    /// By source, where it is said.
    by_source: BTreeMap<String, i64>,
}

impl Lateness {
    /// What is said of sources, by name.
    pub fn of(by_source: impl IntoIterator<Item = (String, i64)>) -> Self {
        Self { by_source: by_source.into_iter().collect() }
    }

    /// That of a source with events of this provider.
    pub fn of_source(&self, source: &str, provider: Provider) -> i64 {
        self.by_source.get(source).copied().unwrap_or(match provider {
            Provider::Aws => CLOUDTRAIL,
            Provider::Vault => VAULT,
        })
    }

    /// The longest of any source.
    pub fn longest(&self) -> i64 {
        self.by_source.values().copied().max().unwrap_or_default().max(CLOUDTRAIL)
    }
}
