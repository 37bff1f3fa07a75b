//! How alerts stand and what happened to them, in words for people; harmless to a terminal.

use super::Format;
use super::alerts::AlertWriter;
use super::terminal::{Colours, harmless};
use crate::alerts::KeptAlert;
use crate::alerts::life::{Act, Entry, Muted, Shown};
use crate::app::alerts::Happened;
use crate::domain::level::Level;

/// One alert in full, with its journal.
pub fn shown(shown: &Shown, colours: Colours) -> String {
    let kept = &shown.alert;
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = AlertWriter::new(Format::Table, colours).write_kept(kept, &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    let mut say = |name: &str, told: String| {
        text.push_str(&format!("    {name:<10} {}\n", harmless(&told)));
    };
    let fields = [
        ("key", kept.alert.key_id.clone()),
        ("principal", kept.alert.principal.clone()),
        ("assignee", kept.assignee.clone()),
        ("judged", kept.disposition.map(|word| word.to_string())),
        ("because", kept.verdict_reason.clone()),
        ("found", kept.found_level.map(|level| format!("its findings say {level}"))),
        ("merged", kept.merged_into.clone()),
        ("members", some(shown.members.iter().cloned())),
        ("links", some(kept.links.iter().cloned())),
        ("version", Some(kept.version.clone())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            say(name, value);
        }
    }
    for untold in &shown.suppressed {
        say("not told", format!("{} times: {}", untold.pages, untold.reason));
    }
    text.push('\n');
    shown.journal.iter().for_each(|entry| text.push_str(&line(entry, None, colours)));
    text
}

fn some(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// How an alert stands, in one line.
pub fn standing(kept: &KeptAlert, colours: Colours) -> String {
    let alert = &kept.alert;
    format!(
        "{} {} {} version {}\n",
        harmless(&alert.id),
        colours.level(alert.level),
        kept.state,
        kept.version
    )
}

/// One line of the live feed.
pub fn happened(happened: &Happened, colours: Colours) -> String {
    line(&happened.entry, happened.alert.as_ref(), colours)
}

/// `2026-11-24T09:00:00Z acknowledged by ada: looking (alert 6f0a…)`.
fn line(entry: &Entry, alert: Option<&KeptAlert>, colours: Colours) -> String {
    let mut text = format!("{}  {} by {}", entry.at, done(&entry.act, colours), harmless(&entry.by));
    if let Some(reason) = &entry.reason {
        text.push_str(&format!(": {}", harmless(reason)));
    }
    if let Some(kept) = alert {
        let name = |name: &Option<String>| {
            name.as_deref().map_or("-".to_owned(), |name| harmless(name).into_owned())
        };
        text.push_str(&format!(
            "\n    {} {}\n    {}\n    key {}, principal {}",
            colours.level(kept.alert.level),
            colours.bold(&harmless(&kept.alert.title)),
            harmless(&kept.alert.message),
            name(&kept.alert.key_id),
            name(&kept.alert.principal)
        ));
        text.push_str(&format!("\n    {}", colours.faint(&format!("alert {}", harmless(&entry.alert_id)))));
    }
    text.push('\n');
    text
}

fn done(act: &Act, colours: Colours) -> String {
    let loud = |word: &str, level: Level, muted: &Option<Muted>| {
        let told = muted.as_ref().map(|muted| {
            let by = muted.by.as_deref().map(|by| format!(" by {}", harmless(by))).unwrap_or_default();
            format!(", not told: {}{by}", muted.reason)
        });
        format!("{word} as {}{}", colours.level(level), told.unwrap_or_default())
    };
    match act {
        Act::Opened { level, muted } => loud("opened", *level, muted),
        Act::Reopened { level, muted } => loud("reopened", *level, muted),
        Act::Grown { news, level, muted } => loud(&format!("grown ({news})"), *level, muted),
        Act::Lapsed { growth } => format!("acknowledgement lapsed ({growth})"),
        Act::Assigned { to: Some(to) } => format!("assigned to {}", harmless(to)),
        Act::Assigned { to: None } => "assigned to nobody".to_owned(),
        Act::Resolved { disposition } => format!("resolved as {disposition}"),
        Act::LevelSet { level: Some(level), .. } => format!("level set to {}", colours.level(*level)),
        Act::LevelSet { level: None, .. } => "level left to the findings".to_owned(),
        Act::LevelLapsed { found } => format!("level left to the findings, which say {found}"),
        Act::Merged { into } => format!("merged into {}", harmless(into)),
        Act::Linked { to } => format!("linked with {}", harmless(to)),
        Act::Unlinked { to } => format!("unlinked from {}", harmless(to)),
        Act::SilenceAdded { until, .. } => format!("silence added until {}", harmless(until)),
        Act::Acknowledged { .. } => colours.bold("acknowledged"),
        Act::Noted | Act::Split | Act::SilenceEnded => act.word().replace('_', " "),
    }
}
