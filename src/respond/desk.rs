//! What people do: approve, reject, take back, throw the kill switch.

use serde::{Deserialize, Serialize};

use super::error::RespondError;
use super::impact::Impact;
use crate::domain::action::ActionState;
use crate::domain::alert::KEYWARD;
use crate::domain::time::format_rfc3339;
use crate::store::{ActionEntry, ActionRow, Store};

/// What the kill switch is called in the journal and among the named values of the store.
pub const KILL_SWITCH: &str = "kill-switch";

/// Longest reason, in characters.
const LONGEST_REASON: usize = 2_000;

/// What is to be done to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Command {
    /// One person's yes. `accept_impact` is needed where the impact names dangers.
    Approve {
        #[serde(default)]
        accept_impact: bool,
    },
    Reject,
    /// Takes back what was done.
    Rollback,
}

/// Nothing is done from now on, on somebody's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    pub by: String,
    pub reason: String,
    /// RFC 3339.
    pub at: String,
}

impl Kill {
    /// In words.
    pub(super) fn told(&self) -> String {
        format!("the kill switch is on since {}, by {}: {}", self.at, self.by, self.reason)
    }
}

/// Does something to an action, and gives how it stands then.
///
/// # Errors
/// Where it cannot be done as the action stands, or the store fails.
pub async fn act(
    store: &Store,
    id: &str,
    command: Command,
    by: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<ActionRow, RespondError> {
    if by.trim().is_empty() || by == KEYWARD {
        return Err(RespondError::Invalid(format!("`{by}` is no name of a person")));
    }
    if reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(RespondError::Invalid(format!("a reason has at most {LONGEST_REASON} characters")));
    }
    let mut row = store.action(id).await?.ok_or_else(|| RespondError::NotFound(id.to_owned()))?;
    let done = match command {
        Command::Approve { accept_impact } => approve(&mut row, by, accept_impact, now)?,
        Command::Reject => reject(&mut row, reason, now)?,
        Command::Rollback => roll_back(&mut row, reason, now)?,
    };
    let entry = ActionEntry {
        action_id: row.id.clone(),
        done_at: now,
        actor: by.to_owned(),
        state: done.to_owned(),
        reason: reason.map(str::to_owned),
    };
    save(store, &row, &entry).await?;
    store.action(id).await?.ok_or_else(|| RespondError::NotFound(id.to_owned()))
}

/// Writes an action with its entry of the journal.
pub(super) async fn save(store: &Store, row: &ActionRow, entry: &ActionEntry) -> Result<(), RespondError> {
    let mut transaction = store.begin_actions().await?;
    if !transaction.update(row).await? {
        return Err(RespondError::Conflict("the action has changed in between; look at it again".to_owned()));
    }
    transaction.append(entry).await?;
    transaction.commit().await?;
    Ok(())
}

fn conflict<T>(told: String) -> Result<T, RespondError> {
    Err(RespondError::Conflict(told))
}

fn approve(
    row: &mut ActionRow,
    by: &str,
    accept_impact: bool,
    now: i64,
) -> Result<&'static str, RespondError> {
    if row.state == ActionState::DryRun {
        return conflict("it is a dry run; set `respond: mode:` to propose".to_owned());
    }
    if !row.state.awaits_people() {
        return conflict(format!("it is {} and awaits nobody's approval", row.state));
    }
    if row.expires_at <= now {
        return conflict(format!("it expired at {}", format_rfc3339(row.expires_at)));
    }
    let impact: Impact = serde_json::from_str(&row.impact)?;
    if !impact.dangers.is_empty() && !accept_impact {
        return conflict(format!("say that you accept the impact: {}", impact.dangers.join("; ")));
    }
    let mut approvals: Vec<String> = serde_json::from_str(&row.approvals)?;
    if approvals.iter().any(|name| name == by) {
        return conflict(format!("{by} has approved it already; it takes somebody else"));
    }
    approvals.push(by.to_owned());
    row.approvals = serde_json::to_string(&approvals)?;
    let given = i64::try_from(approvals.len()).unwrap_or(i64::MAX);
    if given < row.needs {
        row.state = ActionState::Proposed;
        row.reason = Some(format!("{given} of {} people approved", row.needs));
        return Ok("approval");
    }
    (row.state, row.reason, row.next_attempt) = (ActionState::Approved, None, now);
    Ok(ActionState::Approved.as_str())
}

fn reject(row: &mut ActionRow, reason: Option<&str>, now: i64) -> Result<&'static str, RespondError> {
    let is_open = row.state.awaits_people() || row.state == ActionState::Approved;
    if !is_open {
        return conflict(format!("it is {} and cannot be rejected", row.state));
    }
    row.state = ActionState::Rejected;
    row.reason = reason.map(str::to_owned);
    row.settled_at = Some(now);
    Ok(ActionState::Rejected.as_str())
}

fn roll_back(row: &mut ActionRow, reason: Option<&str>, now: i64) -> Result<&'static str, RespondError> {
    if !row.state.may_be_in_effect() || row.intent_at.is_none() {
        return conflict(format!("it is {}: there is nothing to take back", row.state));
    }
    if !row.kind.is_reversible() {
        return conflict(format!("`{}` cannot be taken back", row.kind));
    }
    row.state = ActionState::RollingBack;
    row.reason = reason.map(str::to_owned);
    (row.attempts, row.next_attempt, row.undone_at) = (0, now, Some(now));
    Ok(ActionState::RollingBack.as_str())
}

/// The kill switch of the store; nothing while it is off. The file is the service's to look at.
///
/// # Errors
/// Where the store fails.
pub async fn kill_switch(store: &Store) -> Result<Option<Kill>, RespondError> {
    let text = store.meta(KILL_SWITCH).await?.filter(|text| !text.is_empty());
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Throws the kill switch, or takes it off.
///
/// # Errors
/// Where the store fails.
pub async fn set_kill_switch(
    store: &Store,
    on: bool,
    by: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<Option<Kill>, RespondError> {
    let told = reason.unwrap_or("no reason given").to_owned();
    let kill = on.then(|| Kill { by: by.to_owned(), reason: told, at: format_rfc3339(now) });
    let text = kill.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default();
    let mut transaction = store.begin_actions().await?;
    transaction.set_meta(KILL_SWITCH, &text).await?;
    let entry = ActionEntry {
        action_id: KILL_SWITCH.to_owned(),
        done_at: now,
        actor: by.to_owned(),
        state: if on { "on" } else { "off" }.to_owned(),
        reason: reason.map(str::to_owned),
    };
    transaction.append(&entry).await?;
    transaction.commit().await?;
    Ok(kill)
}
