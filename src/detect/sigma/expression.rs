//! A condition as the SQL of a detector's `match`.
//!
//! Negation goes down to the single tests: there it is known what an absent value means. A column's test
//! that is not true is false; a member's test is unknown where there is no record, and then nothing
//! follows from it.

use std::collections::BTreeSet;

use super::condition::{Condition, Test};
use super::fields;
use crate::domain::event::Provider;
use crate::domain::member::WHOLE;
use crate::sql::glob::{Glob, Piece};
use crate::sql::member::{IN_NETWORK, MEMBER_IS};
use crate::table::columns::Column;

/// What `eventSource` has and `service` has not.
const AMAZON: &str = ".amazonaws.com";

/// A condition in SQL, and the paths of the record that it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    pub sql: String,
    pub members: BTreeSet<String>,
}

/// Writes the condition of a rule about this provider's records.
pub fn write(condition: &Condition, provider: Provider) -> Written {
    let mut writer = Writer { provider, members: BTreeSet::new() };
    let sql = writer.part(condition, false);
    let sql = format!("provider = '{provider}' AND ordinal = 0 AND {}", sql.within(Binding::And));
    Written { sql, members: writer.members }
}

/// How tightly an expression holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    One,
}

struct Sql {
    text: String,
    binding: Binding,
}

impl Sql {
    fn one(text: impl Into<String>) -> Self {
        Self { text: text.into(), binding: Binding::One }
    }

    /// The text, in brackets where it would fall apart inside something that binds like this.
    fn within(self, binding: Binding) -> String {
        if self.binding < binding { format!("({})", self.text) } else { self.text }
    }
}

struct Writer {
    provider: Provider,
    members: BTreeSet<String>,
}

impl Writer {
    fn part(&mut self, condition: &Condition, negated: bool) -> Sql {
        match condition {
            Condition::Not(part) => self.part(part, !negated),
            Condition::All(parts) => self.join(parts, negated, !negated),
            Condition::Any(parts) => match self.words(parts, negated) {
                Some(list) => list,
                None => self.join(parts, negated, negated),
            },
            Condition::Is(field, test) => self.test(field.as_deref(), test, negated),
        }
    }

    fn join(&mut self, parts: &[Condition], negated: bool, and: bool) -> Sql {
        let (word, binding) = if and { (" AND ", Binding::And) } else { (" OR ", Binding::Or) };
        match parts {
            [] => Sql::one(if and { "TRUE" } else { "FALSE" }),
            [only] => self.part(only, negated),
            _ => {
                let written: Vec<_> =
                    parts.iter().map(|part| self.part(part, negated).within(binding)).collect();
                Sql { text: written.join(word), binding }
            }
        }
    }

    /// Several plain texts of one column as a list.
    fn words(&self, parts: &[Condition], negated: bool) -> Option<Sql> {
        let mut column = None;
        let mut words = Vec::new();
        for part in parts {
            let Condition::Is(Some(field), Test::Like { glob, cased: false }) = part else { return None };
            let word = glob.as_plain().filter(|word| !word.is_empty())?.to_lowercase();
            let this = fields::column(self.provider, field)?;
            if column.is_some_and(|column| column != this) {
                return None;
            }
            column = Some(this);
            match (this, word.strip_suffix(AMAZON)) {
                (Column::Service, Some(service)) => words.push(quoted(service)),
                (Column::Service, None) => {}
                _ => words.push(quoted(&word)),
            }
        }
        let column = column.filter(|_| words.len() > 1)?;
        Some(column_test(format!("lower({}) IN ({})", column.name(), words.join(", ")), negated))
    }

    fn test(&mut self, field: Option<&str>, test: &Test, negated: bool) -> Sql {
        let column = field.and_then(|field| fields::column(self.provider, field));
        let by_column = column.filter(|_| !takes_empty(test)).and_then(|column| of_column(column, test));
        match (by_column, field) {
            (Some(sql), _) => column_test(sql, negated),
            (None, field) => self.member(field.unwrap_or(WHOLE), test, negated),
        }
    }

    fn member(&mut self, path: &str, test: &Test, negated: bool) -> Sql {
        self.members.insert(path.to_owned());
        let (word, operand) = match test {
            Test::Like { glob, cased: false } => ("like", glob.written()),
            Test::Like { glob, cased: true } => ("like_cased", glob.written()),
            Test::Matches(pattern) => ("matches", pattern.clone()),
            Test::Number(comparison, number) => (*comparison, number.to_string()),
            Test::Network(network) => ("in_network", network.clone()),
            Test::Present => ("present", String::new()),
            Test::Other(relation, other) => {
                self.members.insert(other.clone());
                (*relation, other.clone())
            }
        };
        let not = if negated { "NOT " } else { "" };
        let (path, word, operand) = (quoted(path), quoted(word), quoted(&operand));
        Sql::one(format!("{not}{MEMBER_IS}(record, {path}, {word}, {operand})"))
    }
}

/// A test of a column, which is not true where the column is null.
fn column_test(sql: String, negated: bool) -> Sql {
    match (sql.as_str(), negated) {
        ("FALSE", true) => Sql::one("TRUE"),
        (_, false) => Sql::one(sql),
        (_, true) => Sql::one(format!("({sql}) IS NOT TRUE")),
    }
}

/// Whether an empty text passes, or being there does: columns do not tell an empty text from none.
fn takes_empty(test: &Test) -> bool {
    match test {
        Test::Like { glob, .. } => glob.takes_nothing(),
        Test::Matches(pattern) => regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match("")),
        Test::Network(_) => false,
        Test::Present | Test::Number(..) | Test::Other(..) => true,
    }
}

/// A test in SQL on a column; nothing where only the record can tell.
fn of_column(column: Column, test: &Test) -> Option<String> {
    let name = column.name();
    let value = match column {
        Column::Service => format!("concat({name}, '{AMAZON}')"),
        _ => name.to_owned(),
    };
    Some(match test {
        Test::Like { glob, cased } => {
            let lower = |value: &str| if *cased { value.to_owned() } else { format!("lower({value})") };
            let glob = if *cased { glob.clone() } else { glob.lower() };
            match (column, glob.as_plain()) {
                (Column::Service, Some(source)) => match source.strip_suffix(AMAZON) {
                    Some(service) => format!("{} = {}", lower(name), quoted(service)),
                    None => "FALSE".to_owned(),
                },
                _ => like(&lower(&value), &glob),
            }
        }
        Test::Matches(pattern) => format!("regexp_like({value}, {})", quoted(pattern)),
        Test::Network(network) => format!("{IN_NETWORK}({value}, {})", quoted(network)),
        Test::Number(..) | Test::Present | Test::Other(..) => return None,
    })
}

/// Functions rather than LIKE, whose own wildcards would have to be escaped.
fn like(value: &str, glob: &Glob) -> String {
    match glob.0.as_slice() {
        [Piece::Text(text)] => format!("{value} = {}", quoted(text)),
        [Piece::Text(text), Piece::Any] => format!("starts_with({value}, {})", quoted(text)),
        [Piece::Any, Piece::Text(text)] => format!("ends_with({value}, {})", quoted(text)),
        [Piece::Any, Piece::Text(text), Piece::Any] => format!("contains({value}, {})", quoted(text)),
        _ => format!("regexp_like({value}, {})", quoted(&glob.regex_text())),
    }
}

/// A text in SQL.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
