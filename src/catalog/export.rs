//! The catalog as Arrow tables, for SQL: `catalog`, one row a declared name, and `exceptions`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::Catalog;
use super::document::rules::PrincipalItem;
use super::document::scalars::{Interval, Moment, Pattern};
use super::entry::{Entry, EntryKind};
use super::exceptions::Exception;
use super::index::is_alias;
use crate::domain::function::Function;
use crate::domain::ownership::Ownership;
use crate::domain::purpose::{Asset, Criticality, KeyState, Mode, Purpose};
use crate::domain::verdict::Aspect;

impl Catalog {
    /// Whose each declared key is, by the id of its entry.
    pub fn ownerships(&self) -> HashMap<String, Ownership> {
        let of = |entry: &Entry| {
            let declared = &entry.declaration;
            Ownership {
                owner: declared.owner.as_deref().map(str::to_owned),
                contact: declared.contact.as_deref().map(str::to_owned),
                tenant: declared.tenant.as_ref().map(|slug| slug.0.to_string()),
                environment: declared.environment.as_ref().map(|slug| slug.0.to_string()),
            }
        };
        let declared = self.entries.iter().filter(|entry| entry.kind != EntryKind::AwsManaged);
        declared.map(|entry| (entry.id.text.to_string(), of(entry))).collect()
    }

    /// The table `catalog`: one row for each declared name of each key, and one for each class. Of a key
    /// with unconstrained principals `principals` is null, with nobody allowed it is empty.
    ///
    /// # Errors
    /// Never in practice: columns and schema come from one list.
    pub fn entries(&self) -> Result<RecordBatch, ArrowError> {
        let declared = self.entries.iter().filter(|entry| entry.kind != EntryKind::AwsManaged);
        let rows: Vec<Row<'_>> = declared.flat_map(rows_of).collect();
        table(vec![
            texts("id", &rows, |row| Some(row.entry.id.text.to_string())),
            texts("key", &rows, |row| row.name.map(|name| name.text.to_string())),
            texts("kind", &rows, |row| Some(row.kind().to_owned())),
            texts("purpose", &rows, |row| {
                row.entry.declaration.purpose.map(|word| Purpose::as_str(word).to_owned())
            }),
            texts("use", &rows, |row| {
                row.entry.declaration.business_use.as_ref().map(|slug| slug.0.to_string())
            }),
            texts("asset", &rows, |row| {
                row.entry.declaration.asset.map(|word| Asset::as_str(word).to_owned())
            }),
            lists("functions", &rows, |row| Some(row.functions())),
            lists("algorithms", &rows, |row| names(row.entry.declaration.algorithms.as_deref())),
            lists("principals", &rows, principals),
            lists("administrators", &rows, |row| names(row.entry.declaration.administrators.as_deref())),
            lists("via", &rows, |row| names(row.entry.declaration.via.as_deref())),
            lists("accounts", &rows, |row| names(row.entry.declaration.accounts.as_deref())),
            lists("regions", &rows, |row| names(row.entry.declaration.regions.as_deref())),
            texts("tenant", &rows, |row| {
                row.entry.declaration.tenant.as_ref().map(|slug| slug.0.to_string())
            }),
            texts("environment", &rows, |row| {
                row.entry.declaration.environment.as_ref().map(|slug| slug.0.to_string())
            }),
            texts("criticality", &rows, |row| {
                row.entry.declaration.criticality.map(|word| Criticality::as_str(word).to_owned())
            }),
            texts("state", &rows, |row| {
                row.entry.declaration.state.map(|word| KeyState::as_str(word).to_owned())
            }),
            times("active_from", &rows, |row| row.entry.declaration.active_from),
            times("active_until", &rows, |row| row.entry.declaration.active_until),
            texts("rotate_every", &rows, |row| interval(row.entry.declaration.rotate_every)),
            times("rotated", &rows, |row| row.entry.declaration.rotated),
            texts("review_every", &rows, |row| interval(row.entry.declaration.review_every)),
            times("last_review", &rows, last_review),
            texts("owner", &rows, |row| row.entry.declaration.owner.as_deref().map(str::to_owned)),
            texts("contact", &rows, |row| row.entry.declaration.contact.as_deref().map(str::to_owned)),
            texts("responsibility", &rows, |row| row.entry.responsibility.as_deref().map(str::to_owned)),
            flags("exportable", &rows, |row| row.entry.declaration.exportable == Some(true)),
            flags("canary", &rows, |row| row.entry.declaration.canary == Some(true)),
            texts("mode", &rows, |row| row.entry.declaration.mode.map(|word| Mode::as_str(word).to_owned())),
            texts("declared_at", &rows, |row| {
                Some(format!("{}:{}", row.entry.file, row.entry.id.place.line))
            }),
        ])
    }

    /// The table `exceptions`, one row each.
    ///
    /// # Errors
    /// Never in practice: columns and schema come from one list.
    pub fn exceptions(&self) -> Result<RecordBatch, ArrowError> {
        let rows: Vec<&Exception> = self.exceptions.all().iter().collect();
        let functions = |row: &&Exception| {
            row.functions.map(|set| set.iter().map(|function| function.as_str().to_owned()).collect())
        };
        table(vec![
            texts("id", &rows, |row| Some(row.id.text.to_string())),
            texts("kind", &rows, |row| Some(row.kind.to_string())),
            texts("catalog_id", &rows, |row| Some(row.key.to_string())),
            lists("aspects", &rows, |row| {
                Some(row.aspects.iter().map(|aspect| Aspect::as_str(aspect).to_owned()).collect())
            }),
            lists("functions", &rows, functions),
            lists("principals", &rows, |row| names(Some(&row.principals))),
            lists("sessions", &rows, |row| names(row.sessions.as_deref())),
            times("from", &rows, |row| row.from.map(Moment)),
            times("until", &rows, |row| Some(Moment(row.until))),
            texts("reason", &rows, |row| Some(row.reason.to_string())),
            texts("ticket", &rows, |row| Some(row.ticket.to_string())),
            texts("requester", &rows, |row| row.requester.as_deref().map(str::to_owned)),
            texts("approver", &rows, |row| Some(row.approver.to_string())),
            texts("declared_at", &rows, |row| Some(format!("{}:{}", row.file, row.id.place.line))),
        ])
    }
}

/// One name of one entry.
struct Row<'a> {
    entry: &'a Entry,
    name: Option<&'a Pattern>,
}

impl Row<'_> {
    /// How a key comes to be declared by this row.
    fn kind(&self) -> &'static str {
        match self.name {
            None => "class",
            Some(name) if name.is_glob() => "glob",
            Some(name) if is_alias(&name.text) => "alias",
            Some(_) => "exact",
        }
    }

    fn functions(&self) -> Vec<String> {
        let kms_key = self.name.is_some_and(|name| name.text.contains(":kms:"));
        self.entry.functions(kms_key).iter().map(|function| Function::as_str(function).to_owned()).collect()
    }
}

fn rows_of(entry: &Entry) -> Vec<Row<'_>> {
    if entry.is_key() {
        entry.names.iter().map(|name| Row { entry, name: Some(name) }).collect()
    } else {
        vec![Row { entry, name: None }]
    }
}

/// Principals, and those of grants with what they are granted: `approle:registry (verify)`.
fn principals(row: &Row<'_>) -> Option<Vec<String>> {
    if !row.entry.says_who() {
        return None;
    }
    let direct = row.entry.declaration.principals.iter().flatten();
    let mut names: Vec<String> = direct.map(PrincipalItem::name).map(|name| name.text.to_string()).collect();
    for grant in row.entry.declaration.grants.iter().flatten() {
        let functions: Vec<&str> = grant.functions.0.iter().map(Function::as_str).collect();
        let granted = grant.principals.iter().map(PrincipalItem::name);
        names.extend(granted.map(|name| format!("{} ({})", name.text, functions.join(" "))));
    }
    Some(names)
}

fn names(patterns: Option<&[Pattern]>) -> Option<Vec<String>> {
    patterns.map(|patterns| patterns.iter().map(|pattern| pattern.text.to_string()).collect())
}

fn interval(interval: Option<Interval>) -> Option<String> {
    interval.map(|interval| interval.to_string())
}

fn last_review(row: &Row<'_>) -> Option<Moment> {
    row.entry.declaration.reviews.iter().flatten().map(|review| review.on).max()
}

type Named = (&'static str, ArrayRef);

fn texts<T>(name: &'static str, rows: &[T], read: impl Fn(&T) -> Option<String>) -> Named {
    (name, Arc::new(rows.iter().map(read).collect::<StringArray>()))
}

fn flags<T>(name: &'static str, rows: &[T], read: impl Fn(&T) -> bool) -> Named {
    (name, Arc::new(rows.iter().map(|row| Some(read(row))).collect::<BooleanArray>()))
}

fn times<T>(name: &'static str, rows: &[T], read: impl Fn(&T) -> Option<Moment>) -> Named {
    let times: TimestampMicrosecondArray = rows.iter().map(|row| read(row).map(|moment| moment.0)).collect();
    (name, Arc::new(times.with_timezone("UTC")))
}

fn lists<T>(name: &'static str, rows: &[T], read: impl Fn(&T) -> Option<Vec<String>>) -> Named {
    let mut lists =
        ListBuilder::new(StringBuilder::new()).with_field(Field::new("item", DataType::Utf8, false));
    for row in rows {
        let list = read(row);
        for item in list.iter().flatten() {
            lists.values().append_value(item);
        }
        lists.append(list.is_some());
    }
    (name, Arc::new(lists.finish()))
}

fn table(columns: Vec<Named>) -> Result<RecordBatch, ArrowError> {
    let field = |(name, array): &Named| Field::new(*name, array.data_type().clone(), true);
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect())
}
