//! What the detectors could not see: a silent detector whose source is absent is blind, not quiet.
//!
//! In: judged batches. Out: the detectors whose requirements were never met, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use serde_json::Value;

use super::engine::Engine;
use super::requirement::Requirement;
use crate::domain::event::Provider;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// What was there to be seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether a catalog with entries is loaded; set by the caller.
    pub catalog: bool,
    providers: BTreeSet<Provider>,
    services: BTreeSet<String>,
    /// Places of the required columns that had a value.
    columns: BTreeSet<usize>,
    /// Required members that some record was read for.
    members: BTreeSet<String>,
}

/// A detector that could not have fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    pub id: String,
    /// Why, in a phrase.
    pub why: String,
}

/// Services named in a log are few; more than this are made up by a hostile record.
const MAX_SERVICES: usize = 10_000;

impl Seen {
    /// Nothing yet, with or without a catalog that has entries.
    pub fn with_catalog(catalog: bool) -> Self {
        Self { catalog, ..Self::default() }
    }

    /// Adds what another thread saw.
    pub fn merge(&mut self, other: &Self) {
        self.catalog |= other.catalog;
        self.providers.extend(&other.providers);
        self.services.extend(other.services.iter().cloned());
        self.columns.extend(&other.columns);
        self.members.extend(other.members.iter().cloned());
    }

    fn words(&mut self, batch: &RecordBatch) {
        let rows = Rows::of(batch);
        let providers = rows.dictionary(Column::Provider).into_iter().flatten().flatten();
        self.providers.extend(providers.filter_map(Provider::from_word));
        for service in rows.dictionary(Column::Service).into_iter().flatten().flatten() {
            if !self.services.contains(service) && self.services.len() < MAX_SERVICES {
                self.services.insert(service.to_owned());
            }
        }
    }

    fn has(&self, requirement: &Requirement) -> bool {
        match requirement {
            Requirement::Catalog => self.catalog,
            Requirement::Provider(provider) => self.providers.contains(provider),
            Requirement::Service(name) => self.services.contains(name),
            Requirement::Column(place) => self.columns.contains(place),
            Requirement::Member(path) => self.members.contains(path),
            Requirement::Field(_) => true,
        }
    }
}

impl Engine {
    /// Notes what `batch` has of what the detectors require. Costs next to nothing a batch.
    pub fn observe(&self, seen: &mut Seen, batch: &RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        seen.words(batch);
        let rows = Rows::of(batch);
        // What is read of one record of a provider is read of all.
        let mut records = BTreeMap::new();
        for row in 0..rows.len() {
            if let Some(record) = rows.text(Column::Record, row) {
                records.entry(rows.text(Column::Provider, row)).or_insert(record);
            }
        }
        for requirement in self.detectors().iter().flat_map(|detector| &detector.requires) {
            if let Requirement::Member(path) = requirement
                && !seen.members.contains(path)
                && records.values().any(|record| record.contains(&Value::from(path.as_str()).to_string()))
            {
                seen.members.insert(path.clone());
            }
            if let Requirement::Column(place) = requirement
                && !seen.columns.contains(place)
                && batch.columns().get(*place).is_some_and(|column| column.null_count() < column.len())
            {
                seen.columns.insert(*place);
            }
        }
    }

    /// The evaluated detectors of which something required was never seen.
    pub fn blind(&self, seen: &Seen) -> Vec<Blind> {
        let evaluated = self.detectors().iter().filter(|detector| detector.set_aside().is_none());
        evaluated
            .filter_map(|detector| {
                let missing: Vec<_> = detector
                    .requires
                    .iter()
                    .filter(|wanted| !seen.has(wanted))
                    .map(Requirement::missing)
                    .collect();
                (!missing.is_empty()).then(|| Blind { id: detector.id.clone(), why: missing.join(", ") })
            })
            .collect()
    }
}
