//! Answers questions from history.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use tokio::runtime::Runtime;

use super::kept_catalog::{self, KeptError};
use super::load;
use crate::catalog::Catalog;
use crate::detect::table::findings_schema;
use crate::domain::problem::Problem;
use crate::history::{HistoryError, Snapshot};
use crate::sql::question::{Question, Value};
use crate::sql::session::{self, Limits, SqlError};
use crate::store::{Store, StoreError};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded_queries.rs"));
}

/// SQL with the values of its parameters.
#[derive(Debug, Clone)]
pub struct Asked {
    pub sql: String,
    pub values: Vec<(String, Value)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("there is no history in {}: fill it with `keyward scan --data {} …`", .0.display(), .0.display())]
    NoHistory(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Catalog(Vec<Problem>),
    #[error("could not put the answer together: {0}")]
    Arrow(#[from] ArrowError),
    #[error("a worker thread stopped unexpectedly")]
    Thread,
    #[error("could not start: {0}")]
    Runtime(#[from] std::io::Error),
}

impl AskError {
    /// Whether the fault lies with reading history rather than with the question.
    pub const fn is_input(&self) -> bool {
        matches!(
            self,
            Self::NoHistory(_)
                | Self::Store(_)
                | Self::History(_)
                | Self::Arrow(_)
                | Self::Thread
                | Self::Runtime(_)
        )
    }
}

/// The questions that the program carries; a test says that their headers are right.
pub fn built_in() -> Vec<Question> {
    embedded::FILES.iter().filter_map(|(name, text)| Question::parse(Path::new(name), text).ok()).collect()
}

/// Answers one question from the history in `data`.
///
/// # Errors
/// Where there is no history, or the question does not fit it.
pub fn ask(data: &Path, catalog: &[PathBuf], asked: &Asked) -> Result<RecordBatch, AskError> {
    Past::open(data, catalog)?.ask(asked)
}

/// The history in one folder as of one moment, open for questions.
pub struct Past {
    runtime: Runtime,
    session: SessionContext,
    limits: Limits,
    /// What is sealed.
    pub snapshot: Snapshot,
    /// The catalog given, or the one that judged last.
    pub catalog: Catalog,
}

impl Past {
    /// Opens the history in `data`; without `catalog` the one that judged last counts.
    ///
    /// # Errors
    /// Where there is no history, or the catalog is wrong.
    pub fn open(data: &Path, catalog: &[PathBuf]) -> Result<Self, AskError> {
        if !data.is_dir() {
            return Err(AskError::NoHistory(data.to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let limits = Limits::default();
        let (session, snapshot, catalog) = runtime.block_on(open(data, catalog, &limits))?;
        Ok(Self { runtime, session, limits, snapshot, catalog })
    }

    /// Answers one question.
    ///
    /// # Errors
    /// Where the question does not fit the tables.
    pub fn ask(&self, asked: &Asked) -> Result<RecordBatch, AskError> {
        self.runtime.block_on(async {
            let frame = session::plan(&self.session, &asked.sql, &self.limits).await?;
            let frame = if asked.values.is_empty() {
                frame
            } else {
                frame.with_param_values(values(&asked.values)).map_err(SqlError::from)?
            };
            let answer = session::collect(frame, &self.limits).await?;
            Ok(concat_batches(&answer.schema, &answer.batches)?)
        })
    }
}

/// A session with all tables of the history in `data`.
async fn open(
    data: &Path,
    catalog: &[PathBuf],
    limits: &Limits,
) -> Result<(SessionContext, Snapshot, Catalog), AskError> {
    let store = Store::open_read_only(data).await?;
    let catalog = if catalog.is_empty() { kept_catalog::last(&store).await? } else { load(catalog)? };
    let session = session::open(limits)?;
    let snapshot = Snapshot::take(&store).await?;
    snapshot.register(&session, &findings_schema(), catalog.entries()?).await?;
    store.close().await;
    Ok((session, snapshot, catalog))
}

fn load(paths: &[PathBuf]) -> Result<Catalog, AskError> {
    load::catalog(paths).map(|(catalog, _)| catalog).map_err(AskError::Catalog)
}

fn values(values: &[(String, Value)]) -> ParamValues {
    let values: Vec<(String, ScalarValue)> =
        values.iter().map(|(name, value)| (name.clone(), ScalarValue::from(value.clone()))).collect();
    ParamValues::from(values)
}

impl From<KeptError> for AskError {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Store(error) => Self::Store(error),
            KeptError::Catalog(problems) => Self::Catalog(problems),
        }
    }
}

impl From<DataFusionError> for AskError {
    fn from(error: DataFusionError) -> Self {
        Self::Sql(error.into())
    }
}
