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
        let only = self.only_value();
        // What is the same all over is a few bytes a page already.
        let is_compressed = layout::is_compressed(name) && kind == Type::INT64 && only.is_none();
        let mut pages = Pages::plain(column, encoding, is_compressed, zstd, spare);
        let mut index = layout::has_page_statistics(name).then(|| ColumnIndexBuilder::new(kind));
        let mut whole = Bounds::EMPTY;
        let mut page = NumberPage::default();
        for rows in rows.chunks(ROWS_PER_PAGE) {
            match only {
                Some(only) => page.fill(only, rows.len()),
                None => page.gather(self, rows),
            }
            let bounds = Bounds::of(&page.values, rows.len());
            let mut bytes = Vec::new();
            append_presence(is_optional, &page.present, bounds.nulls, &mut bytes);
            self.append(&page.values, &mut bytes);
            pages.push(bytes, rows.len(), rows.len())?;
            index.iter_mut().for_each(|index| bounds.append_to(index));
            whole = whole.and(&bounds);
        }
        let statistics = Some(match self {
            Self::Whole(_) => whole.of_numbers(),
            Self::Flags(_) => whole.of_flags(),
        });
        let column_index = index.map_or(Ok(None), finish_index)?;
        pages.finish(Summary { statistics, column_index, bloom_filter: None })
    }

    /// What every row has, be it nothing, where that is the same: so it is with most columns.
    fn only_value(&self) -> Option<Option<i64>> {
        let mut values = None;
        let mut agree =
            |value: Option<Option<i64>>| value.is_some_and(|value| *values.get_or_insert(value) == value);
        let all = match self {
            Self::Whole(batches) => batches.iter().all(|batch| agree(batch.only_value())),
            Self::Flags(batches) => batches.iter().all(|batch| agree(only_flag(batch))),
        };
        values.filter(|_| all)
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

    fn only_value(&self) -> Option<Option<i64>> {
        match (self.nulls, self.values.split_first()) {
            (Some(nulls), _) => (nulls.null_count() == self.values.len()).then_some(None),
            (None, Some((first, rest))) => rest.iter().all(|value| value == first).then_some(Some(*first)),
            (None, None) => None,
        }
    }
}

/// The rows of one page.
#[derive(Default)]
struct NumberPage {
    /// One or nought a row.
    present: Vec<u32>,
    values: Vec<i64>,
}

impl NumberPage {
    fn gather(&mut self, numbers: &Numbers<'_>, rows: &[Row]) {
        self.present.clear();
        self.values.clear();
        for row in rows {
            let value = numbers.at(row);
            self.present.push(u32::from(value.is_some()));
            self.values.extend(value);
        }
    }

    /// So many rows of one value.
    fn fill(&mut self, value: Option<i64>, rows: usize) {
        self.present.resize(rows, u32::from(value.is_some()));
        self.values.resize(value.map_or(0, |_| rows), value.unwrap_or_default());
    }
}

fn only_flag(flags: &BooleanArray) -> Option<Option<i64>> {
    match (flags.null_count(), flags.true_count()) {
        (nulls, _) if nulls == flags.len() => Some(None),
        (0, 0) => Some(Some(0)),
        (0, all) if all == flags.len() => Some(Some(1)),
        _ => None,
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
