//! People and programs that may look at alerts, and do something to them, over HTTP.

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::SecretFile;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What somebody may do to alerts; each may do what those before it may.
    pub enum Role as "role" {
        /// Look at them.
        Viewer = "viewer",
        /// Acknowledge, assign, note, judge, resolve, reopen, merge, silence.
        Responder = "responder",
    }
}

/// Somebody with a token of their own: what they do is journaled under their name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What the journal calls them.
    pub name: String,
    pub role: Role,
    /// A file with their token.
    pub token: SecretFile,
}
