//! Actions in words for people; harmless to a terminal.

use super::terminal::harmless;
use crate::respond::{Action, Impact, Kill, Shown, Used};

/// The columns of a list.
pub const HEADER: [&str; 8] = ["action", "state", "kind", "level", "key", "principal", "proposed", "reason"];

/// Groups of uses that are printed; JSON has them all.
const MOST_USED: usize = 10;

/// One row of a list.
pub fn row(action: &Action) -> Vec<String> {
    vec![
        action.id.clone(),
        action.state.to_string(),
        action.kind.to_string(),
        action.level.to_string(),
        action.key.clone().unwrap_or_default(),
        action.principal.clone().unwrap_or_default(),
        action.proposed_at.clone(),
        action.reason.clone().unwrap_or_default(),
    ]
}

/// How an action stands, in one line.
pub fn standing(action: &Action) -> String {
    let reason = action.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let approved = format!("{} of {} approved", action.approvals.len(), action.needs);
    format!("{}\n", harmless(&format!("{} {} ({approved}){reason}", action.id, action.state)))
}

/// The kill switch, in one line.
pub fn switch(kill: Option<&Kill>) -> String {
    match kill {
        None => "off\n".to_owned(),
        Some(kill) => {
            format!("{}\n", harmless(&format!("on since {}, by {}: {}", kill.at, kill.by, kill.reason)))
        }
    }
}

/// One action in full, with its journal.
pub fn shown(shown: &Shown) -> String {
    let action = &shown.action;
    let mut text = format!("{}    {}\n", standing(action), harmless(&action.title));
    let mut say = |name: &str, told: &str| {
        text.push_str(&format!("    {name:<10} {}\n", harmless(told)));
    };
    let fields = [
        ("kind", Some(action.kind.to_string())),
        ("key", action.key.clone()),
        ("principal", action.principal.clone()),
        ("entity", action.subject.entity_id.clone()),
        ("owner", action.owner.clone()),
        ("alert", Some(action.alert.clone())),
        ("approved", (!action.approvals.is_empty()).then(|| action.approvals.join(" "))),
        ("receiver", Some(action.receiver.clone())),
        ("answer", action.answer.clone()),
        ("expires", action.state.awaits_people().then(|| action.expires_at.clone())),
        (
            "back",
            Some(if action.reversible { "can be taken back" } else { "cannot be taken back" }.to_owned()),
        ),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            say(name, &value);
        }
    }
    impact(&action.impact).iter().for_each(|(name, told)| say(name, told));
    text.push('\n');
    for entry in &shown.journal {
        let reason = entry.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        text.push_str(&format!(
            "{}\n",
            harmless(&format!("{}  {} by {}{reason}", entry.at, entry.state, entry.by))
        ));
    }
    text
}

/// What it would break, line by line.
fn impact(impact: &Impact) -> Vec<(&'static str, String)> {
    let mut told = vec![(
        "impact",
        format!(
            "{} uses from {} to {} would have been stopped, {} of them conforming",
            impact.uses, impact.from, impact.to, impact.conforming
        ),
    )];
    told.extend(impact.used.iter().take(MOST_USED).map(|used| ("", used_told(used))));
    let more = impact.more + impact.used.len().saturating_sub(MOST_USED) as u64;
    if more > 0 {
        told.push(("", format!("{more} more; --format json has them")));
    }
    if !impact.others.is_empty() {
        let others: Vec<&str> = impact.others.iter().map(String::as_str).collect();
        told.push(("others", others.join(" ")));
    }
    told.extend(impact.dangers.iter().map(|danger| ("danger", danger.clone())));
    told.extend(impact.unknown.iter().map(|unknown| ("unknown", unknown.clone())));
    told.push(("beware", impact.caveat.clone()));
    told
}

fn used_told(used: &Used) -> String {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} for {} via {}, tenant {}: {} uses, {} conforming",
        word(&used.principal),
        word(&used.function),
        word(&used.key),
        word(&used.purpose),
        word(&used.via),
        word(&used.tenant),
        used.uses,
        used.conforming
    )
}
