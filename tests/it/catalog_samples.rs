//! The labelled samples, judged: every verdict and every aspect, where the samples are present.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use arrow::array::{AsArray, RecordBatch};
use keyward::catalog::{AliasBook, Catalog};
use keyward::domain::event::KeyEvent;
use keyward::normalize::{Arena, Emit, cloudtrail, vault};
use keyward::table::build::{LearntAlias, Origin, TableBuilder};
use keyward::table::columns::Column;
use keyward::table::rows::Rows;

use crate::samples;

fn unpacked(path: PathBuf) -> String {
    let mut text = String::new();
    let packed = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

fn batch(lines: &str, normalize: impl Fn(&[u8], &Arena, &mut Emit<'_>)) -> (RecordBatch, AliasBook) {
    let mut builder = TableBuilder::default();
    for line in lines.lines() {
        let arena = Arena::new();
        let origin = Origin { source: "sample", device: None, position: 0, ingested_at: 0 };
        normalize(line.as_bytes(), &arena, &mut |event: &KeyEvent<'_>| {
            if !event.awaits_response {
                builder.push(event, origin);
            }
        });
    }
    let built = builder.finish().unwrap();
    let mut book = AliasBook::default();
    for LearntAlias { at, alias, key } in &built.aliases {
        book.learn(*at, alias, key.as_deref());
    }
    (built.batch, book)
}

fn violations(batch: &RecordBatch, row: usize) -> BTreeSet<String> {
    let lists = batch.column(Column::Violations as usize).as_list::<i32>();
    let list = lists.value(row);
    list.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

type Judged = (String, BTreeSet<String>);

fn judged(
    catalog: &Catalog,
    batch: &RecordBatch,
    book: &AliasBook,
) -> BTreeMap<(String, String), Vec<Judged>> {
    let judged = catalog.judge(batch, book).unwrap();
    let rows = Rows::of(&judged);
    let mut by_event: BTreeMap<(String, String), Vec<Judged>> = BTreeMap::new();
    for row in 0..rows.len() {
        let text = |column| rows.text(column, row).unwrap_or_default().to_owned();
        let verdict = (text(Column::Verdict), violations(&judged, row));
        by_event.entry((text(Column::EventId), text(Column::KeyId))).or_default().push(verdict);
    }
    by_event
}

fn labels(path: PathBuf) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn aspects(label: &serde_json::Value) -> BTreeSet<String> {
    let list = label["aspects"].as_array().into_iter().flatten();
    list.map(|aspect| aspect.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_labelled_cloudtrail_event_gets_its_verdict_and_aspects() {
    let Some(folder) = samples::find("cloudtrail/labelled") else { return };
    let catalog = Catalog::load(&[folder.join("catalog.yaml")]).unwrap().catalog;
    let (batch, book) = batch(&unpacked(folder.join("events.ndjson.gz")), |line, arena, emit| {
        let record: serde_json::Value = serde_json::from_slice(line).unwrap();
        cloudtrail::normalize(record.to_string().as_bytes(), arena, emit).unwrap();
    });
    let judged = judged(&catalog, &batch, &book);
    let mut wrong = Vec::new();
    for label in labels(folder.join("labels.jsonl")) {
        let key = label["key_id"].as_str().unwrap_or_default();
        let id = label["event_id"].as_str().unwrap();
        let expected = (label["verdict"].as_str().unwrap().to_owned(), aspects(&label));
        let seen = judged.get(&(id.to_owned(), key.to_owned()));
        // An irrelevant record of another service has no event, and no key either.
        let absent = seen.is_none() && expected.0 == "not_applicable" && key.is_empty();
        if !absent && !seen.is_some_and(|seen| seen.iter().all(|seen| *seen == expected)) {
            wrong.push(format!("{id} {key}: {expected:?}, judged {seen:?} ({})", label["note"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong, as {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn every_labelled_openbao_call_gets_its_verdict_and_aspects() {
    let Some(folder) = samples::find("openbao") else { return };
    let catalog = Catalog::load(&[folder.join("catalog.yaml")]).unwrap().catalog;
    let (batch, book) = batch(&unpacked(folder.join("audit.log.gz")), |line, arena, emit| {
        vault::normalize(line, arena, emit).unwrap();
    });
    let mut by_event: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for ((id, _), verdicts) in judged(&catalog, &batch, &book) {
        by_event.entry(id).or_default().extend(verdicts);
    }
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for label in labels(folder.join("labels.jsonl")) {
        let Some(expect) = label["expect"].as_object() else { continue };
        let id = label["event_id"].as_str().unwrap();
        let seen = by_event.get(id).cloned().unwrap_or_default();
        let fits = |seen: &Judged| match expect.get("verdict") {
            Some(verdict) if expect.contains_key("aspects") => {
                seen.0 == verdict.as_str().unwrap() && seen.1 == aspects(&label["expect"])
            }
            Some(verdict) => seen.0 == verdict.as_str().unwrap(),
            None if expect.contains_key("quiet") => seen.0 != "violation" && seen.0 != "undeclared",
            None => true,
        };
        checked += 1;
        let needed = expect.contains_key("verdict");
        if (needed && seen.is_empty()) || !seen.iter().all(fits) {
            wrong.push(format!("{id}: {expect:?}, judged {seen:?} ({} {})", label["label"], label["path"]));
        }
    }
    assert!(checked > 100, "only {checked} labels");
    assert!(wrong.is_empty(), "{} wrong, as {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}
