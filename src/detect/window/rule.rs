//! A window as it is evaluated: spans in microseconds, columns by place.
//!
//! In: a checked document. Out: a rule. What is wrong with a document is [`super::document`]'s.

use std::fmt;

use super::document::{WindowDocument, WindowKind, parse_duration};
use crate::sql::expression::Expression;
use crate::table::columns::Column;

/// How many panes make a window: late and early rows of a burst fall into at most one more.
pub const PANES: i64 = 6;

/// A window, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Window {
    pub kind: WindowKind,
    /// The columns whose values make one group.
    pub group_by: Vec<Column>,
    pub rule: Rule,
    /// What was written, in a few words.
    told: String,
}

/// What is remembered of a group, and when it fires. All spans are microseconds of event time.
#[derive(Debug, Clone)]
pub enum Rule {
    /// So many rows within `over`.
    Threshold {
        over: i64,
        count: u64,
    },
    /// So many different values of `of` within `over`.
    Distinct {
        over: i64,
        count: u64,
        of: Column,
    },
    Sequence(Steps),
    /// A value of `of` that the group did not have in its first `learn`.
    FirstSeen {
        of: Column,
        learn: i64,
    },
    /// A row after none for `after`.
    Dormant {
        after: i64,
    },
    /// More than `factor` times the group's own baseline within `over`, and at least `count`.
    Rate {
        over: i64,
        factor: f64,
        count: u64,
    },
    /// No row for `every`, or for longer than the group's own rhythm.
    Silence {
        every: Option<i64>,
    },
    /// The latest date in `due` has passed, and `over` after it.
    Overdue {
        due: Column,
        over: i64,
    },
}

/// Steps within a span.
#[derive(Debug, Clone)]
pub struct Steps {
    pub over: i64,
    /// Each with the detector's own `match` in it.
    pub steps: Vec<Step>,
    pub ordered: bool,
    /// The place of the step that must not happen.
    pub absent: Option<usize>,
}

/// One step of a sequence.
#[derive(Debug, Clone)]
pub struct Step {
    pub name: String,
    pub expression: Expression,
}

/// The columns and expressions that a document names, once they are found to be right.
#[derive(Debug)]
pub struct Parts {
    pub group_by: Vec<Column>,
    pub of: Option<Column>,
    pub due: Option<Column>,
    pub steps: Vec<Expression>,
}

impl Window {
    /// The window of a document without mistakes; nothing where something is missing after all.
    pub fn of(document: &WindowDocument, parts: Parts) -> Option<Self> {
        let Parts { group_by, of, due, steps } = parts;
        let over = micros(document.over.as_ref().map(|over| over.value.as_str()));
        let count = document.count;
        let rule = match document.kind {
            WindowKind::Threshold => Rule::Threshold { over: over?, count: count? },
            WindowKind::Distinct => Rule::Distinct { over: over?, count: count?, of: of? },
            WindowKind::Sequence => Rule::Sequence(sequence(document, over?, steps)),
            WindowKind::FirstSeen => Rule::FirstSeen {
                of: of?,
                learn: micros(document.learn.as_ref().map(|it| it.value.as_str()))?,
            },
            WindowKind::Dormant => {
                Rule::Dormant { after: micros(document.after.as_ref().map(|it| it.value.as_str()))? }
            }
            WindowKind::Rate => {
                Rule::Rate { over: over?, factor: document.factor?, count: count.unwrap_or(LEAST_RATE) }
            }
            WindowKind::Silence => {
                Rule::Silence { every: micros(document.every.as_ref().map(|it| it.value.as_str())) }
            }
            WindowKind::Overdue => Rule::Overdue { due: due?, over: over.unwrap_or_default() },
        };
        let group_by = if group_by.is_empty() { vec![Column::KeyId, Column::Principal] } else { group_by };
        Some(Self { kind: document.kind, told: told(document), group_by, rule })
    }

    /// The expressions that select the rows of a sequence, step by step; none for other kinds, where the
    /// detector's own selects.
    pub fn steps(&self) -> &[Step] {
        match &self.rule {
            Rule::Sequence(steps) => &steps.steps,
            _ => &[],
        }
    }

    /// The column whose values count, where one does.
    pub fn counted(&self) -> Option<Column> {
        match self.rule {
            Rule::Distinct { of, .. } | Rule::FirstSeen { of, .. } => Some(of),
            _ => None,
        }
    }

    /// The column of which each finding has one value beside those of the group.
    pub fn one_value(&self) -> Option<Column> {
        match self.rule {
            Rule::FirstSeen { of, .. } => Some(of),
            _ => None,
        }
    }

    /// How far back rows matter that come now, in microseconds of event time.
    pub fn reach(&self) -> i64 {
        match &self.rule {
            Rule::Threshold { over, .. } | Rule::Distinct { over, .. } => *over,
            // Panes around the last step, on both sides.
            Rule::Sequence(steps) => steps.over.saturating_mul(2),
            Rule::FirstSeen { learn, .. } => learn.saturating_mul(KNOWN_FOR),
            Rule::Dormant { after } => after.saturating_mul(2),
            Rule::Rate { .. } => BASELINE_REACH,
            Rule::Silence { .. } => RHYTHM_REACH,
            Rule::Overdue { over, .. } => over.saturating_mul(2).max(BASELINE_REACH),
        }
    }

    /// How long after a row others can still decide what is found at it, in microseconds of event time.
    pub fn awaits(&self) -> i64 {
        match &self.rule {
            Rule::Threshold { over, .. }
            | Rule::Distinct { over, .. }
            | Rule::Rate { over, .. }
            | Rule::Overdue { over, .. } => *over,
            Rule::Sequence(steps) => steps.over.saturating_mul(2),
            Rule::FirstSeen { .. } | Rule::Dormant { .. } => 0,
            Rule::Silence { every } => every.unwrap_or(RHYTHM_SIGHT),
        }
    }
}

impl Window {
    /// How often to forget what is old, in microseconds of event time: so seldom that looking at every group
    /// costs nothing beside what came in the meantime.
    pub fn forgets_every(&self) -> i64 {
        (self.reach() / PANES).clamp(MINUTE, DAY)
    }
}

const MINUTE: i64 = 60_000_000;

/// A rate below this many rows a window is no surge, whatever the baseline, unless `count` says otherwise.
const LEAST_RATE: u64 = 20;

/// For how many learning times a value stays known without being seen.
pub const KNOWN_FOR: i64 = 4;

/// How much of the past a baseline is made of: six weeks, so that every hour of the week was there a few times.
pub const BASELINE_REACH: i64 = 42 * DAY;

/// How much of the past a rhythm is made of: five weeks, of which three tell whether an hour is busy.
pub const RHYTHM_REACH: i64 = 35 * DAY;

/// How far ahead of a group's last row its rhythm tells of a silence: a week, and the hour that ends it.
pub const RHYTHM_SIGHT: i64 = 7 * DAY + 60 * MINUTE;

const DAY: i64 = 86_400_000_000;

fn sequence(document: &WindowDocument, over: i64, expressions: Vec<Expression>) -> Steps {
    let names = document.steps.iter().map(|step| step.name.clone());
    let absent = document.absent.as_ref();
    Steps {
        over,
        absent: absent.and_then(|absent| document.steps.iter().position(|step| step.name == *absent)),
        ordered: document.ordered.unwrap_or(true),
        steps: names.zip(expressions).map(|(name, expression)| Step { name, expression }).collect(),
    }
}

fn micros(written: Option<&str>) -> Option<i64> {
    i64::try_from(parse_duration(written?)?).ok()?.checked_mul(1_000_000)
}

/// As `keyward detectors` shows it: the kind and its numbers.
fn told(document: &WindowDocument) -> String {
    let text = |name: &str, value: Option<String>| value.map(|value| format!(" {name} {value}"));
    let span = |span: &Option<serde_saphyr::Spanned<String>>| span.as_ref().map(|span| span.value.clone());
    let parts = [
        text("of", span(&document.of)),
        text("count", document.count.map(|count| count.to_string())),
        text("factor", document.factor.map(|factor| factor.to_string())),
        text("over", span(&document.over)),
        text("learn", span(&document.learn)),
        text("after", span(&document.after)),
        text("every", span(&document.every)),
        text("due", document.due.as_ref().map(|due| due.value.clone())),
    ];
    format!("{}{}", document.kind, parts.into_iter().flatten().collect::<String>())
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)?;
        let columns: Vec<&str> = self.group_by.iter().map(|column| column.name()).collect();
        write!(f, " by {}", columns.join(", "))
    }
}
