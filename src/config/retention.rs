//! How long what is kept is kept.

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::Span;

/// After how long each kind of rows goes. Rollups (`usage`, `facts`), coverage, alerts and the account of
/// records stay.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Findings, after the last change of their alert; in history, after their day, with raw records.
    pub findings: Span,
    /// What is known of campaigns, after the last change of all alerts in them.
    pub campaigns: Span,
    /// Deliveries that arrived or were given up.
    pub deliveries: Span,
    /// Rejects, after the day on which they were read.
    pub rejects: Span,
    /// Key events, after their day; without it they stay for ever.
    pub events: Option<Span>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            // PCI DSS 10.5.1 wants twelve months of audit history; a month more to ask for them.
            findings: Span::seconds(400 * 86_400),
            // A campaign spans ten minutes; what comes late comes within days.
            campaigns: Span::seconds(30 * 86_400),
            // Long enough to ask in a review whether a page went out.
            deliveries: Span::seconds(90 * 86_400),
            rejects: Span::seconds(90 * 86_400),
            // Evidence goes only where somebody says so.
            events: None,
        }
    }
}
