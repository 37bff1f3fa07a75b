//! What happened around an alert: changes to its key and to the catalog, and what else its caller did.

use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{ExplainError, ask, moment, told};
use crate::app::alerts::Folder;
use crate::app::ask::Past;
use crate::domain::alert::{Alert, DAY};
use crate::domain::time::parse_rfc3339;
use crate::sql::question::Value;

/// How far back is looked: a week holds what is done every week, a change on Friday, and an alert on Monday.
const BEFORE: i64 = 7 * DAY;

/// Lines of each kind that are shown.
const MOST: usize = 10;

const ACTIVITIES: &str = "SELECT coalesce(key_id, key_alias, '-') AS key_id, function, outcome, verdict, \
    count(*) AS events, min(event_time) AS first, max(event_time) AS last FROM events \
    WHERE principal = $principal AND category <> 'read' AND corrects IS NULL \
    AND event_time >= $from AND event_time <= $until \
    AND NOT (coalesce(key_id, '') = $key AND coalesce(verdict, '') = 'violation') \
    GROUP BY 1, function, outcome, verdict ORDER BY events DESC, key_id, function LIMIT 10";

const CHANGES: &str = "SELECT event_time AS at, action, outcome, coalesce(principal, 'an unknown caller') AS principal \
    FROM events WHERE key_id = $key AND category IN ('access', 'key') AND corrects IS NULL \
    AND event_time >= $from AND event_time <= $until ORDER BY event_time DESC LIMIT 10";

/// The time of an alert's findings, in microseconds of event time, and from when on it is looked before it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: i64,
    pub first: i64,
    pub last: i64,
}

impl Span {
    /// The span of an alert.
    pub fn of(alert: &Alert) -> Self {
        let first = parse_rfc3339(&alert.first).unwrap_or_default();
        let last = parse_rfc3339(&alert.last).unwrap_or(first);
        Self { from: first.saturating_sub(BEFORE), first, last }
    }
}

/// Something that the caller did, beside what the alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    pub key_id: String,
    #[serde(default)]
    pub function: Option<String>,
    pub outcome: String,
    #[serde(default)]
    pub verdict: Option<String>,
    pub events: i64,
    /// RFC 3339.
    pub first: String,
    pub last: String,
}

/// What the caller did within a week before the alert's last finding, the most frequent first.
pub fn activities(past: &Past, alert: &Alert, span: &Span) -> Result<Vec<Activity>, ExplainError> {
    let Some(principal) = &alert.principal else { return Ok(Vec::new()) };
    let values = vec![
        ("principal".to_owned(), Value::Text(principal.clone())),
        ("key".to_owned(), Value::Text(alert.key_id.clone().unwrap_or_default())),
        ("from".to_owned(), moment(span.from)),
        ("until".to_owned(), moment(span.last)),
    ];
    ask(past, ACTIVITIES, values)
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// RFC 3339.
    pub at: String,
    pub what: String,
    /// Whether it is the catalog that changed.
    pub is_catalog: bool,
}

/// What was changed about the key, and in the catalog, within a week before the alert's last finding; the latest first.
pub fn changed(
    past: &Past,
    folder: &Folder,
    alert: &Alert,
    span: &Span,
    runtime: &Runtime,
) -> Result<Vec<Changed>, ExplainError> {
    #[derive(Deserialize)]
    struct Row {
        at: String,
        action: String,
        outcome: String,
        principal: String,
    }
    let mut found = Vec::new();
    if let Some(key) = &alert.key_id {
        let values = vec![
            ("key".to_owned(), Value::Text(key.clone())),
            ("from".to_owned(), moment(span.from)),
            ("until".to_owned(), moment(span.last)),
        ];
        let rows: Vec<Row> = ask(past, CHANGES, values)?;
        found.extend(rows.into_iter().map(|row| Changed {
            what: format!("{} by {}: {}", row.action, row.principal, row.outcome),
            at: row.at,
            is_catalog: false,
        }));
    }
    let versions = runtime.block_on(folder.catalog_versions())?;
    // The first version is no change.
    for version in versions.iter().skip(1) {
        if (span.from..=span.last).contains(&version.effective_from) {
            let hash: String = version.hash.chars().take(12).collect();
            let what = format!("another catalog came into force ({hash})");
            found.push(Changed { at: told(version.effective_from), what, is_catalog: true });
        }
    }
    found.sort_by(|one, other| other.at.cmp(&one.at));
    found.truncate(MOST);
    Ok(found)
}
