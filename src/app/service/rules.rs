//! The rules of a running service: loaded at the start, and again when their files change.
//!
//! In: the catalog and detector files of the configuration, and the versions that the store keeps. Out:
//! rules by event time. New ones are checked whole; where anything is wrong with them, the ones from before
//! stay. A version is in the store before the first event is judged by it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::bounded;

use super::deliver::OwnerBook;
use crate::app::{kept_catalog, load};
use crate::catalog::{Catalog, SourceText};
use crate::config::{Config, Privacy, Raw};
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::Problem;
use crate::pipeline::rules::Rules;
use crate::pipeline::service::versions::{Version, Versions};
use crate::pipeline::service::{Clock, Handle, Install};
use crate::store::{BlockingStore, FROM_THE_BEGINNING, StoreError};
use crate::table::hiding::Hiding;

/// Where the rules are.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    catalog: Vec<PathBuf>,
    detectors: Vec<PathBuf>,
    privacy: Privacy,
    raw: Raw,
}

/// The content of the rules, by which versions are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    pub catalog: String,
    pub detectors: String,
}

impl Hashes {
    /// As the store keeps it.
    fn stored(&self) -> String {
        format!("{}+{}", self.catalog, self.detectors)
    }
}

/// Rules that can be used.
pub struct Loaded {
    pub rules: Rules,
    pub hashes: Hashes,
    pub warnings: Vec<Problem>,
    /// Everything they were read from, as the store keeps it.
    packed: String,
}

/// Why rules are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Problem>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the service is stopping")]
    Stopping,
}

impl RuleFiles {
    /// The files that a configuration names.
    pub fn of(config: &Config) -> Self {
        Self {
            catalog: config.catalog.clone(),
            detectors: config.detectors.clone(),
            privacy: config.privacy.clone(),
            raw: config.raw(),
        }
    }

    /// What to watch for changes.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.catalog.iter().chain(&self.detectors)
    }

    /// Reads and checks all of them.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(&self) -> Result<Loaded, Vec<Problem>> {
        let sources = Catalog::texts(&self.catalog).map_err(load::problems_of);
        let detectors = Detectors::texts(&self.detectors);
        match (sources, detectors) {
            (Ok(sources), Ok(detectors)) => {
                let Loaded { rules, hashes, warnings, packed } = loaded(&sources, &detectors)?;
                let hiding = Hiding::of(&self.privacy);
                let hiding =
                    hiding.map_err(|error| vec![Problem::error("privacy", 0, 0, error.to_string())])?;
                Ok(Loaded { rules: rules.hiding(hiding).keeping(self.raw), hashes, warnings, packed })
            }
            (sources, detectors) => {
                let mut problems = sources.err().unwrap_or_default();
                problems.extend(detectors.err().unwrap_or_default());
                Err(problems)
            }
        }
    }
}

fn loaded(sources: &[SourceText], texts: &[(PathBuf, String)]) -> Result<Loaded, Vec<Problem>> {
    let catalog = load::parse(sources);
    let detectors = Detectors::embedded_beside(texts).map(load::where_records);
    let detectors = detectors.and_then(|detectors| Ok((Engine::new(&detectors)?, detectors.version())));
    match (catalog, detectors) {
        (Ok((catalog, warnings)), Ok((engine, version))) => Ok(Loaded {
            hashes: Hashes { catalog: catalog.version().to_owned(), detectors: version },
            rules: Rules::new(catalog, engine),
            warnings,
            packed: kept_catalog::pack_rules(sources, texts)
                .map_err(|error| vec![Problem::error("rules", 0, 0, error.to_string())])?,
        }),
        (catalog, detectors) => {
            let mut problems = catalog.err().unwrap_or_default();
            problems.extend(detectors.err().unwrap_or_default());
            Err(problems)
        }
    }
}

/// All versions that judge, the newest being `newest`, which is recorded unless it is already.
///
/// # Errors
/// Where the store fails, or this program finds a mistake in an older version.
pub fn versions(
    store: &BlockingStore,
    newest: Loaded,
    now: i64,
    judged_up_to: Option<i64>,
) -> Result<Versions, RulesError> {
    let hash = newest.hashes.stored();
    let record = store.store().record_catalog(&hash, &newest.packed, now, judged_up_to);
    let effective_from = store.wait(record)?;
    let (hiding, raw) = (newest.rules.hidden().clone(), newest.rules.raw());
    let newest = Version { effective_from, rules: Arc::new(newest.rules) };
    let mut versions: Option<Versions> = None;
    for kept in store.wait(store.store().catalog_versions())? {
        if kept.effective_from >= effective_from {
            continue;
        }
        let (sources, detectors) = kept_catalog::unpack_rules(&kept.text);
        let older = loaded(&sources, &detectors).map_err(RulesError::Wrong)?;
        let older = Version {
            effective_from: kept.effective_from,
            rules: Arc::new(older.rules.hiding(hiding.clone()).keeping(raw)),
        };
        match &mut versions {
            Some(versions) => versions.install(older),
            None => versions = Some(Versions::new(older)),
        }
    }
    Ok(match versions {
        Some(mut versions) => {
            versions.install(newest);
            versions
        }
        None => Versions::new(Version { effective_from: FROM_THE_BEGINNING, ..newest }),
    })
}

/// What a reload came to.
#[derive(Debug, Clone)]
pub struct Reloaded {
    pub hashes: Hashes,
    /// From which event time on they judge, in microseconds; nothing where nothing changed.
    pub effective_from: Option<i64>,
    pub warnings: Vec<Problem>,
    /// Declared keys.
    pub keys: usize,
}

/// Brings changed rules to the running loop.
pub struct Reloader {
    files: RuleFiles,
    store: Arc<BlockingStore>,
    service: Handle,
    clock: Clock,
    current: Mutex<Hashes>,
    owners: OwnerBook,
}

impl Reloader {
    /// A reloader of `files`, whose content was `current` when it was loaded last.
    pub fn new(
        files: RuleFiles,
        store: Arc<BlockingStore>,
        service: Handle,
        clock: Clock,
        current: Hashes,
        owners: OwnerBook,
    ) -> Self {
        Self { files, store, service, clock, current: Mutex::new(current), owners }
    }

    /// Loads the files again. Blocks: no place for an async function.
    ///
    /// # Errors
    /// Where anything is wrong with them, or the store fails; the rules from before stay then.
    pub fn reload(&self) -> Result<Reloaded, RulesError> {
        // One at a time: versions are ordered.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Loaded { rules, hashes, warnings, packed } = self.files.load().map_err(RulesError::Wrong)?;
        let keys = rules.catalog.len();
        if hashes == *current {
            return Ok(Reloaded { hashes, effective_from: None, warnings, keys });
        }
        let owners = rules.catalog.ownerships();
        let (answer, installed) = bounded(1);
        let (store, now, hash) = (Arc::clone(&self.store), (self.clock)(), hashes.stored());
        self.service.install(Install {
            rules: Arc::new(rules),
            record: Box::new(move |judged_up_to| {
                store.wait(store.store().record_catalog(&hash, &packed, now, judged_up_to))
            }),
            installed: answer,
        });
        let effective_from = installed.recv().map_err(|_| RulesError::Stopping)??;
        *current = hashes.clone();
        self.owners.replace(owners);
        Ok(Reloaded { hashes, effective_from: Some(effective_from), warnings, keys })
    }
}
