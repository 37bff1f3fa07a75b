//! Drains the pages of remediation, asks receivers, and watches for effects; one thing after the other.
//!
//! The store is the queue: whatever is due there is done, however often this process was killed. An intent is
//! written before a receiver is asked, and before it is asked again it says how its target stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::RESPOND;
use super::desk::{Kill, kill_switch, save};
use super::error::RespondError;
use super::guard::{HOUR, stop};
use super::own::OwnActs;
use super::past::{Effect, Open, Past};
use super::propose::{Came, Case, Page, called_for, first_from, for_page};
use super::request::{Call, Operation, Refused, Standing, request, standing};
use super::settings::Settings;
use super::subject::Subject;
use crate::config::Retry;
use crate::domain::action::{ActionState, Stop};
use crate::domain::alert::KEYWARD;
use crate::domain::time::format_rfc3339;
use crate::metrics::Metrics;
use crate::store::{ActionEntry, ActionRow, Attempt, Came as Ended, Delivery, Store};

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often history is asked for effects, in microseconds: each is a look into files.
const WATCH_EVERY: i64 = 3_000_000;

/// Actions and effects taken in one round: a round ends soon, and the rest comes next.
const MOST: i64 = 16;

/// Pages read from the store at once: most of them are for no playbook.
const MOST_PAGES: i64 = 256;

/// How long a page waits for its event to be sealed, in microseconds: seals come every few seconds, a store that
/// stands still for a while is waited for.
const WAIT_FOR_EVENT: i64 = 5 * 60 * 1_000_000;

/// How soon a page that came before its event is looked at again, in microseconds.
const LOOK_AGAIN: i64 = 1_000_000;

/// How long an action that waits for the kill switch is left alone, in microseconds.
const HOLD: i64 = 10_000_000;

/// How long after an action its receiver's events are its own, in microseconds: it may tidy up.
const AFTERMATH: i64 = 60_000_000;

/// Longest answer of a receiver that is kept, in characters.
const LONGEST_ANSWER: usize = 2_000;

/// Reads the time, in microseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Remediation of one service.
pub struct Responder {
    pub store: Arc<Store>,
    pub settings: Settings,
    pub open: Open,
    pub call: Call,
    pub own: OwnActs,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// To be notified after pages were put into the outbox, or people did something.
    pub wake: Arc<Notify>,
}

/// What a receiver was asked, and what came of it.
struct Asked {
    operation: Operation,
    answer: Result<String, Refused>,
}

impl Responder {
    /// Works until it is told to stop.
    pub async fn run(self, end: CancellationToken) {
        let mut watched = 0;
        while !end.is_cancelled() {
            if let Err(error) = self.round(&mut watched).await {
                tracing::warn!(%error, "remediation waits: the store or history does not answer");
            }
            tokio::select! {
                () = end.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Everything that is due now.
    pub(super) async fn round(&self, watched: &mut i64) -> Result<(), RespondError> {
        let now = (self.clock)();
        self.recognise(now).await?;
        self.read_pages(now).await?;
        for row in self.store.overdue_actions(now, MOST).await? {
            let told = format!("nobody approved it before {}", format_rfc3339(row.expires_at));
            self.goes(row, ActionState::Expired, Some(told)).await?;
        }
        for row in self.store.due_actions(now, MOST).await? {
            match self.advance(row).await {
                // A person was quicker: the next round sees how it stands now.
                Err(RespondError::Conflict(_)) => {}
                advanced => advanced?,
            }
        }
        if now.saturating_sub(*watched) >= WATCH_EVERY {
            *watched = now;
            self.watch(now).await?;
            let counts: BTreeMap<_, _> = self.store.count_actions().await?.into_iter().collect();
            for state in ActionState::ALL {
                let count = counts.get(state).copied().unwrap_or_default();
                self.metrics.actions(*state, u64::try_from(count).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Tells since when receivers act for us.
    async fn recognise(&self, now: i64) -> Result<(), RespondError> {
        let begun = self.store.actions_begun_since(now.saturating_sub(HOUR)).await?;
        self.own.replace(begun.iter().flat_map(|row| under_way(row, now)).collect());
        Ok(())
    }

    /// Reads the pages that wait. History is opened for those that a playbook is for, and once.
    async fn read_pages(&self, now: i64) -> Result<(), RespondError> {
        let mut past = None;
        loop {
            let mut pages = self.store.pending_deliveries(RESPOND, MOST_PAGES).await?;
            pages.retain(|delivery| delivery.next_attempt <= now);
            if pages.is_empty() {
                return Ok(());
            }
            for delivery in &pages {
                self.read(delivery, &mut past, now).await?;
            }
        }
    }

    /// Reads one page, and writes down what it calls for.
    async fn read(&self, delivery: &Delivery, past: &mut Option<Past>, now: i64) -> Result<(), RespondError> {
        let page: Page = match serde_json::from_str(&delivery.payload) {
            Ok(page) => page,
            Err(error) => return self.conclude(delivery, Vec::new(), &format!("no page: {error}")).await,
        };
        if !page.is_of_findings() || self.settings.is_empty() {
            return self.conclude(delivery, Vec::new(), "nothing to propose").await;
        }
        let called = called_for(&self.store, &self.settings, &page).await?;
        if called.is_empty() {
            return self.conclude(delivery, Vec::new(), "no playbook is for it").await;
        }
        let past = match past {
            Some(past) => past,
            None => past.insert(Past::open(&self.open).await?),
        };
        match for_page(&self.settings, past, &page, called, now).await? {
            Came::Rows(rows) => {
                let told = match rows.len() {
                    0 => "no step fits what the log shows".to_owned(),
                    some => format!("{some} proposals"),
                };
                self.conclude(delivery, rows, &told).await
            }
            Came::TooEarly => {
                let first = delivery.first_attempt.unwrap_or(now);
                let next = (now.saturating_sub(first) < WAIT_FOR_EVENT).then_some(now + LOOK_AGAIN);
                let why = "its event is not in history";
                let attempt = Attempt {
                    id: &delivery.id,
                    attempt: (delivery.attempts + 1, first),
                    at: now,
                    answer: why,
                    came: Ended::Failed { next, why },
                };
                Ok(self.store.note_attempts(&[attempt]).await?)
            }
        }
    }

    /// Writes proposals and that their page was read, in one transaction.
    async fn conclude(
        &self,
        delivery: &Delivery,
        rows: Vec<ActionRow>,
        told: &str,
    ) -> Result<(), RespondError> {
        let now = (self.clock)();
        let mut transaction = self.store.begin_actions().await?;
        for row in &rows {
            if transaction.insert(row).await? {
                transaction.append(&entry(row, now)).await?;
            }
        }
        transaction.page_read(&delivery.id, now, told).await?;
        transaction.commit().await?;
        rows.iter().for_each(|row| self.tell(row));
        Ok(())
    }

    /// Takes an action one step further.
    async fn advance(&self, row: ActionRow) -> Result<(), RespondError> {
        let now = (self.clock)();
        let kill = self.kill().await?;
        match row.state {
            ActionState::Approved => self.begin(row, kill.as_ref(), now).await,
            // What was begun is not asked for again while the switch is on.
            ActionState::Running if kill.is_some() => {
                let told = kill.map(|kill| kill.told());
                let held = ActionRow { next_attempt: now.saturating_add(HOLD), reason: told, ..row };
                let entry = entry(&held, now);
                save(&self.store, &held, &entry).await
            }
            ActionState::Running => self.again(row, Operation::Do).await,
            ActionState::RollingBack if row.attempts == 0 => self.send(row, Operation::Undo).await,
            ActionState::RollingBack => self.again(row, Operation::Undo).await,
            _ => Ok(()),
        }
    }

    /// The kill switch: the store's, or the file's.
    async fn kill(&self) -> Result<Option<Kill>, RespondError> {
        let by_file = self.settings.kill_switch.as_ref().filter(|file| file.exists());
        if let Some(file) = by_file {
            let at = format_rfc3339((self.clock)());
            let reason = format!("{} exists", file.display());
            return Ok(Some(Kill { by: "its file".to_owned(), reason, at }));
        }
        kill_switch(&self.store).await
    }

    /// Begins what was approved, unless something stops it.
    async fn begin(&self, row: ActionRow, kill: Option<&Kill>, now: i64) -> Result<(), RespondError> {
        let longest = HOUR.max(self.settings.limits.cool_down.microseconds());
        let begun = self.store.actions_begun_since(now.saturating_sub(longest)).await?;
        if let Some((stop, told)) = stop(&row, &self.settings, &begun, kill, now) {
            self.metrics.action_stopped(stop);
            let state = if stop == Stop::Expired { ActionState::Expired } else { ActionState::Stopped };
            // Who approves it again has seen why it was stopped.
            let row = ActionRow { approvals: "[]".to_owned(), ..row };
            return self.goes(row, state, Some(told)).await;
        }
        self.send(ActionRow { intent_at: Some(now), ..row }, Operation::Do).await
    }

    /// Asks how the target stands, and asks again for what it has not got yet.
    async fn again(&self, row: ActionRow, operation: Operation) -> Result<(), RespondError> {
        let asked = request(&row, Operation::State, (self.clock)())?;
        let wanted = if operation == Operation::Do { Standing::Applied } else { Standing::NotApplied };
        match (self.call)(asked).await {
            Ok(answer) if standing(&answer) == wanted => {
                let asked = Asked { operation, answer: Ok(answer) };
                self.heard(row, asked).await
            }
            Ok(answer) if standing(&answer) != Standing::Unknown => self.send(row, operation).await,
            answer => {
                let told = |_| "the receiver does not know how its target stands".to_owned();
                let why = answer.map_or_else(|refused| refused.why, told);
                let answer = Err(Refused { why, for_good: false, pause: None });
                self.heard(ActionRow { attempts: row.attempts + 1, ..row }, Asked { operation, answer }).await
            }
        }
    }

    /// Writes the intent, and asks the receiver.
    async fn send(&self, row: ActionRow, operation: Operation) -> Result<(), RespondError> {
        let now = (self.clock)();
        let state = if operation == Operation::Do { ActionState::Running } else { ActionState::RollingBack };
        let attempts = row.attempts + 1;
        // Should this process die now, the next one asks for the state first.
        let next_attempt = now.saturating_add(self.wait(&row.receiver, attempts));
        let intent = ActionRow { state, attempts, next_attempt, ..row };
        let entry = ActionEntry {
            reason: Some(format!("asking {} ({attempts})", intent.receiver)),
            ..entry(&intent, now)
        };
        save(&self.store, &intent, &entry).await?;
        if attempts == 1 {
            self.tell(&intent);
        }
        self.recognise(now).await?;
        let intent = ActionRow { revision: intent.revision + 1, ..intent };
        let answer = (self.call)(request(&intent, operation, now)?).await;
        self.heard(intent, Asked { operation, answer }).await
    }

    /// Writes down what the receiver said.
    async fn heard(&self, row: ActionRow, asked: Asked) -> Result<(), RespondError> {
        let now = (self.clock)();
        match (asked.answer, asked.operation) {
            (Ok(answer), Operation::Undo) => {
                let row = ActionRow { answer: Some(shortened(&answer)), settled_at: Some(now), ..row };
                self.goes(row, ActionState::RolledBack, None).await
            }
            (Ok(answer), _) => {
                let row = ActionRow { answer: Some(shortened(&answer)), done_at: Some(now), ..row };
                let told = "the receiver says that it is done; its effect is not seen yet".to_owned();
                self.goes(row, ActionState::Done, Some(told)).await
            }
            (Err(refused), operation) => {
                let begun = if operation == Operation::Undo { row.undone_at } else { row.intent_at };
                let patience = self
                    .settings
                    .receivers
                    .get(&row.receiver)
                    .map_or(0, |of| of.give_up_after.microseconds());
                let is_over = now.saturating_sub(begun.unwrap_or(now)) >= patience;
                let row = ActionRow { answer: Some(shortened(&refused.why)), ..row };
                if refused.for_good || is_over {
                    return self.failed(row, operation, refused.why).await;
                }
                let pause =
                    refused.pause.map_or(0, |pause| i64::try_from(pause.as_micros()).unwrap_or(i64::MAX));
                let wait = self.wait(&row.receiver, row.attempts).max(pause.min(HOUR));
                let waiting =
                    ActionRow { next_attempt: now.saturating_add(wait), reason: Some(refused.why), ..row };
                let entry = entry(&waiting, now);
                save(&self.store, &waiting, &entry).await
            }
        }
    }

    /// How long to wait after so many attempts, in microseconds.
    fn wait(&self, receiver: &str, attempts: i64) -> i64 {
        let retry = self.settings.receivers.get(receiver).cloned().unwrap_or_else(Retry::default);
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 2_i64.checked_pow(doublings).unwrap_or(i64::MAX);
        retry.first.microseconds().saturating_mul(factor).min(retry.longest.microseconds())
    }

    async fn failed(&self, row: ActionRow, operation: Operation, why: String) -> Result<(), RespondError> {
        let what = if operation == Operation::Undo { "could not be taken back" } else { "could not be done" };
        self.goes(row.clone(), ActionState::Failed, Some(format!("{what}: {why}"))).await?;
        if operation == Operation::Do { self.propose_next(&row).await } else { Ok(()) }
    }

    /// Proposes the step after one that did not help.
    async fn propose_next(&self, row: &ActionRow) -> Result<(), RespondError> {
        let Some(playbook) = self.settings.playbooks.iter().find(|of| of.id == row.playbook) else {
            return Ok(());
        };
        let (past, now) = (Past::open(&self.open).await?, (self.clock)());
        let subject: Subject = serde_json::from_str(&row.subject)?;
        let case = Case {
            alert: &row.alert_id,
            transition: row.transition,
            level: row.level,
            owner: row.owner.as_deref(),
            subject: &subject,
        };
        let from = usize::try_from(row.step).unwrap_or(usize::MAX).saturating_add(1);
        let Some(next) = first_from(&self.settings, &past, playbook, from, case, now).await? else {
            return Ok(());
        };
        let mut transaction = self.store.begin_actions().await?;
        if transaction.insert(&next).await? {
            transaction.append(&entry(&next, now)).await?;
        }
        transaction.commit().await?;
        self.tell(&next);
        Ok(())
    }

    /// Looks whether what was done is seen in later events.
    async fn watch(&self, now: i64) -> Result<(), RespondError> {
        let rows = self.store.watched_actions(MOST).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let past = Past::open(&self.open).await?;
        for row in rows {
            let (Some(since), subject) = (row.done_at, serde_json::from_str(&row.subject)?) else { continue };
            let row = ActionRow { settled_at: Some(now), ..row };
            match past.effect(row.kind, &subject, since).await? {
                Effect::Seen { stopped } => {
                    let told = format!("{stopped} later calls were stopped, none got through");
                    self.goes(row, ActionState::Verified, Some(told)).await?;
                }
                Effect::Contradicted { succeeded } => {
                    let told = format!("{succeeded} later calls got through all the same");
                    self.goes(row.clone(), ActionState::Ineffective, Some(told)).await?;
                    self.propose_next(&row).await?;
                }
                Effect::NothingYet if now.saturating_sub(since) >= row.verify_for => {
                    let told = "no later call was seen, so its effect is not verified".to_owned();
                    self.goes(row, ActionState::Done, Some(told)).await?;
                }
                Effect::NothingYet => {}
            }
        }
        Ok(())
    }

    /// Writes that an action now stands otherwise, on our own account.
    async fn goes(
        &self,
        row: ActionRow,
        state: ActionState,
        reason: Option<String>,
    ) -> Result<(), RespondError> {
        let row = ActionRow { state, reason, ..row };
        match save(&self.store, &row, &entry(&row, (self.clock)())).await {
            // Somebody was quicker: the next round sees how it stands now.
            Err(RespondError::Conflict(_)) => Ok(()),
            Ok(()) => {
                self.tell(&row);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn tell(&self, row: &ActionRow) {
        self.metrics.action_went(row.state);
        let reason = row.reason.as_deref().unwrap_or_default();
        tracing::info!(action = row.id, kind = %row.kind, state = %row.state, reason, "remediation");
    }
}

/// The journal's entry of how an action stands now, on our own account.
fn entry(row: &ActionRow, now: i64) -> ActionEntry {
    ActionEntry {
        action_id: row.id.clone(),
        done_at: now,
        actor: KEYWARD.to_owned(),
        state: row.state.as_str().to_owned(),
        reason: row.reason.clone(),
    }
}

/// When a receiver acted for an action, and for its rollback.
fn under_way(row: &ActionRow, now: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
    let is = |state| row.state == state;
    let span = |from: Option<i64>, to: Option<i64>| {
        from.map(|from| (from, to.unwrap_or(from).max(from).saturating_add(AFTERMATH)))
    };
    let done = if is(ActionState::Running) { Some(now) } else { row.done_at };
    let undone = match row.state {
        ActionState::RollingBack => Some(now),
        ActionState::RolledBack => row.settled_at,
        _ => row.undone_at,
    };
    [span(row.intent_at, done), span(row.undone_at, undone)].into_iter().flatten()
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_ANSWER).collect()
}
