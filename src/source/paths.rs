//! Finds the inputs that paths name: files, folders, globs, `-`.
//!
//! In: paths as a person wrote them. Out: inputs in a fixed order, each file once. Folders are walked to
//! the bottom in the order of names; nothing is left out by its name.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::error::SourceError;
use super::input::Input;

/// The path that means standard input.
const STDIN: &str = "-";

/// The inputs that `paths` name.
///
/// # Errors
/// Where a path cannot be opened, or a folder or glob holds no file.
pub fn find(paths: &[String]) -> Result<Vec<Input>, SourceError> {
    let mut found = Found::default();
    for path in paths {
        found.add(path)?;
    }
    if found.inputs.is_empty() { Err(SourceError::NoPaths) } else { Ok(found.inputs) }
}

#[derive(Default)]
struct Found {
    inputs: Vec<Input>,
    files: HashSet<(u64, u64)>,
    stdin: bool,
}

impl Found {
    fn add(&mut self, path: &str) -> Result<(), SourceError> {
        if path == STDIN {
            if !self.stdin {
                self.inputs.push(Input::stdin());
            }
            self.stdin = true;
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.add_folder(Path::new(path)),
            Ok(metadata) => {
                self.add_file(PathBuf::from(path), &metadata);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_glob(path) => self.add_glob(path),
            Err(cause) => Err(SourceError::Open { path: path.into(), cause }),
        }
    }

    fn add_file(&mut self, path: PathBuf, metadata: &Metadata) {
        if self.files.insert((metadata.dev(), metadata.ino())) {
            let size = metadata.is_file().then_some(metadata.len());
            self.inputs.push(Input::file(path, size));
        }
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), SourceError> {
        if self.add_below(folder, |_| true)? == 0 {
            return Err(SourceError::EmptyFolder { path: folder.into() });
        }
        Ok(())
    }

    fn add_glob(&mut self, pattern: &str) -> Result<(), SourceError> {
        let matcher = matcher(pattern)?;
        let matches = |path: &Path| path.ancestors().any(|path| matcher.is_match(path));
        if self.add_below(&base(pattern), matches)? == 0 {
            return Err(SourceError::NoMatch { pattern: pattern.into() });
        }
        Ok(())
    }

    /// Adds the files below a folder for which `wanted` holds, and says how many there were.
    fn add_below(&mut self, folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<usize, SourceError> {
        let mut count = 0;
        let root = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !root.exists() {
            return Ok(0);
        }
        for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.loop_ancestor().is_some() => continue, // walked already
                Err(error) => return Err(not_listed(folder, error)),
            };
            let path =
                if root == folder { entry.path() } else { entry.path().strip_prefix(root).unwrap_or(root) };
            if entry.file_type().is_file() && wanted(path) {
                let metadata = entry.metadata().map_err(|error| not_listed(path, error))?;
                self.add_file(path.to_path_buf(), &metadata);
                count += 1;
            }
        }
        Ok(count)
    }
}

fn not_listed(folder: &Path, error: walkdir::Error) -> SourceError {
    let path = error.path().unwrap_or(folder).to_path_buf();
    SourceError::List { path, cause: error.into() }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

fn matcher(pattern: &str) -> Result<GlobMatcher, SourceError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|cause| SourceError::Pattern { pattern: pattern.into(), cause })
}

/// The folder that everything which matches is in.
fn base(pattern: &str) -> PathBuf {
    let literal: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_str().is_some_and(is_glob))
        .collect();
    literal
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
