//! What is kept beside key events.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::vocabulary::vocabulary;

/// What history keeps beside what the tables say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Which raw records are kept, in the table `raw`, secrets redacted. By default those of findings; none
    /// where `privacy:` hides anything, since a raw record would show it.
    pub raw: Option<Raw>,
}

vocabulary! {
    /// Which raw records are kept.
    #[derive(Default)]
    pub enum Raw as "choice of raw records" {
        /// No raw record.
        None = "none",
        /// Of events that a detector of single events found something in.
        #[default]
        Findings = "findings",
        /// Of all key events.
        All = "all",
    }
}
