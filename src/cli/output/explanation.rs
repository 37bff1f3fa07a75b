//! An event's judgement in words: what happened, what is declared, aspect by aspect, who objects.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use serde_json::{Value, json};

use super::batches::write_json;
use super::terminal::{Colours, harmless, table};
use crate::app::explain::{Explained, Kept};
use crate::catalog::explain::{Finding, MatchedEntry};
use crate::domain::finding::Finding as DetectorFinding;
use crate::table::columns::Column;
use crate::table::rows::Rows;

const HEADER: [&str; 5] = ["aspect", "result", "declared", "seen", "why"];

/// One JSON object on a line: `event` with every column that has a value, `explanation`, `detectors`,
/// and `kept`, the verdict that history holds.
pub fn json(explained: &Explained) -> Result<String, ArrowError> {
    let detectors: Vec<Value> = explained
        .fired
        .iter()
        .map(|(detector, finding)| {
            json!({
                "id": detector.id,
                "level": finding.level,
                "title": detector.title,
                "match": detector.expression.text(),
                "message": finding.message,
                "finding_id": finding.id,
            })
        })
        .collect();
    let object = json!({
        "event": event(&explained.row)?,
        "explanation": explained.explanation,
        "detectors": detectors,
        "kept": explained.kept,
    });
    Ok(format!("{object}\n"))
}

fn event(row: &RecordBatch) -> Result<Value, ArrowError> {
    let mut line = Vec::new();
    write_json(row, false, &mut line)?;
    serde_json::from_slice(&line).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// Several lines for people, harmless to a terminal.
pub fn text(explained: &Explained, colours: Colours) -> String {
    let rows = Rows::of(&explained.row);
    let mut text = String::new();
    let mut say = |name: &str, told: String| {
        text.push_str(&format!("{name:<11}{}\n", harmless(told.trim_end())));
    };
    say("event", event_line(&rows));
    say("who", who(&rows));
    say("what", what(&rows));
    say("key", key(&rows));
    say("entry", entry(explained));
    for used in &explained.explanation.exceptions {
        let told = format!(
            "{} ({}) lifts it until {}, ticket {}, approved by {}",
            used.id, used.kind, used.until, used.ticket, used.approver
        );
        say("exception", told);
    }
    text.push_str(&verdict(explained, colours));
    if !explained.explanation.aspects.is_empty() {
        text.push('\n');
        text.push_str(&table(&HEADER, &aspects(explained)));
    }
    text.push('\n');
    text.push_str(&detectors(explained, colours));
    text
}

fn event_line(rows: &Rows<'_>) -> String {
    let time = rows.time(Column::EventTime, 0).map(crate::domain::time::format_rfc3339).unwrap_or_default();
    let id = rows.text(Column::EventId, 0).unwrap_or_default();
    format!("{id}, {time}, {}", rows.text(Column::Source, 0).unwrap_or_default())
}

fn who(rows: &Rows<'_>) -> String {
    let text = |column| rows.text(column, 0);
    let mut told = text(Column::Principal).unwrap_or("an unknown caller").to_owned();
    for (name, column) in [
        ("session", Column::SessionName),
        ("account", Column::PrincipalAccount),
        ("from", Column::SourceIp),
        ("caller is", Column::CallerKind),
    ] {
        if let Some(value) = text(column).filter(|value| !value.is_empty()) {
            told.push_str(&format!(", {name} {value}"));
        }
    }
    told
}

fn what(rows: &Rows<'_>) -> String {
    let text = |column| rows.text(column, 0);
    let mut told = text(Column::Action).unwrap_or_default().to_owned();
    if let Some(function) = text(Column::Function) {
        told.push_str(&format!(" ({function})"));
    }
    if let Some(via) = text(Column::Via) {
        told.push_str(&format!(", via {via}"));
    }
    told.push_str(&format!(": {}", text(Column::Outcome).unwrap_or_default()));
    if let Some(code) = text(Column::ErrorCode) {
        told.push_str(&format!(" ({code})"));
    }
    told
}

fn key(rows: &Rows<'_>) -> String {
    match (rows.text(Column::KeyId, 0), rows.text(Column::KeyAlias, 0)) {
        (Some(key), Some(alias)) => format!("{key}, called by its alias {alias}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(name)) => format!("{name}; the key behind the alias is not in the log"),
        (None, None) => "none".to_owned(),
    }
}

fn entry(explained: &Explained) -> String {
    let explanation = &explained.explanation;
    match &explanation.entry {
        Some(MatchedEntry { id, matched_by, declared_at, service }) => {
            let service = service.as_ref().map(|service| format!(", for {service}")).unwrap_or_default();
            format!("{id}, matched by {matched_by}{service}, declared at {declared_at}")
        }
        None if explanation.candidates.is_empty() => "none".to_owned(),
        None => format!("several, and none goes before the others: {}", explanation.candidates.join(", ")),
    }
}

fn verdict(explained: &Explained, colours: Colours) -> String {
    let explanation = &explained.explanation;
    let mut told = explanation.verdict.to_string();
    for (finding, name) in
        [(Finding::Violated, ""), (Finding::Unknown, "unknown "), (Finding::Waived, "waived ")]
    {
        let aspects: Vec<&str> = explanation.with(finding).map(|aspect| aspect.as_str()).collect();
        if !aspects.is_empty() {
            told.push_str(&format!(", {name}{}", aspects.join(" ")));
        }
    }
    if let Some(reason) = explanation.reason {
        told.push_str(&format!(" ({})", reason.as_str().replace('_', " ")));
    }
    let version = &explanation.catalog_version;
    let mut text =
        format!("verdict    {} {}\n", colours.bold(&harmless(&told)), format_args!("by catalog {version}"));
    if let Some(Kept { verdict, catalog_version }) = &explained.kept
        && catalog_version.as_deref() != Some(version)
    {
        let by = catalog_version.as_deref().map(|by| format!(" by catalog {by}")).unwrap_or_default();
        text.push_str(&format!("kept       {}\n", harmless(&format!("{verdict}{by}"))));
    }
    text
}

fn aspects(explained: &Explained) -> Vec<Vec<String>> {
    let cell = |text: &Option<String>| text.clone().unwrap_or_default();
    let aspects = explained.explanation.aspects.iter();
    aspects
        .map(|aspect| {
            let result = aspect.finding.as_str().replace('_', " ");
            let why = cell(&aspect.why).replace('_', " ");
            vec![aspect.aspect.to_string(), result, cell(&aspect.declared), cell(&aspect.seen), why]
        })
        .collect()
}

fn detectors(explained: &Explained, colours: Colours) -> String {
    if explained.fired.is_empty() {
        return "No detector fires on it.\n".to_owned();
    }
    let mut text = String::new();
    for (detector, finding) in &explained.fired {
        let DetectorFinding { level, message, .. } = finding;
        text.push_str(&format!(
            "{} {} {}\n    {}\n    match: {}\n",
            colours.level(*level),
            colours.bold(&harmless(&detector.id)),
            harmless(&detector.title),
            harmless(message),
            harmless(&detector.expression.text().split_whitespace().collect::<Vec<_>>().join(" ")),
        ));
    }
    text
}
