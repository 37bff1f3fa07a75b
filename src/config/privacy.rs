//! What of an event is not kept as it came: hashed under a key, or dropped.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::SecretFile;

/// Columns that may name people or say what data is about, and what is kept of each. What is not named here
/// is kept. Judging and detecting see an event as it came; history, alerts, pages and messages do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// The key of `hash`: as long as it is the same, so are the hashes of equal values.
    pub key: Option<SecretFile>,
    /// By column.
    pub columns: BTreeMap<PrivateColumn, Treatment>,
}

/// A column that can be hidden. Others make up who used which key for what, without which there is nothing
/// to judge or to fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivateColumn {
    /// The values of the encryption context; its names stay.
    Context,
    /// Addresses; the names of services that stand in their place stay.
    SourceIp,
    SessionName,
    SourceIdentity,
    CredentialId,
    EntityId,
    UserAgent,
    ErrorMessage,
    /// What a change asked for. Kept or dropped; detectors that look at it see it all the same.
    Request,
    /// What a change answered. Kept or dropped.
    Response,
    /// What detectors read of the raw record. Kept or dropped.
    Record,
}

/// What is kept of a column's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// As they came.
    #[default]
    Keep,
    /// `hmac-sha256:` and 32 hex digits: equal values stay equal.
    Hash,
    /// Nothing.
    Drop,
}

impl Privacy {
    /// Whether anything is hidden.
    pub fn hides(&self) -> bool {
        self.columns.values().any(|treatment| *treatment != Treatment::Keep)
    }

    /// What is wrong with it.
    pub(super) fn problems(&self) -> Vec<String> {
        use PrivateColumn::{Record, Request, Response};
        let hashed = |column: &PrivateColumn| self.columns.get(column) == Some(&Treatment::Hash);
        let mut problems = Vec::new();
        if [Request, Response, Record].iter().any(hashed) {
            problems.push(
                "`privacy: columns:` request, response and record are documents: keep or drop them"
                    .to_owned(),
            );
        }
        if self.key.is_none() && self.columns.values().any(|treatment| *treatment == Treatment::Hash) {
            problems
                .push("`privacy:` a column to hash needs `key:`, a file with a secret of its own".to_owned());
        }
        problems
    }
}
