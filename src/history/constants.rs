//! Which columns of a file hold one value, or none, throughout: most of a key event's do. A scan that
//! knows puts the value there without reading a page.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics as Footer;

/// What the footer says of the columns of `schema` that are the same in every row, in the form that
/// DataFusion takes; of all others, nothing.
pub(super) fn constants(metadata: &ParquetMetaData, schema: &Schema) -> Statistics {
    let mut statistics = Statistics::new_unknown(schema);
    let rows = metadata.file_metadata().num_rows().unsigned_abs() as usize;
    statistics.num_rows = Precision::Exact(rows);
    for (place, leaf) in metadata.file_metadata().schema_descr().columns().iter().enumerate() {
        // The items of lists are leaves too, with other names than their column.
        let [name] = leaf.path().parts() else { continue };
        let Ok(column) = schema.index_of(name) else { continue };
        let parts = metadata.row_groups().iter().map(|group| group.column(place).statistics());
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else { continue };
        if let Some(slot) = statistics.column_statistics.get_mut(column) {
            fill(slot, &parts, schema.field(column).data_type(), rows);
        }
    }
    statistics
}

fn fill(slot: &mut ColumnStatistics, parts: &[&Footer], data_type: &DataType, rows: usize) {
    let nulls = parts.iter().map(|part| part.null_count_opt()).sum::<Option<u64>>();
    match nulls {
        Some(nulls) if nulls == rows as u64 => slot.null_count = Precision::Exact(rows),
        Some(0) => {
            let mut values = parts.iter().map(|part| only_value(part, data_type));
            if let Some(Some(first)) = values.next()
                && values.all(|value| value.as_ref() == Some(&first))
            {
                slot.null_count = Precision::Exact(0);
                slot.min_value = Precision::Exact(first.clone());
                slot.max_value = Precision::Exact(first);
            }
        }
        _ => {}
    }
}

/// The value between equal bounds.
fn only_value(part: &Footer, data_type: &DataType) -> Option<ScalarValue> {
    if !part.min_is_exact() || !part.max_is_exact() || part.min_bytes_opt()? != part.max_bytes_opt()? {
        return None;
    }
    match (part, data_type) {
        (Footer::ByteArray(bounds), DataType::Utf8View) => {
            let text = std::str::from_utf8(bounds.min_opt()?.data()).ok()?;
            Some(ScalarValue::Utf8View(Some(text.to_owned())))
        }
        (Footer::Boolean(bounds), DataType::Boolean) => Some(ScalarValue::Boolean(Some(*bounds.min_opt()?))),
        (Footer::Int64(bounds), DataType::Int64) => Some(ScalarValue::Int64(Some(*bounds.min_opt()?))),
        (Footer::Int64(bounds), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            Some(ScalarValue::TimestampMicrosecond(Some(*bounds.min_opt()?), zone.clone()))
        }
        _ => None,
    }
}
