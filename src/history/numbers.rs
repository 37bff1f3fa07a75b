//! Encodes columns of times, whole numbers and flags, gathered straight from the batches of an open set.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::layout::{self, ROWS_PER_PAGE};
use super::order::Row;
use super::pages::{Pages, Summary, append_levels, append_presence};
use super::{delta, hybrid};

/// A column of numbers or flags across the batches of an open set.
#[derive(Debug)]
pub(super) enum Numbers<'a> {
    Whole(Vec<Batch<'a>>),
    Flags(Vec<&'a BooleanArray>),
}

/// The numbers of one batch.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    values: &'a [i64],
    nulls: Option<&'a NullBuffer>,
}

/// The rows of one page, or of all pages.
struct Bounds {
    least: i64,
    most: i64,
    nulls: usize,
    rows: usize,
}

impl<'a> Numbers<'a> {
    /// The arrays of a column, one a batch; nothing where they are neither times, whole numbers of 64
    /// bits nor flags.
    pub(super) fn of(arrays: &[&'a ArrayRef]) -> Option<Self> {
        match arrays.first()?.data_type() {
            DataType::Boolean => {
                arrays.iter().map(|array| array.as_boolean_opt()).collect::<Option<_>>().map(Self::Flags)
            }
            DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => {
                arrays.iter().map(|array| Batch::of(array)).collect::<Option<_>>().map(Self::Whole)
            }
            _ => None,
        }
    }

    /// The chunk of `rows`, in their order, and what the footer says of it.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn encode(
        &self,
        column: ColumnDescPtr,
        name: &str,
        rows: &[Row],
        zstd: &mut Compressor<'static>,
        spare: Vec<u8>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let is_optional = column.max_def_level() > 0;
        let (encoding, kind) = match self {
            Self::Whole(_) => (Encoding::DELTA_BINARY_PACKED, Type::INT64),
            Self::Flags(_) => (Encoding::RLE, Type::BOOLEAN),
        };
        let is_compressed = layout::is_compressed(name) && kind == Type::INT64;
        let mut pages = Pages::plain(column, encoding, is_compressed, zstd, spare);
        let mut index = layout::has_page_statistics(name).then(|| ColumnIndexBuilder::new(kind));
        let mut whole = Bounds::EMPTY;
        let (mut present, mut values) = (Vec::new(), Vec::new());
        for rows in rows.chunks(ROWS_PER_PAGE) {
            present.clear();
            values.clear();
            for row in rows {
                let value = self.at(row);
                present.push(u32::from(value.is_some()));
                values.extend(value);
            }
            let bounds = Bounds::of(&values, rows.len());
            let mut page = Vec::new();
            append_presence(is_optional, &present, bounds.nulls, &mut page);
            self.append(&values, &mut page);
            pages.push(page, rows.len(), rows.len())?;
            index.iter_mut().for_each(|index| bounds.append_to(index));
            whole = whole.and(&bounds);
        }
        let statistics = Some(match self {
            Self::Whole(_) => whole.of_numbers(),
            Self::Flags(_) => whole.of_flags(),
        });
        pages.finish(Summary {
            statistics,
            column_index: index.map_or(Ok(None), finish_index)?,
            bloom_filter: None,
        })
    }

    #[inline]
    fn at(&self, row: &Row) -> Option<i64> {
        let place = row.row as usize;
        match self {
            Self::Whole(batches) => {
                let batch = batches.get(row.batch as usize)?;
                let is_null = batch.nulls.is_some_and(|nulls| nulls.is_null(place));
                batch.values.get(place).copied().filter(|_| !is_null)
            }
            Self::Flags(batches) => {
                let batch = batches.get(row.batch as usize)?;
                (place < batch.len() && batch.is_valid(place)).then(|| i64::from(batch.value(place)))
            }
        }
    }

    fn append(&self, values: &[i64], page: &mut Vec<u8>) {
        match self {
            Self::Whole(_) => delta::encode(values, page),
            Self::Flags(_) => {
                let (mut encoded, bits) = (Vec::new(), values.iter().map(|value| *value as u32));
                hybrid::encode(&bits.collect::<Vec<_>>(), 1, &mut encoded);
                append_levels(&encoded, page);
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let values = match array.as_primitive_opt::<Int64Type>() {
            Some(numbers) => numbers.values(),
            None => array.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
        };
        Some(Self { values, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0) })
    }
}

impl Bounds {
    const EMPTY: Self = Self { least: i64::MAX, most: i64::MIN, nulls: 0, rows: 0 };

    fn of(values: &[i64], rows: usize) -> Self {
        let start = (i64::MAX, i64::MIN);
        let (least, most) =
            values.iter().fold(start, |(low, high), value| (low.min(*value), high.max(*value)));
        Self { least, most, nulls: rows - values.len(), rows }
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            nulls: self.nulls + other.nulls,
            rows: self.rows + other.rows,
        }
    }

    fn is_empty(&self) -> bool {
        self.nulls == self.rows
    }

    fn append_to(&self, index: &mut ColumnIndexBuilder) {
        let bytes = |bound: i64| if self.is_empty() { Vec::new() } else { bound.to_le_bytes().to_vec() };
        index.append(self.is_empty(), bytes(self.least), bytes(self.most), self.nulls as i64);
    }

    fn of_numbers(&self) -> Statistics {
        let bound = |bound: i64| (!self.is_empty()).then_some(bound);
        let nulls = Some(self.nulls as u64);
        Statistics::Int64(ValueStatistics::new(bound(self.least), bound(self.most), None, nulls, false))
    }

    fn of_flags(&self) -> Statistics {
        let bound = |bound: i64| (!self.is_empty()).then_some(bound != 0);
        let nulls = Some(self.nulls as u64);
        Statistics::Boolean(ValueStatistics::new(bound(self.least), bound(self.most), None, nulls, false))
    }
}

fn finish_index(mut index: ColumnIndexBuilder) -> Result<Option<ColumnIndexMetaData>> {
    index.set_boundary_order(BoundaryOrder::UNORDERED);
    index.build().map(Some)
}
