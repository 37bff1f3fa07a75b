//! Actions as people and programs are shown them.

use serde::{Deserialize, Serialize};

use super::error::RespondError;
use super::impact::Impact;
use super::subject::Subject;
use crate::domain::action::{ActionKind, ActionState};
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::store::{ActionEntry, ActionFilter, ActionRow, Store};

/// Entries of the journal that are shown.
const MOST_ENTRIES: i64 = 1_000;

/// One action. Times are RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub id: String,
    pub alert: String,
    pub playbook: String,
    pub step: i64,
    pub kind: ActionKind,
    pub state: ActionState,
    /// Why it stands where it stands.
    pub reason: Option<String>,
    pub title: String,
    pub level: Level,
    pub receiver: String,
    pub key: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
    pub scope: String,
    pub subject: Subject,
    pub impact: Impact,
    /// Who approved, of how many that it takes.
    pub approvals: Vec<String>,
    pub needs: i64,
    pub reversible: bool,
    pub answer: Option<String>,
    pub attempts: i64,
    pub proposed_at: String,
    pub expires_at: String,
    pub intent_at: Option<String>,
    pub done_at: Option<String>,
    pub settled_at: Option<String>,
    pub undone_at: Option<String>,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: String,
    pub by: String,
    pub state: String,
    pub reason: Option<String>,
}

/// One action with its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub action: Action,
    pub journal: Vec<Entry>,
}

impl TryFrom<ActionRow> for Action {
    type Error = RespondError;

    fn try_from(row: ActionRow) -> Result<Self, RespondError> {
        let time = |at: Option<i64>| at.map(format_rfc3339);
        Ok(Self {
            subject: serde_json::from_str(&row.subject)?,
            impact: serde_json::from_str(&row.impact)?,
            approvals: serde_json::from_str(&row.approvals)?,
            id: row.id,
            alert: row.alert_id,
            playbook: row.playbook,
            step: row.step,
            kind: row.kind,
            state: row.state,
            reason: row.reason,
            title: row.title,
            level: row.level,
            receiver: row.receiver,
            key: row.key_id,
            principal: row.principal,
            owner: row.owner,
            scope: row.scope,
            needs: row.needs,
            reversible: row.kind.is_reversible(),
            answer: row.answer,
            attempts: row.attempts,
            proposed_at: format_rfc3339(row.proposed_at),
            expires_at: format_rfc3339(row.expires_at),
            intent_at: time(row.intent_at),
            done_at: time(row.done_at),
            settled_at: time(row.settled_at),
            undone_at: time(row.undone_at),
        })
    }
}

/// The actions that a filter lets through, those proposed last first.
///
/// # Errors
/// Where the store fails.
pub async fn list(store: &Store, filter: &ActionFilter, most: i64) -> Result<Vec<Action>, RespondError> {
    store.actions(filter, most).await?.into_iter().map(Action::try_from).collect()
}

/// One action with its journal.
///
/// # Errors
/// Where there is none, or the store fails.
pub async fn show(store: &Store, id: &str) -> Result<Shown, RespondError> {
    let row = store.action(id).await?.ok_or_else(|| RespondError::NotFound(id.to_owned()))?;
    let journal = store.action_journal(id, MOST_ENTRIES).await?;
    let entry = |entry: ActionEntry| Entry {
        at: format_rfc3339(entry.done_at),
        by: entry.actor,
        state: entry.state,
        reason: entry.reason,
    };
    Ok(Shown { action: row.try_into()?, journal: journal.into_iter().map(entry).collect() })
}
