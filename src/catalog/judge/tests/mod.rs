//! Every row of the aspects table, firing and silent; the verdicts around them; and that judging does not
//! depend on how it is asked.

mod aspects;
mod keys;
mod properties;
mod verdicts;

use arrow::array::{Array, AsArray, RecordBatch};

use super::super::{AliasBook, Catalog, Explanation, SourceText};
use crate::domain::event::{CallerKind, Category, KeyEvent, Outcome, Provider};
use crate::domain::function::Function;
use crate::domain::time::parse_rfc3339;
use crate::table::build::{Origin, TableBuilder};
use crate::table::columns::Column;
use crate::table::rows::Rows;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/orders-api";

fn catalog(text: &str) -> Catalog {
    let source = SourceText { name: "c.yaml".into(), text: format!("version: 1\n{text}") };
    Catalog::parse(&[source]).unwrap().catalog
}

/// A catalog that declares [`KEY`] with these fields.
fn declared(fields: &str) -> Catalog {
    catalog(&format!("keys:\n  - {{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, {fields} }}\n"))
}

fn at(time: &str) -> i64 {
    parse_rfc3339(time).unwrap()
}

/// A use that fits any declaration that says nothing of it.
fn aws(function: Function) -> KeyEvent<'static> {
    KeyEvent {
        event_id: "e",
        event_time: at("2026-11-24T08:00:00Z"),
        provider: Some(Provider::Aws),
        service: Some("kms"),
        action: Some("Decrypt"),
        category: Some(Category::Use),
        function: Some(function),
        outcome: Some(Outcome::Success),
        key_id: Some(KEY),
        key_account: Some("111122223333"),
        key_region: Some("eu-west-1"),
        principal: Some(ROLE),
        principal_account: Some("111122223333"),
        session_name: Some("i-0123"),
        caller_kind: Some(CallerKind::Workload),
        via: Some("direct"),
        account: Some("111122223333"),
        region: Some("eu-west-1"),
        source_ip: Some("10.0.0.1"),
        ..KeyEvent::default()
    }
}

fn vault(function: Function, key: &'static str, principal: &'static str) -> KeyEvent<'static> {
    KeyEvent {
        event_id: "v",
        event_time: at("2026-11-24T08:00:00Z"),
        provider: Some(Provider::Vault),
        service: Some("transit"),
        action: Some("transit.use"),
        category: Some(Category::Use),
        function: Some(function),
        outcome: Some(Outcome::Success),
        key_id: Some(key),
        principal: Some(principal),
        session_name: Some("approle"),
        caller_kind: Some(CallerKind::Workload),
        via: Some("direct"),
        source_ip: Some("10.0.0.1"),
        ..KeyEvent::default()
    }
}

fn batch(events: &[KeyEvent<'_>]) -> RecordBatch {
    let mut builder = TableBuilder::default();
    for (position, event) in events.iter().enumerate() {
        builder.push(event, Origin { source: "t", device: None, position: position as i64, ingested_at: 0 });
    }
    builder.finish().unwrap().batch
}

fn words(batch: &RecordBatch, column: Column, row: usize) -> String {
    let list = batch.column(column as usize).as_list::<i32>().value(row);
    list.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What the judge says of one event: `verdict violations?unknowns`.
fn verdict(catalog: &Catalog, event: &KeyEvent<'_>) -> String {
    verdict_with(catalog, event, &AliasBook::default())
}

fn verdict_with(catalog: &Catalog, event: &KeyEvent<'_>, book: &AliasBook) -> String {
    let judged = catalog.judge(&batch(std::slice::from_ref(event)), book).unwrap();
    let verdict = Rows::of(&judged).text(Column::Verdict, 0).unwrap().to_owned();
    let parts = [verdict, words(&judged, Column::Violations, 0), words(&judged, Column::Unknowns, 0)];
    let [verdict, violations, unknowns] = parts;
    let unknowns = if unknowns.is_empty() { unknowns } else { format!("?{unknowns}") };
    [verdict, violations, unknowns].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// One text column of the judge for one event.
fn column(catalog: &Catalog, event: &KeyEvent<'_>, column: Column) -> Option<String> {
    let judged = catalog.judge(&batch(std::slice::from_ref(event)), &AliasBook::default()).unwrap();
    Rows::of(&judged).text(column, 0).map(str::to_owned)
}

fn assessed(catalog: &Catalog, event: &KeyEvent<'_>) -> String {
    let judged = catalog.judge(&batch(std::slice::from_ref(event)), &AliasBook::default()).unwrap();
    words(&judged, Column::Assessed, 0)
}

fn explained(catalog: &Catalog, event: &KeyEvent<'_>) -> Explanation {
    catalog.explain(&batch(std::slice::from_ref(event)), &AliasBook::default(), 0)
}

/// A row of the table of aspects: what is declared, a change to the event, and what comes of it.
type Row<'a> = (&'a str, fn(&mut KeyEvent<'static>), &'a str);

fn check(function: Function, rows: &[Row<'_>]) {
    for (fields, change, expected) in rows {
        let mut event = aws(function);
        change(&mut event);
        assert_eq!(verdict(&declared(fields), &event), *expected, "{fields} {event:?}");
    }
}
