//! Reads one detector file: its form, its expressions, its cases.
//!
//! In: YAML text. Out: a detector, and every problem with its line and column in the file.

use std::path::Path;

use serde_saphyr::{Location, Spanned};

use super::cases::{self, Case};
use super::detectors::Detector;
use super::document::Document;
use super::position;
use super::requirement::{self, Requirement};
use super::sigma::Translated;
use super::window::document::{WindowDocument, parse_duration};
use super::window::rule::{Parts, Window};
use crate::domain::alert::{DAY, Notice};
use crate::domain::identity::digest;
use crate::domain::member::Members;
use crate::domain::problem::Problem;
use crate::sql::expression::{Compiler, Expression};
use crate::table::columns::{COLUMNS, Column, Kind};

/// The longest that one alert may span, in seconds: a year. Longer ones would hide that it is still going on.
const LONGEST_ALERT: u64 = 366 * 86_400;

/// The detector in `text`, unless its form or its expression is wrong, and every problem found.
pub fn read(compiler: &Compiler, file: &Path, text: &str) -> (Option<Detector>, Vec<Problem>) {
    let mut reading = Reading { compiler, file, text, problems: Vec::new() };
    let detector = reading.detector();
    (detector, reading.problems)
}

/// The detector of a Sigma rule; problems are placed where the rule begins.
pub fn read_translated(compiler: &Compiler, from: &Translated) -> (Option<Detector>, Vec<Problem>) {
    let (detector, problems) = read(compiler, &from.file, &from.document);
    let (line, column) = from.place;
    let placed = |problem| Problem { line, column, ..problem };
    let detector = detector.map(|detector| Detector {
        line,
        column,
        members: from.members.clone(),
        sigma: Some(from.sigma.clone()),
        content: from.content,
        ..detector
    });
    (detector, problems.into_iter().map(placed).collect())
}

/// One file being read.
struct Reading<'a> {
    compiler: &'a Compiler,
    file: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn detector(&mut self) -> Option<Detector> {
        let document = self.document()?;
        let expression = self.expression(&document.expression);
        let alert_by = self.columns(&document.alert_by);
        let requires = self.requirements(&document.requires);
        let alert_span = self.alert_span(document.alert_span.as_ref());
        self.check_id(&document.id);
        let window = self.window(&document);
        let cases = self.cases(&document);
        Some(Detector {
            expression: expression?,
            alert_by: if alert_by.is_empty() { vec![Column::KeyId, Column::Principal] } else { alert_by },
            alert_span,
            notice: document.notice.unwrap_or(Notice::AtOnce),
            requires,
            cases,
            members: Members::default(),
            sigma: None,
            file: self.file.to_owned(),
            line: document.id.referenced.line() as usize,
            column: document.id.referenced.column() as usize,
            content: digest(&[self.text.as_bytes()]),
            id: document.id.value,
            title: document.title,
            level: document.level,
            status: document.status,
            description: document.description,
            tags: document.tags,
            false_positives: document.false_positives.0,
            runbook: document.runbook,
            references: document.references,
            author: document.author,
            related: document.related,
            window,
        })
    }

    fn document(&mut self) -> Option<Document> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        match serde_saphyr::from_str_with_options(self.text, options) {
            Ok(document) => Some(document),
            Err(error) => {
                let (line, column) =
                    error.location().map_or((0, 0), |place| (place.line() as usize, place.column() as usize));
                self.problems.push(Problem::error(self.file, line, column, bare(&error.to_string())));
                None
            }
        }
    }

    fn report(&mut self, place: Location, told: impl Into<String>) {
        let (line, column) = (place.line() as usize, place.column() as usize);
        self.problems.push(Problem::error(self.file, line, column, told));
    }

    fn check_id(&mut self, id: &Spanned<String>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if id.value.is_empty() || !id.value.chars().all(plain) {
            self.report(id.referenced, "an id is made of letters, digits, `-`, `_` and `.`");
        }
    }

    fn expression(&mut self, written: &Spanned<String>) -> Option<Expression> {
        let mistakes = match self.compiler.compile(&written.value) {
            Ok(expression) => return Some(expression),
            Err(mistakes) => mistakes,
        };
        let start = written.referenced.span().byte_offset();
        for mistake in mistakes {
            let (line, column) = match start {
                Some(start) => {
                    position::in_file(self.text, start as usize, &written.value, mistake.line, mistake.column)
                }
                None => (written.referenced.line() as usize, written.referenced.column() as usize),
            };
            self.problems.push(Problem::error(self.file, line, column, mistake.to_string()));
        }
        None
    }

    fn columns(&mut self, names: &[Spanned<String>]) -> Vec<Column> {
        let mut columns = Vec::new();
        for name in names {
            match requirement::named_column(&name.value) {
                Ok(column) => columns.push(column),
                Err(told) => self.report(name.referenced, told),
            }
        }
        columns
    }

    fn alert_span(&mut self, written: Option<&Spanned<String>>) -> i64 {
        let Some(written) = written else { return DAY };
        let seconds = parse_duration(&written.value).filter(|seconds| *seconds <= LONGEST_ALERT);
        match seconds.and_then(|seconds| i64::try_from(seconds).ok()) {
            Some(seconds) => seconds * 1_000_000,
            None => {
                let told =
                    format!("`alert_span: {}` is no time span up to 366d: write 24h, 30d", written.value);
                self.report(written.referenced, told);
                DAY
            }
        }
    }

    fn requirements(&mut self, words: &[Spanned<String>]) -> Vec<Requirement> {
        let mut requirements = Vec::new();
        for word in words {
            match Requirement::parse(&word.value) {
                Ok(requirement) => requirements.push(requirement),
                Err(told) => self.report(word.referenced, told),
            }
        }
        requirements
    }

    /// The window, unless something is wrong with it, which is told then.
    fn window(&mut self, document: &Document) -> Option<Window> {
        let window = document.window.as_ref()?;
        let before = self.problems.len();
        for told in window.value.mistakes() {
            self.report(window.referenced, told);
        }
        let parts = self.parts(&window.value, &document.expression);
        let is_right = self.problems.len() == before;
        Window::of(&window.value, parts).filter(|_| is_right)
    }

    fn parts(&mut self, window: &WindowDocument, entering: &Spanned<String>) -> Parts {
        Parts {
            group_by: self.grouping_columns(&window.group_by),
            of: self.grouping_columns(window.of.as_slice()).first().copied(),
            due: self.date_column(window.due.as_slice()),
            steps: window.steps.iter().filter_map(|step| self.step(entering, &step.expression)).collect(),
        }
    }

    /// A step's rows are those of the detector, too.
    fn step(&mut self, entering: &Spanned<String>, step: &Spanned<String>) -> Option<Expression> {
        self.expression(step)?;
        self.compiler.compile(&format!("({}) AND ({})", entering.value, step.value)).ok()
    }

    /// The column that holds a date.
    fn date_column(&mut self, names: &[Spanned<String>]) -> Option<Column> {
        let column = self.columns(names).first().copied();
        for name in names {
            if COLUMNS.iter().any(|spec| spec.name == name.value && spec.kind != Kind::Time) {
                let told = format!("`{}` holds no date", name.value);
                self.report(name.referenced, told);
            }
        }
        column
    }

    /// Columns that have one value a row.
    fn grouping_columns(&mut self, names: &[Spanned<String>]) -> Vec<Column> {
        let columns = self.columns(names);
        for name in names {
            let is_list = |kind| matches!(kind, Kind::Words | Kind::Time);
            if COLUMNS.iter().any(|spec| spec.name == name.value && is_list(spec.kind)) {
                let told = format!("`{}` has no one value to group or count by", name.value);
                self.report(name.referenced, told);
            }
        }
        columns
    }

    fn cases(&mut self, document: &Document) -> Vec<Case> {
        let mut read = Vec::new();
        for case in &document.cases {
            let place = (case.referenced.line() as usize, case.referenced.column() as usize);
            match cases::read(&case.value, place, self.file) {
                Ok(case) => read.push(case),
                Err(told) => self.report(case.referenced, told),
            }
        }
        read
    }
}

/// The YAML reader repeats the place in its text, which ours already shows, and names its own options.
fn bare(told: &str) -> String {
    let line = told.lines().next().unwrap_or_default();
    let ends = [" at line ", ", set DuplicateKeyPolicy"];
    ends.iter().fold(line, |line, end| line.split(end).next().unwrap_or(line)).to_owned()
}
