//! History through its front door: write, seal, read back, ask.

mod compaction;
mod questions;
mod retention;
mod seals;
mod traces;

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use keyward::history::measure::Corpus;
use keyward::history::{Snapshot, Writer, rejects};
use keyward::store::{BlockingStore, Kind, Position, PositionMove, Store};
use keyward::table::columns::events_schema;

/// A time for what happens now.
const NOW: i64 = 1_793_600_000_000_000;

/// Events of two days, 2,000 a day, in one open set.
fn two_days(writer: &mut Writer) -> RecordBatch {
    let mut corpus = Corpus::new(7, 50, 2_000);
    let batches: Vec<_> = (0..8).map(|_| corpus.batch(500).unwrap()).collect();
    for batch in &batches {
        writer.open.push(Kind::Events, batch).unwrap();
    }
    concat_batches(&events_schema(), &batches).unwrap()
}

fn step(from: Option<i64>, to: i64) -> PositionMove {
    PositionMove {
        source: "file:1:2:abcd".to_owned(),
        label: "/logs/a.json".to_owned(),
        from: from.map(|offset| Position { offset, index: 0 }),
        to: Position { offset: to, index: 0 },
        watermark: None,
    }
}

/// The names of all files below the history folder.
fn files_on_disk(root: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(root.join("history")).sort_by_file_name().into_iter().flatten();
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| entry.path().strip_prefix(root.join("history")).unwrap().display().to_string())
        .collect()
}

async fn session(root: &Path) -> SessionContext {
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let store = Store::open_read_only(root).await.unwrap();
    let snapshot = Snapshot::take(&store).await.unwrap();
    let catalog = RecordBatch::new_empty(rejects::schema());
    snapshot.register(&session, &events_schema(), catalog).await.unwrap();
    session
}

/// What a query answers, as a table.
async fn ask(session: &SessionContext, query: &str) -> String {
    let batches = session.sql(query).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// What a query answers with one number.
async fn number(session: &SessionContext, query: &str) -> i64 {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let batches = session.sql(query).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

fn open(root: &Path) -> BlockingStore {
    BlockingStore::open(root, NOW).unwrap()
}
