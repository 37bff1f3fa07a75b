//! The keys seen beside the keys declared.

use super::{Format, rows};
use crate::app::coverage::{KeyRow, Standing};
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Verdict;

/// The rows in the form asked for.
pub fn text(format: Format, keys: &[KeyRow]) -> String {
    let mut header = vec!["standing", "catalog id", "key", "matched by", "uses", "events"];
    header.extend(Verdict::ALL.iter().map(|verdict| verdict.as_str()));
    header.extend(["first", "last"]);
    rows::text(format, &header, &keys.iter().map(cells).collect::<Vec<_>>())
}

fn cells(key: &KeyRow) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let time = |time: Option<i64>| time.map(format_rfc3339).unwrap_or_default();
    let mut cells = vec![
        key.standing.to_string(),
        text(&key.catalog_id),
        key.key.clone(),
        text(&key.matched_by),
        key.uses.to_string(),
        key.events().to_string(),
    ];
    cells.extend(key.verdicts.iter().map(u64::to_string));
    cells.extend([time(key.first), time(key.last)]);
    cells
}

/// The closing lines.
pub fn summary(keys: &[KeyRow], declared: usize, left_out: u64) -> String {
    let count = |standing| keys.iter().filter(|key| key.standing == standing).count();
    let mut text = format!(
        "{declared} keys declared; of the keys seen {} declared and used; {} declared and never used; {} undeclared",
        count(Standing::Used),
        count(Standing::Unused),
        count(Standing::Undeclared),
    );
    if count(Standing::Ambiguous) > 0 {
        text.push_str(&format!("; {} declared by several entries", count(Standing::Ambiguous)));
    }
    if left_out > 0 {
        text.push_str(&format!("; {left_out} events of further keys are not counted"));
    }
    text.push('\n');
    text
}
