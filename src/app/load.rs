//! Loads catalogs and detectors into rules, or says everything that is wrong with them.

use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::Problem;
use crate::pipeline::rules::Rules;

/// Rules that can be used, and what deserves attention in them.
#[derive(Debug)]
pub struct LoadedRules {
    pub rules: Rules,
    pub warnings: Vec<Problem>,
}

/// Loads the catalog (none: every key is undeclared) and the detectors (none: the built-in ones).
///
/// # Errors
/// Every problem found, errors and warnings, where there is at least one error.
pub fn rules(paths: &[PathBuf], detectors: Option<&Path>) -> Result<LoadedRules, Vec<Problem>> {
    let catalog = catalog(paths);
    let detectors = detectors.map_or_else(Detectors::embedded, Detectors::load);
    let engine = detectors.and_then(|detectors| Engine::new(&detectors));
    match (catalog, engine) {
        (Ok((catalog, warnings)), Ok(engine)) => {
            Ok(LoadedRules { rules: Rules { catalog, engine }, warnings })
        }
        (catalog, engine) => {
            let mut problems = catalog.err().unwrap_or_default();
            problems.extend(engine.err().unwrap_or_default());
            Err(problems)
        }
    }
}

/// Loads a catalog from files and folders, with its warnings; without any it is empty.
///
/// # Errors
/// Every problem found, where there is at least one error.
pub fn catalog(paths: &[PathBuf]) -> Result<(Catalog, Vec<Problem>), Vec<Problem>> {
    if paths.is_empty() {
        return Ok((Catalog::empty(), Vec::new()));
    }
    match Catalog::load(paths) {
        Ok(loaded) => Ok((loaded.catalog, loaded.warnings.into_iter().map(Problem::from).collect())),
        Err(error) => Err(error.problems.into_iter().map(Problem::from).collect()),
    }
}
