//! Loads detectors: from a folder, or those that are part of the program.
//!
//! In: YAML files. Out: detectors with their expressions compiled, sorted by id, or every problem in
//! every file.

use std::path::{Path, PathBuf};

use super::cases::Case;
use super::document::Status;
use super::reading;
use super::requirement::Requirement;
use super::sigma::{self, Sigma};
use super::window::rule::Window;
use crate::domain::alert::Notice;
use crate::domain::identity::digest;
use crate::domain::level::Level;
use crate::domain::member::Members;
use crate::domain::problem::{Problem, Severity};
use crate::sql::expression::{Compiler, Expression};
use crate::table::columns::{Column, events_schema};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded_detectors.rs"));
}

/// Size of one detector file, in bytes; with its cases the longest of ours has a tenth of it.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// A detector that was read, checked and compiled.
#[derive(Debug, Clone)]
pub struct Detector {
    pub id: String,
    pub title: String,
    pub level: Level,
    pub status: Status,
    pub description: String,
    /// True for a finding; with a window, for a row that enters it.
    pub expression: Expression,
    /// The columns whose values fold findings into one alert.
    pub alert_by: Vec<Column>,
    /// How long one alert spans, in microseconds of event time.
    pub alert_span: i64,
    /// When people are told of its alerts.
    pub notice: Notice,
    pub requires: Vec<Requirement>,
    pub tags: Vec<String>,
    pub false_positives: Vec<String>,
    pub runbook: String,
    pub references: Vec<String>,
    pub author: Option<String>,
    pub related: Vec<String>,
    /// What it remembers, where one event is not enough.
    pub window: Option<Window>,
    pub cases: Vec<Case>,
    /// What it reads of raw records beside the columns.
    pub members: Members,
    /// What there is to tell of it where it was a Sigma rule.
    pub sigma: Option<Sigma>,
    pub file: PathBuf,
    /// Line of the id.
    pub line: usize,
    /// Column of the id, in characters.
    pub column: usize,
    /// SHA-256 of the file: another text is another version of the detector.
    pub content: [u8; 32],
}

impl Detector {
    /// Why this detector is not evaluated, if it is not.
    pub fn set_aside(&self) -> Option<String> {
        let aside = self.sigma.as_ref().and_then(|sigma| sigma.aside.as_ref());
        if let Some((told, _)) = aside {
            return Some(format!("not evaluated: {told}"));
        }
        (self.status == Status::Deprecated).then(|| "not evaluated: deprecated".to_owned())
    }
}

/// A set of detectors, sorted by id.
#[derive(Debug, Clone, Default)]
pub struct Detectors {
    all: Vec<Detector>,
    /// What deserves attention in files and is no single detector's.
    warnings: Vec<Problem>,
}

impl Detectors {
    /// The detectors that are part of the program.
    ///
    /// # Errors
    /// Every problem; a test makes sure that there is none.
    pub fn embedded() -> Result<Self, Vec<Problem>> {
        Self::embedded_and(&[])
    }

    /// The detectors that are part of the program, and those written in these texts, each with a file
    /// name.
    ///
    /// # Errors
    /// Every problem in every text.
    pub fn embedded_and(others: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let own = embedded::FILES.iter().map(|(name, text)| (Path::new("detectors").join(name), *text));
        let others = others.iter().map(|(name, text)| (PathBuf::from(name), text.as_str()));
        Self::of_texts(own.chain(others))
    }

    /// The detectors that are part of the program beside those written in these texts, each with the file
    /// it came from. One of theirs with the id of a built-in one takes its place.
    ///
    /// # Errors
    /// Every problem in every text.
    pub fn embedded_beside(texts: &[(PathBuf, String)]) -> Result<Self, Vec<Problem>> {
        let theirs = Self::of_texts(texts.iter().map(|(file, text)| (file.clone(), text.as_str())))?;
        let mut all = Self::embedded()?.all;
        all.retain(|own| theirs.all.binary_search_by(|other| other.id.cmp(&own.id)).is_err());
        all.extend(theirs.all);
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Self { all, warnings: theirs.warnings })
    }

    /// The texts of these files and of those in these folders, each with its file.
    ///
    /// # Errors
    /// Every file that cannot be read.
    pub fn texts(paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Vec<Problem>> {
        let (mut texts, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match files_of(path) {
                Ok(files) => {
                    let (read, mut found) = read_all(files);
                    texts.extend(read);
                    problems.append(&mut found);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(texts) } else { Err(problems) }
    }

    /// The content hash of the whole set, SHA-256 in hex.
    pub fn version(&self) -> String {
        let contents: Vec<&[u8]> = self.all.iter().map(|detector| detector.content.as_slice()).collect();
        digest(&contents).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The detectors of a folder: every `.yaml` and `.yml` file directly in it, or one file.
    ///
    /// # Errors
    /// Every problem in every file.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let files = files_of(path).map_err(|problem| vec![problem])?;
        let (texts, mut problems) = read_all(files);
        let loaded = Self::of_texts(texts.iter().map(|(file, text)| (file.clone(), text.as_str())));
        match loaded {
            Ok(detectors) if problems.is_empty() => Ok(detectors),
            Ok(_) => Err(problems),
            Err(others) => {
                problems.extend(others);
                Err(problems)
            }
        }
    }

    /// The detectors written in these texts, each with the file it came from.
    ///
    /// # Errors
    /// Every problem in every text.
    pub fn of_texts<'t>(texts: impl IntoIterator<Item = (PathBuf, &'t str)>) -> Result<Self, Vec<Problem>> {
        let compiler = Compiler::new(&events_schema())
            .map_err(|error| vec![Problem::error("detectors", 0, 0, error.to_string())])?;
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        let (theirs, ours): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(_, text)| sigma::is_sigma(text));
        for (file, text) in ours {
            let (detector, mut found) = reading::read(&compiler, &file, text);
            all.extend(detector);
            problems.append(&mut found);
        }
        let translation = sigma::translate(&theirs);
        let mut warnings = translation.problems;
        problems.extend(warnings.extract_if(.., |problem| problem.severity == Severity::Error));
        for translated in &translation.detectors {
            let (detector, mut found) = reading::read_translated(&compiler, translated);
            all.extend(detector);
            problems.append(&mut found);
        }
        all.sort_by(|one, other| (&one.id, &one.file).cmp(&(&other.id, &other.file)));
        problems.extend(duplicates(&all));
        if problems.is_empty() { Ok(Self { all, warnings }) } else { Err(problems) }
    }

    /// The detectors, sorted by id.
    pub fn iter(&self) -> std::slice::Iter<'_, Detector> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What does not stop a detector from working but should not stay: a missing runbook, description
    /// or case. `keyward check` shows it.
    pub fn lint(&self) -> Vec<Problem> {
        let warnings = self.warnings.iter().cloned();
        warnings.chain(self.all.iter().flat_map(lint)).collect()
    }

    /// The same, but Sigma rules that ask for records of which none becomes an event are set aside. `reads`
    /// tells whether calls of a source and a name do, either of them left open or given.
    #[must_use]
    pub fn where_records(mut self, reads: &dyn Fn(Option<&str>, Option<&str>) -> bool) -> Self {
        for detector in &mut self.all {
            let place = (detector.line, detector.column);
            if let Some(sigma) = &mut detector.sigma {
                sigma.where_records(place, reads);
            }
        }
        self
    }
}

fn lint(detector: &Detector) -> Vec<Problem> {
    if let Some(sigma) = &detector.sigma {
        let place = sigma.aside.as_ref().map_or((detector.line, detector.column), |(_, place)| *place);
        let all =
            detector.set_aside().map(|told| (told, place)).into_iter().chain(sigma.notes.iter().cloned());
        return all
            .map(|(told, (line, column))| {
                Problem::warning(&detector.file, line, column, format!("{}: {told}", detector.id))
            })
            .collect();
    }
    let evaluated = detector.status != Status::Deprecated;
    let fires = detector.cases.iter().any(|case| !case.expect.is_empty());
    let silent = detector.cases.iter().any(|case| case.expect.is_empty());
    let lacks = [
        (
            detector.description.trim().is_empty(),
            "say in `description` what it finds and what it does not see",
        ),
        (detector.runbook.trim().is_empty(), "say in `runbook` what to do when it fires"),
        (detector.false_positives.is_empty(), "say in `false_positives` what else looks like this"),
        (evaluated && !fires, "add a case that fires"),
        (evaluated && !silent, "add a case that stays silent"),
    ];
    let lacking = lacks.into_iter().filter(|(lacks, _)| *lacks);
    let case_error =
        |told: &str| if told.starts_with("add a case") { Severity::Error } else { Severity::Warning };
    lacking
        .map(|(_, told)| Problem {
            severity: case_error(told),
            ..Problem::error(
                &detector.file,
                detector.line,
                detector.column,
                format!("{}: {told}", detector.id),
            )
        })
        .collect()
}

fn duplicates(sorted: &[Detector]) -> Vec<Problem> {
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs
        .filter(|(one, other)| one.id == other.id)
        .map(|(one, other)| {
            let told = format!("detector {} is also in {}", other.id, one.file.display());
            Problem::error(&other.file, other.line, other.column, told)
        })
        .collect()
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let cannot = |error: std::io::Error| Problem::error(path, 0, 0, format!("could not be read: {error}"));
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read_all(files: Vec<PathBuf>) -> (Vec<(PathBuf, String)>, Vec<Problem>) {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match read(&file) {
            Ok(text) => texts.push((file, text)),
            Err(told) => problems.push(Problem::error(file, 0, 0, told)),
        }
    }
    (texts, problems)
}

fn read(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| format!("could not be read: {error}"))?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("is {size} bytes long, {MAX_FILE_BYTES} are allowed"));
    }
    std::fs::read_to_string(file).map_err(|error| format!("could not be read: {error}"))
}

#[cfg(test)]
#[path = "detectors_tests.rs"]
mod tests;
