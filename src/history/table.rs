//! One kind of history as a table that SQL can ask.
//!
//! In: the manifest's files. Out: a scan of those that may matter, which reads only the pages that
//! may matter: DataFusion pushes the filter down and skips by bloom filter and page statistics.

use std::sync::Arc;

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
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::prune;
use crate::store::{DataFolder, FileRow};

/// The files of one kind.
#[derive(Debug)]
pub(super) struct HistoryTable {
    schema: SchemaRef,
    folder: DataFolder,
    files: Vec<FileRow>,
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
        Self { schema: sql_schema(live), folder, files }
    }

    fn kept(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<FileRow>> {
        let Some(predicate) = conjunction(filters.iter().cloned()) else { return Ok(self.files.clone()) };
        let columns = DFSchema::try_from(self.schema.clone())?;
        let predicate = state.create_physical_expr(predicate, &columns)?;
        Ok(prune::kept(&self.files, &predicate, &self.schema))
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
    fn statistics(&self, files: &[FileRow]) -> Statistics {
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

    /// A filter skips files and pages, and is pushed into the scan by DataFusion's own rule.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.kept(state, filters)?;
        if files.is_empty() {
            let schema = match projection {
                Some(places) => Arc::new(self.schema.project(places)?),
                None => self.schema.clone(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let statistics = self.statistics(&files);
        let files = files.iter().map(|file| partitioned(&self.folder, file)).collect::<Result<Vec<_>>>()?;
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
