use datafusion::execution::memory_pool::MemoryConsumer;

use super::*;

async fn ask(sql: &str, limits: &Limits) -> Result<usize, SqlError> {
    let context = open(limits)?;
    let answer = query(&context, sql, limits).await?;
    Ok(answer.batches.iter().map(RecordBatch::num_rows).sum())
}

fn message(result: Result<usize, SqlError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn queries_run_and_json_is_understood() {
    let limits = Limits::default();
    assert_eq!(ask("SELECT 1 UNION ALL SELECT 2", &limits).await.unwrap(), 2);
    assert_eq!(ask("WITH t AS (VALUES (1), (2)) SELECT * FROM t", &limits).await.unwrap(), 2);
    assert_eq!(ask("EXPLAIN SELECT 1", &limits).await.unwrap(), 2);
    let json = r#"SELECT 1 WHERE '{"a":"b"}' ->> 'a' = 'b'"#;
    assert_eq!(ask(json, &limits).await.unwrap(), 1);
}

#[tokio::test]
async fn whatever_is_no_query_is_refused_by_name() {
    let limits = Limits::default();
    for (sql, word) in [
        ("CREATE TABLE t AS SELECT 1", "CREATE"),
        ("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'", "CREATE"),
        ("COPY (SELECT 1) TO '/tmp/x.parquet'", "COPY"),
        ("INSERT INTO t VALUES (1)", "INSERT"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("DROP TABLE events", "DROP"),
        ("EXPLAIN INSERT INTO t VALUES (1)", "INSERT"),
    ] {
        let refused = message(ask(sql, &limits).await);
        assert!(refused.starts_with(&format!("{word} is not allowed here")), "{sql}: {refused}");
    }
    assert!(message(ask("SELECT 1; SELECT 2", &limits).await).starts_with("2 statements"));
    assert!(message(ask("", &limits).await).starts_with("0 statements"));
    let hidden = "WITH t AS (INSERT INTO u VALUES (1) RETURNING 1) SELECT * FROM t";
    assert!(ask(hidden, &limits).await.is_err());
}

#[tokio::test]
async fn length_rows_memory_and_time_are_bounded() {
    let short = Limits { sql_bytes: 10, ..Limits::default() };
    assert!(message(ask("SELECT 1 + 1 + 1", &short).await).contains("16 bytes long, 10 are allowed"));
    let few = Limits { result_rows: 1, ..Limits::default() };
    assert!(message(ask("VALUES (1), (2)", &few).await).contains("more than 1 rows"));
    let never = within(Duration::from_millis(1), std::future::pending::<()>()).await;
    assert!(matches!(never, Err(SqlError::TookTooLong(_))));
    let small = Limits { memory_bytes: 1, ..Limits::default() };
    let greedy = "SELECT x, count(*) FROM (VALUES ('a'), ('b')) t(x) GROUP BY x ORDER BY x";
    assert!(message(ask(greedy, &small).await).contains("memory"));
}

#[tokio::test]
async fn a_mistake_in_sql_is_told_in_one_line() {
    let told = message(ask("SELECT nothing FROM nowhere", &Limits::default()).await);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("nowhere"), "{told}");
}

#[test]
fn one_sort_leaves_the_next_its_share_of_memory() {
    let limits = Limits { memory_bytes: 1000, ..Limits::default() };
    let pool = open(&limits).unwrap().runtime_env().memory_pool.clone();
    let sort = |name: &str| MemoryConsumer::new(name).with_can_spill(true).register(&pool);
    let (one, other) = (sort("one"), sort("other"));
    assert!(one.try_grow(600).is_err(), "it goes to disk instead");
    one.try_grow(500).unwrap();
    other.try_grow(500).unwrap();
}
