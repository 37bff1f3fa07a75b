//! Reads the header of a question, line by line.

use std::path::Path;

use super::value::Kind;
use super::{Parameter, Question};
use crate::domain::problem::Problem;

/// A field of the header with the line it begins on.
struct Field {
    line: usize,
    text: String,
}

/// Reads the whole file.
pub(super) fn parse(file: &Path, text: &str) -> Result<Question, Vec<Problem>> {
    let header_lines = text.lines().take_while(|line| line.starts_with("--")).count();
    let mut reader = Reader { file, problems: Vec::new() };
    let fields = fields(text.lines().take(header_lines));
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let parameters = reader.parameters(&fields);
    let sql: String = text.lines().skip(header_lines).map(|line| format!("{line}\n")).collect();
    let question = Question {
        name,
        title: reader.one(&fields, "title"),
        description: reader.one(&fields, "description"),
        parameters,
        reads: reader.list(&fields, "reads"),
        columns: reader.list(&fields, "columns"),
        sql,
        header_lines,
    };
    reader.check_unknown(&fields);
    reader.check_placeholders(&question);
    if reader.problems.is_empty() { Ok(question) } else { Err(reader.problems) }
}

/// Joins continued lines.
fn fields<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (place, line) in lines.enumerate() {
        let body = line.trim_start_matches("--");
        match (body.starts_with("   "), fields.last_mut()) {
            (true, Some(field)) => {
                field.text.push(' ');
                field.text.push_str(body.trim());
            }
            _ => fields.push(Field { line: place + 1, text: body.trim().to_owned() }),
        }
    }
    fields
}

struct Reader<'f> {
    file: &'f Path,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem::error(self.file, line, 1, message));
    }

    /// The value of a field that is there exactly once.
    fn one(&mut self, fields: &[Field], name: &str) -> String {
        let mut values = fields.iter().filter_map(|field| Some((field.line, value_of(&field.text, name)?)));
        let Some((_, value)) = values.next() else {
            self.problem(1, format!("the header has no `-- {name}: …`"));
            return String::new();
        };
        if let Some((line, _)) = values.next() {
            self.problem(line, format!("`{name}` is given twice"));
        }
        value.to_owned()
    }

    fn list(&mut self, fields: &[Field], name: &str) -> Vec<String> {
        let words = self.one(fields, name);
        words.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn parameters(&mut self, fields: &[Field]) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for field in fields {
            let Some(text) = field.text.strip_prefix("param ") else { continue };
            match parameter(text) {
                Ok(known) if parameters.iter().any(|other| other.name == known.name) => {
                    self.problem(field.line, format!("parameter `{}` is given twice", known.name));
                }
                Ok(parameter) => parameters.push(parameter),
                Err(message) => self.problem(field.line, message),
            }
        }
        parameters
    }

    fn check_unknown(&mut self, fields: &[Field]) {
        for field in fields {
            let known = ["title", "description", "reads", "columns"];
            if !field.text.starts_with("param ")
                && !known.iter().any(|name| value_of(&field.text, name).is_some())
            {
                self.problem(field.line, "expected title, description, param, reads or columns");
            }
        }
    }

    /// Every parameter is used, and everything used is a parameter.
    fn check_placeholders(&mut self, question: &Question) {
        for (place, line) in question.sql.lines().enumerate() {
            for name in placeholders(line) {
                if !question.parameters.iter().any(|parameter| parameter.name == name) {
                    let message = format!("`${name}` is no parameter of the header");
                    self.problem(question.header_lines + place + 1, message);
                }
            }
        }
        for parameter in &question.parameters {
            if !placeholders(&question.sql).any(|name| name == parameter.name) {
                self.problem(1, format!("parameter `{}` is not used", parameter.name));
            }
        }
    }
}

fn value_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?.strip_prefix(':').map(str::trim)
}

/// The names behind `$`.
fn placeholders(sql: &str) -> impl Iterator<Item = &str> {
    sql.split('$').skip(1).map(|rest| {
        let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        rest.split_at(end.unwrap_or(rest.len())).0
    })
}

/// Reads `NAME TYPE required: sentence` or `NAME TYPE default VALUE: sentence`.
fn parameter(text: &str) -> Result<Parameter, String> {
    let form =
        "expected `-- param NAME TYPE required: sentence` or `-- param NAME TYPE default VALUE: sentence`";
    let (name, rest) = text.trim().split_once(' ').ok_or(form)?;
    let (kind, rest) = rest.trim().split_once(' ').ok_or(form)?;
    let kind: Kind =
        kind.parse().map_err(|error: crate::domain::vocabulary::UnknownWord| error.to_string())?;
    let (default, about) = match rest.trim().strip_prefix("required:") {
        Some(about) => (None, about),
        None => {
            let (value, about) = rest.trim().strip_prefix("default ").and_then(split_default).ok_or(form)?;
            kind.read(&value, 0).map_err(|why| format!("default of `{name}`: {why}"))?;
            (Some(value), about)
        }
    };
    Ok(Parameter { name: name.to_owned(), kind, default, about: about.trim().to_owned() })
}

/// A quoted value may hold anything; another one ends at the first colon that a space follows.
fn split_default(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('\'') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('\'')?;
            Some((value.to_owned(), rest.trim_start().strip_prefix(':')?))
        }
        None => text.split_once(": ").map(|(value, about)| (value.trim().to_owned(), about)),
    }
}
