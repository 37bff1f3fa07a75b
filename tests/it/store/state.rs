//! What a store holds: seals, positions, catalogs, replacements.

use keyward::metrics::Account;
use keyward::store::{
    BlockingStore, FROM_THE_BEGINNING, FileRow, Kind, Position, PositionMove, Replacement, RetiredFile,
    SealRecord, Store, StoreError,
};

use sqlx::{Connection, SqliteConnection};

use super::{Home, on_both};

on_both! {
    a_seal_is_all_there_after_reopening;
    a_position_moves_only_from_where_it_is;
    one_process_writes_and_others_may_read;
    the_first_catalog_reaches_back_and_a_later_one_never_does;
    named_values_are_kept;
    a_replacement_swaps_files_and_remembers_the_old_ones;
    a_replacement_of_a_file_that_is_gone_changes_nothing;
}

fn step(source: &str, from: Option<i64>, to: i64) -> PositionMove {
    PositionMove {
        source: source.to_owned(),
        label: format!("/logs/{source}"),
        from: from.map(|offset| Position { offset, index: 0 }),
        to: Position { offset: to, index: 2 },
        watermark: None,
    }
}

fn file(name: &str) -> FileRow {
    FileRow {
        file: name.to_owned(),
        kind: Kind::Events,
        day: 20_000,
        rows: 3,
        bytes: 100,
        sha256: "ab".repeat(32),
        min_time: 5,
        max_time: 9,
        key_filter: vec![1, 2],
        created_at: 11,
    }
}

fn seal(store: &Store, files: Vec<FileRow>, moves: Vec<PositionMove>) -> SealRecord {
    let account = Account { received: 2, gave_events: 2, events: 3, ..Account::default() };
    SealRecord {
        publishes_rejects: false,
        coverage: Vec::new(),
        id: store.next_seal().unwrap(),
        files,
        moves,
        account,
        open_requests: None,
        replayed: Vec::new(),
        sealed_at: 7,
    }
}

async fn a_seal_is_all_there_after_reopening(home: Home) {
    let store = home.open(1).await.unwrap();
    let first = seal(&store, vec![file("a"), file("b")], vec![step("s", None, 10)]);
    store.commit_seal(&first).await.unwrap();
    store.close().await;

    let store = home.open(2).await.unwrap();
    assert_eq!(store.files(Kind::Events).await.unwrap(), [file("a"), file("b")]);
    assert!(store.files(Kind::Rejects).await.unwrap().is_empty());
    let position = store.position_of("s").await.unwrap().unwrap();
    assert_eq!((position.next, position.label.as_str()), (Position { offset: 10, index: 2 }, "/logs/s"));
    assert!(
        position.covers(Position { offset: 10, index: 1 })
            && position.covers(Position { offset: 9, index: 7 })
    );
    assert!(!position.covers(Position { offset: 10, index: 2 }));
    assert_eq!(store.account().await.unwrap().events, 3);
    assert!(store.has_seal(first.id).await.unwrap());
    assert!(store.next_seal().unwrap() > first.id, "a new writer has a new epoch");
}

async fn a_position_moves_only_from_where_it_is(home: Home) {
    let store = home.open(1).await.unwrap();
    store.commit_seal(&seal(&store, vec![], vec![step("s", None, 10)])).await.unwrap();
    for wrong in
        [step("s", None, 20), step("s", Some(9), 20), step("s", Some(10), 20), step("new", Some(0), 20)]
    {
        let late = seal(&store, vec![file("late")], vec![step("other", None, 1), wrong]);
        let error = store.commit_seal(&late).await.unwrap_err();
        assert!(matches!(error, StoreError::PositionMoved { .. }), "{error}");
        assert!(!store.has_seal(late.id).await.unwrap());
    }
    assert_eq!(store.positions().await.unwrap().len(), 1, "nothing of a failed seal stays");
    assert!(store.files(Kind::Events).await.unwrap().is_empty());

    let mut right = step("s", Some(10), 20);
    right.from = Some(Position { offset: 10, index: 2 });
    store.commit_seal(&seal(&store, vec![], vec![right])).await.unwrap();
    assert_eq!(store.position_of("s").await.unwrap().unwrap().next.offset, 20);
}

async fn one_process_writes_and_others_may_read(home: Home) {
    let store = home.open(1).await.unwrap();
    store.commit_seal(&seal(&store, vec![file("a")], vec![])).await.unwrap();
    let error = home.open(2).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");

    let reader = home.read().await.unwrap();
    assert_eq!(reader.files(Kind::Events).await.unwrap().len(), 1);
    assert!(matches!(reader.next_seal(), Err(StoreError::ReadOnly)));
    assert!(reader.set_meta("a", "b").await.is_err());

    store.commit_seal(&seal(&store, vec![file("b")], vec![])).await.unwrap();
    assert_eq!(reader.files(Kind::Events).await.unwrap().len(), 2, "a reader sees what is sealed later");
    store.close().await;
    reader.close().await;
    let reader = home.read().await.unwrap();
    assert_eq!(reader.files(Kind::Events).await.unwrap().len(), 2, "also without a writer");
}

#[tokio::test]
async fn a_folder_without_a_database_reads_as_empty_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_read_only(folder.path()).await.unwrap();
    assert!(store.files(Kind::Events).await.unwrap().is_empty());
    assert_eq!(store.account().await.unwrap(), Account::default());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn the_first_catalog_reaches_back_and_a_later_one_never_does(home: Home) {
    let store = home.open(1).await.unwrap();
    assert_eq!(store.record_catalog("a", "A", 100, Some(500)).await.unwrap(), FROM_THE_BEGINNING);
    assert_eq!(store.record_catalog("a", "A", 200, None).await.unwrap(), FROM_THE_BEGINNING);
    assert_eq!(store.record_catalog("b", "B", 300, Some(500)).await.unwrap(), 501);
    assert_eq!(store.record_catalog("a", "A", 900, Some(600)).await.unwrap(), 900);
    assert_eq!(store.record_catalog("c", "C", 900, None).await.unwrap(), 901);
    let hashes: Vec<_> = store.catalog_versions().await.unwrap().into_iter().map(|v| v.hash).collect();
    assert_eq!(hashes, ["a", "b", "a", "c"]);
}

async fn named_values_are_kept(home: Home) {
    let store = home.open(1).await.unwrap();
    assert_eq!(store.meta("x").await.unwrap(), None);
    store.set_meta("x", "1").await.unwrap();
    store.set_meta("x", "2").await.unwrap();
    assert_eq!(store.meta("x").await.unwrap().as_deref(), Some("2"));
}

#[test]
fn a_plain_thread_can_use_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let blocking = BlockingStore::open(folder.path(), 1).unwrap();
    let record = seal(blocking.store(), vec![], vec![step("s", None, 1)]);
    blocking.wait(blocking.store().commit_seal(&record)).unwrap();
    assert!(blocking.wait(blocking.store().position_of("s")).unwrap().is_some());
}

fn replacement(store: &Store, added: &str, removed: &[&str]) -> Replacement {
    Replacement {
        id: store.next_seal().unwrap(),
        added: file(added),
        removed: removed.iter().map(|name| (*name).to_owned()).collect(),
        replaced_at: 20,
        remove_after: 30,
    }
}

async fn a_replacement_swaps_files_and_remembers_the_old_ones(home: Home) {
    let store = home.open(1).await.unwrap();
    store.commit_seal(&seal(&store, vec![file("a"), file("b"), file("c")], Vec::new())).await.unwrap();
    let events = store.account().await.unwrap().events;
    store.commit_replacement(&replacement(&store, "d", &["a", "c"])).await.unwrap();
    assert_eq!(store.file_names().await.unwrap(), ["b", "d"]);
    let retired = |name: &str| RetiredFile { file: name.to_owned(), remove_after: 30 };
    assert_eq!(store.retired_files().await.unwrap(), [retired("a"), retired("c")]);
    assert_eq!(store.account().await.unwrap().events, events, "no record was read");
    store.forget_retired("a").await.unwrap();
    assert_eq!(store.retired_files().await.unwrap(), [retired("c")]);
}

async fn a_replacement_of_a_file_that_is_gone_changes_nothing(home: Home) {
    let store = home.open(1).await.unwrap();
    store.commit_seal(&seal(&store, vec![file("a"), file("b")], Vec::new())).await.unwrap();
    let error = store.commit_replacement(&replacement(&store, "d", &["a", "gone"])).await.unwrap_err();
    assert!(matches!(error, StoreError::FileGone { file } if file == "gone"));
    assert_eq!(store.file_names().await.unwrap(), ["a", "b"]);
    assert_eq!(store.retired_files().await.unwrap(), []);
}

#[tokio::test]
async fn a_transaction_that_the_database_itself_ended_spoils_none_of_the_later_ones() {
    let home = Home::embedded();
    let store = home.open(1).await.unwrap();
    let file = store.folder().database();
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    // As SQLite does where the disk is full.
    let ends = "CREATE TRIGGER full BEFORE INSERT ON meta BEGIN SELECT RAISE(ROLLBACK, 'no room'); END";
    sqlx::raw_sql(ends).execute(&mut other).await.unwrap();
    for _ in 0..3 {
        let error = store.set_meta("name", "value").await.unwrap_err().to_string();
        assert!(error.contains("no room"), "{error}");
    }
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut other).await.unwrap();
    store.set_meta("name", "value").await.unwrap();
    assert_eq!(store.meta("name").await.unwrap().as_deref(), Some("value"));
}
