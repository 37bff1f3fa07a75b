//! The alerts that other rules would change, as a list for people, JSON lines or CSV.

use super::terminal::{Colours, harmless};
use super::{Format, csv};
use crate::app::backtest::compare::Change;

const CSV_COLUMNS: [&str; 10] =
    ["change", "alert", "level", "title", "key_id", "principal", "first", "last", "findings", "differences"];

/// The changes in the form asked for.
///
/// # Errors
/// Never in practice: alerts are plain.
pub fn text(format: Format, changes: &[Change], colours: Colours) -> serde_json::Result<String> {
    Ok(match format {
        Format::Table => changes.iter().map(|change| entry(change, colours)).collect(),
        Format::Csv => {
            let lines = changes.iter().map(|change| csv::line(cells(change).iter().map(String::as_str)));
            csv::line(CSV_COLUMNS) + &lines.collect::<String>()
        }
        Format::Json => {
            let lines = changes.iter().map(|change| Ok(serde_json::to_string(change)? + "\n"));
            lines.collect::<serde_json::Result<String>>()?
        }
    })
}

/// `+ high  title`, what it is about, and what is another.
fn entry(change: &Change, colours: Colours) -> String {
    let alert = change.alert();
    let sign = match change {
        Change::Raised { .. } => "+",
        Change::Gone { .. } => "-",
        Change::Changed { .. } => "~",
    };
    let padding = " ".repeat(13_usize.saturating_sub(alert.level.as_str().len()));
    let mut text = format!(
        "{sign} {}{padding} {}\n    {}\n",
        colours.level(alert.level),
        colours.bold(&harmless(&alert.title)),
        harmless(&alert.message),
    );
    let differences = change.differences();
    if !differences.is_empty() {
        text.push_str(&format!("    {}\n", harmless(&differences.join("; "))));
    }
    let about = format!(
        "{} alert {}, {} findings from {} to {}",
        change.as_str(),
        alert.id,
        alert.count,
        alert.first,
        alert.last
    );
    text.push_str(&format!("    {}\n", colours.faint(&about)));
    text
}

fn cells(change: &Change) -> [String; 10] {
    let alert = change.alert();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        change.as_str().to_owned(),
        alert.id.clone(),
        alert.level.to_string(),
        alert.title.clone(),
        text(&alert.key_id),
        text(&alert.principal),
        alert.first.clone(),
        alert.last.clone(),
        alert.count.to_string(),
        change.differences().join("; "),
    ]
}
