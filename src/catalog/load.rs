//! Files and folders to one catalog, with every problem found on the way.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Catalog;
use super::check;
use super::document::declaration::{ClassHead, Declaration, KeyHead};
use super::document::scalars::Pattern;
use super::document::sections::{Belonging, BlindSpot, CallerPlace, Defaults, ExceptionDocument};
use super::entry::{Entry, EntryKind};
use super::exceptions::Exceptions;
use super::index::Index;
use super::places::Places;
use super::principals::Groups;
use super::reader::Reader;
use super::version::Content;
use super::yaml::sections::walk;
use super::yaml::{Place, Problem, Severity};

/// Bytes of all files together: twenty times a catalog of 100,000 entries. More is a mistake.
const MAX_BYTES: u64 = 1 << 30;
/// Problems reported of one load; more would not be read.
const MAX_PROBLEMS: usize = 1_000;

/// A file's text under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    pub name: Arc<str>,
    pub text: String,
}

/// A catalog and what should be looked at in it.
#[derive(Debug)]
pub struct Loaded {
    pub catalog: Catalog,
    pub warnings: Vec<Problem>,
}

/// Why a catalog could not be loaded: at least one of the problems is an error.
#[derive(Debug, Clone, thiserror::Error)]
pub struct LoadError {
    /// In order of file, line and column; warnings too.
    pub problems: Vec<Problem>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        write!(f, "the catalog has {errors} error{}", if errors == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

/// Loads files, and of folders the YAML files in them.
pub(super) fn load(paths: &[PathBuf]) -> Result<Loaded, LoadError> {
    parse(&texts(paths)?)
}

/// The texts of files, and of folders those of the YAML files in them.
pub(super) fn texts(paths: &[PathBuf]) -> Result<Vec<SourceText>, LoadError> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    let mut bytes = 0;
    for path in paths {
        match files(path) {
            Ok(files) => files.iter().for_each(|file| read(file, &mut bytes, &mut sources, &mut problems)),
            Err(error) => problems.push(unreadable(path, &error.to_string())),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(LoadError { problems }) }
}

/// The file itself, or the YAML files of a folder in order of name.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let is_yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path, bytes: &mut u64, sources: &mut Vec<SourceText>, problems: &mut Vec<Problem>) {
    *bytes += std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    if *bytes > MAX_BYTES {
        problems.push(unreadable(file, "the catalog is larger than 1 GiB; is this the right path?"));
        return;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => sources.push(SourceText { name: file.display().to_string().into(), text }),
        Err(error) => problems.push(unreadable(file, &error.to_string())),
    }
}

fn unreadable(path: &Path, why: &str) -> Problem {
    let file = path.display().to_string().into();
    Problem::new(&file, Place::default(), Severity::Error, format!("cannot be read: {why}"))
}

/// Parses texts that are one catalog together.
pub(super) fn parse(sources: &[SourceText]) -> Result<Loaded, LoadError> {
    let mut parts = Parts::default();
    for source in sources {
        let mut reader = Reader::new(&source.name, &mut parts);
        walk(&source.text, &mut reader);
        reader.check_format();
    }
    parts.apply_classes();
    let mut problems = std::mem::take(&mut parts.problems);
    check::check(&parts, &mut problems);
    let catalog = parts.catalog(&mut problems);
    problems.sort_by(|left, right| {
        (&left.file, left.line, left.column, left.severity).cmp(&(
            &right.file,
            right.line,
            right.column,
            right.severity,
        ))
    });
    problems.dedup();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        problems.truncate(MAX_PROBLEMS);
        return Err(LoadError { problems });
    }
    // Before all time: nothing has expired, so only warnings by content are left.
    let warnings = catalog.lint(i64::MIN, false);
    Ok(Loaded { catalog, warnings })
}

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub keys: Vec<Written<KeyHead>>,
    pub classes: Vec<Written<ClassHead>>,
    pub defaults: Defaults,
    pub groups: Groups,
    pub callers: Vec<(Arc<str>, CallerPlace)>,
    pub accounts: BTreeMap<String, Belonging>,
    pub pipelines: Vec<(Arc<str>, Pattern)>,
    pub scanners: Vec<(Arc<str>, Pattern)>,
    pub exceptions: Vec<(Arc<str>, ExceptionDocument)>,
    pub blind_spots: Vec<BlindSpot>,
    pub problems: Vec<Problem>,
    pub content: Content,
}

/// An entry or class as it was written.
#[derive(Debug)]
pub(super) struct Written<H> {
    pub file: Arc<str>,
    pub head: H,
    pub declaration: Box<Declaration>,
    /// Something in it was wrong and is left out, so what is missing may just be unreadable.
    pub is_flawed: bool,
}

impl Parts {
    /// Gives every entry the fields of its class.
    fn apply_classes(&mut self) {
        let classes: HashMap<&str, &Declaration> =
            self.classes.iter().map(|class| (&*class.head.id.text, &*class.declaration)).collect();
        for key in &mut self.keys {
            let class = key.head.extends.as_ref().and_then(|name| classes.get(&*name.text));
            if let Some(class) = class {
                key.declaration.inherit(class);
            }
        }
    }

    /// The catalog of nothing but what was read so far.
    pub fn into_catalog(self) -> Catalog {
        self.catalog(&mut Vec::new())
    }

    fn catalog(self, problems: &mut Vec<Problem>) -> Catalog {
        let mut index = Index::default();
        let mut entries = Vec::with_capacity(self.keys.len() + self.classes.len() + 1);
        for Written { file, head, declaration, .. } in self.keys {
            entries.push(Entry::new(head.id, file, EntryKind::Key, head.keys, declaration));
        }
        let mut criteria = Vec::new();
        for Written { file, head, declaration, .. } in self.classes {
            criteria.extend(head.criteria.map(|criteria| (entries.len() as u32, head.priority, criteria)));
            entries.push(Entry::new(head.id, file, EntryKind::Class, Box::default(), declaration));
        }
        let places =
            Places::new(self.callers.into_iter().map(|(_, place)| place).collect(), self.accounts, &entries);
        apply_defaults(&mut entries, &self.defaults);
        for (place, entry) in entries.iter().enumerate() {
            for clash in index.add(place as u32, entry) {
                problems.push(check::clash(&entries, &clash));
            }
        }
        for (entry, priority, criteria) in criteria {
            index.add_class(entry, priority, criteria);
        }
        index.set_aws_managed(entries.len() as u32);
        entries.push(Entry::aws_managed());
        let ids = ids(&entries);
        let exceptions = self.exceptions.iter().filter_map(|(file, written)| check::exception(file, written));
        Catalog {
            exceptions: Exceptions::new(exceptions.collect(), &ids),
            index,
            entries,
            groups: self.groups,
            places,
            pipelines: self.pipelines.into_iter().map(|(_, pattern)| pattern).collect(),
            scanners: self.scanners.into_iter().map(|(_, pattern)| pattern).collect(),
            blind_spots: self.blind_spots,
            version: self.content.version(),
        }
    }
}

fn ids(entries: &[Entry]) -> HashMap<Arc<str>, u32> {
    entries.iter().enumerate().map(|(place, entry)| (Arc::clone(&entry.id.text), place as u32)).collect()
}

fn apply_defaults(entries: &mut [Entry], defaults: &Defaults) {
    for entry in entries {
        let declaration = &mut entry.declaration;
        if declaration.environment.is_none() && defaults.environment.is_some() {
            declaration.environment.clone_from(&defaults.environment);
            entry.constrained.insert(crate::domain::verdict::Aspect::Environment);
        }
        declaration.mode = declaration.mode.or(defaults.mode);
    }
}
