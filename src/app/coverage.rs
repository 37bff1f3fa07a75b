//! Holds the keys that were seen against the keys that are declared.
//!
//! In: judged batches and the catalog. Out: one row for each key seen, and one for each entry that no
//! use was seen of. Where the batches come from is left to the caller.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::error::ArrowError;

use crate::catalog::Catalog;
use crate::domain::function::Function;
use crate::domain::verdict::Verdict;
use crate::domain::vocabulary::vocabulary;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Keys told apart, at some 300 bytes each: ten times the largest catalog. What is beyond is counted.
const MAX_KEYS: usize = 1_000_000;

vocabulary! {
    /// How a key stands between catalog and log.
    pub enum Standing as "standing" {
        /// Seen, and no entry declares it.
        Undeclared = "undeclared",
        /// Several entries declare it, and none goes before the others.
        Ambiguous = "ambiguous",
        /// Declared, and a use was seen.
        Used = "used",
        /// Declared, and no use was seen.
        Unused = "unused",
    }
}

/// A key that was seen, or an entry that was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    pub standing: Standing,
    pub key: String,
    pub catalog_id: Option<String>,
    /// exact, alias, glob, class or aws-managed.
    pub matched_by: Option<String>,
    /// Events by verdict, in the verdicts' order.
    pub verdicts: [u64; Verdict::ALL.len()],
    /// Events that use it; the others only manage it or read about it.
    pub uses: u64,
    /// Microseconds since the epoch.
    pub first: Option<i64>,
    pub last: Option<i64>,
}

/// Keys being gathered.
#[derive(Debug, Default)]
pub struct Coverage {
    keys: BTreeMap<String, KeyRow>,
    left_out: u64,
}

impl Coverage {
    /// Adds the events of a judged batch; corrections repeat an event and are left out.
    pub fn add(&mut self, rows: &Rows<'_>) {
        for row in 0..rows.len() {
            let name = rows.text(Column::KeyId, row).or_else(|| rows.text(Column::KeyAlias, row));
            let Some(name) = name.filter(|_| rows.text(Column::Corrects, row).is_none()) else { continue };
            if !self.keys.contains_key(name) {
                if self.keys.len() >= MAX_KEYS {
                    self.left_out += 1;
                    continue;
                }
                self.keys.insert(name.to_owned(), KeyRow::unseen(name.to_owned()));
            }
            if let Some(key) = self.keys.get_mut(name) {
                key.add(rows, row);
            }
        }
    }

    /// Events of keys beyond the bound.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The keys seen and the entries not used, the undeclared first.
    ///
    /// # Errors
    /// Never in practice: the catalog's table is made of plain columns.
    pub fn finish(self, catalog: &Catalog) -> Result<Vec<KeyRow>, ArrowError> {
        let used: HashSet<String> =
            self.keys.values().filter(|key| key.uses > 0).filter_map(|key| key.catalog_id.clone()).collect();
        // A key that is only managed stands for its entry, unless another key of the entry is used.
        let known: HashSet<String> = self.keys.values().filter_map(|key| key.catalog_id.clone()).collect();
        let mut rows: Vec<KeyRow> = self.keys.into_values().map(KeyRow::settled).collect();
        for (id, key) in declared(catalog)? {
            if !used.contains(&id) && !known.contains(&id) {
                let row = KeyRow::unseen(key.unwrap_or_else(|| id.clone()));
                rows.push(KeyRow { catalog_id: Some(id), ..row });
            }
        }
        rows.sort_by(|one, other| {
            (one.standing, &one.catalog_id, &one.key).cmp(&(other.standing, &other.catalog_id, &other.key))
        });
        Ok(rows)
    }
}

/// The id of each declared key with its first name. Classes declare whatever comes and are never unused.
fn declared(catalog: &Catalog) -> Result<Vec<(String, Option<String>)>, ArrowError> {
    let table = catalog.entries()?;
    let column = |name: &str| table.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (Some(ids), Some(keys), Some(kinds)) = (column("id"), column("key"), column("kind")) else {
        return Ok(Vec::new());
    };
    let mut declared: Vec<(String, Option<String>)> = Vec::new();
    for row in 0..table.num_rows() {
        let id = ids.value(row);
        if kinds.value(row) != "class" && declared.last().is_none_or(|(last, _)| last != id) {
            declared.push((id.to_owned(), keys.is_valid(row).then(|| keys.value(row).to_owned())));
        }
    }
    Ok(declared)
}

impl KeyRow {
    fn unseen(key: String) -> Self {
        Self {
            standing: Standing::Unused,
            key,
            catalog_id: None,
            matched_by: None,
            verdicts: [0; Verdict::ALL.len()],
            uses: 0,
            first: None,
            last: None,
        }
    }

    fn add(&mut self, rows: &Rows<'_>, row: usize) {
        if self.catalog_id.is_none() {
            self.catalog_id = rows.text(Column::CatalogId, row).map(str::to_owned);
            self.matched_by = rows.text(Column::MatchedBy, row).map(str::to_owned);
        }
        let function = rows.text(Column::Function, row).and_then(Function::from_word);
        self.uses += u64::from(function.is_some_and(Function::is_use));
        let verdict = rows.text(Column::Verdict, row).and_then(Verdict::from_word);
        let count = verdict.and_then(|verdict| self.verdicts.get_mut(usize::from(verdict.code())));
        if let Some(count) = count {
            *count += 1;
        }
        let time = rows.time(Column::EventTime, row);
        self.first = self.first.into_iter().chain(time).min();
        self.last = self.last.into_iter().chain(time).max();
        if rows.text(Column::Reason, row) == Some("ambiguous_declaration") {
            self.standing = Standing::Ambiguous;
        }
    }

    fn settled(mut self) -> Self {
        self.standing = match (&self.catalog_id, self.standing) {
            (None, Standing::Ambiguous) => Standing::Ambiguous,
            (None, _) => Standing::Undeclared,
            (Some(_), _) if self.uses > 0 => Standing::Used,
            (Some(_), _) => Standing::Unused,
        };
        self
    }

    /// How many events there are of it.
    pub fn events(&self) -> u64 {
        self.verdicts.iter().sum()
    }
}
