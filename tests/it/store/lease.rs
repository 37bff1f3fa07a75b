//! One instance writes; the others wait for it to go.

use std::time::{Duration, Instant};

use keyward::metrics::Account;
use keyward::store::{LASTS_MICROS, LOOK_EVERY, SealRecord, Store, StoreError};
use tokio::runtime::{Builder, Runtime};

use super::{Home, on_both};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

on_both! {
    who_stands_by_takes_over_when_the_store_is_closed;
}

fn seal(store: &Store) -> SealRecord {
    let id = store.next_seal().unwrap();
    SealRecord {
        publishes_rejects: false,
        coverage: Vec::new(),
        id,
        files: Vec::new(),
        moves: Vec::new(),
        account: Account::default(),
        open_requests: None,
        replayed: Vec::new(),
        sealed_at: 7,
    }
}

async fn who_stands_by_takes_over_when_the_store_is_closed(home: Home) {
    let first = home.open(1).await.unwrap();
    let epoch = first.epoch().unwrap();
    let error = home.open(2).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");

    let waiting = Store::stand_by(home.place(), || 3);
    let closing = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        first.commit_seal(&seal(&first)).await.unwrap();
        first.close().await;
    };
    let (second, ()) = tokio::join!(waiting, closing);
    let second = second.unwrap();
    assert!(second.epoch().unwrap() > epoch);
    second.commit_seal(&seal(&second)).await.unwrap();
    second.close().await;
    // At once: nobody waits for the end of a lease that was given up. A process that another test starts has
    // the lock of a folder for the moment between its fork and its exec.
    let mut third = home.open(3).await;
    for _ in 0..5 {
        if third.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            third = home.open(3).await;
        }
    }
    third.unwrap();
}

/// A runtime that stands still whenever it is not waited on: what was started on it is paused.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn who_stands_by_takes_over_from_a_paused_owner_which_can_do_nothing_when_it_wakes_up() {
    let (paused, running) = (runtime(), runtime());
    let Some(home) = paused.block_on(Home::postgres()) else { return };
    let zombie = paused.block_on(home.open(1)).unwrap();
    let prepared = seal(&zombie);

    let started = Instant::now();
    let owner = running.block_on(Store::stand_by(home.place(), || 2)).unwrap();
    let lasts = Duration::from_micros(LASTS_MICROS as u64);
    assert!(started.elapsed() > lasts - Duration::from_secs(3) && started.elapsed() < PATIENCE);
    assert!(
        lasts + LOOK_EVERY < Duration::from_secs(10),
        "what is promised for a machine with time to spare"
    );

    for (name, error) in [
        ("a seal", paused.block_on(zombie.commit_seal(&prepared)).unwrap_err()),
        ("a value", paused.block_on(zombie.set_meta("name", "zombie")).unwrap_err()),
        ("a catalog", paused.block_on(zombie.record_catalog("hash", "text", 5, None)).unwrap_err()),
    ] {
        assert!(matches!(error, StoreError::LeaseLost), "{name}: {error}");
    }
    paused.block_on(zombie.lease_lost());
    assert!(!running.block_on(owner.has_seal(prepared.id)).unwrap());
    running.block_on(owner.set_meta("name", "owner")).unwrap();
    paused.block_on(zombie.close());
    running.block_on(async { tokio::time::sleep(Duration::from_secs(3)).await });
    assert_eq!(running.block_on(owner.meta("name")).unwrap().as_deref(), Some("owner"));
    let error = running.block_on(home.open(9)).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "the zombie's close gave nothing away: {error}");
}

#[tokio::test]
async fn an_owner_that_runs_keeps_its_lease() {
    let Some(home) = Home::postgres().await else { return };
    let owner = home.open(1).await.unwrap();
    let waiting = Store::stand_by(home.place(), || 2);
    let patience = Duration::from_micros(LASTS_MICROS as u64) + Duration::from_secs(3);
    assert!(tokio::time::timeout(patience, waiting).await.is_err(), "nobody takes over");
    owner.commit_seal(&seal(&owner)).await.unwrap();
}

#[tokio::test]
async fn an_owner_that_only_waits_is_told_that_it_lost_its_lease() {
    let Some(home) = Home::postgres().await else { return };
    let zombie = home.open(1).await.unwrap();
    // As whoever takes over does.
    home.execute("UPDATE lease SET epoch = epoch + 1").await;
    tokio::time::timeout(PATIENCE, zombie.lease_lost()).await.unwrap();
}

#[test]
fn a_seal_in_progress_is_finished_before_another_instance_takes_over() {
    let (paused, running) = (runtime(), runtime());
    let Some(home) = paused.block_on(Home::postgres()) else { return };
    let owner = paused.block_on(home.open(1)).unwrap();
    running.block_on(async {
        home.execute("UPDATE lease SET expires_at = 0").await;
        // As a seal does, another session holds the row.
        let mut seal = home.connect().await;
        sqlx::raw_sql("BEGIN; UPDATE lease SET epoch = epoch").execute(&mut seal).await.unwrap();
        let takes_over = home.open(2);
        tokio::pin!(takes_over);
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut takes_over).await.is_err());
        sqlx::raw_sql("COMMIT").execute(&mut seal).await.unwrap();
        let next = takes_over.await.unwrap();
        assert!(next.epoch().unwrap() > owner.epoch().unwrap());
    });
}
