//! What stops an action that was approved. Pure: the same rows give the same answer.

use super::desk::Kill;
use super::settings::Settings;
use crate::config::RespondMode;
use crate::domain::action::Stop;
use crate::domain::time::format_rfc3339;
use crate::store::ActionRow;

/// What bounds count over, in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;

/// Why an action is not done, if it is not: the word, and a sentence for people. `begun` are the actions that were
/// begun within the last hour or the cool-down, whichever is longer.
pub(super) fn stop(
    row: &ActionRow,
    settings: &Settings,
    begun: &[ActionRow],
    kill: Option<&Kill>,
    now: i64,
) -> Option<(Stop, String)> {
    if let Some(kill) = kill {
        return Some((Stop::KillSwitch, kill.told()));
    }
    if settings.mode == RespondMode::DryRun {
        return Some((Stop::DryRun, "`respond: mode:` is dry_run: nothing is done".to_owned()));
    }
    if let Some(told) = protected(row, settings) {
        return Some((Stop::Protected, told));
    }
    if row.expires_at <= now {
        let told = format!("it was to be done before {}", format_rfc3339(row.expires_at));
        return Some((Stop::Expired, told));
    }
    if !settings.receivers.contains_key(&row.receiver) {
        return Some((Stop::NoReceiver, format!("`respond: receivers:` has no `{}` any more", row.receiver)));
    }
    bound(row, settings, begun, now)
}

/// Why nothing is ever done to what the action is about, if it is so.
pub(super) fn protected(row: &ActionRow, settings: &Settings) -> Option<String> {
    let named = [row.key_id.as_deref(), row.catalog_id.as_deref(), row.principal.as_deref()];
    let found = settings.protected.first(named)?;
    Some(format!("{found} is protected: `respond: protected:` names it"))
}

fn bound(row: &ActionRow, settings: &Settings, begun: &[ActionRow], now: i64) -> Option<(Stop, String)> {
    let limits = &settings.limits;
    let since = |other: &ActionRow, span: i64| {
        other.id != row.id && other.intent_at.is_some_and(|at| at > now.saturating_sub(span))
    };
    let count = |fits: &dyn Fn(&ActionRow) -> bool| {
        begun.iter().filter(|other| since(other, HOUR) && fits(other)).count() as u64
    };
    let all = count(&|_| true);
    if all >= limits.per_hour {
        return Some((
            Stop::PerHour,
            format!("{all} actions were begun within the hour; the bound is {}", limits.per_hour),
        ));
    }
    let in_scope = count(&|other| other.scope == row.scope);
    if in_scope >= limits.per_scope {
        let told =
            format!("{in_scope} actions in {} within the hour; the bound is {}", row.scope, limits.per_scope);
        return Some((Stop::PerScope, told));
    }
    let of_owner = count(&|other| row.owner.is_some() && other.owner == row.owner);
    if of_owner >= limits.per_owner {
        let owner = row.owner.as_deref().unwrap_or_default();
        let told = format!(
            "{of_owner} actions on what {owner} owns within the hour; the bound is {}",
            limits.per_owner
        );
        return Some((Stop::PerOwner, told));
    }
    let cool = limits.cool_down.microseconds();
    // The next step for the same alert is no new blow.
    let same = |other: &&ActionRow| {
        since(other, cool) && other.alert_id != row.alert_id && is_same_target(row, other)
    };
    let other = begun.iter().find(same)?;
    let told = format!("action {} was begun on the same target less than {} ago", other.id, limits.cool_down);
    Some((Stop::CoolDown, told))
}

fn is_same_target(row: &ActionRow, other: &ActionRow) -> bool {
    let same = |one: &Option<String>, two: &Option<String>| one.is_some() && one == two;
    if row.kind.touches_key() {
        same(&row.key_id, &other.key_id)
    } else {
        same(&row.principal, &other.principal)
    }
}
