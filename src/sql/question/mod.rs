//! Questions for people: the files of `queries/`, each a SELECT under a header that says what it
//! answers and what it needs to know.
//!
//! In: the text of a file. Out: a [`Question`], or every problem of its header with line and column.
//! The grammar of the header is `queries/README.md`; planning and running are the session's.

mod header;
mod value;

use std::path::Path;

use crate::domain::problem::Problem;
pub use value::{Kind, Value};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The file's name without its ending.
    pub name: String,
    pub title: String,
    pub description: String,
    pub parameters: Vec<Parameter>,
    /// The tables it reads.
    pub reads: Vec<String>,
    /// The columns of its answer, in order.
    pub columns: Vec<String>,
    pub sql: String,
    /// Lines of the header, so that a place in the SQL can be told in the file.
    pub header_lines: usize,
}

/// Something a question needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub kind: Kind,
    /// As written in the header; nothing where the parameter is required.
    pub default: Option<String>,
    pub about: String,
}

/// A parameter that was given wrongly, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    #[error("the question needs --param {name}=VALUE: {about}")]
    Missing { name: String, about: String },
    #[error("the question has no parameter `{name}`; it has: {known}")]
    Unknown { name: String, known: String },
    #[error("--param {name}={text}: {why}")]
    Invalid { name: String, text: String, why: String },
}

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    /// Every problem of the header.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        header::parse(file, text)
    }

    /// The values to bind, in the order of the parameters: those given, and the defaults of the others.
    ///
    /// `now` is in microseconds since the epoch.
    ///
    /// # Errors
    /// Where a parameter is missing, unknown or of another type.
    pub fn bind(&self, given: &[(String, String)], now: i64) -> Result<Vec<(String, Value)>, ParameterError> {
        if let Some((name, _)) =
            given.iter().find(|(name, _)| !self.parameters.iter().any(|known| known.name == *name))
        {
            let known: Vec<_> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            return Err(ParameterError::Unknown { name: name.clone(), known: known.join(" ") });
        }
        self.parameters.iter().map(|parameter| parameter.bind(given, now)).collect()
    }
}

impl Parameter {
    fn bind(&self, given: &[(String, String)], now: i64) -> Result<(String, Value), ParameterError> {
        let text = given.iter().rev().find(|(name, _)| *name == self.name).map(|(_, text)| text);
        let Some(text) = text.or(self.default.as_ref()) else {
            return Err(ParameterError::Missing { name: self.name.clone(), about: self.about.clone() });
        };
        match self.kind.read(text, now) {
            Ok(value) => Ok((self.name.clone(), value)),
            Err(why) => Err(ParameterError::Invalid { name: self.name.clone(), text: text.clone(), why }),
        }
    }
}

#[cfg(test)]
mod tests;
