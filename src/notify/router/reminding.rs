//! What is told again, and to whom else, as long as nobody acknowledges.

use super::{Routing, Saying};
use crate::config::Recipient;
use crate::domain::identity::hex_id;
use crate::notify::routes::{Moment, Node, targets};
use crate::notify::told::{Told, news};
use crate::store::{ReminderRow, StoreError, UnroutedPage};

/// The states of an alert that wait for somebody, in the words of the store.
const WAITING: [&str; 2] = ["open", "reopened"];

/// Kinds of pages that nobody has to acknowledge.
const TOLD_ONCE: [&str; 1] = ["digest"];

/// Reminders that one transaction tells.
const BATCH: i64 = 200;

impl Routing<'_> {
    /// Starts what is to be told again of a page, where its route says so.
    pub(super) async fn start_reminder(
        &mut self,
        page: &UnroutedPage,
        told: &Told,
        route: &Node,
    ) -> Result<(), StoreError> {
        if TOLD_ONCE.contains(&told.kind.as_str()) {
            return Ok(());
        }
        let parts: [&[u8]; 4] =
            [b"reminder", told.alert.as_bytes(), &told.transition.to_le_bytes(), route.name.as_bytes()];
        let mut reminder = ReminderRow {
            id: hex_id(&parts),
            alert_id: told.alert.clone(),
            transition: told.transition,
            route: route.name.clone(),
            stage: 0,
            repeats: 0,
            started_at: self.now,
            due_at: 0,
            page: page.payload.clone(),
        };
        let Some(due) = next_due(&reminder, route) else { return Ok(()) };
        reminder.due_at = due;
        self.store.start_reminder(&reminder).await
    }

    /// Tells what is due.
    pub(super) async fn remind(&mut self) -> Result<(), StoreError> {
        for reminder in self.store.due_reminders(self.now, BATCH).await? {
            let stands = self.store.alert_stands(&reminder.alert_id).await?;
            let waits = stands.is_some_and(|(state, transition)| {
                WAITING.contains(&state.as_str()) && transition == reminder.transition
            });
            let route = self.router.routes.named(&reminder.route).filter(|_| waits);
            let (Some(route), Ok(told)) = (route, Told::read(&reminder.page)) else {
                self.store.end_reminder(&reminder.id).await?;
                continue;
            };
            self.remind_of(reminder, told, route).await?;
        }
        Ok(())
    }

    async fn remind_of(
        &mut self,
        mut reminder: ReminderRow,
        mut told: Told,
        route: &Node,
    ) -> Result<(), StoreError> {
        let ownership = self.router.ownership(&told);
        let step = reminder.due_at;
        let escalations = stages_due(&reminder, route, self.now);
        let before = usize::try_from(reminder.stage).unwrap_or_default();
        for escalation in route.escalate.iter().take(escalations).skip(before) {
            told.news = news::ESCALATION.to_owned();
            self.tell(&told, &ownership, route, &escalation.to, step).await?;
        }
        let escalated = route.escalate.iter().take(escalations).flat_map(|escalation| &escalation.to);
        reminder.stage = escalations as i64;
        let repeats = repeats_due(&reminder, route, self.now);
        if repeats > reminder.repeats {
            // After an outage once, however many were missed.
            reminder.repeats = repeats;
            told.news = news::REMINDER.to_owned();
            let everybody: Vec<Recipient> = route.to.iter().chain(escalated).cloned().collect();
            self.tell(&told, &ownership, route, &everybody, step).await?;
        }
        match next_due(&reminder, route) {
            Some(due) => {
                reminder.due_at = due;
                self.store.move_reminder(&reminder).await
            }
            None => self.store.end_reminder(&reminder.id).await,
        }
    }

    async fn tell(
        &mut self,
        told: &Told,
        ownership: &crate::domain::ownership::Ownership,
        route: &Node,
        recipients: &[Recipient],
        step: i64,
    ) -> Result<(), StoreError> {
        let moment = Moment { at: self.now, ownership, schedules: &self.schedules };
        for target in targets(recipients, &moment) {
            self.say(Saying { told, ownership, route, step }, &target).await?;
        }
        Ok(())
    }
}

/// How many escalations should have been made by now.
fn stages_due(reminder: &ReminderRow, route: &Node, now: i64) -> usize {
    let is_due = |after: i64| reminder.started_at.saturating_add(after) <= now;
    route.escalate.iter().take_while(|escalation| is_due(escalation.after.microseconds())).count()
}

/// How often it should have been told again by now.
fn repeats_due(reminder: &ReminderRow, route: &Node, now: i64) -> i64 {
    route.repeat.map_or(0, |every| now.saturating_sub(reminder.started_at) / every.max(1))
}

/// When something is due next, after what was made.
fn next_due(reminder: &ReminderRow, route: &Node) -> Option<i64> {
    let stage = usize::try_from(reminder.stage).unwrap_or_default();
    let escalation = route.escalate.get(stage).map(|escalation| escalation.after.microseconds());
    let repeat = route.repeat.map(|every| every.max(1).saturating_mul(reminder.repeats + 1));
    let after = [escalation, repeat].into_iter().flatten().min()?;
    Some(reminder.started_at.saturating_add(after))
}
