//! How each column lies in a file: encodings, statistics, bloom filters, page sizes.
//!
//! Measured on generated CloudTrail rows; see `measure`. A GUID is random: its hex digits cost
//! 18 bytes whatever is done, and least time with lengths and text apart. Session names, access key
//! ids, addresses and contexts begin like their neighbour, so only their rest is kept.

use arrow::datatypes::{DataType, Field, Schema};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::Result;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::order::SORTED_BY;

/// Rows a page of dictionary indices, which are skipped quickly.
pub(super) const WORDS_PER_PAGE: usize = 8192;

/// Rows a page of everything else: a question about one key decompresses and walks through whole
/// pages. Below this the pages' headers begin to weigh.
pub(super) const ROWS_PER_PAGE: usize = 4096;

/// Bytes a page of text before compression.
pub(super) const BYTES_PER_PAGE: usize = 256 * 1024;

/// Rows a row group: what a seal writes is one group, and what compaction writes has few, so that
/// the dictionaries and the footer stay small beside the data.
pub(super) const ROWS_PER_GROUP: usize = 1024 * 1024;

/// The longest value that is kept as a statistic, in bytes: an AWS ARN has at most 2,048, those of
/// keys about 80.
pub(super) const LONGEST_STATISTIC: usize = 256;

/// How often a bloom filter wrongly says "maybe". At 5 % an event id costs about a byte.
pub(super) const BLOOM_FALSE_POSITIVES: f64 = 0.05;

/// zstd's level. The text that weighs is random, which no level makes smaller; the lowest is fastest.
pub(super) const ZSTD_LEVEL: i32 = 1;

/// Looked up by exact value.
const BLOOM: &[&str] = &["event_id", "key_id", "principal", "id"];

/// Random text of one length.
const RANDOM: &[&str] = &["event_id", "shared_event_id", "request_id", "corrects", "id", "sha256"];

/// Differences that no compression makes smaller.
const INCOMPRESSIBLE: &[&str] = &["position"];

/// Follows the order of the rows, so that pages differ in it.
const CLUSTERED: &[&str] =
    &["key_id", "key_alias", "key_account", "key_region", "catalog_id", "event_time", "ingested_at"];

/// Whether a page's bounds of this column are worth keeping.
pub(super) fn has_page_statistics(name: &str) -> bool {
    CLUSTERED.contains(&name)
}

/// Whether this column is looked up by exact value.
pub(super) fn has_bloom_filter(name: &str) -> bool {
    BLOOM.contains(&name)
}

/// Whether this column, which has no dictionary, becomes smaller by compression.
pub(super) fn is_compressed(name: &str) -> bool {
    !INCOMPRESSIBLE.contains(&name)
}

/// How text without a dictionary is encoded.
pub(super) fn text_encoding(name: &str) -> Encoding {
    match RANDOM.contains(&name) {
        true => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        false => Encoding::DELTA_BYTE_ARRAY,
    }
}

/// The same columns without dictionaries, which are a matter of encoding to Parquet.
pub(super) fn plain(schema: &Schema) -> Schema {
    let plain_field = |field: &Field| match field.data_type() {
        DataType::Dictionary(_, values) => {
            Field::new(field.name(), values.as_ref().clone(), field.is_nullable())
        }
        other => Field::new(field.name(), other.clone(), field.is_nullable()),
    };
    Schema::new(schema.fields().iter().map(|field| plain_field(field)).collect::<Vec<_>>())
}

/// The writer's properties for a file of these columns. Encodings and compression are those of the few
/// columns that Arrow's own writer takes.
pub(super) fn properties(schema: &Schema) -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("keyward ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_row_count_limit(ROWS_PER_PAGE)
        .set_data_page_size_limit(BYTES_PER_PAGE)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_statistics_truncate_length(Some(LONGEST_STATISTIC))
        .set_column_index_truncate_length(Some(LONGEST_STATISTIC))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_sorting_columns(sorting(schema));
    for field in schema.fields().iter().filter(|field| !matches!(field.data_type(), DataType::List(_))) {
        builder = builder.set_column_statistics_enabled(field.name().as_str().into(), statistics(field));
    }
    Ok(builder.build())
}

/// Long text is never asked for by range: bounds would only cost.
fn statistics(field: &Field) -> EnabledStatistics {
    match field.data_type() {
        _ if has_page_statistics(field.name()) => EnabledStatistics::Page,
        DataType::Utf8 => EnabledStatistics::None,
        _ => EnabledStatistics::Chunk,
    }
}

fn sorting(schema: &Schema) -> Option<Vec<SortingColumn>> {
    let place = |name| schema.index_of(name).ok().map(|place| place as i32);
    let sorted = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    Some(vec![sorted(place(SORTED_BY)?), sorted(place("event_time")?)])
}
