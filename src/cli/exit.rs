//! How the program ends.

use std::process::ExitCode;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It worked, and nothing was found.
    Clean = 0,
    /// It worked, and there are findings, or a check failed.
    Findings = 1,
    /// The command line was used wrongly.
    Usage = 2,
    /// A configuration, catalog, detector or query is wrong.
    Rules = 3,
    /// Input could not be opened or output could not be written.
    InputOutput = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error together with the exit code it ends the program with.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub error: anyhow::Error,
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;

/// Gives an error its exit code.
pub trait OrFail<T> {
    /// Fails with `exit` where this is an error.
    ///
    /// # Errors
    /// The same error, with its exit code.
    fn or_fail(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, error: error.into() })
    }
}
