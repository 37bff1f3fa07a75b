//! Which way the signs point: is the catalog stale, or is it misuse?
//!
//! Each sign is something that anybody can look up, named with what was seen. They are weighed by what they are worth
//! alone; the answer is a hint with its reasons, and never changes an alert.

use serde::{Deserialize, Serialize};

use super::lately::{Changed, Span};
use super::{ExplainError, NearException, ask, moment};
use crate::alerts::life::Shown;
use crate::app::ask::Past;
use crate::app::explain::Explained;
use crate::domain::alert::Alert;
use crate::domain::event::CallerKind;
use crate::domain::level::Level;
use crate::domain::verdict::Aspect;
use crate::domain::vocabulary::vocabulary;
use crate::sql::question::Value;
use crate::store::AlertKind;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Conforming uses from which on a caller is an ordinary workload that the catalog knows.
const KNOWN_FROM: i64 = 10;

/// Days with the same misuse from which on it looks like a job that runs, and not like an intruder.
const REGULAR_FROM: i64 = 3;

/// Callers with the same misuse of one key from which on the declaration looks too narrow.
const MANY_CALLERS: i64 = 3;

/// How much more one side has to weigh than the other.
const CLEAR: i64 = 2;

vocabulary! {
    /// What a sign speaks for.
    pub enum Side as "side" {
        StaleCatalog = "stale_catalog",
        Misuse = "misuse",
    }
}

vocabulary! {
    /// Which is likelier.
    pub enum Verdict as "likelihood" {
        StaleCatalog = "stale_catalog",
        Misuse = "misuse",
        Unclear = "unclear",
    }
}

/// One sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sign {
    pub side: Side,
    /// 1 for a hint, 3 for what hardly happens otherwise.
    pub weight: i64,
    pub seen: String,
}

/// Which is likelier, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Likelier {
    pub verdict: Verdict,
    /// The heaviest first.
    pub signs: Vec<Sign>,
}

/// What history says of the caller and the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Conforming uses by the caller within the last days.
    conforming: i64,
    /// Events by the caller before the alert's first finding.
    before: i64,
    /// Days on which the caller misused this key.
    misuse_days: i64,
    /// Callers that misused this key.
    callers: i64,
}

const OF_CALLER: &str = "SELECT count(*) FILTER (WHERE verdict = 'conforming') AS conforming, \
    count(*) FILTER (WHERE event_time < $first) AS before, \
    count(DISTINCT CASE WHEN verdict = 'violation' AND key_id = $key THEN date_trunc('day', event_time) END) \
    AS misuse_days FROM events WHERE principal = $principal AND event_time <= $until AND corrects IS NULL";

const OF_KEY: &str = "SELECT count(DISTINCT principal) AS callers FROM events WHERE key_id = $key \
    AND verdict = 'violation' AND event_time >= $from AND event_time <= $until AND corrects IS NULL";

impl Facts {
    /// Asks history.
    pub fn read(past: &Past, alert: &Alert, span: &Span) -> Result<Self, ExplainError> {
        let text = |value: &Option<String>| Value::Text(value.clone().unwrap_or_default());
        let key = || ("key".to_owned(), text(&alert.key_id));
        let until = || ("until".to_owned(), moment(span.last));
        let of_caller = vec![
            ("principal".to_owned(), text(&alert.principal)),
            ("first".to_owned(), moment(span.first)),
            key(),
            until(),
        ];
        let of_key = vec![("from".to_owned(), moment(span.from)), key(), until()];
        let caller: Option<Self> = ask(past, OF_CALLER, of_caller)?.into_iter().next();
        let callers: Option<Self> = ask(past, OF_KEY, of_key)?.into_iter().next();
        Ok(Self { callers: callers.unwrap_or_default().callers, ..caller.unwrap_or_default() })
    }
}

/// Weighs all signs.
pub fn weigh(
    facts: &Facts,
    shown: &Shown,
    event: Option<&Explained>,
    is_declared: bool,
    changed: &[Changed],
    exceptions: &[NearException],
) -> Likelier {
    let mut signs = stale(facts, shown, is_declared, changed, exceptions);
    signs.extend(misuse(facts, shown, event));
    signs.sort_by_key(|sign| -sign.weight);
    let sum = |side| -> i64 { signs.iter().filter(|sign| sign.side == side).map(|sign| sign.weight).sum() };
    let lead = sum(Side::Misuse) - sum(Side::StaleCatalog);
    let verdict = match lead {
        CLEAR.. => Verdict::Misuse,
        ..=-2 => Verdict::StaleCatalog,
        _ => Verdict::Unclear,
    };
    Likelier { verdict, signs }
}

fn stale(
    facts: &Facts,
    shown: &Shown,
    is_declared: bool,
    changed: &[Changed],
    exceptions: &[NearException],
) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut say = |weight: i64, seen: String| signs.push(Sign { side: Side::StaleCatalog, weight, seen });
    let stopped = stopped(&shown.alert.alert);
    if facts.conforming >= KNOWN_FROM && stopped == 0 {
        let known = facts.conforming;
        say(2, format!("the caller is an ordinary one: {known} uses by it fit, and none was stopped here"));
    }
    if facts.misuse_days >= REGULAR_FROM {
        say(2, format!("it happens regularly: on {} days", facts.misuse_days));
    }
    if facts.callers >= MANY_CALLERS && shown.alert.kind != AlertKind::Campaign {
        say(1, format!("{} callers do it with this key: the declaration may be too narrow", facts.callers));
    }
    if !is_declared && shown.alert.alert.key_id.is_some() {
        say(2, "the catalog does not declare the key at all".to_owned());
    }
    if let Some(change) = changed.iter().find(|change| change.is_catalog) {
        say(2, format!("the catalog was changed shortly before: {}", change.at));
    }
    if let Some(ended) = exceptions.iter().find(|exception| exception.why_not.starts_with("it ended")) {
        say(2, format!("exception {} covered such uses, and {}", ended.id, ended.why_not));
    }
    signs
}

fn stopped(alert: &Alert) -> u64 {
    ["denied", "refused", "dry_run"].iter().filter_map(|word| alert.outcomes.get(word)).sum()
}

fn misuse(facts: &Facts, shown: &Shown, event: Option<&Explained>) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut say = |weight: i64, seen: String| signs.push(Sign { side: Side::Misuse, weight, seen });
    let alert = &shown.alert.alert;
    if let Some(at) = &alert.success_after_attempts {
        say(3, format!("a call got through at {at} after others had been stopped"));
    } else if stopped(alert) > 0 {
        say(2, format!("{} calls were stopped: somebody tried what was not allowed", stopped(alert)));
    }
    if facts.before == 0 && alert.principal.is_some() {
        say(2, "the caller was never seen before".to_owned());
    }
    if shown.alert.kind == AlertKind::Campaign || shown.alert.folded_into.is_some() {
        say(3, "it is part of a campaign: many keys or many callers within minutes".to_owned());
    }
    if alert.level >= Level::Critical {
        say(1, "its detectors call it critical".to_owned());
    }
    for (aspect, seen) in [
        (Aspect::Network, "it came from a network that is not declared"),
        (Aspect::Attestation, "the caller did not attest what it runs"),
        (Aspect::State, "the key was not to be used any more"),
    ] {
        if alert.aspects.contains(&aspect) {
            say(1, seen.to_owned());
        }
    }
    let Some(event) = event else { return signs };
    let rows = Rows::of(&event.row);
    match rows.text(Column::CallerKind, 0).and_then(CallerKind::from_word) {
        Some(CallerKind::Root) => say(3, "it was done as root".to_owned()),
        Some(CallerKind::Human) => say(1, "it was done by a person, not by a workload".to_owned()),
        _ => {}
    }
    if matches!(rows.text(Column::Function, 0), Some("export" | "backup")) {
        say(2, "key material left, or was to leave, its store".to_owned());
    }
    signs
}

#[cfg(test)]
#[path = "signs_tests.rs"]
mod tests;
