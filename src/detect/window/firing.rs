//! From what a window holds to a finding.
//!
//! In: firings, and the ledger that their witnesses are in. Out: findings, with what folds them. The id is
//! of (detector, group, place), never of the event at hand, so that every order of reading gives the same.

use super::ledger::{Ledger, Told, Witness};
use super::rule::{Rule, Window};
use super::span::in_words;
use crate::detect::detectors::Detector;
use crate::detect::findings::{Facts, weight_of_key};
use crate::detect::message;
use crate::domain::alert::Folding;
use crate::domain::finding::{Counted, Finding};
use crate::domain::identity::hex_id;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Verdict;
use crate::table::columns::Column;

/// A group of a detector that has enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// The event that stands for the rest: the first of the last pane, or the one that fired.
    pub witness: Witness,
    /// Events that it is made of; not all, where there are many.
    pub evidence: Vec<Witness>,
    /// What makes the finding another one than the group's last: a pane, a day.
    pub place: i64,
    /// The span of event time that it is about, in microseconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// How many of what is counted.
    pub count: u64,
    /// How many rows.
    pub rows: u64,
    /// What the count is held against, in words, where that is not in the detector.
    pub against: Option<String>,
}

/// A finding, and what folds it.
pub type Found = (Finding, Folding);

/// The finding of a firing of `detector`, whose window is `window`.
pub fn found(detector: &Detector, window: &Window, firing: &Firing, ledger: &Ledger) -> Found {
    let told = Told { ledger, witness: &firing.witness };
    // What the group does not share is one of many; naming it as the finding's own would mislead.
    let is_shared = |by: Column| window.group_by.contains(&by) || window.one_value() == Some(by);
    let shared = |column: Column, by: Column| told.text(column).filter(|_| is_shared(by)).map(str::to_owned);
    let weight = if is_shared(Column::KeyId) { weight_of_key(&told) } else { 0 };
    let finding = Finding {
        id: id(detector, window, firing, &told),
        detector: detector.id.clone(),
        level: detector.level.shifted(weight),
        title: detector.title.clone(),
        event_id: ledger.event_id(&firing.witness),
        event_time: format_rfc3339(firing.witness.time),
        provider: told.text(Column::Provider).map(str::to_owned),
        key_id: shared(Column::KeyId, Column::KeyId),
        catalog_id: shared(Column::CatalogId, Column::KeyId),
        principal: shared(Column::Principal, Column::Principal),
        session_name: shared(Column::SessionName, Column::Principal),
        function: told.function(),
        action: told.text(Column::Action).map(str::to_owned),
        outcome: told.outcome(),
        verdict: told.text(Column::Verdict).and_then(Verdict::from_word).unwrap_or(Verdict::Unknown),
        violations: Vec::new(),
        message: message::sentence(&told, &detector.title, &[sentence(window, firing, &told)], None),
        tags: detector.tags.clone(),
        source: told.text(Column::Source).map(str::to_owned),
        position: None,
        window: Some(Counted {
            from: format_rfc3339(firing.from),
            to: format_rfc3339(firing.to),
            count: firing.count,
            events: firing.evidence.iter().map(|witness| ledger.event_id(witness)).collect(),
        }),
    };
    let by = detector.alert_by.iter();
    let folding = Folding {
        by: by.map(|column| (column.name().into(), shared(*column, *column))).collect(),
        span: detector.alert_span,
        notice: detector.notice,
        owner: shared(Column::Owner, Column::KeyId),
    };
    (finding, folding)
}

fn id(detector: &Detector, window: &Window, firing: &Firing, told: &Told<'_>) -> String {
    let mut parts: Vec<&[u8]> = vec![detector.id.as_bytes(), window.kind.as_str().as_bytes()];
    for column in window.group_by.iter().chain(&window.one_value()) {
        let value = told.text(*column);
        parts.push(if value.is_some() { b"=" } else { b"" });
        parts.push(value.unwrap_or_default().as_bytes());
    }
    let place = firing.place.to_le_bytes();
    parts.push(&place);
    hex_id(&parts)
}

/// What the window has, such as `46 of these within 10 minutes, 20 are many`.
fn sentence(window: &Window, firing: &Firing, told: &Told<'_>) -> String {
    let Firing { count, .. } = firing;
    match &window.rule {
        Rule::Threshold { over, count: least } => {
            format!("{count} of these within {}, {least} are many", in_words(*over))
        }
        Rule::Distinct { over, count: least, of } => {
            let what = counted(*of);
            format!("{count} different {what} within {}, {least} are many", in_words(*over))
        }
        Rule::Sequence(steps) => {
            let names = |absent: bool| {
                let of = steps.steps.iter().enumerate();
                let names = of.filter(|(place, _)| (steps.absent == Some(*place)) == absent);
                names.map(|(_, step)| step.name.as_str()).collect::<Vec<_>>()
            };
            let joined = names(false).join(if steps.ordered { ", then " } else { " and " });
            let without = match names(true).first() {
                Some(absent) => format!(" without {absent}"),
                None => String::new(),
            };
            format!("{joined}{without} within {}", in_words(steps.over))
        }
        Rule::FirstSeen { of, learn } => {
            let value = told.text(*of).map(message::clean).unwrap_or_default();
            format!("{value} is a {} never seen here before, in more than {}", of.name(), in_words(*learn))
        }
        _ => firing.against.clone().unwrap_or_default(),
    }
}

/// What the different values of a column are called.
const fn counted(column: Column) -> &'static str {
    match column {
        Column::KeyId => "keys",
        Column::Principal => "callers",
        Column::SourceIp => "addresses",
        Column::Function => "functions",
        Column::Action => "operations",
        Column::Region => "regions",
        Column::Via => "services",
        _ => "values",
    }
}
