//! Findings as a feed for people, JSON lines or CSV.

use std::io::{self, Write};

use super::terminal::{Colours, harmless};
use super::{Format, csv};
use crate::domain::finding::Finding;

/// The columns of the CSV form, in order.
const CSV_COLUMNS: [&str; 16] = [
    "id",
    "detector",
    "level",
    "title",
    "event_id",
    "event_time",
    "key_id",
    "catalog_id",
    "principal",
    "session_name",
    "function",
    "action",
    "outcome",
    "verdict",
    "violations",
    "message",
];

/// Writes findings one after the other.
#[derive(Debug)]
pub struct FindingWriter {
    format: Format,
    colours: Colours,
    header_written: bool,
    /// One finding before it is written.
    line: Vec<u8>,
}

impl FindingWriter {
    /// A writer for `format`; colours concern only the feed for people.
    pub fn new(format: Format, colours: Colours) -> Self {
        Self { format, colours, header_written: false, line: Vec::new() }
    }

    /// Writes one finding.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => {
                self.line.clear();
                serde_json::to_writer(&mut self.line, finding)?;
                self.line.push(b'\n');
                out.write_all(&self.line)
            }
            Format::Csv => {
                if !self.header_written {
                    self.header_written = true;
                    out.write_all(csv::line(CSV_COLUMNS).as_bytes())?;
                }
                out.write_all(csv_line(finding).as_bytes())
            }
            Format::Table => out.write_all(feed_entry(finding, self.colours).as_bytes()),
        }
    }
}

/// Two lines: when, how bad, what; then the sentence that lets a person decide.
fn feed_entry(finding: &Finding, colours: Colours) -> String {
    let time = finding.event_time.split_once('.').map_or(finding.event_time.as_str(), |(whole, _)| whole);
    let level = colours.level(finding.level);
    let padding = " ".repeat(13_usize.saturating_sub(finding.level.as_str().len()));
    format!(
        "{} {level}{padding} {} {}\n    {}\n",
        colours.faint(time.trim_end_matches('Z')),
        colours.bold(&finding.detector),
        harmless(&finding.title),
        harmless(&finding.message),
    )
}

fn csv_line(finding: &Finding) -> String {
    let violations = finding.violations.iter().map(|aspect| aspect.as_str()).collect::<Vec<_>>().join(" ");
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells: [String; 16] = [
        finding.id.clone(),
        finding.detector.clone(),
        finding.level.to_string(),
        finding.title.clone(),
        finding.event_id.clone(),
        finding.event_time.clone(),
        text(&finding.key_id),
        text(&finding.catalog_id),
        text(&finding.principal),
        text(&finding.session_name),
        finding.function.map(|function| function.to_string()).unwrap_or_default(),
        text(&finding.action),
        finding.outcome.map(|outcome| outcome.to_string()).unwrap_or_default(),
        finding.verdict.to_string(),
        violations,
        finding.message.clone(),
    ];
    csv::line(cells.iter().map(String::as_str))
}
