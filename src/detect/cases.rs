//! A detector's own proof: log records, and what it must find in them.
//!
//! In: the cases of a detector file, and a way to judge their records that the caller gives, since
//! normalizing and judging are other stages. Out: a problem at the line of every case that fails.

use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value};

use super::detectors::Detector;
use super::document::CaseDocument;
use super::engine::{Engine, Entering};
use super::findings::list;
use super::repeated;
use super::requirement::named_column;
use super::window::memory::Pace;
use super::window::windows::Windows;
use crate::domain::problem::Problem;
use crate::domain::time::parse_rfc3339;
use crate::table::columns::{COLUMNS, Column, Kind};
use crate::table::rows::Rows;

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub name: String,
    /// Line in the detector's file.
    pub line: usize,
    pub column: usize,
    catalog: CaseCatalog,
    /// As written: repetitions are one.
    events: Vec<Value>,
    /// The findings, each by some of its event's columns; empty where the detector stays silent.
    pub expect: Vec<Map<String, Value>>,
}

/// What a case gives to the stages before detection.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseInput {
    pub catalog: CaseCatalog,
    pub records: Vec<CaseRecord>,
}

/// The catalog of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum CaseCatalog {
    /// No key is declared.
    None,
    /// Written out in the case.
    Inline(Value),
    File(PathBuf),
}

/// Log records of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseRecord {
    /// One record as the provider writes it: JSON text.
    Json(String),
    /// A file of records in any envelope.
    File(PathBuf),
}

/// Judges the records of a case by its catalog: the real path up to detection.
pub type Judge<'j> = dyn Fn(&CaseInput) -> Result<RecordBatch, String> + 'j;

/// Reads a case of the detector in `file`.
///
/// # Errors
/// What is wrong with it.
pub fn read(document: &CaseDocument, (line, column): (usize, usize), file: &Path) -> Result<Case, String> {
    let catalog = match &document.catalog {
        None | Some(Value::Null) => CaseCatalog::None,
        Some(Value::String(path)) => CaseCatalog::File(beside(file, path)),
        Some(inline @ Value::Object(_)) => CaseCatalog::Inline(inline.clone()),
        Some(_) => return Err("`catalog` is a catalog written out, or the path of one".to_owned()),
    };
    repeated::check(&document.events)?;
    if !document.events.iter().all(|event| event.is_object() || event.is_string()) {
        return Err(NO_RECORD.to_owned());
    }
    if document.events.is_empty() {
        return Err(format!("case `{}` has no events", document.name));
    }
    for name in document.expect.iter().flat_map(Map::keys) {
        named_column(name)?;
    }
    let (name, events, expect) = (document.name.clone(), document.events.clone(), document.expect.clone());
    Ok(Case { name, line, column, catalog, events, expect })
}

impl Case {
    /// What it gives to the stages before detection, where it is a case of the detector in `file`.
    ///
    /// # Errors
    /// What is wrong with its events; [`read`] has found that already.
    pub fn input(&self, file: &Path) -> Result<CaseInput, String> {
        let events = repeated::expand(&self.events)?;
        let records = events.iter().map(|event| record(event, file)).collect::<Result<Vec<_>, _>>()?;
        Ok(CaseInput { catalog: self.catalog.clone(), records })
    }
}

/// What is told of an event that is none.
const NO_RECORD: &str = "an event is a log record, its text, or `file: path`";

fn record(event: &Value, file: &Path) -> Result<CaseRecord, String> {
    match event {
        Value::Object(fields) => match (fields.len(), fields.get("file")) {
            (1, Some(Value::String(path))) => Ok(CaseRecord::File(beside(file, path))),
            _ => Ok(CaseRecord::Json(event.to_string())),
        },
        Value::String(line) => Ok(CaseRecord::Json(line.clone())),
        _ => Err(NO_RECORD.to_owned()),
    }
}

/// A path as the case means it: from the detector's folder, from the folder above, or from here.
fn beside(file: &Path, path: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let above = folder.parent().unwrap_or(folder);
    let places = [folder.join(path), above.join(path)];
    places.into_iter().find(|place| place.exists()).unwrap_or_else(|| PathBuf::from(path))
}

/// Runs every case of every detector that is evaluated.
pub fn run(engine: &Engine, judge: &Judge<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, detector) in engine.detectors().iter().enumerate() {
        if detector.set_aside().is_some() {
            continue;
        }
        for case in &detector.cases {
            let ran =
                case.input(&detector.file).and_then(|input| run_one(engine, place, case, &input, judge));
            if let Err(told) = ran {
                let told = format!("{}, case `{}`: {told}", detector.id, case.name);
                problems.push(Problem::error(&detector.file, case.line, case.column, told));
            }
        }
    }
    problems
}

/// How many cases [`run`] runs.
pub fn count(engine: &Engine) -> usize {
    let evaluated = engine.detectors().iter().filter(|detector| detector.set_aside().is_none());
    evaluated.map(|detector: &Detector| detector.cases.len()).sum()
}

fn run_one(
    engine: &Engine,
    place: usize,
    case: &Case,
    input: &CaseInput,
    judge: &Judge<'_>,
) -> Result<(), String> {
    let batch = judge(input)?;
    let hits = engine.run(&batch);
    if let Some(failure) = hits.failures.iter().find(|failure| failure.detector == place) {
        return Err(format!("the expression failed: {}", failure.message));
    }
    let fired = match engine.detectors().get(place).is_some_and(|detector| detector.window.is_some()) {
        true => fired_by_window(engine, place, hits.entering, &batch),
        false => hits.hits.iter().filter(|hit| hit.detector == place).map(|hit| hit.row).collect(),
    };
    compare(&batch, fired, &case.expect)
}

/// The rows that stand for what a detector's window finds in all of them.
fn fired_by_window(
    engine: &Engine,
    place: usize,
    mut entering: Vec<Entering>,
    batch: &RecordBatch,
) -> Vec<usize> {
    entering.retain(|rows| rows.detector == place);
    let mut windows = Windows::of(engine, Pace::AtTheEnd);
    windows.add(batch, &entering);
    let rows = Rows::of(batch);
    let row_of = |event: &str| {
        let mut entered = entering.iter().flat_map(|entered| entered.rows.set_indices());
        entered.find(|row| rows.text(Column::EventId, *row) == Some(event))
    };
    windows.finish().iter().filter_map(|(finding, _)| row_of(&finding.event_id)).collect()
}

/// Each expectation takes one of the rows that fired, and none may be left.
fn compare(batch: &RecordBatch, mut fired: Vec<usize>, expect: &[Map<String, Value>]) -> Result<(), String> {
    let mut by_detail: Vec<_> = expect.iter().collect();
    by_detail.sort_by_key(|wanted| std::cmp::Reverse(wanted.len()));
    for wanted in by_detail {
        match fired.iter().position(|row| fits(batch, *row, wanted)) {
            Some(found) => {
                fired.remove(found);
            }
            None => return Err(format!("expected {}; {}", written(wanted), got(batch, &fired))),
        }
    }
    match fired.as_slice() {
        [] => Ok(()),
        rows => Err(format!(
            "expected nothing{}; {}",
            if expect.is_empty() { "" } else { " more" },
            got(batch, rows)
        )),
    }
}

fn written(wanted: &Map<String, Value>) -> String {
    Value::Object(wanted.clone()).to_string()
}

/// Rows that a message tells of: more would not fit a line.
const ROWS_TOLD: usize = 4;

fn got(batch: &RecordBatch, fired: &[usize]) -> String {
    let rows: Vec<usize> = if fired.is_empty() { (0..batch.num_rows()).collect() } else { fired.to_vec() };
    let told: Vec<_> = rows.iter().take(ROWS_TOLD).map(|row| sketch(batch, *row)).collect();
    let more = rows.len().saturating_sub(ROWS_TOLD);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    match (fired.is_empty(), batch.num_rows()) {
        (true, 0) => "it did not fire: the records gave no event".to_owned(),
        (true, _) => format!("it did not fire on {}{rest}", told.join(", ")),
        (false, _) => format!("it fired on {}{rest}", told.join(", ")),
    }
}

/// What detectors mostly look at.
fn sketch(batch: &RecordBatch, row: usize) -> String {
    let shown = [
        Column::Action,
        Column::Function,
        Column::Outcome,
        Column::KeyId,
        Column::Principal,
        Column::Verdict,
    ];
    let rows = Rows::of(batch);
    let words: Vec<_> = shown
        .into_iter()
        .filter_map(|column| rows.text(column, row).map(|word| format!("{}: {word}", column.name())))
        .chain([format!("violations: [{}]", list(batch, Column::Violations, row).join(", "))])
        .collect();
    format!("{{ {} }}", words.join(", "))
}

fn fits(batch: &RecordBatch, row: usize, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| {
        let spec = COLUMNS.iter().find(|spec| spec.name == name);
        spec.is_some_and(|spec| holds(batch, row, spec.column, spec.kind, value))
    })
}

fn holds(batch: &RecordBatch, row: usize, column: Column, kind: Kind, value: &Value) -> bool {
    let rows = Rows::of(batch);
    match (kind, value) {
        (Kind::Word | Kind::Text, Value::String(text)) => rows.text(column, row) == Some(text),
        (Kind::Word | Kind::Text, Value::Null) => rows.text(column, row).is_none(),
        (Kind::Integer, number) => rows.integer(column, row) == number.as_i64(),
        (Kind::Flag, flag) => rows.flag(column, row) == flag.as_bool(),
        (Kind::Time, Value::String(text)) => rows.time(column, row) == parse_rfc3339(text),
        (Kind::Words, Value::Array(words)) => {
            let words: Option<Vec<_>> = words.iter().map(Value::as_str).collect();
            words.is_some_and(|words| words == list(batch, column, row))
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "cases_tests.rs"]
mod tests;
