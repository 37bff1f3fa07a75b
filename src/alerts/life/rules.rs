//! What may be done to an alert as it stands. Pure: no store, no clock.

use super::act::{Act, Scope};
use super::desk::Command;
use super::error::LifeError;
use super::state::Life;
use crate::domain::level::Level;
use crate::store::{AlertState, storable};

/// Longest reason or note, in characters: a page of text.
const LONGEST_REASON: usize = 4_000;

/// Longest name of a person, in characters.
const LONGEST_NAME: usize = 200;

/// Alerts that one may be put beside.
const MOST_LINKS: usize = 100;

/// Alerts that may be merged into one: resolving it resolves all of them in one transaction, and a person is to be
/// able to look through them.
pub const MOST_MERGED: usize = 100;

/// What is known of an alert that somebody wants to do something to.
#[derive(Debug)]
pub struct Known<'a> {
    pub id: &'a str,
    pub life: &'a Life,
    /// What its findings say.
    pub found: Level,
    pub scope: &'a Scope,
    /// How many alerts were merged into it.
    pub members: usize,
}

/// The alert that another one is to be merged into.
#[derive(Debug)]
pub struct Target {
    pub merged_into: Option<String>,
    pub members: usize,
}

/// What a command does to an alert.
///
/// # Errors
/// [`LifeError::Conflict`] where it does not go with how the alert stands, [`LifeError::Invalid`] where it goes with nothing.
pub fn act_of(
    command: &Command,
    reason: Option<&str>,
    known: &Known<'_>,
    target: Option<&Target>,
) -> Result<Act, LifeError> {
    let is_resolved = known.life.state == AlertState::Resolved;
    match command {
        Command::Acknowledge if is_resolved => conflict("it is resolved; reopen it first"),
        Command::Acknowledge if known.life.state == AlertState::Acknowledged => {
            let by = known.life.acknowledged.as_ref().map_or("somebody", |(_, by)| by);
            conflict(&format!("{by} has acknowledged it"))
        }
        Command::Acknowledge => Ok(Act::Acknowledged { scope: known.scope.clone() }),
        Command::Assign { to } => {
            Ok(Act::Assigned { to: to.as_deref().map(|to| short("to", to)).transpose()? })
        }
        Command::Note => reason_given(reason).map(|_| Act::Noted),
        Command::Resolve { .. } if is_resolved => conflict("it is resolved"),
        Command::Resolve { disposition } => {
            reason_given(reason)?;
            Ok(Act::Resolved { disposition: *disposition })
        }
        Command::Reopen if !is_resolved => conflict("it is not resolved"),
        Command::Reopen => {
            reason_given(reason)?;
            Ok(Act::Reopened { level: known.life.level(known.found), muted: None })
        }
        Command::Level { level } => {
            reason_given(reason)?;
            Ok(Act::LevelSet { level: *level, found: known.found })
        }
        Command::Merge { into } => merge(into, reason, known, target),
        Command::Split if known.life.merged_into.is_none() => conflict("it is not merged into another"),
        Command::Split => Ok(Act::Split),
        Command::Link { to } if to == known.id || target.is_none() => missing(to),
        Command::Link { .. } if known.life.links.len() >= MOST_LINKS => {
            conflict(&format!("it is linked with {MOST_LINKS} alerts already; merge them"))
        }
        Command::Link { to } => Ok(Act::Linked { to: to.clone() }),
        Command::Unlink { to } if !known.life.links.contains(to) => {
            conflict("it is not linked with that one")
        }
        Command::Unlink { to } => Ok(Act::Unlinked { to: to.clone() }),
    }
}

fn merge(
    into: &str,
    reason: Option<&str>,
    known: &Known<'_>,
    target: Option<&Target>,
) -> Result<Act, LifeError> {
    reason_given(reason)?;
    let Some(target) = target.filter(|_| into != known.id) else { return missing(into) };
    if let Some(other) = &target.merged_into {
        return conflict(&format!("that one is merged into {other}; merge into {other}"));
    }
    if known.life.merged_into.is_some() {
        return conflict("it is merged into another; split it first");
    }
    if known.members > 0 {
        return conflict("others are merged into it; split them first");
    }
    if target.members >= MOST_MERGED {
        return conflict(&format!("{MOST_MERGED} alerts are merged into that one already; take another"));
    }
    Ok(Act::Merged { into: into.to_owned() })
}

fn missing<T>(id: &str) -> Result<T, LifeError> {
    Err(LifeError::Invalid(format!("there is no other alert {id}; `keyward alerts list` lists them")))
}

fn conflict<T>(told: &str) -> Result<T, LifeError> {
    Err(LifeError::Conflict(told.to_owned()))
}

/// The reason, which has to be there.
pub fn reason_given(reason: Option<&str>) -> Result<String, LifeError> {
    let reason = reason.map(str::trim).unwrap_or_default();
    match reason.chars().count() {
        0 => Err(LifeError::Invalid("a reason is missing: whoever looks next wants to know why".to_owned())),
        1..=LONGEST_REASON => Ok(storable(reason)),
        _ => Err(LifeError::Invalid(format!("a reason has at most {LONGEST_REASON} characters"))),
    }
}

/// A name of a person.
pub fn short(what: &str, name: &str) -> Result<String, LifeError> {
    let name = name.trim();
    match name.chars().count() {
        1..=LONGEST_NAME => Ok(storable(name)),
        _ => Err(LifeError::Invalid(format!("`{what}` is a name of 1 to {LONGEST_NAME} characters"))),
    }
}
