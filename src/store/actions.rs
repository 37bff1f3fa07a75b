//! Actions of remediation and their journal: what is proposed, approved, done and taken back. What they mean is
//! `respond`'s business; here they are rows.
//!
//! An action changes only where it still is the revision that was looked at, and every change comes with its
//! entry of the journal, in one transaction.

use super::Store;
use super::alerts::word;
use super::database::{Query, Row, Transaction, query};
use super::error::StoreError;
use super::findings::{storable, storable_option};
use crate::domain::action::{ActionKind, ActionState};
use crate::domain::level::Level;

/// The migration that made the tables.
const MIGRATION: i64 = 14;

const INSERT: &str = "INSERT INTO actions (id, alert_id, transition, playbook, step, kind, title, level, receiver, \
    key_id, catalog_id, principal, owner, scope, subject, parameters, impact, needs, verify_for, proposed_at, \
    state, approvals, reason, answer, revision, attempts, next_attempt, expires_at, intent_at, done_at, settled_at, \
    undone_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
    $21, $22, $23, $24, 1, $25, $26, $27, $28, $29, $30, $31) ON CONFLICT (id) DO NOTHING";
const UPDATE: &str = "UPDATE actions SET state = $3, approvals = $4, reason = $5, answer = $6, \
    revision = revision + 1, attempts = $7, next_attempt = $8, expires_at = $9, intent_at = $10, done_at = $11, \
    settled_at = $12, undone_at = $13 WHERE id = $1 AND revision = $2";
const FIND: &str = "SELECT * FROM actions WHERE id = $1";
const LIST: &str = "SELECT * FROM actions WHERE ($1 = '' OR state = $1) AND ($2 = '' OR alert_id = $2) \
    ORDER BY proposed_at DESC, id LIMIT $3";
const DUE: &str = "SELECT * FROM actions WHERE state IN ('approved', 'running', 'rolling_back') \
    AND next_attempt <= $1 ORDER BY next_attempt, id LIMIT $2";
const WATCHED: &str =
    "SELECT * FROM actions WHERE state = 'done' AND settled_at IS NULL ORDER BY done_at, id LIMIT $1";
const OVERDUE: &str = "SELECT * FROM actions WHERE state IN ('proposed', 'stopped', 'dry_run') AND expires_at <= $1 ORDER BY id LIMIT $2";
const BEGUN: &str = "SELECT * FROM actions WHERE intent_at >= $1 OR undone_at >= $1 ORDER BY id";
const STATES: &str = "SELECT state, COUNT(*) AS actions FROM actions GROUP BY state";
const OF_PLAYBOOK: &str =
    "SELECT * FROM actions WHERE alert_id = $1 AND playbook = $2 ORDER BY step, transition";
const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM action_journal";
const APPEND: &str = "INSERT INTO action_journal (seq, action_id, done_at, actor, state, reason) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const JOURNAL: &str = "SELECT * FROM action_journal WHERE action_id = $1 ORDER BY seq LIMIT $2";
/// Of a campaign the findings lie in its parts; those of calls that succeeded come first.
const FINDINGS: &str = "SELECT json FROM findings WHERE alert_id = $1 OR alert_id IN \
    (SELECT alert_id FROM campaign_parts WHERE campaign_id = $1) \
    ORDER BY CASE standing WHEN 2 THEN 0 ELSE 1 END, event_time DESC, id LIMIT $2";
const ARRIVED: &str = "UPDATE deliveries SET state = 'delivered', delivered_at = $2, answer = $3, \
    last_error = NULL WHERE id = $1";

/// One action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRow {
    pub id: String,
    pub alert_id: String,
    /// How often the alert had been opened.
    pub transition: i64,
    pub playbook: String,
    pub step: i64,
    pub kind: ActionKind,
    pub title: String,
    pub level: Level,
    pub receiver: String,
    pub key_id: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
    /// The account or namespace of the key.
    pub scope: String,
    /// JSON whose form belongs to `respond`, as are the next three.
    pub subject: String,
    pub parameters: String,
    pub impact: String,
    pub approvals: String,
    /// How many people have to approve.
    pub needs: i64,
    /// How long later events are watched for its effect, in microseconds.
    pub verify_for: i64,
    pub state: ActionState,
    pub reason: Option<String>,
    pub answer: Option<String>,
    /// Grows with every change.
    pub revision: i64,
    pub attempts: i64,
    /// Microseconds since the epoch, as are all times here.
    pub next_attempt: i64,
    pub proposed_at: i64,
    pub expires_at: i64,
    /// When the receiver was first to be asked.
    pub intent_at: Option<i64>,
    pub done_at: Option<i64>,
    /// When its effect was seen, or no longer watched for.
    pub settled_at: Option<i64>,
    pub undone_at: Option<i64>,
}

/// One entry of the journal of actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionEntry {
    pub action_id: String,
    pub done_at: i64,
    pub actor: String,
    /// How it stands since then, or what else happened.
    pub state: String,
    pub reason: Option<String>,
}

/// Which actions; what is not set does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFilter {
    pub state: Option<ActionState>,
    pub alert_id: Option<String>,
}

/// Changes to actions: committed whole, or not there.
#[derive(Debug)]
pub struct ActionTransaction {
    transaction: Transaction,
}

impl Store {
    /// Begins changes to actions. Dropping it takes everything back.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::ReadOnly`], or when the database fails.
    pub async fn begin_actions(&self) -> Result<ActionTransaction, StoreError> {
        Ok(ActionTransaction { transaction: self.begin().await? })
    }

    /// One action.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn action(&self, id: &str) -> Result<Option<ActionRow>, StoreError> {
        let id = storable(id);
        Ok(self.some_actions(query(FIND).bind(&id)).await?.pop())
    }

    /// The actions that a filter lets through, those proposed last first, at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn actions(&self, filter: &ActionFilter, most: i64) -> Result<Vec<ActionRow>, StoreError> {
        let alert = storable(filter.alert_id.as_deref().unwrap_or_default());
        let state = filter.state.map_or("", ActionState::as_str);
        self.some_actions(query(LIST).bind(state).bind(&alert).bind(most)).await
    }

    /// The actions for which the receiver is to be asked now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_actions(&self, now: i64, most: i64) -> Result<Vec<ActionRow>, StoreError> {
        self.some_actions(query(DUE).bind(now).bind(most)).await
    }

    /// The actions that are done and whose effect is watched for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watched_actions(&self, most: i64) -> Result<Vec<ActionRow>, StoreError> {
        self.some_actions(query(WATCHED).bind(most)).await
    }

    /// The actions that nobody approved in time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn overdue_actions(&self, now: i64, most: i64) -> Result<Vec<ActionRow>, StoreError> {
        self.some_actions(query(OVERDUE).bind(now).bind(most)).await
    }

    /// The actions that were begun, or taken back, since then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn actions_begun_since(&self, since: i64) -> Result<Vec<ActionRow>, StoreError> {
        self.some_actions(query(BEGUN).bind(since)).await
    }

    /// The actions of one playbook for one alert, in the order of its steps.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn actions_of(&self, alert_id: &str, playbook: &str) -> Result<Vec<ActionRow>, StoreError> {
        self.some_actions(query(OF_PLAYBOOK).bind(alert_id).bind(playbook)).await
    }

    /// How many actions are in which state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_actions(&self) -> Result<Vec<(ActionState, i64)>, StoreError> {
        let rows = query(STATES).fetch_all(&self.database).await?;
        rows.iter()
            .map(|row| Ok((word(row, "state", ActionState::from_word)?, row.try_get("actions")?)))
            .collect()
    }

    /// The journal of one action, or of what else `id` names, at most so many entries, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn action_journal(&self, id: &str, most: i64) -> Result<Vec<ActionEntry>, StoreError> {
        if !self.has_migration(MIGRATION).await? {
            return Ok(Vec::new());
        }
        let rows = query(JOURNAL).bind(storable(id)).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(entry_of).collect()
    }

    /// The findings of an alert, or of the parts of a campaign, as JSON, at most so many: those of calls that
    /// succeeded first, of them the latest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn findings_of(&self, alert_id: &str, most: i64) -> Result<Vec<String>, StoreError> {
        let rows = query(FINDINGS).bind(alert_id).bind(most).fetch_all(&self.database).await?;
        rows.iter().map(|row| Ok(row.try_get("json")?)).collect()
    }

    async fn some_actions(&self, asked: Query<'_>) -> Result<Vec<ActionRow>, StoreError> {
        if !self.has_migration(MIGRATION).await? {
            return Ok(Vec::new());
        }
        asked.fetch_all(&self.database).await?.iter().map(action_of).collect()
    }
}

impl ActionTransaction {
    /// Adds an action; whether it was new. Its revision becomes 1.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&mut self, row: &ActionRow) -> Result<bool, StoreError> {
        let added = query(INSERT)
            .bind(&row.id)
            .bind(&row.alert_id)
            .bind(row.transition)
            .bind(&row.playbook)
            .bind(row.step)
            .bind(row.kind.as_str())
            .bind(storable(&row.title))
            .bind(row.level.as_str())
            .bind(&row.receiver)
            .bind(storable_option(row.key_id.as_deref()))
            .bind(storable_option(row.catalog_id.as_deref()))
            .bind(storable_option(row.principal.as_deref()))
            .bind(storable_option(row.owner.as_deref()))
            .bind(storable(&row.scope))
            .bind(&row.subject)
            .bind(&row.parameters)
            .bind(&row.impact)
            .bind(row.needs)
            .bind(row.verify_for)
            .bind(row.proposed_at)
            .bind(row.state.as_str())
            .bind(&row.approvals)
            .bind(storable_option(row.reason.as_deref()))
            .bind(storable_option(row.answer.as_deref()))
            .bind(row.attempts)
            .bind(row.next_attempt)
            .bind(row.expires_at)
            .bind(row.intent_at)
            .bind(row.done_at)
            .bind(row.settled_at)
            .bind(row.undone_at)
            .execute(&mut self.transaction)
            .await?;
        Ok(added == 1)
    }

    /// Writes what can change of an action; whether it still was the revision that `row` has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&mut self, row: &ActionRow) -> Result<bool, StoreError> {
        let changed = query(UPDATE)
            .bind(&row.id)
            .bind(row.revision)
            .bind(row.state.as_str())
            .bind(&row.approvals)
            .bind(storable_option(row.reason.as_deref()))
            .bind(storable_option(row.answer.as_deref()))
            .bind(row.attempts)
            .bind(row.next_attempt)
            .bind(row.expires_at)
            .bind(row.intent_at)
            .bind(row.done_at)
            .bind(row.settled_at)
            .bind(row.undone_at)
            .execute(&mut self.transaction)
            .await?;
        Ok(changed == 1)
    }

    /// Adds an entry to the journal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append(&mut self, entry: &ActionEntry) -> Result<(), StoreError> {
        let seq: i64 = query(LAST_SEQ).fetch_scalar(&mut self.transaction).await?.unwrap_or_default();
        query(APPEND)
            .bind(seq + 1)
            .bind(storable(&entry.action_id))
            .bind(entry.done_at)
            .bind(storable(&entry.actor))
            .bind(&entry.state)
            .bind(storable_option(entry.reason.as_deref()))
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Notes that a page was read, and what became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_read(&mut self, delivery: &str, at: i64, answer: &str) -> Result<(), StoreError> {
        query(ARRIVED).bind(delivery).bind(at).bind(storable(answer)).execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Sets a named value, as [`Store::set_meta`] does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_meta(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let set = query(super::statements::WRITE_META).bind(name).bind(value);
        set.execute(&mut self.transaction).await?;
        Ok(())
    }

    /// Makes it true.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}

fn action_of(row: &Row) -> Result<ActionRow, StoreError> {
    Ok(ActionRow {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        transition: row.try_get("transition")?,
        playbook: row.try_get("playbook")?,
        step: row.try_get("step")?,
        kind: word(row, "kind", ActionKind::from_word)?,
        title: row.try_get("title")?,
        level: word(row, "level", Level::from_word)?,
        receiver: row.try_get("receiver")?,
        key_id: row.try_get("key_id")?,
        catalog_id: row.try_get("catalog_id")?,
        principal: row.try_get("principal")?,
        owner: row.try_get("owner")?,
        scope: row.try_get("scope")?,
        subject: row.try_get("subject")?,
        parameters: row.try_get("parameters")?,
        impact: row.try_get("impact")?,
        approvals: row.try_get("approvals")?,
        needs: row.try_get("needs")?,
        verify_for: row.try_get("verify_for")?,
        state: word(row, "state", ActionState::from_word)?,
        reason: row.try_get("reason")?,
        answer: row.try_get("answer")?,
        revision: row.try_get("revision")?,
        attempts: row.try_get("attempts")?,
        next_attempt: row.try_get("next_attempt")?,
        proposed_at: row.try_get("proposed_at")?,
        expires_at: row.try_get("expires_at")?,
        intent_at: row.try_get("intent_at")?,
        done_at: row.try_get("done_at")?,
        settled_at: row.try_get("settled_at")?,
        undone_at: row.try_get("undone_at")?,
    })
}

fn entry_of(row: &Row) -> Result<ActionEntry, StoreError> {
    Ok(ActionEntry {
        action_id: row.try_get("action_id")?,
        done_at: row.try_get("done_at")?,
        actor: row.try_get("actor")?,
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
    })
}
