//! Sessions for queries that people and tools send: bounded in memory, time, length and rows.
//!
//! In: limits and SQL. Out: record batches. The tables are registered by the caller, before.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::config::Dialect;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;

use super::truncate::Truncate;
use super::{member, statement};

/// What one query may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory for sorting, grouping and joining, in bytes; what does not fit goes to disk where it can.
    pub memory_bytes: usize,
    /// Length of the SQL text, in bytes.
    pub sql_bytes: usize,
    /// From planning to the last row.
    pub time: Duration,
    /// Rows that an answer may have.
    pub result_rows: usize,
    /// Rows a batch.
    pub batch_rows: usize,
    /// How many threads one query may use.
    pub partitions: usize,
}

/// One query may take a quarter of a small machine's memory.
const MEMORY_BYTES: usize = 512 << 20;
/// The longest of our own queries is under 4 KiB; dashboards generate up to ten times that.
const SQL_BYTES: usize = 64 << 10;
/// Every query over 20 million events is meant to answer within 2 s; a slow disk may need ten times that.
const TIME: Duration = Duration::from_secs(30);
/// More rows than this are an export, which is done through the Parquet files.
const RESULT_ROWS: usize = 1_000_000;
/// DataFusion's own default; the rates in the design were measured with it.
const BATCH_ROWS: usize = 8192;

/// The function that [`Truncate`] makes faster.
const TRUNCATE: &str = "date_trunc";

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY_BYTES,
            sql_bytes: SQL_BYTES,
            time: TIME,
            result_rows: RESULT_ROWS,
            batch_rows: BATCH_ROWS,
            partitions: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    #[error("the SQL is {bytes} bytes long, {limit} are allowed: shorten it or split it up")]
    TooLong { bytes: usize, limit: usize },
    #[error("{what} is not allowed here: only queries (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE) are")]
    NotAQuery { what: String },
    #[error("{found} statements were given: give exactly one")]
    NotOne { found: usize },
    #[error("the query took longer than {} s: narrow its time range, or raise the limit", .0.as_secs_f32())]
    TookTooLong(Duration),
    #[error("the answer has more than {0} rows: add a LIMIT or narrow the query")]
    TooManyRows(usize),
    #[error("the query needs more than {limit} bytes of memory: narrow its time range, or raise the limit")]
    OutOfMemory { limit: usize },
    #[error("could not run the query: {}", first_line(.0))]
    Failed(#[from] Box<DataFusionError>),
}

/// DataFusion's messages carry backtraces and invitations to report a bug after the first line.
fn first_line(error: &DataFusionError) -> String {
    error.strip_backtrace().lines().next().unwrap_or_default().to_owned()
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The answer to one query.
#[derive(Debug, Clone)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

/// The configuration that all our sessions share.
///
/// PostgreSQL's dialect, because in DataFusion's own `a ->> 'b' = 'c'` reads as `a ->> ('b' = 'c')`.
pub fn config(limits: &Limits) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_batch_size(limits.batch_rows.max(1))
        .with_target_partitions(limits.partitions.max(1));
    let parser = &mut config.options_mut().sql_parser;
    parser.collect_spans = true;
    parser.dialect = Dialect::PostgreSQL;
    config
}

/// A session with bounded memory and the JSON functions.
///
/// # Errors
/// When DataFusion cannot be set up, such as without a folder for temporary files.
pub fn open(limits: &Limits) -> Result<SessionContext, SqlError> {
    open_with(config(limits), limits)
}

/// A session with the caller's own configuration, made from [`config`].
///
/// # Errors
/// As [`open`].
pub fn open_with(config: SessionConfig, limits: &Limits) -> Result<SessionContext, SqlError> {
    // Each sort gets its share: one that may take all leaves the next too little to even spill.
    let pool = Arc::new(FairSpillPool::new(limits.memory_bytes));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build()?;
    let mut context = SessionContext::new_with_config_rt(config, Arc::new(runtime));
    datafusion_functions_json::register_all(&mut context)?;
    member::functions().into_iter().for_each(|function| context.register_udf(function));
    let truncate = context.udf(TRUNCATE)?;
    context.register_udf(ScalarUDF::from(Truncate::of(truncate)));
    Ok(context)
}

/// Checks and plans one query; parameters may be filled in on what it returns.
///
/// # Errors
/// When the text is too long, not one query, or does not fit the tables.
pub async fn plan(context: &SessionContext, sql: &str, limits: &Limits) -> Result<DataFrame, SqlError> {
    statement::check(sql, limits.sql_bytes)?;
    let only_queries =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    Ok(context.sql_with_options(sql, only_queries).await?)
}

/// Runs a planned query within the limits of time, memory and rows.
///
/// # Errors
/// When a limit is met, or the query fails on the data.
pub async fn collect(frame: DataFrame, limits: &Limits) -> Result<Answer, SqlError> {
    within(limits.time, collect_rows(frame, limits)).await?
}

async fn collect_rows(frame: DataFrame, limits: &Limits) -> Result<Answer, SqlError> {
    let schema = frame.schema().inner().clone();
    let mut stream = frame.execute_stream().await.map_err(|error| explain(error, limits))?;
    let (mut batches, mut rows) = (Vec::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| explain(error, limits))?;
        rows += batch.num_rows();
        if rows > limits.result_rows {
            return Err(SqlError::TooManyRows(limits.result_rows));
        }
        batches.push(batch);
    }
    Ok(Answer { schema, batches })
}

fn explain(error: DataFusionError, limits: &Limits) -> SqlError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => SqlError::OutOfMemory { limit: limits.memory_bytes },
        _ => error.into(),
    }
}

/// Plans and runs one query without parameters.
///
/// # Errors
/// As [`plan`] and [`collect`].
pub async fn query(context: &SessionContext, sql: &str, limits: &Limits) -> Result<Answer, SqlError> {
    collect(plan(context, sql, limits).await?, limits).await
}

/// Waits for `work`, but no longer than `time`.
///
/// # Errors
/// [`SqlError::TookTooLong`] when the time is up; the work is dropped, which stops its threads at
/// their next batch.
pub async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Result<T, SqlError> {
    tokio::time::timeout(time, work).await.map_err(|_| SqlError::TookTooLong(time))
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
