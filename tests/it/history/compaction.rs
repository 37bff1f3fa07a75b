use std::fs;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use keyward::history::measure::Corpus;
use keyward::history::{Compacted, GRACE, HistoryError, Snapshot, Writer, batches, compact, sweep};
use keyward::metrics::Account;
use keyward::store::{BlockingStore, Kind, StoreError};
use keyward::table::columns::{Column, events_schema};
use keyward::table::rows::Rows;

use super::{NOW, ask, files_on_disk, open, session};

/// Many seals over two days, of events that overlap in key and time.
fn many_seals(store: &BlockingStore, seals: u64) -> Vec<RecordBatch> {
    let mut written = Vec::new();
    for seal in 0..seals {
        let mut corpus = Corpus::new(seal + 1, 20, 300);
        let mut writer = Writer::default();
        let events = corpus.batch(500).unwrap();
        writer.open.push(Kind::Events, &events).unwrap();
        writer.open.count(&Account { received: 500, gave_events: 500, events: 500, ..Account::default() });
        writer.seal(store, NOW).unwrap();
        written.push(events);
    }
    written
}

fn run(store: &BlockingStore, at: i64) -> Result<Compacted, HistoryError> {
    store.wait(compact(store.store(), &events_schema(), at))
}

fn names(store: &BlockingStore) -> Vec<String> {
    store.wait(store.store().file_names()).unwrap()
}

const QUESTIONS: &[&str] = &[
    "SELECT * FROM events ORDER BY event_id",
    "SELECT key_id, function, count(*), min(event_time), max(event_time) FROM events GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT principal, count(DISTINCT key_id) FROM events WHERE array_has(violations, 'principal') GROUP BY 1 ORDER BY 1",
    "SELECT * FROM events WHERE key_id = (SELECT min(key_id) FROM events) ORDER BY event_time, event_id",
    "SELECT count(*) FROM events WHERE mfa IS NULL OR request IS NOT NULL",
];

fn answers(root: &std::path::Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = session(root).await;
        let mut answers = Vec::new();
        for question in QUESTIONS {
            answers.push(ask(&session, question).await);
        }
        answers
    })
}

#[test]
fn after_compaction_there_are_few_files_and_every_answer_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 12);
    let (before, many) = (answers(folder.path()), names(&store).len());
    let compacted = run(&store, NOW).unwrap();
    assert!(compacted.rows > 6_000, "events, and what was derived from them");
    assert_eq!(names(&store).len(), many - compacted.replaced + compacted.written);
    assert_eq!(names(&store).len(), 3 * 2, "one file a day of events, usage and facts");
    assert_eq!(answers(folder.path()), before);
    assert_eq!(store.wait(store.store().account()).unwrap().events, 6_000);
    assert_eq!(run(&store, NOW).unwrap(), Compacted::default(), "there is nothing more to do");
}

#[test]
fn a_merged_file_is_sorted_by_key_and_time_and_described_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    run(&store, NOW + 5).unwrap();
    let mut rows_read = 0;
    for file in store.wait(store.store().files(Kind::Events)).unwrap() {
        let read: Vec<_> = batches(store.store().folder(), vec![file.clone()], events_schema())
            .map(Result::unwrap)
            .collect();
        let all = concat_batches(&events_schema(), &read).unwrap();
        let rows = Rows::of(&all);
        let order: Vec<_> = (0..rows.len())
            .map(|row| (rows.text(Column::KeyId, row), rows.time(Column::EventTime, row)))
            .collect();
        assert!(order.is_sorted());
        let times: Vec<_> = (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).collect();
        assert_eq!(times.iter().min(), Some(&file.min_time));
        assert_eq!(times.iter().max(), Some(&file.max_time));
        assert_eq!((rows.len() as i64, file.created_at), (file.rows, NOW + 5));
        let bytes = fs::read(store.store().folder().file(&file.file)).unwrap();
        assert_eq!(bytes.len() as i64, file.bytes);
        rows_read += file.rows;
    }
    assert_eq!(rows_read, 5_000);
}

#[test]
fn who_reads_an_older_manifest_goes_on_until_the_grace_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    let snapshot = store.wait(Snapshot::take(store.store())).unwrap();
    let old: Vec<_> = snapshot.events.iter().map(|file| file.file.clone()).collect();
    let on_disk = files_on_disk(folder.path()).len();
    let compacted = run(&store, NOW).unwrap();
    assert_eq!(files_on_disk(folder.path()).len(), on_disk + compacted.written);

    drop(store);
    let store = BlockingStore::open(folder.path(), NOW + GRACE - 1).unwrap();
    assert_eq!(store.wait(sweep(store.store(), NOW + GRACE - 1)).unwrap().len(), 0);
    let rows: usize = batches(&snapshot.folder, snapshot.events, events_schema())
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert_eq!(rows, 5_000);

    let removed = store.wait(sweep(store.store(), NOW + GRACE)).unwrap();
    assert_eq!(removed.len(), compacted.replaced);
    assert!(old.iter().all(|name| !store.store().folder().file(name).exists()));
    assert_eq!(files_on_disk(folder.path()), names(&store));
    assert_eq!(store.wait(store.store().retired_files()).unwrap(), []);
}

#[test]
fn when_the_transaction_fails_history_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    let (manifest, on_disk) = (names(&store), files_on_disk(folder.path()));
    // The database refuses the new manifest row, after the old ones were taken out.
    let sabotage =
        "CREATE TRIGGER full BEFORE INSERT ON manifest BEGIN SELECT RAISE(ABORT, 'disk is full'); END";
    store.wait(async {
        use sqlx::Connection;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("keyward.db"));
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(sabotage).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    let error = run(&store, NOW).unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(names(&store), manifest);
    assert_eq!(files_on_disk(folder.path()), on_disk, "the new file is gone, the old ones are there");
    assert_eq!(store.wait(store.store().retired_files()).unwrap(), []);
}

#[test]
fn a_merged_file_whose_transaction_never_came_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    let (before, sealed) = (answers(folder.path()), files_on_disk(folder.path()));
    let example = folder.path().join("history").join(&sealed[0]);
    fs::copy(&example, example.with_file_name("local-00000001-00000777.parquet")).unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.wait(sweep(store.store(), NOW)).unwrap().len(), 1);
    assert_eq!(files_on_disk(folder.path()), sealed);
    assert_eq!(answers(folder.path()), before);
}

#[test]
fn a_damaged_file_stops_the_merge_of_its_day_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    let manifest = names(&store);
    let damaged = folder.path().join("history").join(&manifest[0]);
    fs::write(&damaged, "no Parquet").unwrap();
    let error = run(&store, NOW).unwrap_err();
    assert!(matches!(error, HistoryError::Parquet { doing: "read", .. }), "{error}");
    assert_eq!(names(&store), manifest);
    assert_eq!(files_on_disk(folder.path()), manifest);
}

#[test]
fn files_of_a_newer_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    let manifest = names(&store);
    // For a version that knows fewer columns of events than these files have.
    let fewer = events_schema().project(&[0, 1]).unwrap().into();
    let compacted = store.wait(compact(store.store(), &fewer, NOW)).unwrap();
    assert_eq!(compacted.replaced, manifest.len());

    let mut writer = Writer::default();
    for _ in 0..10 {
        let findings = Corpus::new(1, 5, 1_000_000).batch(50).unwrap();
        writer.open.push(Kind::Findings, &findings).unwrap();
        writer.seal(&store, NOW).unwrap();
    }
    let compacted = store.wait(compact(store.store(), &fewer, NOW)).unwrap();
    assert_eq!(compacted, Compacted::default());
    assert_eq!(store.wait(store.store().files(Kind::Findings)).unwrap().len(), 10);
}

#[test]
fn a_reader_may_not_compact() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    many_seals(&store, 10);
    drop(store);
    let store = BlockingStore::open_read_only(folder.path()).unwrap();
    let error = run(&store, NOW).unwrap_err();
    assert!(matches!(error, HistoryError::Store(StoreError::ReadOnly)), "{error}");
}
