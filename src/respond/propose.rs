//! From a page to a proposal: the narrowest step of each playbook that fits, with what it would break.

use serde::Deserialize;

use super::error::RespondError;
use super::guard::protected;
use super::impact::Impact;
use super::past::Past;
use super::playbook::{Hit, Playbook, Step};
use super::settings::Settings;
use super::subject::Subject;
use crate::config::RespondMode;
use crate::domain::action::ActionState;
use crate::domain::alert::KEYWARD;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::store::{ActionRow, Store};

/// Findings of an alert that are held against playbooks: those that got through come first.
const MOST_FINDINGS: i64 = 500;

/// A page as far as proposals need it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Page {
    pub alert: String,
    pub transition: i64,
    pub news: String,
    pub level: Level,
    pub owner: Option<String>,
}

impl Page {
    /// Whether it tells of something that happened, rather than of what people made of it.
    pub fn is_of_findings(&self) -> bool {
        !matches!(self.news.as_str(), "acknowledged" | "resolved" | "digest")
    }
}

/// What a page came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Proposals; none where no playbook fits, or all was proposed before.
    Rows(Vec<ActionRow>),
    /// The call is not in history yet.
    TooEarly,
}

/// What a proposal is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'c> {
    pub alert: &'c str,
    pub transition: i64,
    pub level: Level,
    pub owner: Option<&'c str>,
    pub subject: &'c Subject,
}

/// The playbooks that are for a page and have proposed nothing yet, each with the finding that calls for it.
pub(super) async fn called_for<'s>(
    store: &Store,
    settings: &'s Settings,
    page: &Page,
) -> Result<Vec<(&'s Playbook, Hit)>, RespondError> {
    let findings = store.findings_of(&page.alert, MOST_FINDINGS).await?;
    let hits: Vec<Hit> = findings.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>()?;
    let mut called = Vec::new();
    for playbook in &settings.playbooks {
        let Some(hit) = playbook.called_for(&hits) else { continue };
        let before = store.actions_of(&page.alert, &playbook.id).await?;
        if before.iter().all(|row| row.transition != page.transition) {
            called.push((playbook, hit.clone()));
        }
    }
    Ok(called)
}

/// The proposals for a page.
pub(super) async fn for_page(
    settings: &Settings,
    past: &Past,
    page: &Page,
    called: Vec<(&Playbook, Hit)>,
    now: i64,
) -> Result<Came, RespondError> {
    let mut rows = Vec::new();
    for (playbook, hit) in called {
        let Some(subject) = past.subject(&hit).await? else { return Ok(Came::TooEarly) };
        let case = Case {
            alert: &page.alert,
            transition: page.transition,
            level: hit.level,
            owner: page.owner.as_deref(),
            subject: &subject,
        };
        rows.extend(first_from(settings, past, playbook, 0, case, now).await?);
    }
    Ok(Came::Rows(rows))
}

/// The first step from the one numbered `from` that the log shows enough for.
pub(super) async fn first_from(
    settings: &Settings,
    past: &Past,
    playbook: &Playbook,
    from: usize,
    case: Case<'_>,
    now: i64,
) -> Result<Option<ActionRow>, RespondError> {
    let fits = |step: &Step| {
        // An attempt that was stopped is never a reason to touch a key: whoever can cause one could cause an outage.
        case.subject.serves(step.action) && (case.subject.succeeded() || !step.action.touches_key())
    };
    let found = playbook.steps.iter().enumerate().skip(from).find(|(_, step)| fits(step));
    let Some((place, step)) = found else { return Ok(None) };
    let since = now.saturating_sub(settings.look_back);
    let impact = past.impact(step.action, case.subject, since, now).await?;
    row(settings, playbook, (place, step), case, &impact, now).map(Some)
}

fn row(
    settings: &Settings,
    playbook: &Playbook,
    (place, step): (usize, &Step),
    case: Case<'_>,
    impact: &Impact,
    now: i64,
) -> Result<ActionRow, RespondError> {
    let number = i64::try_from(place).unwrap_or(i64::MAX);
    let (transition, numbered) = (case.transition.to_le_bytes(), number.to_le_bytes());
    let needs = people(settings, step, impact);
    let verify = step.verify_within.map_or(settings.verify_within, |span| span.microseconds());
    let mut row = ActionRow {
        id: hex_id(&[case.alert.as_bytes(), &transition, playbook.id.as_bytes(), &numbered]),
        alert_id: case.alert.to_owned(),
        transition: case.transition,
        playbook: playbook.id.clone(),
        step: number,
        kind: step.action,
        title: format!("{}: {}", playbook.title, step.title),
        level: case.level,
        receiver: playbook.receiver.clone(),
        key_id: case.subject.key.clone(),
        catalog_id: case.subject.catalog_id.clone(),
        principal: case.subject.principal.clone(),
        owner: case.owner.map(str::to_owned),
        scope: case.subject.scope(),
        subject: serde_json::to_string(case.subject)?,
        parameters: serde_json::to_string(&step.parameters)?,
        impact: serde_json::to_string(impact)?,
        approvals: "[]".to_owned(),
        needs,
        verify_for: verify,
        state: ActionState::Proposed,
        reason: None,
        answer: None,
        revision: 1,
        attempts: 0,
        next_attempt: now,
        proposed_at: now,
        expires_at: now.saturating_add(settings.expires),
        intent_at: None,
        done_at: None,
        settled_at: None,
        undone_at: None,
    };
    (row.state, row.reason) = stands(settings, step, &row, impact);
    if row.state == ActionState::Approved {
        row.approvals = serde_json::to_string(&[KEYWARD])?;
    }
    Ok(row)
}

/// How many people an action takes.
fn people(settings: &Settings, step: &Step, impact: &Impact) -> i64 {
    let hits_many = settings.two_people_from > 0 && impact.others.len() as u64 >= settings.two_people_from;
    let by_impact = if hits_many { 2 } else { 0 };
    i64::from(step.approvals.max(step.action.least_people()).max(by_impact).max(1))
}

/// How a proposal begins, and why.
fn stands(
    settings: &Settings,
    step: &Step,
    row: &ActionRow,
    impact: &Impact,
) -> (ActionState, Option<String>) {
    if settings.mode == RespondMode::DryRun {
        return (ActionState::DryRun, Some("`respond: mode:` is dry_run: nothing is done".to_owned()));
    }
    if let Some(told) = protected(row, settings) {
        return (ActionState::Stopped, Some(told));
    }
    if settings.mode != RespondMode::Automatic || !step.automatic {
        return (ActionState::Proposed, None);
    }
    let forbidden = match row.needs {
        1 => impact.forbids_automatic(),
        many => Some(format!("it takes {many} people")),
    };
    match forbidden {
        Some(why) => (ActionState::Proposed, Some(format!("not by itself: {why}"))),
        None => (ActionState::Approved, Some("by itself: no conforming use would break".to_owned())),
    }
}
