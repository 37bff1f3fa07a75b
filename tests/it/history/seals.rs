use std::fs;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use keyward::domain::reject::{Reject, RejectReason};
use keyward::history::measure::{self, Corpus};
use keyward::history::rejects::{RejectedRecord, RejectsBuilder};
use keyward::history::{HistoryError, Limits, OpenSet, Writer, batches, sweep};
use keyward::metrics::Account;
use keyward::store::{Kind, StoreError};
use keyward::table::columns::{Column, events_schema};
use keyward::table::rows::Rows;

use super::{NOW, files_on_disk, open, step, two_days};

fn read_back(store: &keyward::store::BlockingStore) -> RecordBatch {
    let files = store.wait(store.store().files(Kind::Events)).unwrap();
    let read: Vec<_> = batches(store.store().folder(), files, events_schema()).map(Result::unwrap).collect();
    concat_batches(&events_schema(), &read).unwrap()
}

/// The rows by event id, so that two orders of the same rows compare equal.
fn by_event_id(batch: &RecordBatch) -> String {
    let ids = batch.column(Column::EventId as usize);
    let order = arrow::compute::sort_to_indices(ids, None, None).unwrap();
    let sorted = take_record_batch(batch, &order).unwrap();
    arrow::util::pretty::pretty_format_batches(&[sorted]).unwrap().to_string()
}

#[test]
fn what_was_written_is_read_back_with_the_live_schema() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    let written = two_days(&mut writer);
    let sealed = writer.seal(&store, NOW).unwrap().unwrap();
    assert!(sealed.files.len() >= 2, "one file a day: {:?}", sealed.files);
    let read = read_back(&store);
    assert_eq!(read.schema(), written.schema(), "names, types, nullability and sentences");
    assert_eq!(by_event_id(&read), by_event_id(&written));
    assert!(writer.seal(&store, NOW).unwrap().is_none(), "there is nothing more to seal");
}

#[test]
fn a_file_is_sorted_by_key_and_time_and_holds_one_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    two_days(&mut writer);
    let files = writer.seal(&store, NOW).unwrap().unwrap().files;
    for file in files.into_iter().filter(|file| file.kind == Kind::Events) {
        let read: Vec<_> = batches(store.store().folder(), vec![file.clone()], events_schema())
            .map(Result::unwrap)
            .collect();
        let all = concat_batches(&events_schema(), &read).unwrap();
        let rows = Rows::of(&all);
        let order: Vec<_> = (0..rows.len())
            .map(|row| (rows.text(Column::KeyId, row), rows.time(Column::EventTime, row)))
            .collect();
        assert!(order.is_sorted());
        let times = all.column(Column::EventTime as usize).as_primitive::<TimestampMicrosecondType>();
        assert!(times.values().iter().all(|time| time.div_euclid(86_400_000_000) == file.day));
        assert_eq!(times.values().iter().min(), Some(&file.min_time));
        assert_eq!(times.values().iter().max(), Some(&file.max_time));
        assert_eq!(rows.len() as i64, file.rows);
        let bytes = fs::read(store.store().folder().file(&file.file)).unwrap();
        assert_eq!(bytes.len() as i64, file.bytes);
        use sha2::Digest;
        let hash: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, file.sha256);
    }
}

#[test]
fn a_seal_moves_positions_and_counts_together_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    two_days(&mut writer);
    writer.open.moved(step(None, 100));
    writer.open.moved(step(Some(100), 250));
    writer.open.count(&Account { received: 4_000, gave_events: 4_000, events: 4_000, ..Account::default() });
    writer.seal(&store, NOW).unwrap();
    let position = store.wait(store.store().position_of("file:1:2:abcd")).unwrap().unwrap();
    assert_eq!(position.next.offset, 250, "the steps of one source become one");
    assert_eq!(store.wait(store.store().account()).unwrap().received, 4_000);

    // The same file again: its position says that everything is known, so nothing is pushed.
    writer.open.moved(step(Some(250), 260));
    let sealed = writer.seal(&store, NOW).unwrap().unwrap();
    assert!(sealed.files.is_empty(), "positions move without rows");
}

#[test]
fn when_a_position_moved_meanwhile_no_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    writer.open.moved(step(None, 100));
    writer.seal(&store, NOW).unwrap();
    two_days(&mut writer);
    writer.open.moved(step(Some(50), 200));
    let error = writer.seal(&store, NOW).unwrap_err();
    assert!(matches!(error, HistoryError::Store(StoreError::PositionMoved { .. })), "{error}");
    assert_eq!(files_on_disk(folder.path()), Vec::<String>::new());
    assert!(writer.open.is_empty(), "what was open is read again from the stored position");
}

#[test]
fn when_a_file_cannot_be_renamed_none_of_the_set_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    two_days(&mut writer);
    writer.open.moved(step(None, 100));
    let sealed = writer.seal(&store, NOW).unwrap().unwrap();
    let second_day = sealed.files[1].file.clone();
    let before = files_on_disk(folder.path());

    // A folder stands where the second day's next file should go.
    let next = second_day.replace("-00000001.parquet", "-00000002.parquet");
    assert_ne!(next, second_day);
    fs::create_dir_all(folder.path().join("history").join(next).join("in the way")).unwrap();
    two_days(&mut writer);
    writer.open.moved(step(Some(100), 200));
    let error = writer.seal(&store, NOW).unwrap_err();
    assert!(matches!(error, HistoryError::Io { doing: "rename", .. }), "{error}");
    assert_eq!(files_on_disk(folder.path()), before);
    let position = store.wait(store.store().position_of("file:1:2:abcd")).unwrap().unwrap();
    assert_eq!(position.next.offset, 100);
}

#[test]
fn when_the_transaction_fails_midway_nothing_of_the_seal_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // The database refuses the manifest row, after lease, seal and position were written.
    let sabotage =
        "CREATE TRIGGER full BEFORE INSERT ON manifest BEGIN SELECT RAISE(ABORT, 'disk is full'); END";
    store.wait(async {
        use sqlx::Connection;
        let path = folder.path().join("keyward.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(sabotage).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    let mut writer = Writer::default();
    two_days(&mut writer);
    writer.open.moved(step(None, 100));
    let error = writer.seal(&store, NOW).unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(files_on_disk(folder.path()), Vec::<String>::new());
    assert_eq!(store.wait(store.store().position_of("file:1:2:abcd")).unwrap(), None);
    assert_eq!(store.wait(store.store().account()).unwrap(), Account::default());
}

#[test]
fn the_sweep_removes_what_a_dead_writer_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writer = Writer::default();
    two_days(&mut writer);
    writer.seal(&store, NOW).unwrap();
    let sealed = files_on_disk(folder.path());

    // Files in their place whose transaction never came, as after a kill.
    let mut killed = OpenSet::default();
    killed.push(Kind::Events, &Corpus::new(9, 3, 500).batch(100).unwrap()).unwrap();
    std::mem::forget(killed.write(store.store(), NOW).unwrap());
    let events = folder.path().join("history").join(&sealed[0]);
    let half = events.with_file_name(".local-00000001-00000009.parquet.tmp");
    fs::write(&half, "half").unwrap();
    let foreign = events.with_file_name("other-00000001-00000001.parquet");
    fs::write(&foreign, "another instance's").unwrap();
    drop(store);

    let store = open(folder.path());
    let removed = store.wait(sweep(store.store(), NOW)).unwrap();
    assert_eq!(removed.len(), 4, "events, usage, facts, and the unfinished one: {removed:?}");
    assert!(foreign.exists());
    fs::remove_file(foreign).unwrap();
    assert_eq!(files_on_disk(folder.path()), sealed);
    assert_eq!(store.wait(sweep(store.store(), NOW)).unwrap().len(), 0);
}

#[test]
fn a_batch_with_other_columns_is_refused_and_changes_nothing() {
    let mut open = OpenSet::default();
    let events = Corpus::new(1, 3, 100).batch(10).unwrap();
    open.push(Kind::Events, &events).unwrap();
    let other = events.project(&[0, 1, 2]).unwrap();
    assert!(matches!(open.push(Kind::Events, &other), Err(HistoryError::OtherColumns { .. })));
    let timeless = events.project(&[0]).unwrap();
    assert!(matches!(open.push(Kind::Findings, &timeless), Err(HistoryError::NoTime { .. })));
    assert_eq!(open.rows(), 10);
}

#[test]
fn a_set_is_due_by_rows_and_many_days_wait_for_enough_rows() {
    let limits = Limits { rows: 100_000, ..Limits::default() };
    let mut open = OpenSet::default();
    let mut sparse = Corpus::new(1, 3, 100);
    open.push(Kind::Events, &sparse.batch(5_000).unwrap()).unwrap();
    assert!(!open.is_full(&limits), "fifty days, but few rows");
    for _ in 0..13 {
        open.push(Kind::Events, &sparse.batch(5_000).unwrap()).unwrap();
    }
    assert!(open.is_full(&limits), "now there are enough");
    let mut dense = OpenSet::default();
    let mut corpus = Corpus::new(1, 3, 50_000_000);
    for _ in 0..19 {
        dense.push(Kind::Events, &corpus.batch(5_000).unwrap()).unwrap();
    }
    assert!(!dense.is_full(&limits));
    dense.push(Kind::Events, &corpus.batch(5_000).unwrap()).unwrap();
    assert!(dense.is_full(&limits));
}

#[test]
fn rejects_are_kept_by_the_day_they_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut rejects = RejectsBuilder::default();
    let record =
        RejectedRecord { source: "a", position: 7, index: 0, sha256: "00", sample: None, ingested_at: NOW };
    rejects.push(record, &Reject::new(RejectReason::InvalidJson, "no value"));
    assert!(!rejects.is_empty());
    let mut writer = Writer::default();
    writer.open.push(Kind::Rejects, &rejects.finish().unwrap()).unwrap();
    let sealed = writer.seal(&store, NOW).unwrap().unwrap();
    assert_eq!(sealed.files[0].day, NOW.div_euclid(86_400_000_000));
    assert!(sealed.files[0].file.starts_with("rejects/day="));
}

#[test]
fn a_cloudtrail_event_takes_less_than_80_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::new(1, 500, 8_640_000);
    let written = measure::writing(folder.path(), &mut corpus, 50_000, NOW).unwrap();
    let bytes = written.bytes_a_row();
    assert!((60.0..80.0).contains(&bytes), "{bytes}");
}

#[test]
fn files_of_an_older_version_read_as_null_where_they_lack_a_column() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let events = Corpus::new(3, 5, 1_000).batch(300).unwrap();
    let kept: Vec<usize> =
        (0..events.num_columns()).filter(|place| *place != Column::Owner as usize).collect();
    let mut writer = Writer::default();
    writer.open.push(Kind::Events, &events.project(&kept).unwrap()).unwrap();
    writer.seal(&store, NOW).unwrap();
    let read = read_back(&store);
    assert_eq!(read.schema(), events_schema());
    assert_eq!(read.column(Column::Owner as usize).null_count(), 300);
    assert_eq!(by_event_id(&read.project(&kept).unwrap()), by_event_id(&events.project(&kept).unwrap()));
}
