//! A condition as the detection section of a rule.

use serde_json::{Value, json};

use crate::detect::sigma::condition::{Condition, Test};
use crate::sql::glob::{Glob, Piece};

/// The lines below `detection:`.
pub fn detection(condition: &Condition) -> String {
    let mut writer = Writer::default();
    let written = writer.part(condition);
    let selections = writer.selections.iter().enumerate().map(|(place, lines)| {
        let lines = lines.iter().map(|(key, value)| format!("        {key}: {value}\n"));
        format!("    {}:\n{}", name(place), lines.collect::<String>())
    });
    let selections: String = selections.collect();
    format!("{selections}    condition: {}\n", written.text)
}

/// Selections in the order in which the condition names them.
#[derive(Default)]
struct Writer {
    selections: Vec<Vec<(String, Value)>>,
}

struct Written {
    text: String,
    is_one: bool,
}

impl Written {
    fn inside(self) -> String {
        if self.is_one { self.text } else { format!("({})", self.text) }
    }
}

fn name(place: usize) -> String {
    format!("selection_{}", place + 1)
}

impl Writer {
    fn part(&mut self, condition: &Condition) -> Written {
        match condition {
            Condition::Not(part) => {
                let part = self.part(part).inside();
                Written { text: format!("not {part}"), is_one: false }
            }
            Condition::All(parts) => self.all(parts),
            Condition::Any(parts) => match listed(parts) {
                Some(line) => self.selection(vec![line]),
                None => self.joined(parts, " or "),
            },
            Condition::Is(field, test) => self.selection(vec![line(field.as_deref(), test)]),
        }
    }

    fn selection(&mut self, lines: Vec<(String, Value)>) -> Written {
        self.selections.push(lines);
        Written { text: name(self.selections.len() - 1), is_one: true }
    }

    fn joined(&mut self, parts: &[Condition], word: &str) -> Written {
        let written: Vec<_> = parts.iter().map(|part| self.part(part).inside()).collect();
        Written { is_one: written.len() == 1, text: written.join(word) }
    }

    /// Tests of several fields are one selection; the rest stands beside it.
    fn all(&mut self, parts: &[Condition]) -> Written {
        let (mut lines, mut rest) = (Vec::new(), Vec::new());
        for part in parts {
            let line = match part {
                Condition::Is(field, test) => Some(line(field.as_deref(), test)),
                Condition::Any(parts) => listed(parts),
                Condition::Not(part) => match part.as_ref() {
                    Condition::Is(Some(field), Test::Present) => Some((field.clone(), Value::Null)),
                    _ => None,
                },
                Condition::All(_) => None,
            };
            let is_new = |key: &str| lines.iter().all(|(other, _): &(String, Value)| other != key);
            match line {
                Some((key, value)) if is_new(&key) => lines.push((key, value)),
                _ => rest.push(part.clone()),
            }
        }
        if lines.is_empty() {
            return self.joined(&rest, " and ");
        }
        let first = self.selection(lines);
        if rest.is_empty() {
            return first;
        }
        let rest = self.joined(&rest, " and ");
        Written { text: format!("{} and {}", first.text, rest.text), is_one: false }
    }
}

/// Tests of one field as a list of its values.
fn listed(parts: &[Condition]) -> Option<(String, Value)> {
    let mut key = None;
    let mut values = Vec::new();
    for part in parts {
        let Condition::Is(field, test) = part else { return None };
        let (this, value) = line(field.as_deref(), test);
        if key.as_ref().is_some_and(|key| *key != this) {
            return None;
        }
        key = Some(this);
        values.push(value);
    }
    Some((key?, Value::Array(values)))
}

/// `field|modifiers` and its value.
fn line(field: Option<&str>, test: &Test) -> (String, Value) {
    let field = field.unwrap_or_default();
    let with = |modifier: &str| format!("{field}|{modifier}");
    match test {
        Test::Like { glob, cased } => {
            let (modifier, glob) = shape(glob);
            let cased = if *cased { "|cased" } else { "" };
            (format!("{field}{modifier}{cased}"), json!(glob.written()))
        }
        Test::Matches(pattern) => (with("re"), json!(pattern)),
        Test::Number(comparison, number) => {
            let key = match *comparison {
                "<" => with("lt"),
                "<=" => with("lte"),
                ">" => with("gt"),
                ">=" => with("gte"),
                _ => field.to_owned(),
            };
            (key, whole(*number))
        }
        Test::Network(network) => (with("cidr"), json!(network)),
        Test::Present => (with("exists"), json!(true)),
        Test::Other(relation, other) => {
            let modifiers = match *relation {
                "contains" => "fieldref|contains",
                "starts_with" => "fieldref|startswith",
                "ends_with" => "fieldref|endswith",
                _ => "fieldref",
            };
            (with(modifiers), json!(other))
        }
    }
}

/// Wildcards at the ends as modifiers, as rules are usually written.
fn shape(glob: &Glob) -> (&'static str, Glob) {
    match glob.0.as_slice() {
        [Piece::Any, text @ Piece::Text(_), Piece::Any] => ("|contains", Glob(vec![text.clone()])),
        [text @ Piece::Text(_), Piece::Any] => ("|startswith", Glob(vec![text.clone()])),
        [Piece::Any, text @ Piece::Text(_)] => ("|endswith", Glob(vec![text.clone()])),
        _ => ("", glob.clone()),
    }
}

/// 365 rather than 365.0, as far as these are exact.
fn whole(number: f64) -> Value {
    let is_whole = number.fract() == 0.0 && number.abs() < 9.0e15;
    if is_whole { json!(number as i64) } else { json!(number) }
}
