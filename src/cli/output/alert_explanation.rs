//! An alert in words: what happened, why it is wrong, whose key it is, what is near, what to think of it, what to do.

use arrow::error::ArrowError;
use serde_json::json;

use super::explanation;
use super::terminal::{Colours, harmless, table};
use crate::app::explain_alert::{ExplainedAlert, Likelihood, Side};
use crate::catalog::explain::Finding;

/// One JSON object on a line.
pub fn json(explained: &ExplainedAlert) -> Result<String, ArrowError> {
    let event = explained.event.as_ref().map(explanation::json).transpose()?;
    let event: Option<serde_json::Value> = event
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| ArrowError::JsonError(error.to_string()))?;
    let object = json!({
        "alert": explained.shown.alert,
        "journal": explained.shown.journal,
        "event": event,
        "entry": explained.entry,
        "near": explained.near,
        "exceptions": explained.exceptions,
        "changed": explained.changed,
        "lately": explained.lately,
        "likelier": explained.likelier,
        "steps": explained.steps,
        "patch": explained.patch,
    });
    Ok(format!("{object}\n"))
}

/// Several paragraphs for people, harmless to a terminal.
pub fn text(explained: &ExplainedAlert, colours: Colours) -> String {
    let mut text = String::new();
    for (title, lines) in [
        ("What happened", happened(explained)),
        ("Why it is wrong", wrong(explained)),
        ("Whose key it is", owner(explained)),
        ("What is near", near(explained)),
        ("What changed lately", changed(explained)),
        ("What to think of it", think(explained)),
        ("What to do", steps(explained)),
        ("What to add to the catalog, if the use is right", patch(explained)),
    ] {
        text.push_str(&format!("{}\n", colours.bold(title)));
        lines.iter().for_each(|line| text.push_str(&format!("    {}\n", harmless(line))));
        if title == "What changed lately" {
            text.push_str(&lately(explained, colours));
        }
        text.push('\n');
    }
    text.push_str(&format!("{}\n", colours.faint(&format!("alert {}", explained.shown.alert.alert.id))));
    text
}

fn happened(explained: &ExplainedAlert) -> Vec<String> {
    let kept = &explained.shown.alert;
    let alert = &kept.alert;
    let outcomes: Vec<String> =
        alert.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    let findings =
        if alert.count == 1 { "1 finding".to_owned() } else { format!("{} findings", alert.count) };
    let mut lines = vec![
        format!("{}, {}.", alert.title, alert.level),
        alert.message.clone(),
        format!("{findings} from {} to {}: {}.", alert.first, alert.last, outcomes.join(", ")),
    ];
    if let Some(at) = &alert.success_after_attempts {
        lines.push(format!("A call succeeded at {at} after others had been stopped."));
    }
    let by = kept.acknowledged_by.as_deref().map(|by| format!(", acknowledged by {by}")).unwrap_or_default();
    lines.push(format!("The alert is {}{by}.", kept.state));
    lines
}

fn wrong(explained: &ExplainedAlert) -> Vec<String> {
    let Some(event) = &explained.event else {
        return vec![
            "The event is not in history (yet); its finding says what does not fit, above.".to_owned(),
        ];
    };
    let aspects = event.explanation.aspects.iter().filter(|aspect| aspect.finding == Finding::Violated);
    let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let mut lines: Vec<String> = aspects
        .map(|aspect| {
            format!("{}: declared {} → seen {}", aspect.aspect, cell(&aspect.declared), cell(&aspect.seen))
        })
        .collect();
    if lines.is_empty() {
        lines.push(format!(
            "Judged today, the event is {}; its detectors object all the same:",
            event.explanation.verdict
        ));
        lines.extend(event.fired.iter().map(|(detector, _)| format!("{} {}", detector.id, detector.title)));
    }
    lines
}

fn owner(explained: &ExplainedAlert) -> Vec<String> {
    let alert = &explained.shown.alert.alert;
    let key = alert.key_id.as_deref().unwrap_or("no single key");
    let Some(entry) = &explained.entry else {
        return vec![format!("{key}: the catalog does not declare it, so nobody owns it.")];
    };
    let purpose = entry.purpose.as_deref().unwrap_or("no purpose");
    let used_for = entry.business_use.as_deref().map(|used| format!(" for {used}")).unwrap_or_default();
    let owner = entry.owner.as_deref().unwrap_or("nobody");
    let contact =
        entry.contact.as_deref().map(|contact| format!(", reached at {contact}")).unwrap_or_default();
    vec![
        format!("{key} is {} ({purpose}{used_for}), declared at {}.", entry.id, entry.declared_at),
        format!("It belongs to {owner}{contact}."),
    ]
}

fn near(explained: &ExplainedAlert) -> Vec<String> {
    let mut lines: Vec<String> = explained
        .exceptions
        .iter()
        .map(|near| {
            format!("Exception {} (ticket {}) does not lift it: {}.", near.id, near.ticket, near.why_not)
        })
        .collect();
    lines.extend(explained.near.iter().map(|near| format!("The catalog declares {near}.")));
    if lines.is_empty() {
        lines.push(match &explained.entry {
            Some(entry) => format!("{} has no exception, in force or ended.", entry.id),
            None => "No declared name is like this one.".to_owned(),
        });
    }
    lines
}

fn patch(explained: &ExplainedAlert) -> Vec<String> {
    match &explained.patch {
        Some(patch) => patch.lines().map(str::to_owned).collect(),
        None => vec!["Nothing: no exception lifts what was done.".to_owned()],
    }
}

fn changed(explained: &ExplainedAlert) -> Vec<String> {
    if explained.changed.is_empty() {
        return vec!["Nothing about the key or in the catalog, in the week before.".to_owned()];
    }
    explained.changed.iter().map(|changed| format!("{}  {}", changed.at, changed.what)).collect()
}

fn lately(explained: &ExplainedAlert, colours: Colours) -> String {
    let mut text = format!("\n{}\n", colours.bold("What else the caller did in that week"));
    if explained.lately.is_empty() {
        text.push_str("    Nothing.\n");
        return text;
    }
    let rows: Vec<Vec<String>> = explained
        .lately
        .iter()
        .map(|activity| {
            vec![
                activity.events.to_string(),
                activity.function.clone().unwrap_or_default(),
                activity.key_id.clone(),
                activity.outcome.clone(),
                activity.verdict.clone().unwrap_or_default(),
                activity.last.clone(),
            ]
        })
        .collect();
    let table = table(&["events", "function", "key", "outcome", "verdict", "last"], &rows);
    table.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
    text
}

fn think(explained: &ExplainedAlert) -> Vec<String> {
    let likelier = &explained.likelier;
    let mut lines = vec![
        match likelier.verdict {
            Likelihood::Misuse => "Misuse is likelier than a stale catalog.",
            Likelihood::StaleCatalog => "A stale catalog is likelier than misuse.",
            Likelihood::Unclear => "Neither misuse nor a stale catalog is clearly likelier.",
        }
        .to_owned(),
    ];
    for (side, told) in [(Side::Misuse, "For misuse"), (Side::StaleCatalog, "For a stale catalog")] {
        let signs = likelier.signs.iter().filter(|sign| sign.side == side);
        lines.extend(signs.map(|sign| format!("{told}: {}.", sign.seen)));
    }
    if likelier.signs.is_empty() {
        lines.push("There is no sign of either.".to_owned());
    }
    lines
}

fn steps(explained: &ExplainedAlert) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &explained.steps {
        lines.push(format!("{} {}:", step.detector, step.title));
        lines.extend(
            step.runbook
                .split_whitespace()
                .collect::<Vec<_>>()
                .chunks(14)
                .map(|line| format!("  {}", line.join(" "))),
        );
        lines.extend(step.false_positives.iter().map(|known| format!("  known to be harmless: {known}")));
    }
    let id = &explained.shown.alert.alert.id;
    lines.push(format!(
        "Then: keyward alerts resolve {id} --as true_positive|false_positive|benign|accepted_risk --reason …"
    ));
    lines
}
