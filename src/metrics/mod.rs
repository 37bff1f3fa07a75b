//! What the program counts: the account of records, and everything that `/metrics` shows.
//!
//! In: what the loop, the sources and the outbox report, in their own types or as plain numbers. Out:
//! [`Account`], which adds up, and the text that Prometheus scrapes. One [`table`] holds every metric with
//! its type, labels and sentence; registration, `keyward metrics` and the tests all come from there.
//!
//! Label values are closed sets: words of our vocabularies, names from the configuration, ids of detectors,
//! partitions up to a bound. Nothing that an event says becomes a label.

mod account;
mod actions;
mod export;
mod families;
mod labels;
mod snapshot;
pub mod table;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use export::{Delivered, Metrics, Reload, RulesInfo, Sealed};
pub use labels::{Channel, Expired, Kept, Stage, Transaction};
pub use snapshot::{OutboxState, SourceCounts};
