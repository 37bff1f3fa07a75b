//! What is wrong with a value, said so that one can mend it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// Why a node could not be read.
#[derive(Debug)]
pub struct ReadError {
    pub message: String,
    /// The node, as an index into the tape.
    pub at: Option<usize>,
    /// The field that was missing, where that is what is wrong.
    pub missing: Option<&'static str>,
    /// The field that an unknown one was probably meant to be.
    pub meant: Option<&'static str>,
}

impl ReadError {
    /// The error with the innermost node that is known of it.
    #[must_use]
    pub fn placed(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), at: None, missing: None, meant: None }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("this is {}; write {expected}", shown(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("{} does not fit; write {expected}", shown(unexpected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let advice = advice(nearest(variant, expected), expected);
        Self::custom(format_args!("`{variant}` is not known here; {advice}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let meant = nearest(field, expected);
        let message = format!("there is no field `{field}`; {}", advice(meant, expected));
        Self { message, at: None, missing: None, meant }
    }

    fn missing_field(field: &'static str) -> Self {
        let message = format!("the field `{field}` is missing; add it");
        Self { message, at: None, missing: Some(field), meant: None }
    }
}

fn shown(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Unit | Unexpected::Option => "empty".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Str(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

/// What to write instead: the nearest known word, or all of them.
fn advice(nearest: Option<&str>, known: &[&str]) -> String {
    match nearest {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("known are: {}", known.join(" ")),
    }
}

/// The known word that is nearest, if at most two edits and half of the word away.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let (distance, nearest) = known.iter().map(|known| (distance(word, known), *known)).min()?;
    (distance <= 2 && distance * 2 <= word.len()).then_some(nearest)
}

/// Edits (insert, delete, replace) that turn one word into the other: Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (above, from) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            before = replaced.min(before + 1).min(diagonal + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}
