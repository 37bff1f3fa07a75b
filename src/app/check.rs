//! Proves rules before they are trusted: runs every detector's cases through the real path, and plans
//! every question against the tables.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::load;
use crate::catalog::{Catalog, SourceText};
use crate::detect::cases::{CaseCatalog, CaseInput, CaseRecord};
use crate::detect::engine::Engine;
use crate::detect::table::findings_schema;
use crate::domain::problem::Problem;
use crate::history::Snapshot;
use crate::pipeline::rules::Rules;
use crate::pipeline::scan::scan;
use crate::source::{Input, Limits, Reader};
use crate::sql::question::Question;
use crate::sql::session;
use crate::store::Store;
use crate::table::columns::events_schema;

/// Judges the records of a detector's case: the path of a scan, up to detection.
///
/// # Errors
/// What is wrong with the case, or with what became of its records.
pub fn judge_case(engine: &Engine, input: &CaseInput) -> Result<RecordBatch, String> {
    let rules = Rules::new(case_catalog(&input.catalog)?, engine.clone());
    let mut reader = Reader::new(case_inputs(&input.records), Limits::default());
    let mut batches = Vec::new();
    let mut rejects = Vec::new();
    scan(&mut reader, &rules, 1, 0, &mut |step| {
        rejects.extend(step.rejects.into_iter().map(|refused| refused.reject.detail));
        batches.push(step.judged.batch);
        Ok(None)
    })
    .map_err(|error| error.to_string())?;
    if !rejects.is_empty() {
        return Err(format!("a record was rejected: {}", rejects.join("; ")));
    }
    concat_batches(&events_schema(), &batches).map_err(|error| error.to_string())
}

fn case_catalog(catalog: &CaseCatalog) -> Result<Catalog, String> {
    match catalog {
        CaseCatalog::None => Ok(Catalog::empty()),
        CaseCatalog::File(path) => {
            load::catalog(std::slice::from_ref(path)).map(|loaded| loaded.0).map_err(first)
        }
        CaseCatalog::Inline(value) => {
            // JSON is YAML.
            let source = SourceText { name: "catalog of the case".into(), text: value.to_string() };
            let loaded = Catalog::parse(&[source]);
            loaded.map(|loaded| loaded.catalog).map_err(|error| error.to_string())
        }
    }
}

fn case_inputs(records: &[CaseRecord]) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut lines = Vec::new();
    for record in records {
        match record {
            CaseRecord::Json(text) => {
                lines.extend_from_slice(text.as_bytes());
                lines.push(b'\n');
            }
            CaseRecord::File(path) => inputs.push(Input::file(path.clone(), None)),
        }
    }
    inputs.push(Input::stream("case", Cursor::new(lines)));
    inputs
}

fn first(problems: Vec<Problem>) -> String {
    problems.first().map(ToString::to_string).unwrap_or_default()
}

/// Questions that were read, and the problems of those that could not be.
#[derive(Debug, Default)]
pub struct Questions {
    pub files: Vec<(PathBuf, Question)>,
    pub problems: Vec<Problem>,
}

/// Reads the questions of a folder.
///
/// # Errors
/// Where the folder or a file cannot be read.
pub fn questions(folder: &Path) -> std::io::Result<Questions> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "sql"));
    paths.sort();
    let mut read = Questions::default();
    for path in paths {
        match Question::parse(&path, &fs::read_to_string(&path)?) {
            Ok(question) => read.files.push((path, question)),
            Err(problems) => read.problems.extend(problems),
        }
    }
    Ok(read)
}

/// Plans every question against empty tables, and holds its header against the plan.
///
/// # Errors
/// Where the empty tables cannot be made.
pub fn plan_questions(questions: &Questions) -> anyhow::Result<Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let limits = session::Limits::default();
        let context = session::open(&limits)?;
        // A folder that is not there reads as an empty history.
        let store = Store::open_read_only(Path::new("/nonexistent/keyward")).await?;
        let catalog = Catalog::empty().entries()?;
        Snapshot::take(&store).await?.register(&context, &findings_schema(), catalog).await?;
        let mut problems = Vec::new();
        for (path, question) in &questions.files {
            let line = question.header_lines + 1;
            match session::plan(&context, &question.sql, &limits).await {
                Err(error) => problems.push(Problem::error(path, line, 0, error.to_string())),
                Ok(frame) => {
                    let names: Vec<_> =
                        frame.schema().fields().iter().map(|field| field.name().clone()).collect();
                    if names != question.columns {
                        let told = format!(
                            "the header says `columns: {}`, the answer has {}",
                            question.columns.join(", "),
                            names.join(", ")
                        );
                        problems.push(Problem::error(path, 1, 0, told));
                    }
                }
            }
        }
        Ok(problems)
    })
}
