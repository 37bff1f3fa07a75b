//! One mistake in an expression, and where it is.

use std::fmt;

use datafusion::common::Span as PlanSpan;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::Span;

/// A mistake in an expression, at a place within its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line within the expression, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters; 0 where only the start is known.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Where something stands in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

impl Place {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1, length: 0 };
    const UNKNOWN: Self = Self { line: 0, column: 0, length: 0 };

    /// Just after the last character.
    fn end_of(text: &str) -> Self {
        let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
        Self { line: text.trim_end().matches('\n').count() + 1, column: last.chars().count() + 1, length: 0 }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        let (start, end) = (span.start, span.end);
        let length = if start.line == end.line { end.column.saturating_sub(start.column) } else { 0 };
        Self { line: start.line as usize, column: start.column as usize, length: length as usize }
    }
}

impl From<PlanSpan> for Place {
    fn from(span: PlanSpan) -> Self {
        let (start, end) = (span.start, span.end);
        let length = if start.line == end.line { end.column.saturating_sub(start.column) } else { 0 };
        Self { line: start.line as usize, column: start.column as usize, length: length as usize }
    }
}

impl Mistake {
    /// A mistake at a place.
    pub fn at(place: impl Into<Place>, message: impl Into<String>) -> Self {
        let Place { line, column, length } = place.into();
        Self { line, column, length, message: message.into(), help: None }
    }

    /// A mistake of the whole expression.
    pub fn at_start(message: impl Into<String>) -> Self {
        Self::at(Place::START, message)
    }

    /// The same mistake with advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same mistake with advice, where there is any.
    #[must_use]
    pub fn with_hint(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// The same mistake elsewhere.
    #[must_use]
    pub fn moved_to(self, place: Place) -> Self {
        Self { line: place.line, column: place.column, length: place.length, ..self }
    }

    /// What the parser says; at the end of the text where it misses something there.
    pub fn of_syntax(error: &DataFusionError, text: &str) -> Self {
        let mistake = Self::of_error(error);
        if mistake.line > 0 { mistake } else { mistake.moved_to(Place::end_of(text)) }
    }

    /// What DataFusion says, with the place it names; line 0 where it names none.
    pub fn of_error(error: &DataFusionError) -> Self {
        let told = message_of(error);
        if let Some(place) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
            return Self::at(place, without_place(&told).0);
        }
        let (message, place) = without_place(&told);
        Self::at(place.unwrap_or(Place::UNKNOWN), message)
    }
}

/// The mistake in one line, without its place.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// The first line of DataFusion's message, without its kind and the parser's own quoting.
fn message_of(error: &DataFusionError) -> String {
    let told = error.strip_backtrace();
    let line = told.lines().next().unwrap_or_default();
    let kinds = [
        "SQL error: ParserError(\"",
        "SQL error: TokenizerError(\"",
        "Error during planning: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
        "Parser error: ",
        "This feature is not implemented: ",
        "Optimizer rule 'simplify_expressions' failed",
    ];
    let bare = kinds.iter().fold(line, |line, kind| line.strip_prefix(kind).unwrap_or(line));
    bare.trim_end_matches("\")").replace("\\\"", "\"").replace("\\'", "'")
}

/// Takes the parser's ` at Line: 1, Column: 12` off the end of its message.
fn without_place(told: &str) -> (String, Option<Place>) {
    let Some((message, rest)) = told.split_once(" at Line: ") else {
        return (told.to_owned(), None);
    };
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(line), Some(column)) => (message.to_owned(), Some(Place { line, column, length: 0 })),
        _ => (message.to_owned(), None),
    }
}
