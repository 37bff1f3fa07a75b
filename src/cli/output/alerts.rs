//! Alerts as a feed for people, JSON lines or CSV.

use std::io::{self, Write};

use super::terminal::{Colours, harmless};
use super::{Format, csv};
use crate::alerts::KeptAlert;
use crate::domain::alert::Alert;
use crate::store::{AlertKind, AlertState};

/// The columns of a kept alert's CSV form beside those of an alert.
const KEPT_COLUMNS: [&str; 17] = [
    "kind",
    "state",
    "transition",
    "pages",
    "folded_into",
    "opened_at",
    "updated_at",
    "assignee",
    "disposition",
    "verdict_reason",
    "merged_into",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolved_by",
    "notes",
    "version",
];

/// The columns of the CSV form, in order.
const CSV_COLUMNS: [&str; 14] = [
    "id",
    "level",
    "title",
    "count",
    "first",
    "last",
    "key_id",
    "catalog_id",
    "principal",
    "detectors",
    "aspects",
    "outcomes",
    "success_after_attempts",
    "message",
];

/// Writes alerts one after the other.
#[derive(Debug)]
pub struct AlertWriter {
    format: Format,
    colours: Colours,
    header_written: bool,
}

impl AlertWriter {
    /// A writer for `format`; colours concern only the feed for people.
    pub fn new(format: Format, colours: Colours) -> Self {
        Self { format, colours, header_written: false }
    }

    /// Writes one alert.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&mut self, alert: &Alert, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut *out, alert)?;
                out.write_all(b"\n")
            }
            Format::Csv => {
                if !self.header_written {
                    self.header_written = true;
                    out.write_all(csv::line(CSV_COLUMNS).as_bytes())?;
                }
                out.write_all(csv::line(cells(alert).iter().map(String::as_str)).as_bytes())
            }
            Format::Table => out.write_all(feed_entry(alert, self.colours).as_bytes()),
        }
    }
}

impl AlertWriter {
    /// Writes one alert of the store, with how it stands.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write_kept(&mut self, kept: &KeptAlert, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut *out, kept)?;
                out.write_all(b"\n")
            }
            Format::Csv => {
                if !self.header_written {
                    self.header_written = true;
                    out.write_all(csv::line(CSV_COLUMNS.into_iter().chain(KEPT_COLUMNS)).as_bytes())?;
                }
                let cells = cells(&kept.alert).into_iter().chain(kept_cells(kept)).collect::<Vec<_>>();
                out.write_all(csv::line(cells.iter().map(String::as_str)).as_bytes())
            }
            Format::Table => {
                let entry = feed_entry(&kept.alert, self.colours) + &standing(kept, self.colours);
                out.write_all(entry.as_bytes())
            }
        }
    }
}

fn kept_cells(kept: &KeptAlert) -> [String; 17] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        kept.kind.to_string(),
        kept.state.to_string(),
        kept.transition.to_string(),
        kept.pages.to_string(),
        kept.folded_into.clone().unwrap_or_default(),
        kept.opened_at.clone(),
        kept.updated_at.clone(),
        text(&kept.assignee),
        kept.disposition.map(|word| word.to_string()).unwrap_or_default(),
        text(&kept.verdict_reason),
        text(&kept.merged_into),
        text(&kept.acknowledged_at),
        text(&kept.acknowledged_by),
        text(&kept.resolved_at),
        text(&kept.resolved_by),
        kept.notes.to_string(),
        kept.version.clone(),
    ]
}

/// ` open since …, opened 2 times, in campaign …`.
fn standing(kept: &KeptAlert, colours: Colours) -> String {
    let done = |at: &Option<String>, by: &Option<String>| {
        let by = by.as_deref().map(|by| format!(" by {}", harmless(by))).unwrap_or_default();
        at.as_deref().map(|at| format!("{by} at {}", whole_second(at))).unwrap_or_default()
    };
    let since = whole_second(&kept.opened_at);
    let mut text = match kept.state {
        AlertState::Open => format!("open since {since}"),
        AlertState::Reopened => format!("open again since {since}"),
        AlertState::Acknowledged => {
            let done = done(&kept.acknowledged_at, &kept.acknowledged_by);
            format!("acknowledged{done}, open since {since}")
        }
        AlertState::Resolved => {
            let judged = kept.disposition.map(|word| format!(" as {word}")).unwrap_or_default();
            format!("resolved{judged}{}", done(&kept.resolved_at, &kept.resolved_by))
        }
    };
    if kept.transition > 1 {
        text.push_str(&format!(", opened {} times", kept.transition));
    }
    if let Some(assignee) = &kept.assignee {
        text.push_str(&format!(", of {}", harmless(assignee)));
    }
    if kept.kind != AlertKind::Misuse {
        text.push_str(&format!(", a {}", kept.kind));
    }
    if let Some(other) = kept.merged_into.as_ref().or(kept.folded_into.as_ref()) {
        text.push_str(&format!(", told by {}", harmless(other)));
    }
    format!("    {}\n", colours.faint(&text))
}

/// How loud and what; the worst finding's sentence; then how often, since when, and who says so.
fn feed_entry(alert: &Alert, colours: Colours) -> String {
    let padding = " ".repeat(13_usize.saturating_sub(alert.level.as_str().len()));
    let mut text = format!(
        "{}{padding} {}\n    {}\n    {} from {} to {}: {}; {}{}\n",
        colours.level(alert.level),
        colours.bold(&harmless(&alert.title)),
        harmless(&alert.message),
        if alert.count == 1 { "1 finding".to_owned() } else { format!("{} findings", alert.count) },
        whole_second(&alert.first),
        whole_second(&alert.last),
        outcomes(alert, ", "),
        words(&alert.detectors, " "),
        if alert.aspects.is_empty() { String::new() } else { format!("; {}", aspects(alert)) },
    );
    if let Some(time) = &alert.success_after_attempts {
        text.push_str(&format!("    succeeded after attempts at {}\n", whole_second(time)));
    }
    text.push_str(&format!("    {}\n", colours.faint(&format!("alert {}", alert.id))));
    text
}

fn whole_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}

fn outcomes(alert: &Alert, between: &str) -> String {
    let counts: Vec<String> =
        alert.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    counts.join(between)
}

fn aspects(alert: &Alert) -> String {
    alert.aspects.iter().map(|aspect| aspect.as_str()).collect::<Vec<_>>().join(" ")
}

fn words<'a>(words: impl IntoIterator<Item = &'a String>, between: &str) -> String {
    words.into_iter().map(String::as_str).collect::<Vec<_>>().join(between)
}

fn cells(alert: &Alert) -> [String; 14] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        alert.id.clone(),
        alert.level.to_string(),
        alert.title.clone(),
        alert.count.to_string(),
        alert.first.clone(),
        alert.last.clone(),
        text(&alert.key_id),
        text(&alert.catalog_id),
        text(&alert.principal),
        words(&alert.detectors, " "),
        aspects(alert),
        outcomes(alert, " "),
        text(&alert.success_after_attempts),
        alert.message.clone(),
    ]
}
