//! How long the service takes to start, and what it takes in memory, over a long history and a large catalog.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use keyward::app::clock::now_micros;
use keyward::history::measure::{self, Corpus};
use keyward::history::{REMEMBERED_UIDS, Traces, Uid, Writer};
use keyward::pipeline::generate::corpus_catalog;
use keyward::store::BlockingStore;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::{Site, size};

/// What is promised of a machine with time to spare.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// History is this many copies of one part: of fifty million events, a million are made up.
const COPIES: usize = 50;

/// Events of history for each entry of the catalog: fifty million go with a hundred thousand.
const EVENTS_AN_ENTRY: usize = 500;

#[test]
fn a_long_history_and_a_large_catalog_are_no_reason_to_start_slowly() {
    let events = size::history();
    let site = Site::new("[{ name: logs, follow: { paths: [logs] } }]");
    fs::create_dir(site.keyward.path("logs")).unwrap();
    fs::write(site.keyward.path("catalog.yaml"), corpus_catalog(events / EVENTS_AN_ENTRY)).unwrap();
    make_history(&site.data(), events);
    site.runtime.block_on(copy_history(&site.data()));

    let began = Instant::now();
    let mut service = site.start();
    service.ready();
    let took = began.elapsed();
    std::thread::sleep(Duration::from_secs(5));
    let (files, resident) = (site.ask("data", "SELECT count(*) AS events FROM events"), service.resident());
    assert_eq!(files[0]["events"], events);
    let told = format!("{events} events: ready in {took:?}, {resident} MiB resident\n");
    let _ = std::io::stdout().write_all(told.as_bytes());
    // A loaded machine is no proof against it: the bound is for those who ask for the large form.
    let bound = if size::is_large() { READY_WITHIN } else { super::PATIENCE };
    assert!(took < bound, "{told}");
    service.stop();
}

/// One part of the events, and the memory of the newest that are remembered.
fn make_history(data: &Path, events: usize) {
    let part = events / COPIES;
    let mut corpus = Corpus::new(size::seed(), 500, part as u64);
    measure::writing(data, &mut corpus, part, now_micros()).unwrap();
    let store = BlockingStore::open(data, now_micros()).unwrap();
    let mut writer = Writer::default();
    let uid = |number: u64| Uid {
        uid: u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64 | u128::from(number),
        content: Some(number),
    };
    let uids = (0..events.min(REMEMBERED_UIDS) as u64).map(uid).collect();
    writer.open.remember(Traces { uids, ..Traces::default() });
    writer.seal(&store, now_micros()).unwrap();
}

/// Makes the history as long as it is to be: the same files once more for other days, linked.
async fn copy_history(data: &Path) {
    let file = data.join("keyward.db");
    let mut store = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let files: Vec<(String,)> = sqlx::query_as("SELECT file FROM manifest WHERE kind = 'events'")
        .fetch_all(&mut store)
        .await
        .unwrap();
    for copy in 1..COPIES {
        for (file,) in &files {
            let other = file.replace(".parquet", &format!("-{copy}.parquet"));
            fs::hard_link(data.join("history").join(file), data.join("history").join(&other)).unwrap();
            let insert = format!(
                "INSERT INTO manifest SELECT '{other}', kind, day, row_count, byte_count, sha256, min_time, \
                 max_time, key_filter, seal_id, created_at FROM manifest WHERE file = '{file}'"
            );
            sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut store).await.unwrap();
        }
    }
}
