//! The key-purpose catalog and the judge: what each key is for, and whether a use of it fits.
//!
//! In: catalog files (`JUDGING.md` §2 is the contract), and Arrow batches of key events. Out: the same
//! batches with the judge's columns, explanations of single verdicts, and the catalog itself as tables.
//! It leaves to others: keeping versions and choosing the one in force (`store`, `pipeline`), findings
//! (`detect`), and where the aliases it is told come from (`pipeline`).
//!
//! The path of a catalog: [`yaml`] (text to placed values) → [`document`] (what they may be) → [`load`]
//! (files, section by section, to one catalog) → [`check`] (what must hold across entries) → [`index`] (names to entries).
//! The path of an event: [`index`] finds its entry → [`judge`] holds it against the declaration, one
//! file a group of aspects → columns.

pub mod aliases;
mod check;
mod dated;
pub mod document;
mod entry;
mod exceptions;
pub mod explain;
mod export;
mod glob;
mod globs;
mod index;
pub mod judge;
mod lint;
mod load;
mod places;
mod principals;
mod reader;
mod version;
pub mod yaml;

use std::path::PathBuf;

pub use self::aliases::AliasBook;
pub use self::document::schema::json_schema;
pub use self::explain::Explanation;
pub use self::load::{LoadError, Loaded, SourceText};
pub use self::yaml::{Problem, Severity};

use self::document::scalars::Pattern;
use self::document::sections::BlindSpot;
use self::entry::Entry;
use self::exceptions::Exceptions;
use self::index::Index;
use self::places::Places;
use self::principals::Groups;
use self::version::Version;

/// A catalog, checked and ready to judge with. Immutable.
#[derive(Debug)]
pub struct Catalog {
    /// Declared keys, then classes, then the built-in class of AWS-managed keys.
    entries: Vec<Entry>,
    index: Index,
    groups: Groups,
    places: Places,
    pipelines: Box<[Pattern]>,
    scanners: Box<[Pattern]>,
    exceptions: Exceptions,
    blind_spots: Vec<BlindSpot>,
    version: Version,
}

impl Catalog {
    /// Reads the catalog from files and folders; of a folder, all `*.yaml` and `*.yml` in it, by name.
    ///
    /// # Errors
    /// With every problem found, each with file, line and column, where any is an error.
    pub fn load(paths: &[PathBuf]) -> Result<Loaded, LoadError> {
        load::load(paths)
    }

    /// The texts that [`Self::load`] reads, for whoever keeps them.
    ///
    /// # Errors
    /// With every file that cannot be read.
    pub fn texts(paths: &[PathBuf]) -> Result<Vec<SourceText>, LoadError> {
        load::texts(paths)
    }

    /// Reads the catalog from texts; together they are one catalog.
    ///
    /// # Errors
    /// With every problem found, each with file, line and column, where any is an error.
    pub fn parse(sources: &[SourceText]) -> Result<Loaded, LoadError> {
        load::parse(sources)
    }

    /// The catalog that declares nothing. AWS-managed keys are still known for what they are.
    pub fn empty() -> Self {
        load::Parts::default().into_catalog()
    }

    /// The content hash, SHA-256 in hex: the same for the same declarations, whatever their order,
    /// layout and comments.
    pub fn version(&self) -> &str {
        self.version.full()
    }

    /// The first digits of [`Self::version`], as shown to people and kept with events.
    pub fn short_version(&self) -> &str {
        self.version.short()
    }

    /// How many keys are declared by name.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_key()).count()
    }

    /// Whether no key is declared by name.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is declared not to be watched.
    pub fn blind_spots(&self) -> &[BlindSpot] {
        &self.blind_spots
    }

    /// Warnings that depend on the day, and with `strict` what else a complete catalog has.
    /// `now` is in microseconds since the epoch.
    pub fn lint(&self, now: i64, strict: bool) -> Vec<Problem> {
        lint::lint(self, now, strict)
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        self.entries.get(place as usize)
    }
}

#[cfg(test)]
mod tests;
