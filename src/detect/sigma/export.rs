//! Our detectors as Sigma rules, where Sigma can say it.
//!
//! In: a detector. Out: a rule about CloudTrail's records, or why there is none. What a detector says of
//! Vault is left out of its rule, since mounts and paths make its actions; so is that a call did not merely
//! fail, which would take a list of all error codes. The rule's description says so.

mod reverse;
mod write;

use serde_json::{Value, json};

use super::condition::Condition;
use crate::detect::detectors::Detector;
use crate::domain::identity::digest;

/// What a rule does not say of its detector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// That the call did not fail.
    pub outcome: bool,
    /// What it says of Vault's and OpenBao's calls.
    pub vault: bool,
}

/// The Sigma rule of a detector, as YAML.
///
/// # Errors
/// Why Sigma cannot say it.
pub fn export(detector: &Detector) -> Result<String, String> {
    if detector.sigma.is_some() {
        return Err(format!("it is a Sigma rule already: {}", detector.file.display()));
    }
    if let Some(window) = &detector.window {
        return Err(format!("its window ({}) is not written as a correlation", window.kind));
    }
    let mut left_out = LeftOut::default();
    let condition = simple(reverse::condition(detector.expression.text(), &mut left_out)?);
    match condition {
        Condition::Any(none) if none.is_empty() => {
            Err("it is about Vault and OpenBao, whose actions are made of mounts and paths".to_owned())
        }
        Condition::All(none) if none.is_empty() => Err("it is about every event".to_owned()),
        condition => Ok(rule(detector, &condition, left_out)),
    }
}

fn rule(detector: &Detector, condition: &Condition, left_out: LeftOut) -> String {
    let mut description = format!("{}\n\nMade of {} of keyward.", detector.description.trim(), detector.id);
    if left_out.outcome {
        description.push_str(" Wider: calls that failed match as well.");
    }
    if left_out.vault {
        description.push_str(" What it finds in Vault and OpenBao is left out.");
    }
    let head = [
        ("title", json!(detector.title)),
        ("id", json!(id_of(&detector.id))),
        ("status", json!(detector.status.as_str())),
        ("description", json!(description)),
        ("references", json!(detector.references)),
        ("author", json!(detector.author)),
        ("tags", json!(detector.tags)),
        ("logsource", json!({ "product": "aws", "service": "cloudtrail" })),
    ];
    let tail =
        [("falsepositives", json!(detector.false_positives)), ("level", json!(detector.level.as_str()))];
    let line = |(name, value): &(&str, Value)| match value {
        Value::Null => String::new(),
        Value::Array(list) if list.is_empty() => String::new(),
        value => format!("{name}: {value}\n"),
    };
    let lines = |fields: &[(&str, Value)]| fields.iter().map(line).collect::<String>();
    format!("{}detection:\n{}{}", lines(&head), write::detection(condition), lines(&tail))
}

/// Sigma's ids are UUIDs: one of version 8, made of a hash of ours.
fn id_of(id: &str) -> String {
    let hash = digest(&[b"keyward to sigma", id.as_bytes()]);
    let mut hex: Vec<char> =
        hash.iter().take(16).flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>()).collect();
    for (place, letter) in [(12, '8'), (16, '9')] {
        if let Some(at) = hex.get_mut(place) {
            *at = letter;
        }
    }
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().iter().collect::<String>();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The same without parts that are always true or never.
fn simple(condition: Condition) -> Condition {
    match condition {
        Condition::Not(part) => match simple(*part) {
            Condition::Not(inner) => *inner,
            Condition::All(none) if none.is_empty() => Condition::Any(Vec::new()),
            Condition::Any(none) if none.is_empty() => Condition::All(Vec::new()),
            part => Condition::Not(Box::new(part)),
        },
        Condition::All(parts) => joined(parts, true),
        Condition::Any(parts) => joined(parts, false),
        test => test,
    }
}

/// Flat, and without what changes nothing; one part that decides is the whole.
fn joined(parts: Vec<Condition>, all: bool) -> Condition {
    let mut flat = Vec::new();
    for part in parts.into_iter().map(simple) {
        match part {
            Condition::All(inner) if all => flat.extend(inner),
            Condition::Any(inner) if !all => flat.extend(inner),
            Condition::All(inner) | Condition::Any(inner) if inner.is_empty() => {
                return if all { Condition::Any(inner) } else { Condition::All(inner) };
            }
            other => flat.push(other),
        }
    }
    match (flat.len(), all) {
        (1, _) => flat.swap_remove(0),
        (_, true) => Condition::All(flat),
        (_, false) => Condition::Any(flat),
    }
}
