//! What was kept: every event and finding by its id and a hash of all its columns, and every alert as it reads.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};
use keyward::alerts::kept;
use keyward::detect::table::findings_schema;
use keyward::history::batches;
use keyward::metrics::Account;
use keyward::store::{AlertKind, BlockingStore, DeliveryState, Kind};
use keyward::table::columns::events_schema;
use serde_json::Value;

use super::{Site, size};
use crate::alerts_service::receiver::Receiver;

/// More alerts and deliveries than any test has.
const ALL: i64 = 1_000_000;

/// Columns that tell how an event came here, not what it is; and what was known by then of a rotation in
/// another partition, which changes no finding.
const OF_THE_WAY: [&str; 5] = ["ingested_at", "source", "position", "device", "rotation_due"];

/// What an alert says that does not depend on when the windows of its findings fired.
const OF_ANY_TIME: [&str; 8] =
    ["id", "level", "title", "alert_by", "key_id", "principal", "detectors", "count"];

/// Id and place in the record; for each row of these, its outcome and the hash of everything.
type Hashes = HashMap<(String, i64), Vec<(String, u64)>>;

pub struct Kept {
    events: Hashes,
    findings: Hashes,
    alerts: BTreeMap<String, Value>,
    account: Account,
}

impl Kept {
    /// What a service kept.
    pub fn of_store(store: &BlockingStore) -> Self {
        let alerts = store.wait(kept(store.store(), ALL)).unwrap();
        let alerts = alerts.iter().filter(|alert| alert.kind == AlertKind::Misuse);
        let alerts = alerts.map(|kept| serde_json::to_value(&kept.alert).unwrap());
        Self::with(store, alerts)
    }

    /// What one scan of the files in `logs` keeps.
    pub fn of_scan(site: &Site) -> Self {
        let ran = Command::new(size::program())
            .args(["scan", "--catalog", "catalog.yaml", "logs", "--data", "scanned"])
            .args(["--emit", "alerts", "--format", "json"])
            .current_dir(site.keyward.path("."))
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&ran.stderr));
        let store = BlockingStore::open_read_only(&site.keyward.path("scanned")).unwrap();
        let alerts = serde_json::Deserializer::from_slice(&ran.stdout).into_iter();
        Self::with(&store, alerts.map(Result::unwrap).collect::<Vec<_>>())
    }

    fn with(store: &BlockingStore, alerts: impl IntoIterator<Item = Value>) -> Self {
        let windows = windows(store);
        let of_window = |alert: &Value| {
            let detectors = alert["detectors"].as_array().unwrap();
            detectors.iter().any(|detector| windows.contains(detector.as_str().unwrap()))
        };
        let alerts = alerts.into_iter().map(|mut alert| {
            if of_window(&alert) {
                alert.as_object_mut().unwrap().retain(|name, _| OF_ANY_TIME.contains(&name.as_str()));
            }
            (alert["id"].as_str().unwrap().to_owned(), alert)
        });
        Self {
            events: hashes(store, Kind::Events, events_schema(), "event_id"),
            findings: hashes(store, Kind::Findings, findings_schema(), "id"),
            alerts: alerts.collect(),
            account: store.wait(store.store().account()).unwrap(),
        }
    }

    /// How many records it came from.
    pub fn received(&self) -> u64 {
        self.account.received
    }

    /// Every event, every finding and every alert is the same.
    #[track_caller]
    pub fn assert_is(&self, expected: &Self, logs: &str) {
        let differences = [
            differences("event", &self.events, &expected.events),
            differences("finding", &self.findings, &expected.findings),
            differences("alert", &self.alerts, &expected.alerts),
        ];
        assert!(differences.iter().all(String::is_empty), "{}\n{logs}", differences.concat());
        let twice = self.events.iter().find(|(_, rows)| rows.windows(2).any(|two| two[0] == two[1]));
        assert_eq!(twice, None, "an event is there twice");
        assert!(!self.events.is_empty() && !self.alerts.is_empty(), "nothing was compared");
        assert_eq!(self.account, expected.account, "{logs}");
        assert!(self.account.adds_up());
    }

    /// Every page of the store arrived, and each with one body.
    #[track_caller]
    pub fn assert_told(&self, store: &BlockingStore, receiver: &Receiver) {
        let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for arrival in receiver.arrivals() {
            bodies.entry(arrival.headers["webhook-id"].clone()).or_default().insert(arrival.body);
        }
        let twice: Vec<_> = bodies.iter().filter(|(_, bodies)| bodies.len() > 1).collect();
        assert!(twice.is_empty(), "pages with two bodies: {twice:#?}");
        let deliveries = store.wait(store.store().deliveries(ALL)).unwrap();
        assert!(!deliveries.is_empty(), "nothing was told");
        for delivery in &deliveries {
            assert_eq!(delivery.state, DeliveryState::Delivered, "{delivery:?}");
            assert!(bodies.contains_key(&delivery.id), "{} was never sent", delivery.id);
        }
        let stored: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.id.clone()).collect();
        assert_eq!(stored, bodies.keys().cloned().collect(), "something else was sent");
        let told: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.alert_id.as_str()).collect();
        let alerts = store.wait(kept(store.store(), ALL)).unwrap();
        for kept in alerts.iter().filter(|kept| kept.folded_into.is_none()) {
            let held_back = kept.kind == AlertKind::Misuse && !told.contains(kept.alert.id.as_str());
            assert!(!held_back || is_for_a_digest(&kept.alert.detectors), "{kept:#?} was never told");
        }
    }
}

/// Undeclared keys are told once a day.
fn is_for_a_digest(detectors: &BTreeSet<String>) -> bool {
    detectors.iter().all(|detector| detector == "KP-016")
}

/// The detectors of windows that found something.
fn windows(store: &BlockingStore) -> BTreeSet<String> {
    let files = store.wait(store.store().files(Kind::Findings)).unwrap();
    let mut found = BTreeSet::new();
    for batch in batches(store.store().folder(), files, findings_schema()) {
        let batch = batch.unwrap();
        let detectors = batch.column_by_name("detector").unwrap().as_string::<i32>();
        let of_windows = windowed(&batch).into_iter().zip(detectors).filter(|(windowed, _)| *windowed);
        found.extend(of_windows.filter_map(|(_, detector)| detector.map(str::to_owned)));
    }
    found
}

fn hashes(store: &BlockingStore, kind: Kind, schema: SchemaRef, id: &str) -> Hashes {
    let files = store.wait(store.store().files(kind)).unwrap();
    let mut all = Hashes::new();
    for batch in batches(store.store().folder(), files, schema) {
        let batch = batch.unwrap();
        let rows = outcomes(&batch).into_iter().zip(hashes_of(&batch));
        for ((key, row), windowed) in keys(&batch, id).into_iter().zip(rows).zip(windowed(&batch)) {
            all.entry(key).or_default().push(if windowed { ("of a window".to_owned(), 0) } else { row });
        }
    }
    all.values_mut().for_each(|rows| rows.sort_unstable());
    all
}

fn keys(batch: &RecordBatch, id: &str) -> Vec<(String, i64)> {
    let ids = batch.column_by_name(id).unwrap().as_string::<i32>();
    let ordinals = batch.column_by_name("ordinal").map(|column| column.as_primitive::<Int64Type>());
    let ordinal = |row| ordinals.map_or(0, |ordinals| ordinals.value(row));
    (0..batch.num_rows()).map(|row| (ids.value(row).to_owned(), ordinal(row))).collect()
}

/// Which rows are of a window: what such a finding counts is what was there when it fired, which is at once in a
/// service and at the end in a scan. Its id is the same.
fn windowed(batch: &RecordBatch) -> Vec<bool> {
    let from = batch.column_by_name("window_from");
    (0..batch.num_rows()).map(|row| from.is_some_and(|from| from.is_valid(row))).collect()
}

fn outcomes(batch: &RecordBatch) -> Vec<String> {
    let outcomes = arrow::compute::cast(batch.column_by_name("outcome").unwrap(), &DataType::Utf8).unwrap();
    let outcomes = outcomes.as_string::<i32>();
    outcomes.iter().map(|outcome| outcome.unwrap_or_default().to_owned()).collect()
}

fn hashes_of(batch: &RecordBatch) -> Vec<u64> {
    let columns: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| !OF_THE_WAY.contains(&field.name().as_str()))
        .map(|(_, column)| Arc::clone(column))
        .collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let rows = RowConverter::new(fields).unwrap().convert_columns(&columns).unwrap();
    let hash = |row: arrow::row::Row<'_>| {
        let mut hasher = DefaultHasher::new();
        row.as_ref().hash(&mut hasher);
        hasher.finish()
    };
    rows.iter().map(hash).collect()
}

/// What one side has and the other lacks or has otherwise, at most a few of each; empty where they are the same.
fn differences<'k, K, V, C>(what: &str, found: &'k C, expected: &'k C) -> String
where
    &'k C: IntoIterator<Item = (&'k K, &'k V)>,
    K: std::fmt::Debug + Ord + 'k,
    V: std::fmt::Debug + PartialEq + 'k,
{
    let found: BTreeMap<&K, &V> = found.into_iter().collect();
    let expected: BTreeMap<&K, &V> = expected.into_iter().collect();
    let lost: Vec<_> = expected.iter().filter(|(key, _)| !found.contains_key(*key)).collect();
    let invented: Vec<_> = found.iter().filter(|(key, _)| !expected.contains_key(*key)).collect();
    let other: Vec<_> = expected
        .iter()
        .filter_map(|(key, value)| Some((key, value, found.get(*key)?)))
        .filter(|(_, value, found)| value != found)
        .collect();
    if lost.is_empty() && invented.is_empty() && other.is_empty() {
        return String::new();
    }
    let few = 3;
    format!(
        "of {} {what}s {} are lost, {} invented, {} otherwise\nlost {:#?}\ninvented {:#?}\notherwise {:#?}\n",
        expected.len(),
        lost.len(),
        invented.len(),
        other.len(),
        &lost[..lost.len().min(few)],
        &invented[..invented.len().min(few)],
        &other[..other.len().min(few)],
    )
}
