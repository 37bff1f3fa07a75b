//! Encodes one dictionary column of a row group from codes, without looking at a value again.
//!
//! Arrow's own writer hashes and compares the text of every row; a key event has some thirty such
//! columns, which would cost more than all the rest of writing history. Here a row costs one packed
//! number. The pages are plain Parquet: a sorted dictionary page, then data pages of definition
//! levels and indices (RLE_DICTIONARY), zstd.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::hybrid;
use super::layout::{BLOOM_FALSE_POSITIVES, LONGEST_STATISTIC, ROWS_PER_PAGE};
use super::words::NULL;

/// A dictionary column of one row group.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    pub column: ColumnDescPtr,
    /// One a row; [`NULL`] or a place in `values`.
    pub codes: &'a [u32],
    /// Sorted.
    pub values: &'a [String],
    /// Whether each page's lowest and highest value go into the column index.
    pub page_statistics: bool,
    pub bloom_filter: bool,
    pub compression: Compression,
}

/// The lowest and highest code of some rows, and how many are null.
#[derive(Debug, Clone, Copy)]
struct Range {
    lowest: u32,
    highest: u32,
    nulls: usize,
}

impl Range {
    fn of(codes: &[u32]) -> Self {
        let start = Self { lowest: NULL, highest: 0, nulls: 0 };
        codes.iter().fold(start, |range, code| match *code {
            NULL => Self { nulls: range.nulls + 1, ..range },
            code => Self { lowest: range.lowest.min(code), highest: range.highest.max(code), ..range },
        })
    }

    const fn is_constant(self, rows: usize) -> bool {
        self.nulls == rows || (self.nulls == 0 && self.lowest == self.highest)
    }
}

impl Chunk<'_> {
    /// The encoded chunk and what the file's footer says of it.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn encode(&self, zstd: &mut Compressor<'_>) -> Result<(Bytes, ColumnCloseResult)> {
        let range = Range::of(self.codes);
        let mut out = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut out);
        let dictionary = pages.write_page(self.dictionary_page(zstd)?)?;
        let mut uncompressed = dictionary.uncompressed_size;
        let mut offsets = OffsetIndexBuilder::new();
        let mut index = ColumnIndexBuilder::new(Type::BYTE_ARRAY);
        let width = hybrid::width_of(self.values.len().saturating_sub(1) as u32);
        for codes in self.codes.chunks(self.rows_per_page(range)) {
            let page = pages.write_page(self.data_page(codes, width, zstd)?)?;
            uncompressed += page.uncompressed_size;
            offsets.append_row_count(codes.len() as i64);
            offsets.append_offset_and_size(page.offset as i64, page.compressed_size as i32);
            self.append_to_index(&mut index, Range::of(codes), codes.len());
        }
        pages.close()?;
        let bytes = out.into_inner()?;
        let sizes = (bytes.len(), uncompressed, dictionary.bytes_written);
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.codes.len() as u64,
            metadata: self.metadata(range, sizes)?,
            bloom_filter: self.bloom()?,
            column_index: self.finish_index(index)?,
            offset_index: Some(offsets.build()),
        };
        Ok((bytes.into(), close))
    }

    /// A column of one value has nothing to skip to: one page.
    fn rows_per_page(&self, range: Range) -> usize {
        if range.is_constant(self.codes.len()) { self.codes.len().max(1) } else { ROWS_PER_PAGE }
    }

    fn dictionary_page(&self, zstd: &mut Compressor<'_>) -> Result<CompressedPage> {
        let mut plain = Vec::new();
        for value in self.values {
            plain.extend_from_slice(&(value.len() as u32).to_le_bytes());
            plain.extend_from_slice(value.as_bytes());
        }
        let page = Page::DictionaryPage {
            buf: compress(zstd, &plain)?,
            num_values: self.values.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: true,
        };
        Ok(CompressedPage::new(page, plain.len()))
    }

    fn data_page(&self, codes: &[u32], width: u8, zstd: &mut Compressor<'_>) -> Result<CompressedPage> {
        let mut plain = Vec::with_capacity(codes.len());
        let present = self.append_levels(codes, &mut plain);
        plain.push(width);
        match present {
            Some(present) => hybrid::encode(&present, width, &mut plain),
            None => hybrid::encode(codes, width, &mut plain),
        }
        let page = Page::DataPage {
            buf: compress(zstd, &plain)?,
            num_values: codes.len() as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        Ok(CompressedPage::new(page, plain.len()))
    }

    /// Appends which rows hold a value, and returns the codes of those where some do not.
    fn append_levels(&self, codes: &[u32], out: &mut Vec<u8>) -> Option<Vec<u32>> {
        if self.column.max_def_level() == 0 {
            return None;
        }
        let present: Vec<u32> = codes.iter().copied().filter(|code| *code != NULL).collect();
        let mut levels = Vec::new();
        match present.len() {
            0 => hybrid::encode_run(0, codes.len(), 1, &mut levels),
            all if all == codes.len() => hybrid::encode_run(1, all, 1, &mut levels),
            _ => {
                let flags: Vec<u32> = codes.iter().map(|code| u32::from(*code != NULL)).collect();
                hybrid::encode(&flags, 1, &mut levels);
            }
        }
        out.extend_from_slice(&(levels.len() as u32).to_le_bytes());
        out.extend_from_slice(&levels);
        Some(present)
    }

    fn value(&self, code: u32) -> &str {
        self.values.get(code as usize).map_or("", String::as_str)
    }

    fn append_to_index(&self, index: &mut ColumnIndexBuilder, range: Range, rows: usize) {
        if range.nulls == rows {
            index.append(true, Vec::new(), Vec::new(), rows as i64);
            return;
        }
        let (lowest, highest) = (self.value(range.lowest), self.value(range.highest));
        if !self.page_statistics || lowest.len().max(highest.len()) > LONGEST_STATISTIC {
            index.to_invalid();
        }
        index.append(false, lowest.into(), highest.into(), range.nulls as i64);
    }

    fn finish_index(
        &self,
        mut index: ColumnIndexBuilder,
    ) -> Result<Option<parquet::file::page_index::column_index::ColumnIndexMetaData>> {
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

    fn metadata(&self, range: Range, sizes: (usize, usize, u64)) -> Result<ColumnChunkMetaData> {
        let (compressed, uncompressed, dictionary) = sizes;
        let mut metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(self.compression)
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_num_values(self.codes.len() as i64)
            .set_total_compressed_size(compressed as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(dictionary as i64);
        if let Some(statistics) = self.statistics(range) {
            metadata = metadata.set_statistics(statistics);
        }
        metadata.build()
    }

    fn statistics(&self, range: Range) -> Option<Statistics> {
        let bound = |code| Some(ByteArray::from(self.value(code).as_bytes().to_vec()));
        let (lowest, highest) = match range.nulls == self.codes.len() {
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

fn compress(zstd: &mut Compressor<'_>, plain: &[u8]) -> Result<Bytes> {
    zstd.compress(plain).map(Bytes::from).map_err(|error| ParquetError::External(Box::new(error)))
}
