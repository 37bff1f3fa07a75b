//! One kind of history as a table that SQL can ask.
//!
//! In: the manifest's files. Out: a scan of those that may matter, which reads only the pages that
//! may matter: DataFusion pushes the filter down and skips by bloom filter and page statistics.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::constants::constants;
use super::prune;
use crate::store::{DataFolder, FileRow};

/// Footers that are read at the same time.
const FOOTERS_AT_ONCE: usize = 8;

/// The files of one kind.
#[derive(Debug)]
pub(super) struct HistoryTable {
    schema: SchemaRef,
    folder: DataFolder,
    files: Vec<FileRow>,
    /// For each file, what is the same in all its rows, once it was asked for.
    constants: Vec<OnceLock<Arc<Statistics>>>,
}

/// The columns as SQL sees them: text as views, which DataFusion groups and compares without
/// building dictionaries again; the live schema holds the same words as dictionaries.
pub(super) fn sql_schema(live: &Schema) -> SchemaRef {
    let view = |field: &Field| match field.data_type() {
        DataType::Dictionary(..) | DataType::Utf8 => field.clone().with_data_type(DataType::Utf8View),
        _ => field.clone(),
    };
    Arc::new(Schema::new(live.fields().iter().map(|field| view(field)).collect::<Vec<_>>()))
}

impl HistoryTable {
    /// A table of these files, whose rows have the columns of `live`.
    pub(super) fn new(live: &Schema, folder: DataFolder, files: Vec<FileRow>) -> Self {
        let constants = files.iter().map(|_| OnceLock::new()).collect();
        Self { schema: sql_schema(live), folder, files, constants }
    }

    /// The files that may matter, as places in `files`.
    fn kept(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let Some(predicate) = conjunction(filters.iter().cloned()) else {
            return Ok((0..self.files.len()).collect());
        };
        let columns = DFSchema::try_from(self.schema.clone())?;
        let predicate = state.create_physical_expr(predicate, &columns)?;
        let may_match = prune::may_match(&self.files, &predicate, &self.schema);
        Ok(may_match.iter().enumerate().filter_map(|(place, may)| may.then_some(place)).collect())
    }

    /// A file to scan, with what is the same in all its rows.
    async fn partitioned(&self, state: &dyn Session, place: usize) -> Result<Option<PartitionedFile>> {
        let (Some(row), Some(known)) = (self.files.get(place), self.constants.get(place)) else {
            return Ok(None);
        };
        let mut file = partitioned(&self.folder, row)?;
        file.statistics = self.constants_of(state, &file, known).await;
        Ok(Some(file))
    }

    /// Nothing where the footer cannot be read: the scan will say why.
    async fn constants_of(
        &self,
        state: &dyn Session,
        file: &PartitionedFile,
        known: &OnceLock<Arc<Statistics>>,
    ) -> Option<Arc<Statistics>> {
        if let Some(known) = known.get() {
            return Some(known.clone());
        }
        let runtime = state.runtime_env();
        let store = runtime.object_store(ObjectStoreUrl::local_filesystem()).ok()?;
        let metadata = DFParquetMetadata::new(store.as_ref(), &file.object_meta)
            .with_file_metadata_cache(Some(runtime.cache_manager.get_file_metadata_cache()))
            .with_metadata_size_hint(state.config_options().execution.parquet.metadata_size_hint)
            .fetch_metadata()
            .await
            .ok()?;
        Some(known.get_or_init(|| Arc::new(constants(&metadata, &self.schema))).clone())
    }

    fn source(&self, state: &dyn Session) -> Result<ParquetSource> {
        let runtime = state.runtime_env();
        let store = runtime.object_store(ObjectStoreUrl::local_filesystem())?;
        let cache = runtime.cache_manager.get_file_metadata_cache();
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        Ok(ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_pushdown_filters(true)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, cache))))
    }

    /// What the manifest knows of the files together, so that counting needs no reading.
    fn statistics(&self, files: &[&FileRow]) -> Statistics {
        let rows: i64 = files.iter().map(|file| file.rows).sum();
        let bytes: i64 = files.iter().map(|file| file.bytes).sum();
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(rows.unsigned_abs() as usize);
        statistics.total_byte_size = Precision::Inexact(bytes.unsigned_abs() as usize);
        if let Ok(place) = self.schema.index_of("event_time")
            && let Some(column) = statistics.column_statistics.get_mut(place)
        {
            let time = |time: Option<i64>| {
                time.map_or(Precision::Absent, |time| {
                    Precision::Exact(ScalarValue::TimestampMicrosecond(Some(time), Some("UTC".into())))
                })
            };
            column.null_count = Precision::Exact(0);
            column.min_value = time(files.iter().map(|file| file.min_time).min());
            column.max_value = time(files.iter().map(|file| file.max_time).max());
        }
        statistics
    }
}

#[async_trait]
impl TableProvider for HistoryTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// A filter skips files and pages, and is pushed into the scan by DataFusion's own rule; one that
    /// all rows pass is left out.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| match prune::holds_everywhere(&self.files, filter, &self.schema) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(pushdown).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let kept = self.kept(state, filters)?;
        let read = kept.clone().into_iter().map(|place| self.partitioned(state, place));
        let files: Vec<_> = futures::stream::iter(read).buffered(FOOTERS_AT_ONCE).try_collect().await?;
        let files: Vec<PartitionedFile> = files.into_iter().flatten().collect();
        if files.is_empty() {
            let schema = match projection {
                Some(places) => Arc::new(self.schema.project(places)?),
                None => self.schema.clone(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let rows: Vec<&FileRow> = kept.iter().filter_map(|place| self.files.get(*place)).collect();
        let statistics = self.statistics(&rows);
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(self.source(state)?))
                .with_file_groups(groups)
                .with_statistics(statistics)
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

fn partitioned(folder: &DataFolder, file: &FileRow) -> Result<PartitionedFile> {
    let path = std::path::absolute(folder.file(&file.file))?;
    let location =
        Path::from_absolute_path(path).map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(PartitionedFile::new_from_meta(ObjectMeta {
        location,
        // Files never change, so when the manifest says they were made will do for the cache.
        last_modified: DateTime::<Utc>::from_timestamp_micros(file.created_at).unwrap_or_default(),
        size: file.bytes.unsigned_abs(),
        e_tag: None,
        version: None,
    }))
}
