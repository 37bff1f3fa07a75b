//! The options that name a catalog and detectors, and the report of what is wrong with them.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;

use super::exit::{Exit, Failure};
use super::output::terminal::harmless;
use crate::app::load::{LoadedRules, rules};
use crate::domain::problem::{Problem, Severity};

/// Which rules to judge by.
#[derive(Debug, clap::Args)]
pub struct RuleArgs {
    /// Catalog of key purposes: a YAML file or a folder of them; may be given more than once. Without
    /// one every key is undeclared, and what needs no catalog still works.
    #[arg(long, value_name = "PATH")]
    catalog: Vec<PathBuf>,

    /// Folder of detectors to use instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    detectors: Option<PathBuf>,
}

impl RuleArgs {
    /// Those of a command that explains its arguments itself.
    pub const fn new(catalog: Vec<PathBuf>, detectors: Option<PathBuf>) -> Self {
        Self { catalog, detectors }
    }

    /// Loads them, with warnings on standard error.
    ///
    /// # Errors
    /// Where something is wrong with them; every problem has been printed.
    pub fn load(&self) -> Result<LoadedRules, Failure> {
        match rules(&self.catalog, self.detectors.as_deref()) {
            Ok(loaded) => {
                print_problems(&loaded.warnings);
                Ok(loaded)
            }
            Err(problems) => {
                print_problems(&problems);
                let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
                let plural = if errors == 1 { "" } else { "s" };
                Err(Failure {
                    exit: Exit::Rules,
                    error: anyhow!("{errors} error{plural} in catalog or detectors"),
                })
            }
        }
    }

    /// The paths of the catalog.
    pub fn catalog(&self) -> &[PathBuf] {
        &self.catalog
    }

    /// Whether a catalog was given.
    pub fn has_catalog(&self) -> bool {
        !self.catalog.is_empty()
    }
}

/// Prints problems, one a line, clickable in editors and terminals.
pub fn print_problems(problems: &[Problem]) {
    let text: String =
        problems.iter().map(|problem| format!("{}\n", harmless(&problem.to_string()))).collect();
    // Standard error may be closed; then nobody is left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// With `strict`, makes errors of warnings; whether there was any.
pub fn strictly(problems: &mut [Problem], strict: bool) -> bool {
    if !strict {
        return false;
    }
    for problem in problems.iter_mut() {
        problem.severity = Severity::Error;
    }
    !problems.is_empty()
}
