//! The `window` of a detector as it is written, and what is wrong with it.
//!
//! In: the form of the YAML file. Out: what is missing, out of place or misread. Compiling it is
//! [`super::rule`]'s.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// The kinds of memory.
    pub enum WindowKind as "window kind" {
        /// So many events of one group.
        Threshold = "threshold",
        /// So many distinct values in one group.
        Distinct = "distinct",
        /// Steps one after the other.
        Sequence = "sequence",
        /// A value never seen in the learning time.
        FirstSeen = "first_seen",
        /// A group that wakes after a long silence.
        Dormant = "dormant",
        /// A group far above its own baseline.
        Rate = "rate",
        /// A group that falls silent.
        Silence = "silence",
        /// A date that has passed.
        Overdue = "overdue",
    }
}

/// The `window` of a detector file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowDocument {
    pub kind: WindowKind,
    /// The columns whose values make one group; by default key_id and principal.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub group_by: Vec<Spanned<String>>,
    /// How long the window is: 10m, 24h, 30d.
    #[schemars(with = "Option<String>")]
    pub over: Option<Spanned<String>>,
    /// threshold, distinct: how many.
    pub count: Option<u64>,
    /// distinct, first_seen: the column whose values count.
    #[schemars(with = "Option<String>")]
    pub of: Option<Spanned<String>>,
    /// sequence: the steps.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// sequence: whether the steps must come in this order; by default they must.
    pub ordered: Option<bool>,
    /// sequence: the name of the step that must not happen.
    pub absent: Option<String>,
    /// first_seen: how long to learn before anything is new.
    #[schemars(with = "Option<String>")]
    pub learn: Option<Spanned<String>>,
    /// dormant: how long the silence is.
    #[schemars(with = "Option<String>")]
    pub after: Option<Spanned<String>>,
    /// rate: how many times its own baseline.
    pub factor: Option<f64>,
    /// silence: `learnt`, or the longest pause.
    #[schemars(with = "Option<String>")]
    pub every: Option<Spanned<String>>,
    /// overdue: the column that holds the date.
    #[schemars(with = "Option<String>")]
    pub due: Option<Spanned<String>>,
}

/// One step of a sequence.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub name: String,
    /// A SQL expression over the columns of the event table.
    #[serde(rename = "match")]
    #[schemars(with = "String")]
    pub expression: Spanned<String>,
}

impl WindowDocument {
    /// What is missing, out of place or misread in the window's shape.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for (field, given) in self.given() {
            match (given, self.kind.wants(field)) {
                (false, Want::Must) => mistakes.push(format!("a {} window needs `{field}`", self.kind)),
                (true, Want::Not) => {
                    mistakes.push(format!("`{field}` means nothing in a {} window", self.kind))
                }
                _ => {}
            }
        }
        mistakes.extend(self.unreadable_times());
        mistakes.extend(self.step_mistakes());
        mistakes
    }

    fn given(&self) -> [(&'static str, bool); 11] {
        [
            ("over", self.over.is_some()),
            ("count", self.count.is_some()),
            ("of", self.of.is_some()),
            ("steps", !self.steps.is_empty()),
            ("ordered", self.ordered.is_some()),
            ("absent", self.absent.is_some()),
            ("learn", self.learn.is_some()),
            ("after", self.after.is_some()),
            ("factor", self.factor.is_some()),
            ("every", self.every.is_some()),
            ("due", self.due.is_some()),
        ]
    }

    fn unreadable_times(&self) -> Vec<String> {
        let times =
            [("over", &self.over), ("learn", &self.learn), ("after", &self.after), ("every", &self.every)];
        times
            .into_iter()
            .filter_map(|(field, time)| time.as_ref().map(|time| (field, time.value.as_str())))
            .filter(|(field, time)| {
                parse_duration(time).is_none() && !(*field == "every" && *time == "learnt")
            })
            .map(|(field, time)| format!("`{field}: {time}` is no time span: write 30s, 10m, 24h, 14d or 2w"))
            .collect()
    }

    fn step_mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.kind == WindowKind::Sequence && self.steps.len() == 1 {
            mistakes.push("a sequence needs at least two steps".to_owned());
        }
        for (place, step) in self.steps.iter().enumerate() {
            if self.steps.iter().take(place).any(|earlier| earlier.name == step.name) {
                mistakes.push(format!("two steps are called `{}`", step.name));
            }
        }
        if let Some(absent) = &self.absent
            && !self.steps.iter().any(|step| step.name == *absent)
        {
            mistakes.push(format!("`absent: {absent}` names no step"));
        }
        if self.count == Some(0) || self.factor.is_some_and(|factor| factor.is_nan() || factor <= 1.0) {
            mistakes.push("`count` must be at least 1 and `factor` more than 1".to_owned());
        }
        mistakes
    }
}

/// Whether a kind of window has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Must,
    May,
    Not,
}

impl WindowKind {
    fn wants(self, field: &str) -> Want {
        let (must, may): (&[&str], &[&str]) = match self {
            Self::Threshold => (&["over", "count"], &[]),
            Self::Distinct => (&["over", "count", "of"], &[]),
            Self::Sequence => (&["over", "steps"], &["ordered", "absent"]),
            Self::FirstSeen => (&["of", "learn"], &[]),
            Self::Dormant => (&["after"], &[]),
            Self::Rate => (&["over", "factor"], &["count"]),
            Self::Silence => (&["every"], &[]),
            Self::Overdue => (&["due"], &["over"]),
        };
        match (must.contains(&field), may.contains(&field)) {
            (true, _) => Want::Must,
            (_, true) => Want::May,
            _ => Want::Not,
        }
    }
}

/// Reads a time span such as `10m`, in seconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    digits.parse::<u64>().ok().filter(|number| *number > 0)?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("30s"), Some(30));
        assert_eq!(parse_duration("2w"), Some(1_209_600));
        for wrong in [
            "",
            "m",
            "0m",
            "-1m",
            "10",
            "10 m",
            "1y",
            "99999999999999999999d",
            "10µ",
            "18446744073709551615w",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
