use std::collections::HashSet;

use arrow::datatypes::DataType;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionContext;
use keyward::detect::table::findings_schema;
use keyward::history::measure::Corpus;
use keyward::history::{Writer, compact};
use keyward::store::{FileRow, Kind};
use keyward::table::columns::COLUMNS;

use super::{NOW, ask, number, open, session, two_days};

#[tokio::test]
async fn an_empty_folder_answers_every_table_with_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let kept = ["alerts", "journal", "deliveries", "actions", "detector_quality"];
    let sealed = ["events", "findings", "rejects", "usage", "facts", "coverage", "catalog"];
    for table in sealed.into_iter().chain(kept) {
        assert_eq!(number(&session, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        ask(&session, &format!("SELECT * FROM {table}")).await;
    }
    let columns = session.table("events").await.unwrap();
    let names: Vec<_> = columns.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, COLUMNS.iter().map(|spec| spec.name).collect::<Vec<_>>());
}

/// Three days with ten keys each that occur on that day alone, sealed day by day.
fn three_days_of_other_keys(root: &std::path::Path) -> Vec<Vec<String>> {
    let store = open(root);
    let mut writer = Writer::default();
    let mut corpora = Vec::new();
    for day in 0..3_u64 {
        let mut corpus = Corpus::new(100 + day, 10, 30_000).days_later(day as i64);
        for _ in 0..3 {
            writer.open.push(Kind::Events, &corpus.batch(8_000).unwrap()).unwrap();
        }
        writer.seal(&store, NOW).unwrap();
        corpora.push(corpus.key_ids().map(str::to_owned).collect());
    }
    corpora
}

async fn plan(session: &SessionContext, query: &str) -> std::sync::Arc<dyn ExecutionPlan> {
    session.sql(query).await.unwrap().create_physical_plan().await.unwrap()
}

/// How many files a query opens.
async fn opened(session: &SessionContext, query: &str) -> usize {
    let plan = plan(session, query).await;
    let text = displayable(plan.as_ref()).indent(true).to_string();
    let words = text.split(|character: char| "[], :".contains(character));
    words.filter(|word| word.ends_with(".parquet")).collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn a_question_about_one_key_opens_only_the_files_that_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = blocking({
        let root = folder.path().to_owned();
        move || three_days_of_other_keys(&root)
    })
    .await;
    let session = session(folder.path()).await;
    let (first, second) = (&keys[0][0], &keys[1][0]);
    assert_eq!(opened(&session, "SELECT * FROM events").await, 3);
    assert_eq!(opened(&session, &format!("SELECT * FROM events WHERE key_id = '{first}'")).await, 1);
    let either = format!("SELECT * FROM events WHERE key_id IN ('{first}', '{second}')");
    assert_eq!(opened(&session, &either).await, 2);
    assert_eq!(opened(&session, "SELECT * FROM events WHERE key_id = 'arn:unknown'").await, 0);
    assert_eq!(
        opened(&session, "SELECT * FROM events WHERE principal = 'nobody' AND outcome = 'denied'").await,
        0
    );
    let later = "SELECT * FROM events WHERE event_time >= TIMESTAMP '2026-11-02T00:00:00Z' \
                 AND event_time < TIMESTAMP '2026-11-03T00:00:00Z'";
    assert_eq!(opened(&session, later).await, 1);
    let both = format!("SELECT * FROM events WHERE key_id = '{first}' OR principal = 'nobody'");
    assert_eq!(
        number(&session, &format!("SELECT count(*) FROM ({both})")).await,
        number(&session, &format!("SELECT count(*) FROM events WHERE concat(key_id, '') = '{first}'")).await
    );
}

#[tokio::test]
async fn a_question_about_one_key_reads_only_the_pages_that_hold_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = blocking({
        let root = folder.path().to_owned();
        move || three_days_of_other_keys(&root)
    })
    .await;
    let session = session(folder.path()).await;
    let query = format!("SELECT event_id, key_id FROM events WHERE key_id = '{}'", keys[1][0]);
    let plan = plan(&session, &query).await;
    let rows: usize = collect(plan.clone(), session.task_ctx())
        .await
        .unwrap()
        .iter()
        .map(arrow::array::RecordBatch::num_rows)
        .sum();
    assert!(rows > 1_000, "{rows}");
    // Of three pages of 8,000 rows the key is in one or two.
    let read = metric(plan.as_ref(), "pushdown_rows_matched") + metric(plan.as_ref(), "pushdown_rows_pruned");
    assert!(read >= rows && read <= 2 * 8192, "{read} rows were decoded");
    assert!(metric(plan.as_ref(), "bytes_scanned") < 600_000);
}

/// A counter of the scan below a plan, over all its partitions.
fn metric(plan: &dyn ExecutionPlan, name: &str) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |sum| sum.as_usize());
    own + plan.children().iter().map(|child| metric(child.as_ref(), name)).sum::<usize>()
}

#[tokio::test]
async fn words_are_text_to_sql_and_lists_stay_lists() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    blocking(move || {
        let store = open(&root);
        let mut writer = Writer::default();
        two_days(&mut writer);
        writer.seal(&store, NOW).unwrap();
    })
    .await;
    let session = session(folder.path()).await;
    let answer = session.sql("SELECT key_id, event_id, violations FROM events").await.unwrap();
    let types: Vec<_> = answer.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types[0], DataType::Utf8View);
    assert_eq!(types[1], DataType::Utf8View);
    assert!(matches!(types[2], DataType::List(_)));
    let violations = "SELECT count(*) FROM events WHERE array_has(violations, 'principal')";
    let verdicts = "SELECT count(*) FROM events WHERE verdict = 'violation'";
    assert_eq!(number(&session, violations).await, number(&session, verdicts).await);
    assert!(number(&session, verdicts).await > 50);
    let distinct = number(&session, "SELECT count(DISTINCT event_id) FROM events").await;
    assert_eq!(distinct, 4_000);
}

/// What `usage` holds, asked of the events themselves.
const USAGE_OF_EVENTS: &str = "SELECT key_id, principal, function, via, outcome, \
    date_trunc('hour', event_time) AS hour, count(*) AS events, min(event_time) AS first_time, \
    max(event_time) AS last_time FROM events WHERE key_id IS NOT NULL AND corrects IS NULL \
    GROUP BY key_id, principal, function, via, outcome, date_trunc('hour', event_time)";
/// Asserts that the derived tables say what their events do, no more and no less.
async fn assert_derived(session: &SessionContext) {
    assert_same(session, "SELECT * FROM usage", USAGE_OF_EVENTS).await;
    let successful = "outcome IN ('success', 'partial')";
    for (fact, column, which) in [
        ("alias", "key_alias", "true"),
        ("material", "key_material", "true"),
        ("version", "CAST(key_version AS TEXT)", "true"),
        ("use", "function", successful),
    ] {
        let columns = "value, events, first_time, last_time";
        let facts = format!("SELECT key_id, {columns} FROM facts WHERE fact = '{fact}'");
        let events = format!(
            "SELECT key_id, {column} AS value, count(*) AS events, min(event_time) AS first_time, \
             max(event_time) AS last_time FROM events WHERE key_id IS NOT NULL AND {column} IS NOT NULL \
             AND corrects IS NULL AND {which} GROUP BY key_id, {column}"
        );
        assert_same(session, &facts, &events).await;
    }
}

async fn assert_same(session: &SessionContext, derived: &str, events: &str) {
    let rows = number(session, &format!("SELECT count(*) FROM ({events}) AS e")).await;
    assert_eq!(number(session, &format!("SELECT count(*) FROM ({derived}) AS d")).await, rows);
    let both = format!("SELECT count(*) FROM (({derived}) INTERSECT ({events})) AS b");
    assert_eq!(number(session, &both).await, rows, "{derived}");
}

#[tokio::test]
async fn usage_and_facts_are_what_the_events_say_however_they_were_sealed_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    blocking(move || {
        let store = open(&root);
        let (mut writer, mut corpus) = (Writer::default(), Corpus::new(3, 5, 100_000));
        for rows in [900, 30, 1, 400, 300, 200, 100, 77, 5, 640, 20] {
            writer.open.push(Kind::Events, &corpus.batch(rows).unwrap()).unwrap();
            writer.seal(&store, NOW).unwrap();
        }
        let files = store.wait(store.store().files(Kind::Usage)).unwrap();
        assert!(files.len() > 10, "{}", files.len());
    })
    .await;
    let session_before = session(folder.path()).await;
    for table in ["usage", "facts"] {
        assert!(number(&session_before, &format!("SELECT count(*) FROM {table}")).await > 20, "{table}");
    }
    assert_derived(&session_before).await;
    let root = folder.path().to_owned();
    blocking(move || {
        let store = open(&root);
        let rows = |files: Vec<FileRow>| files.iter().map(|file| file.rows).sum::<i64>();
        let before = rows(store.wait(store.store().files(Kind::Usage)).unwrap());
        store.wait(compact(store.store(), &findings_schema(), NOW)).unwrap();
        let files = store.wait(store.store().files(Kind::Usage)).unwrap();
        assert!(files.len() <= 9, "{}", files.len());
        assert!(rows(files) < before, "rows under the same words were not added up");
    })
    .await;
    assert_derived(&session(folder.path()).await).await;
}

#[tokio::test]
async fn a_file_of_an_older_version_answers_null_for_a_column_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    blocking(move || {
        let store = open(&root);
        let mut writer = Writer::default();
        let mut corpus = Corpus::new(3, 5, 1_000);
        let events = corpus.batch(300).unwrap();
        let owner = events.schema().index_of("owner").unwrap();
        let kept: Vec<usize> = (0..events.num_columns()).filter(|place| *place != owner).collect();
        writer.open.push(Kind::Events, &events.project(&kept).unwrap()).unwrap();
        writer.seal(&store, NOW).unwrap();
        writer.open.push(Kind::Events, &corpus.batch(200).unwrap()).unwrap();
        writer.seal(&store, NOW).unwrap();
    })
    .await;
    let session = session(folder.path()).await;
    assert_eq!(number(&session, "SELECT count(*) FROM events WHERE owner IS NULL").await, 300);
    assert_eq!(number(&session, "SELECT count(owner) FROM events").await, 200);
    assert_eq!(number(&session, "SELECT count(*) FROM events WHERE owner = 'team-orders'").await, 200);
}

/// A store that blocks belongs on a thread without a runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(work).join().unwrap()
}
