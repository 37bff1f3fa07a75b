//! Which calls of CloudTrail can make a condition true, whatever else their records hold.

use super::condition::{Condition, Test};
use super::outline::Place;
use super::translate::Sigma;
use crate::sql::glob::Glob;

const SOURCE: &str = "eventSource";
const NAME: &str = "eventName";

/// No source and no name of a call.
const OTHER: &str = "\u{0}";

/// A call: its source and its name, nothing where the rule leaves that open.
pub type Call = (Option<String>, Option<String>);

/// The calls that the condition names and that can make it true; nothing where it leaves both source
/// and name open.
pub fn calls(condition: &Condition) -> Option<Vec<Call>> {
    let sources = closed(condition, SOURCE, |other| truth(condition, Some(other), None));
    let names = closed(condition, NAME, |other| truth(condition, None, Some(other)));
    if sources.is_none() && names.is_none() {
        return None;
    }
    let or_open = |words: Option<Vec<String>>| match words {
        Some(words) => words.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let (sources, names): (Vec<_>, Vec<_>) = (or_open(sources), or_open(names));
    let pairs =
        sources.iter().flat_map(|source| names.iter().map(move |name| (source.clone(), name.clone())));
    let can_be = |(source, name): &Call| truth(condition, source.as_deref(), name.as_deref()) != Truth::False;
    Some(pairs.filter(can_be).collect())
}

/// The words that a field must be one of; nothing where it may be any, or is told by a pattern.
fn closed(condition: &Condition, field: &str, other: impl Fn(&str) -> Truth) -> Option<Vec<String>> {
    let (mut words, mut is_open) = (Vec::new(), false);
    condition.each(&mut |name, test| {
        if name == Some(field) {
            match test {
                Test::Like { glob, .. } if glob.as_plain().is_some() => {
                    words.extend(glob.as_plain().map(str::to_owned));
                }
                _ => is_open = true,
            }
        }
    });
    words.sort();
    words.dedup();
    (!is_open && other(OTHER) == Truth::False).then_some(words)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    const fn of(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }

    const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

fn truth(condition: &Condition, source: Option<&str>, name: Option<&str>) -> Truth {
    let of = |part: &Condition| truth(part, source, name);
    match condition {
        Condition::Not(part) => of(part).not(),
        Condition::All(parts) => parts.iter().map(of).fold(Truth::True, |all, next| match (all, next) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }),
        Condition::Any(parts) => parts.iter().map(of).fold(Truth::False, |any, next| match (any, next) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }),
        Condition::Is(field, test) => {
            let value = match field.as_deref() {
                Some(SOURCE) => source,
                Some(NAME) => name,
                _ => None,
            };
            value.map_or(Truth::Unknown, |value| passes(test, value))
        }
    }
}

fn passes(test: &Test, value: &str) -> Truth {
    match test {
        Test::Like { glob, cased } => {
            let fold = |text: &str| if *cased { text.to_owned() } else { text.to_lowercase() };
            let fitting = |glob: &Glob| glob.as_plain().map(|word| fold(word) == fold(value));
            fitting(glob).map_or(Truth::Unknown, Truth::of)
        }
        Test::Present => Truth::True,
        _ => Truth::Unknown,
    }
}

/// Calls that a message names: more would not fit a line.
const CALLS_TOLD: usize = 8;

impl Sigma {
    /// Sets the rule aside where none of its calls becomes an event, and notes which do not.
    pub(in crate::detect) fn where_records(
        &mut self,
        place: Place,
        reads: &dyn Fn(Option<&str>, Option<&str>) -> bool,
    ) {
        if self.aside.is_some() {
            return;
        }
        for calls in &self.calls {
            let Some(calls) = calls else {
                let told = "it is about any call, and sees those that touch keys, who may use them, or \
                    the logging that watches them";
                self.notes.push((told.to_owned(), place));
                continue;
            };
            let is_read = |(source, name): &&Call| reads(source.as_deref(), name.as_deref());
            let (read, unread): (Vec<_>, Vec<_>) = calls.iter().partition(is_read);
            if read.is_empty() {
                let told = match calls.is_empty() {
                    true => "nothing can make its condition true".to_owned(),
                    false => format!("keyward reads no such records: {}", listed(&unread)),
                };
                self.aside = Some((told, place));
                return;
            }
            if !unread.is_empty() {
                self.notes.push((format!("keyward reads no records of {}", listed(&unread)), place));
            }
        }
    }
}

fn listed(calls: &[&Call]) -> String {
    let shown = calls.iter().take(CALLS_TOLD).map(|(source, name)| match (source, name) {
        (Some(source), Some(name)) => format!("{name} ({source})"),
        (Some(word), None) | (None, Some(word)) => word.clone(),
        (None, None) => "any call".to_owned(),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match calls.len().saturating_sub(CALLS_TOLD) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
