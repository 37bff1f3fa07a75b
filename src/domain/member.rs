//! Which members of raw records detectors read beside the columns.

use std::collections::BTreeSet;

use super::event::Provider;

/// The path that means every value of a record, wherever it stands.
pub const WHOLE: &str = "";

/// Paths into records, by provider: the names of nested members with dots between, as `userIdentity.arn`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    aws: BTreeSet<String>,
    vault: BTreeSet<String>,
}

impl Members {
    /// Adds the member at `path`; [`WHOLE`] for everything.
    pub fn add(&mut self, provider: Provider, path: &str) {
        self.of_mut(provider).insert(path.to_owned());
    }

    /// Adds what another set has.
    pub fn extend(&mut self, other: &Self) {
        for provider in Provider::ALL.iter().copied() {
            let more = other.of(provider);
            if !more.is_subset(self.of(provider)) {
                self.of_mut(provider).extend(more.iter().cloned());
            }
        }
    }

    /// The paths into records of one provider, sorted.
    pub const fn of(&self, provider: Provider) -> &BTreeSet<String> {
        match provider {
            Provider::Aws => &self.aws,
            Provider::Vault => &self.vault,
        }
    }

    const fn of_mut(&mut self, provider: Provider) -> &mut BTreeSet<String> {
        match provider {
            Provider::Aws => &mut self.aws,
            Provider::Vault => &mut self.vault,
        }
    }

    /// Whether nothing is read.
    pub fn is_empty(&self) -> bool {
        self.aws.is_empty() && self.vault.is_empty()
    }
}
