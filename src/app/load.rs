//! Loads the configuration, and catalogs and detectors into rules, or says everything that is wrong with them.

use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, LoadError, SourceText};
use crate::config::{self, Config};
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::Problem;
use crate::normalize::cloudtrail;
use crate::pipeline::rules::Rules;

/// Rules that can be used, and what deserves attention in them.
#[derive(Debug)]
pub struct LoadedRules {
    pub rules: Rules,
    pub warnings: Vec<Problem>,
    /// What the catalog was read from, for whoever keeps it; none where no catalog was given.
    pub sources: Vec<SourceText>,
}

/// Loads the catalog (none: every key is undeclared) and the detectors (none: the built-in ones).
///
/// # Errors
/// Every problem found, errors and warnings, where there is at least one error.
pub fn rules(paths: &[PathBuf], detectors: Option<&Path>) -> Result<LoadedRules, Vec<Problem>> {
    both(paths, self::detectors(detectors))
}

/// The detectors of this folder or file, none: the built-in ones. Sigma rules about records that never
/// become events are set aside.
///
/// # Errors
/// Every problem found.
pub fn detectors(path: Option<&Path>) -> Result<Detectors, Vec<Problem>> {
    path.map_or_else(Detectors::embedded, Detectors::load).map(where_records)
}

/// Sets Sigma rules aside that are about records of which none becomes an event.
pub fn where_records(detectors: Detectors) -> Detectors {
    detectors.where_records(&cloudtrail::gives_events)
}

/// Loads what the configuration names: its catalog, and its detectors beside the built-in ones.
///
/// # Errors
/// As [`rules`].
pub fn configured(config: &Config) -> Result<LoadedRules, Vec<Problem>> {
    both(&config.catalog, detectors_beside(&config.detectors))
}

/// The detectors of these files and folders beside the built-in ones; one with the id of a built-in one
/// takes its place.
///
/// # Errors
/// Every problem found.
pub fn detectors_beside(paths: &[PathBuf]) -> Result<Detectors, Vec<Problem>> {
    Detectors::embedded_beside(&Detectors::texts(paths)?).map(where_records)
}

/// The configuration in the file at `path`, with what this process's environment overrides.
///
/// # Errors
/// Every mistake, with its place where it has one.
pub fn config(path: &Path) -> Result<Config, Vec<Problem>> {
    // What is no Unicode is none of our variables.
    let environment = std::env::vars_os();
    let environment =
        environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    config::load(path, environment)
}

fn both(paths: &[PathBuf], detectors: Result<Detectors, Vec<Problem>>) -> Result<LoadedRules, Vec<Problem>> {
    let sources = Catalog::texts(paths).map_err(problems_of);
    let catalog = sources.and_then(|sources| parse(&sources).map(|loaded| (loaded, sources)));
    let engine = detectors.and_then(|detectors| Engine::new(&detectors));
    match (catalog, engine) {
        (Ok(((catalog, warnings), sources)), Ok(engine)) => {
            Ok(LoadedRules { rules: Rules::new(catalog, engine), warnings, sources })
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
    parse(&Catalog::texts(paths).map_err(problems_of)?)
}

/// The catalog that these texts are; without any it is empty.
///
/// # Errors
/// Every problem found, where there is at least one error.
pub fn parse(sources: &[SourceText]) -> Result<(Catalog, Vec<Problem>), Vec<Problem>> {
    if sources.is_empty() {
        return Ok((Catalog::empty(), Vec::new()));
    }
    let loaded = Catalog::parse(sources).map_err(problems_of)?;
    Ok((loaded.catalog, loaded.warnings.into_iter().map(Problem::from).collect()))
}

pub(super) fn problems_of(error: LoadError) -> Vec<Problem> {
    error.problems.into_iter().map(Problem::from).collect()
}
