//! Puts together what somebody needs to decide about an alert.
//!
//! In: an alert of the store, the history beside it, and the rules. Out: what happened and why it is wrong (the worst
//! finding's event, judged again), whose key it is, the nearest declaration and exceptions, what was changed lately and
//! what the caller did beside it, which way the signs point, and what to do next. How it is shown is left to `cli`.

mod lately;
mod patch;
mod signs;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::lately::{Activity, Changed};
pub use self::signs::{Likelier, Side, Sign, Verdict as Likelihood};

use super::alerts::{DeskError, Folder};
use super::ask::{AskError, Asked, Past};
use super::explain::{Answer, Explained, in_history};
use crate::alerts::life::Shown;
use crate::domain::time::format_rfc3339;
use crate::pipeline::rules::Rules;
use crate::sql::question::Value;

/// Exceptions that are shown at most: those of one entry are few, and more hide the one that matters.
const MOST_EXCEPTIONS: usize = 5;

/// What somebody needs to decide about an alert.
#[derive(Debug)]
pub struct ExplainedAlert {
    pub shown: Shown,
    /// The worst finding's event, judged again; nothing where history does not hold it yet, or any more.
    pub event: Option<Explained>,
    /// The entry of the key.
    pub entry: Option<DeclaredEntry>,
    /// Declared names that are like the key's, where it has no entry.
    pub near: Vec<String>,
    /// The exceptions of the entry, with why each does not lift this.
    pub exceptions: Vec<NearException>,
    /// What was changed about the key, and in the catalog, before and while it happened.
    pub changed: Vec<Changed>,
    /// What the caller did beside it.
    pub lately: Vec<Activity>,
    pub likelier: Likelier,
    /// What to do next, by detector.
    pub steps: Vec<Step>,
    /// What to add to the catalog where the use is right; YAML.
    pub patch: Option<String>,
}

/// The entry that declares a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredEntry {
    pub id: String,
    #[serde(default)]
    pub purpose: Option<String>,
    #[serde(default, rename = "use")]
    pub business_use: Option<String>,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub contact: Option<String>,
    pub declared_at: String,
}

/// An exception of the key's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearException {
    pub id: String,
    pub ticket: String,
    pub until: String,
    /// Why it does not lift this.
    pub why_not: String,
}

/// What a detector says to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub detector: String,
    pub title: String,
    pub runbook: String,
    pub false_positives: Vec<String>,
}

/// Explains an alert of the data folder; nothing where it holds no such alert.
///
/// # Errors
/// Where the store or history cannot be read.
pub fn explain(
    folder: &Folder,
    past: &Past,
    rules: &Rules,
    id: &str,
) -> Result<Option<ExplainedAlert>, ExplainError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AskError::from)?;
    let shown = match runtime.block_on(folder.show(id)) {
        Ok(shown) => shown,
        Err(DeskError::Life(crate::alerts::life::LifeError::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let event = worst(past, rules, &shown)?;
    let entry = entry(past, &shown, event.as_ref())?;
    let span = lately::Span::of(&shown.alert.alert);
    let exceptions = match &entry {
        Some(entry) => exceptions(rules, entry, &shown, &span)?,
        None => Vec::new(),
    };
    let changed = lately::changed(past, folder, &shown.alert.alert, &span, &runtime)?;
    let lately = lately::activities(past, &shown.alert.alert, &span)?;
    let facts = signs::Facts::read(past, &shown.alert.alert, &span)?;
    let likelier = signs::weigh(&facts, &shown, event.as_ref(), entry.is_some(), &changed, &exceptions);
    let near = match &entry {
        Some(_) => Vec::new(),
        None => near(past, shown.alert.alert.key_id.as_deref())?,
    };
    let steps = steps(rules, &shown);
    let patch = patch::patch(&shown, event.as_ref(), entry.as_ref());
    Ok(Some(ExplainedAlert {
        shown,
        event,
        entry,
        near,
        exceptions,
        changed,
        lately,
        likelier,
        steps,
        patch,
    }))
}

/// Why an alert cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Desk(#[from] DeskError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("could not put the answer together: {0}")]
    Arrow(#[from] ArrowError),
    #[error("could not read an answer: {0}")]
    Form(#[from] serde_json::Error),
}

/// The event of the worst finding that the alert is about.
fn worst(past: &Past, rules: &Rules, shown: &Shown) -> Result<Option<Explained>, ExplainError> {
    let alert = &shown.alert.alert;
    let Answer { events, .. } = in_history(past, rules, &alert.event_id)?;
    let mut events: Vec<Explained> = events;
    let is_about = |explained: &Explained| explained.explanation.key_id == alert.key_id;
    let place = events.iter().position(is_about).unwrap_or_default();
    Ok((place < events.len()).then(|| events.swap_remove(place)))
}

fn entry(
    past: &Past,
    shown: &Shown,
    event: Option<&Explained>,
) -> Result<Option<DeclaredEntry>, ExplainError> {
    let matched =
        event.and_then(|explained| explained.explanation.entry.as_ref()).map(|entry| entry.id.clone());
    let Some(id) = matched.or_else(|| shown.alert.alert.catalog_id.clone()) else { return Ok(None) };
    let sql = "SELECT DISTINCT id, purpose, \"use\", owner, contact, declared_at FROM catalog WHERE id = $id LIMIT 1";
    Ok(ask(past, sql, vec![("id".to_owned(), Value::Text(id))])?.into_iter().next())
}

/// Declared names that begin as the key's does, the longest match first.
fn near(past: &Past, key: Option<&str>) -> Result<Vec<String>, ExplainError> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
        key: String,
    }
    let Some(key) = key else { return Ok(Vec::new()) };
    let all: Vec<Named> = ask(past, "SELECT id, key FROM catalog WHERE key IS NOT NULL", Vec::new())?;
    let shared = |name: &str| name.chars().zip(key.chars()).take_while(|(one, other)| one == other).count();
    let mut near: Vec<(usize, String)> =
        all.into_iter().map(|named| (shared(&named.key), format!("{} ({})", named.key, named.id))).collect();
    near.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
    // A name that shares less than the part before its last separator is none that was meant.
    let stem = key.rfind(['/', ':']).map_or(0, |end| end + 1).max(1);
    Ok(near.into_iter().filter(|(length, _)| *length > stem).map(|(_, name)| name).take(3).collect())
}

fn exceptions(
    rules: &Rules,
    entry: &DeclaredEntry,
    shown: &Shown,
    span: &lately::Span,
) -> Result<Vec<NearException>, ExplainError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        catalog_id: String,
        aspects: Vec<String>,
        principals: Vec<String>,
        #[serde(default)]
        from: Option<String>,
        until: String,
        ticket: String,
    }
    let alert = &shown.alert.alert;
    let rows: Vec<Row> = rows(&rules.catalog.exceptions()?)?;
    let why_not = |row: &Row| {
        let time = |text: &str| crate::domain::time::parse_rfc3339(text);
        let lacks: Vec<&str> = alert
            .aspects
            .iter()
            .map(|aspect| aspect.as_str())
            .filter(|aspect| !row.aspects.iter().any(|lifted| lifted == aspect))
            .collect();
        if time(&row.until).is_some_and(|until| until <= span.last) {
            format!("it ended at {}", row.until)
        } else if row.from.as_deref().and_then(time).is_some_and(|from| from > span.first) {
            format!("it begins at {}", row.from.as_deref().unwrap_or_default())
        } else if !lacks.is_empty() {
            format!("it lifts {}, not {}", row.aspects.join(" "), lacks.join(" "))
        } else {
            format!("it is for {}", row.principals.join(" "))
        }
    };
    let of_entry = rows.iter().filter(|row| row.catalog_id == entry.id);
    Ok(of_entry
        .map(|row| NearException {
            id: row.id.clone(),
            ticket: row.ticket.clone(),
            until: row.until.clone(),
            why_not: why_not(row),
        })
        .take(MOST_EXCEPTIONS)
        .collect())
}

fn steps(rules: &Rules, shown: &Shown) -> Vec<Step> {
    let detectors = rules.engine.detectors().iter();
    let of_alert = detectors.filter(|detector| shown.alert.alert.detectors.contains(&detector.id));
    of_alert
        .map(|detector| Step {
            detector: detector.id.clone(),
            title: detector.title.clone(),
            runbook: detector.runbook.clone(),
            false_positives: detector.false_positives.clone(),
        })
        .collect()
}

/// The answer to a question of ours, row by row.
fn ask<T: DeserializeOwned>(
    past: &Past,
    sql: &str,
    values: Vec<(String, Value)>,
) -> Result<Vec<T>, ExplainError> {
    rows(&past.ask(&Asked { sql: sql.to_owned(), values })?)
}

fn rows<T: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<T>, ExplainError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = writer.into_inner();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
}

/// A time as SQL takes it.
fn moment(micros: i64) -> Value {
    Value::Timestamp(micros)
}

/// A time as people read it.
fn told(micros: i64) -> String {
    format_rfc3339(micros)
}
