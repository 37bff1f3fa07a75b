//! Compares two sets of alerts, alert by alert.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::alert::Alert;

/// What becomes of one alert; the loudest of its sides tells how loud it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It would be raised, and was not.
    Raised { alert: Box<Alert> },
    /// It would not be raised any more.
    Gone { alert: Box<Alert> },
    /// It is another one in level, detectors, aspects or count.
    Changed { before: Box<Alert>, after: Box<Alert> },
}

/// Two sets of alerts, compared.
#[derive(Debug, Default)]
pub struct Compared {
    /// The loudest first, then by time.
    pub changes: Vec<Change>,
    /// Alerts that are the same in both.
    pub unchanged: usize,
}

/// What differs from `before` to `after`. An alert's id is what it is about, so that the two are the same
/// alert however they came to be.
pub fn changes(before: Vec<Alert>, after: Vec<Alert>) -> Compared {
    let mut known: BTreeMap<String, Alert> =
        before.into_iter().map(|alert| (alert.id.clone(), alert)).collect();
    let mut compared = Compared::default();
    for after in after {
        match known.remove(&after.id) {
            None => compared.changes.push(Change::Raised { alert: Box::new(after) }),
            Some(before) if is_same(&before, &after) => compared.unchanged += 1,
            Some(before) => {
                let (before, after) = (Box::new(before), Box::new(after));
                compared.changes.push(Change::Changed { before, after });
            }
        }
    }
    compared.changes.extend(known.into_values().map(|alert| Change::Gone { alert: Box::new(alert) }));
    compared.changes.sort_by(|one, other| {
        let (one, other) = (one.alert(), other.alert());
        other.level.cmp(&one.level).then_with(|| (&one.first, &one.id).cmp(&(&other.first, &other.id)))
    });
    compared
}

impl Change {
    /// The alert as it would be, or as it was where it is gone.
    pub fn alert(&self) -> &Alert {
        match self {
            Self::Raised { alert } | Self::Gone { alert } | Self::Changed { after: alert, .. } => alert,
        }
    }

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Raised { .. } => "raised",
            Self::Gone { .. } => "gone",
            Self::Changed { .. } => "changed",
        }
    }

    /// What is another, in words; nothing where the whole alert comes or goes.
    pub fn differences(&self) -> Vec<String> {
        let Self::Changed { before, after } = self else { return Vec::new() };
        let mut told = Vec::new();
        if before.level != after.level {
            told.push(format!("level {} → {}", before.level, after.level));
        }
        told.extend(difference("detectors", before.detectors.iter(), after.detectors.iter()));
        let aspects =
            |alert: &Alert| alert.aspects.iter().map(|of| of.as_str().to_owned()).collect::<Vec<_>>();
        told.extend(difference("aspects", aspects(before).iter(), aspects(after).iter()));
        if before.count != after.count {
            told.push(format!("findings {} → {}", before.count, after.count));
        }
        told
    }
}

fn is_same(before: &Alert, after: &Alert) -> bool {
    before.level == after.level
        && before.detectors == after.detectors
        && before.aspects == after.aspects
        && before.count == after.count
}

/// `detectors −KP-001 +KP-004`.
fn difference<'w>(
    what: &str,
    before: impl Iterator<Item = &'w String> + Clone,
    after: impl Iterator<Item = &'w String> + Clone,
) -> Option<String> {
    let gone = before.clone().filter(|word| !after.clone().any(|other| other == *word));
    let gone: Vec<_> = gone.map(|word| format!("−{word}")).collect();
    let new = after.clone().filter(|word| !before.clone().any(|other| other == *word));
    let new: Vec<_> = new.map(|word| format!("+{word}")).collect();
    let words = [gone, new].concat();
    (!words.is_empty()).then(|| format!("{what} {}", words.join(" ")))
}
