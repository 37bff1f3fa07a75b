//! From hits to findings: each with its own evidence, its id and its level.
//!
//! In: a judged batch, hits, and what the catalog says of a row. Out: findings. The catalog's words
//! come through an argument, since the catalog is a stage beside this one.

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;

use super::detectors::Detector;
use super::engine::{Engine, Hits};
use super::message;
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::function::Function;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::purpose::Criticality;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::{Aspect, Verdict};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Says of a row, for each aspect that does not fit, what was declared and what was seen, such as
/// `allowed to sign: approle:model-ci; seen: approle:overbroad`.
pub type Describe<'d> = dyn Fn(&RecordBatch, usize) -> Vec<String> + 'd;

impl Engine {
    /// The findings of these hits, in their order.
    pub fn findings(&self, batch: &RecordBatch, hits: &Hits, describe: &Describe<'_>) -> Vec<Finding> {
        let rows = Rows::of(batch);
        let found = hits.hits.iter().filter_map(|hit| {
            let detector = self.detectors().get(hit.detector)?;
            let evidence = Evidence { batch, rows: &rows, row: hit.row };
            Some(evidence.finding(detector, &describe(batch, hit.row)))
        });
        found.collect()
    }
}

/// The columns of one event, wherever it is kept.
pub trait Facts {
    /// A column's text.
    fn text(&self, column: Column) -> Option<&str>;

    /// What became of the call.
    fn outcome(&self) -> Option<Outcome> {
        Outcome::from_word(self.text(Column::Outcome)?)
    }

    /// What was done.
    fn function(&self) -> Option<Function> {
        Function::from_word(self.text(Column::Function)?)
    }
}

/// One row as a finding sees it.
struct Evidence<'a> {
    batch: &'a RecordBatch,
    rows: &'a Rows<'a>,
    row: usize,
}

impl Facts for Evidence<'_> {
    fn text(&self, column: Column) -> Option<&str> {
        self.rows.text(column, self.row)
    }
}

impl Evidence<'_> {
    fn owned(&self, column: Column) -> Option<String> {
        self.text(column).map(str::to_owned)
    }

    fn finding(&self, detector: &Detector, described: &[String]) -> Finding {
        let violations = list(self.batch, Column::Violations, self.row);
        Finding {
            id: self.id(&detector.id),
            detector: detector.id.clone(),
            level: weighed(detector.level, self),
            title: detector.title.clone(),
            event_id: self.owned(Column::EventId).unwrap_or_default(),
            event_time: format_rfc3339(self.rows.time(Column::EventTime, self.row).unwrap_or_default()),
            provider: self.owned(Column::Provider),
            key_id: self.owned(Column::KeyId),
            catalog_id: self.owned(Column::CatalogId),
            principal: self.owned(Column::Principal),
            session_name: self.owned(Column::SessionName),
            function: self.function(),
            action: self.owned(Column::Action),
            outcome: self.outcome(),
            verdict: self.text(Column::Verdict).and_then(Verdict::from_word).unwrap_or(Verdict::Unknown),
            violations: violations.into_iter().filter_map(Aspect::from_word).collect(),
            message: message::sentence(self, &detector.title, described, None),
            tags: detector.tags.clone(),
            source: self.owned(Column::Source),
            position: self.rows.integer(Column::Position, self.row),
            window: None,
        }
    }

    /// Of (detector, event or shared event, key): both copies of a cross-account call give one id, and
    /// the two keys of one record two. Where no key tells events of one record apart, their ordinal does.
    fn id(&self, detector: &str) -> String {
        let event = self.text(Column::SharedEventId).or(self.text(Column::EventId)).unwrap_or_default();
        match self.text(Column::KeyId) {
            Some(key) => hex_id(&[detector.as_bytes(), event.as_bytes(), key.as_bytes()]),
            None => {
                let ordinal = self.rows.integer(Column::Ordinal, self.row).unwrap_or_default();
                hex_id(&[detector.as_bytes(), event.as_bytes(), b"", &ordinal.to_le_bytes()])
            }
        }
    }
}

/// A detector's level, one more for a key of high criticality, one less for low, one less outside
/// production, one less for an attempt that was blocked; between low and critical (JUDGING §3).
///
/// Without a key or an entry there is no criticality and no environment, which changes nothing.
pub fn weighed(level: Level, facts: &dyn Facts) -> Level {
    let blocked = facts.outcome().is_some_and(is_blocked);
    level.shifted(weight_of_key(facts) - i8::from(blocked))
}

/// What the key's declaration adds to a level.
pub fn weight_of_key(facts: &dyn Facts) -> i8 {
    let criticality = match facts.text(Column::Criticality).and_then(Criticality::from_word) {
        Some(Criticality::High) => 1,
        Some(Criticality::Low) => -1,
        Some(Criticality::Medium) | None => 0,
    };
    let elsewhere = facts.text(Column::Environment).is_some_and(|environment| environment != PRODUCTION);
    criticality - i8::from(elsewhere)
}

/// The words in a list column.
pub fn list(batch: &RecordBatch, column: Column, row: usize) -> Vec<&str> {
    let Some(lists) = batch.columns().get(column as usize).and_then(|array| array.as_list_opt::<i32>())
    else {
        return Vec::new();
    };
    let (Some(start), Some(end)) = (lists.offsets().get(row), lists.offsets().get(row + 1)) else {
        return Vec::new();
    };
    match lists.values().as_string_opt::<i32>() {
        Some(words) if lists.is_valid(row) => {
            (*start..*end).map(|place| words.value(place as usize)).collect()
        }
        _ => Vec::new(),
    }
}

/// The environment in which findings keep their level; the catalog's default.
const PRODUCTION: &str = "prod";

/// Whether the call did not do what it asked for. A check that failed was carried out.
const fn is_blocked(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Denied | Outcome::Refused | Outcome::DryRun | Outcome::Failed)
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
