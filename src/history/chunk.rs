//! Encodes one dictionary column of a row group from codes, without looking at a value again.
//!
//! Arrow's own writer hashes and compares the text of every row; a key event has some thirty such
//! columns, which would cost more than all the rest of writing history. Here a row costs one packed
//! number, and a column of one value costs nothing.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::hybrid;
use super::layout::{BLOOM_FALSE_POSITIVES, LONGEST_STATISTIC, WORDS_PER_PAGE};
use super::pages::{Pages, Summary, append_presence, append_uniform_levels};
use super::words::{Codes, NULL};

/// A dictionary column of one row group.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    pub column: ColumnDescPtr,
    pub codes: &'a Codes,
    /// Sorted; a value's place is its code.
    pub values: &'a [String],
    /// Whether each page's lowest and highest value go into the column index.
    pub page_statistics: bool,
    pub bloom_filter: bool,
}

/// The lowest and highest code of some rows, and how many are null.
#[derive(Debug, Clone, Copy)]
struct Range {
    lowest: u32,
    highest: u32,
    nulls: usize,
    rows: usize,
}

impl Range {
    const EMPTY: Self = Self { lowest: NULL, highest: 0, nulls: 0, rows: 0 };

    const fn of_one(code: u32, rows: usize) -> Self {
        match code {
            NULL => Self { nulls: rows, rows, ..Self::EMPTY },
            code => Self { lowest: code, highest: code, nulls: 0, rows },
        }
    }

    fn of(codes: &[u32]) -> Self {
        let start = Self { rows: codes.len(), ..Self::EMPTY };
        codes.iter().fold(start, |range, code| match *code {
            NULL => Self { nulls: range.nulls + 1, ..range },
            code => Self { lowest: range.lowest.min(code), highest: range.highest.max(code), ..range },
        })
    }

    fn with(self, other: Self) -> Self {
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            nulls: self.nulls + other.nulls,
            rows: self.rows + other.rows,
        }
    }
}

impl Chunk<'_> {
    /// The encoded chunk and what the file's footer says of it.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn encode(&self, zstd: &mut Compressor<'static>) -> Result<(Bytes, ColumnCloseResult)> {
        let mut pages = Pages::start(self.column.clone(), self.values, zstd)?;
        let mut index = ColumnIndexBuilder::new(Type::BYTE_ARRAY);
        let mut whole = Range::EMPTY;
        match self.codes {
            Codes::Same(code, rows) => {
                whole = Range::of_one(*code, *rows);
                pages.push(self.constant_page(whole), *rows, *rows)?;
                self.append_to_index(&mut index, whole);
            }
            Codes::Each(codes) => {
                for codes in codes.chunks(WORDS_PER_PAGE) {
                    let range = Range::of(codes);
                    pages.push(self.page(codes, range), codes.len(), codes.len())?;
                    self.append_to_index(&mut index, range);
                    whole = whole.with(range);
                }
            }
        }
        pages.finish(Summary {
            statistics: self.statistics(whole),
            column_index: self.finish_index(index)?,
            bloom_filter: self.bloom()?,
        })
    }

    fn width(&self) -> u8 {
        hybrid::width_of(self.values.len().saturating_sub(1) as u32)
    }

    fn is_optional(&self) -> bool {
        self.column.max_def_level() > 0
    }

    fn constant_page(&self, range: Range) -> Vec<u8> {
        let mut page = Vec::new();
        let present = range.rows - range.nulls;
        append_uniform_levels(self.is_optional(), u32::from(present > 0), range.rows, &mut page);
        page.push(self.width());
        hybrid::encode_run(range.lowest, present, self.width(), &mut page);
        page
    }

    fn page(&self, codes: &[u32], range: Range) -> Vec<u8> {
        if range.nulls == range.rows {
            return self.constant_page(range);
        }
        let mut page = Vec::with_capacity(codes.len());
        if range.nulls == 0 {
            append_uniform_levels(self.is_optional(), 1, range.rows, &mut page);
            page.push(self.width());
            hybrid::encode(codes, self.width(), &mut page);
            return page;
        }
        let mut present = Vec::with_capacity(codes.len());
        let flags: Vec<u32> = codes.iter().map(|code| u32::from(*code != NULL)).collect();
        append_presence(self.is_optional(), &flags, range.nulls, &mut page);
        present.extend(codes.iter().filter(|code| **code != NULL));
        page.push(self.width());
        hybrid::encode(&present, self.width(), &mut page);
        page
    }

    fn value(&self, code: u32) -> &str {
        self.values.get(code as usize).map_or("", String::as_str)
    }

    fn append_to_index(&self, index: &mut ColumnIndexBuilder, range: Range) {
        if range.nulls == range.rows {
            index.append(true, Vec::new(), Vec::new(), range.nulls as i64);
            return;
        }
        let (lowest, highest) = (self.value(range.lowest), self.value(range.highest));
        if lowest.len().max(highest.len()) > LONGEST_STATISTIC {
            index.to_invalid();
        }
        if self.page_statistics {
            index.append(false, lowest.into(), highest.into(), range.nulls as i64);
        }
    }

    fn finish_index(&self, mut index: ColumnIndexBuilder) -> Result<Option<ColumnIndexMetaData>> {
        if !self.page_statistics || !index.valid() {
            return Ok(None);
        }
        index.set_boundary_order(BoundaryOrder::UNORDERED);
        index.build().map(Some)
    }

    fn bloom(&self) -> Result<Option<Sbbf>> {
        if !self.bloom_filter {
            return Ok(None);
        }
        let mut bloom = Sbbf::new_with_ndv_fpp(self.values.len().max(1) as u64, BLOOM_FALSE_POSITIVES)?;
        self.values.iter().for_each(|value| bloom.insert(value.as_str()));
        Ok(Some(bloom))
    }

    fn statistics(&self, range: Range) -> Option<Statistics> {
        let bound = |code| Some(ByteArray::from(self.value(code).as_bytes().to_vec()));
        let (lowest, highest) = match range.nulls == range.rows {
            true => (None, None),
            false => (bound(range.lowest), bound(range.highest)),
        };
        let longest = [&lowest, &highest].into_iter().flatten().map(ByteArray::len).max();
        if longest.is_some_and(|longest| longest > LONGEST_STATISTIC) {
            return None;
        }
        let statistics = ValueStatistics::new(lowest, highest, None, Some(range.nulls as u64), false);
        Some(Statistics::ByteArray(statistics))
    }
}
