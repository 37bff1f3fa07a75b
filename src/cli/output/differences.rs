//! What changed from one catalog to another, entry by entry and field by field.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::grid::Grid;
use super::{Format, rows};
use crate::catalog::Catalog;

/// Columns that tell where something is written, not what.
const PLACE: &str = "declared_at";

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// added, removed or changed.
    change: &'static str,
    /// entry or exception.
    what: &'static str,
    id: String,
    /// Of what changed, the field.
    field: String,
    old: String,
    new: String,
}

/// The values of each field of each id; a key with several names has them all.
type Table = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What differs between the entries and exceptions of two catalogs.
///
/// # Errors
/// Never in practice: both tables are made of plain columns.
pub fn between(old: &Catalog, new: &Catalog) -> Result<Vec<Difference>, ArrowError> {
    let mut found = compare("entry", &by_id(&old.entries()?)?, &by_id(&new.entries()?)?);
    found.extend(compare("exception", &by_id(&old.exceptions()?)?, &by_id(&new.exceptions()?)?));
    Ok(found)
}

fn by_id(batch: &RecordBatch) -> Result<Table, ArrowError> {
    let schema = batch.schema();
    let mut table = Table::new();
    for row in Grid::of(batch)?.rows() {
        let mut row = row.peekable();
        let id = row.peek().map(|id| (*id).to_owned()).unwrap_or_default();
        let fields = table.entry(id).or_default();
        for (field, cell) in schema.fields().iter().zip(row) {
            if field.name() != PLACE {
                fields.entry(field.name().clone()).or_default().insert(cell.to_owned());
            }
        }
    }
    Ok(table)
}

fn compare(what: &'static str, old: &Table, new: &Table) -> Vec<Difference> {
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for id in ids {
        let whole = |change| Difference {
            change,
            what,
            id: id.clone(),
            field: String::new(),
            old: String::new(),
            new: String::new(),
        };
        match (old.get(id), new.get(id)) {
            (Some(before), Some(after)) => {
                for (field, values) in after {
                    let (was, is) = (before.get(field).map(joined).unwrap_or_default(), joined(values));
                    if was != is {
                        found.push(Difference {
                            field: field.clone(),
                            old: was,
                            new: is,
                            ..whole("changed")
                        });
                    }
                }
            }
            (Some(_), None) => found.push(whole("removed")),
            (None, _) => found.push(whole("added")),
        }
    }
    found
}

fn joined(values: &BTreeSet<String>) -> String {
    values.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The differences in the form asked for.
pub fn text(format: Format, differences: &[Difference]) -> String {
    let header = ["change", "what", "id", "field", "old", "new"];
    let cells = |of: &Difference| {
        let Difference { change, what, id, field, old, new } = of.clone();
        vec![change.to_owned(), what.to_owned(), id, field, old, new]
    };
    rows::text(format, &header, &differences.iter().map(cells).collect::<Vec<_>>())
}
