//! What must be known of events after a restart: written with the seal, merged, forgotten in order.

use keyward::history::{OpenSet, Traces, Uid, compact, sweep};
use keyward::store::{BlockingStore, Kind};
use keyward::table::build::LearntAlias;
use keyward::table::columns::events_schema;

use super::{NOW, files_on_disk, open};

fn traces(seal: u128) -> Traces {
    let uids = (0..100).map(|number| Uid { uid: seal * 100 + number, content: Some(seal as u64) });
    let alias = LearntAlias { at: seal as i64, alias: "alias/a".to_owned(), key: Some("key".to_owned()) };
    Traces { uids: uids.collect(), aliases: vec![alias], ..Traces::default() }
}

fn seal(store: &BlockingStore, number: u128, open_requests: &[u8]) {
    let mut set = OpenSet::default();
    set.remember(traces(number));
    set.leaves_open(open_requests.to_vec());
    let written = set.write(store.store(), NOW).unwrap();
    store.wait(written.commit(store.store())).unwrap();
}

fn known(store: &BlockingStore, horizon: usize) -> Traces {
    store.wait(Traces::read(store.store(), horizon)).unwrap()
}

#[test]
fn a_restart_finds_what_the_last_seal_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.wait(store.store().open_requests()).unwrap().is_empty());
    seal(&store, 0, b"one waits");
    seal(&store, 1, b"");
    seal(&store, 2, b"another waits");
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.wait(store.store().open_requests()).unwrap(), b"another waits");
    let uids: Vec<_> = known(&store, 250).uids.iter().map(|uid| uid.uid).collect();
    assert_eq!(uids, (50..300).collect::<Vec<u128>>(), "the newest, oldest first");
}

#[test]
fn what_was_not_sealed_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    seal(&store, 0, b"");
    let mut set = OpenSet::default();
    set.remember(traces(1));
    set.leaves_open(b"lost".to_vec());
    drop(set.write(store.store(), NOW).unwrap());
    assert_eq!(known(&store, usize::MAX).uids.len(), 100);
    assert!(store.wait(store.store().open_requests()).unwrap().is_empty());
}

#[test]
fn merged_files_tell_the_same_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..20 {
        seal(&store, number, b"");
        if number == 11 {
            let compacted = store.wait(compact(store.store(), &events_schema(), NOW)).unwrap();
            assert_eq!((compacted.replaced, compacted.written), (12, 1));
        }
    }
    let before = known(&store, usize::MAX);
    assert_eq!(before.uids.iter().map(|uid| uid.uid).collect::<Vec<_>>(), (0..2_000).collect::<Vec<_>>());
    let compacted = store.wait(compact(store.store(), &events_schema(), NOW)).unwrap();
    assert_eq!(compacted.written, 0, "eight more are few enough");
    seal(&store, 20, b"");
    store.wait(compact(store.store(), &events_schema(), NOW)).unwrap();
    let files = store.wait(store.store().files(Kind::Traces)).unwrap();
    assert_eq!(files.len(), 2, "the older one is far larger");
    let after = known(&store, usize::MAX);
    assert_eq!(after.uids[..2_000], before.uids);
    let times: Vec<_> = after.aliases.iter().map(|fact| fact.at).collect();
    assert_eq!(times, [0, 11, 12, 20], "the first and the last of each file say all");
}

#[test]
fn a_sweep_leaves_the_files_of_other_epochs_that_may_still_be_sealed() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let store = open(folder.path());
    seal(&store, 0, b"");
    let sealed = files_on_disk(folder.path());
    let epoch = store.store().epoch().unwrap();
    let file = |epoch: i64| {
        let path = folder.path().join("history").join(&sealed[0]);
        path.with_file_name(format!("local-{epoch:08}-00000777.parquet"))
    };
    for epoch in [epoch - 1, epoch, epoch + 1] {
        std::fs::write(file(epoch), "unsealed").unwrap();
    }
    let removed = store.wait(sweep(store.store(), NOW)).unwrap();
    assert_eq!(removed, [file(epoch - 1)], "no longer of a writer that may seal");
}
