//! A mistake in a file that a person wrote: a catalog, a detector, a query.

use std::fmt;
use std::path::PathBuf;

use super::vocabulary::vocabulary;

vocabulary! {
    /// Whether a problem stops a file from being used.
    pub enum Severity as "severity" {
        Warning = "warning",
        Error = "error",
    }
}

/// One mistake, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: PathBuf,
    /// Line, from 1; 0 where the problem is the whole file's.
    pub line: usize,
    /// Column in characters, from 1; 0 where the problem is the whole line's.
    pub column: usize,
    pub severity: Severity,
    /// What is wrong and what to do, in one line.
    pub message: String,
}

impl Problem {
    /// A problem that stops the file from being used.
    pub fn error(file: impl Into<PathBuf>, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, column, severity: Severity::Error, message: message.into() }
    }

    /// A problem that only deserves attention.
    pub fn warning(file: impl Into<PathBuf>, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, line, column, message) }
    }
}

/// `file:line:column: error: message`, the form that editors and terminals make clickable.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.line > 0 && self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}: {}", self.severity, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_file_line_column_severity_message() {
        assert_eq!(Problem::error("a.yaml", 3, 9, "no").to_string(), "a.yaml:3:9: error: no");
        assert_eq!(Problem::warning("a.yaml", 3, 0, "hm").to_string(), "a.yaml:3: warning: hm");
        assert_eq!(Problem::error("a.yaml", 0, 0, "gone").to_string(), "a.yaml: error: gone");
    }
}
