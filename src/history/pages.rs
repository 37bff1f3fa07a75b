//! Puts together one dictionary-encoded column chunk: a dictionary page, data pages, and what the
//! file's footer says of them. What is in the pages is for `chunk` and `lists` to say.

use bytes::Bytes;
use parquet::basic::{Encoding, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::layout::ZSTD_LEVEL;

/// A column chunk being written into memory.
pub(super) struct Pages<'z> {
    column: ColumnDescPtr,
    zstd: &'z mut Compressor<'static>,
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    dictionary: u64,
    uncompressed: i64,
    values: i64,
    rows: u64,
}

/// What the footer says of a chunk beside its size.
#[derive(Default)]
pub(super) struct Summary {
    pub statistics: Option<Statistics>,
    pub column_index: Option<ColumnIndexMetaData>,
    pub bloom_filter: Option<Sbbf>,
}

impl<'z> Pages<'z> {
    /// A chunk that begins with the page of its distinct values, sorted.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn start(
        column: ColumnDescPtr,
        values: &[String],
        zstd: &'z mut Compressor<'static>,
    ) -> Result<Self> {
        let mut pages = Self {
            column,
            zstd,
            out: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            dictionary: 0,
            uncompressed: 0,
            values: 0,
            rows: 0,
        };
        let mut plain = Vec::new();
        for value in values {
            plain.extend_from_slice(&(value.len() as u32).to_le_bytes());
            plain.extend_from_slice(value.as_bytes());
        }
        let page = Page::DictionaryPage {
            buf: pages.compress(&plain)?,
            num_values: values.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: true,
        };
        pages.dictionary = pages.write(page, plain.len())?.bytes_written;
        Ok(pages)
    }

    /// Adds a data page of `rows` rows: its levels and its indices, not yet compressed. `values`
    /// counts nulls and empty lists too.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn push(&mut self, plain: &[u8], values: usize, rows: usize) -> Result<()> {
        let page = Page::DataPage {
            buf: self.compress(plain)?,
            num_values: values as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = self.write(page, plain.len())?;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        self.values += values as i64;
        self.rows += rows as u64;
        Ok(())
    }

    /// The chunk's bytes, and what the footer says of it.
    ///
    /// # Errors
    /// When the parts do not fit together.
    pub(super) fn finish(self, summary: Summary) -> Result<(Bytes, ColumnCloseResult)> {
        let bytes = self.out.into_inner()?;
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(parquet::basic::Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_num_values(self.values)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(self.dictionary as i64);
        if let Some(statistics) = summary.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows,
            metadata: metadata.build()?,
            bloom_filter: summary.bloom_filter,
            column_index: summary.column_index,
            offset_index: Some(self.offsets.build()),
        };
        Ok((bytes.into(), close))
    }

    fn compress(&mut self, plain: &[u8]) -> Result<Bytes> {
        let compressed = self.zstd.compress(plain);
        compressed.map(Bytes::from).map_err(|error| ParquetError::External(Box::new(error)))
    }

    fn write(&mut self, page: Page, plain: usize) -> Result<PageWriteSpec> {
        let mut writer = SerializedPageWriter::new(&mut self.out);
        let written = writer.write_page(CompressedPage::new(page, plain))?;
        self.uncompressed += written.uncompressed_size as i64;
        Ok(written)
    }
}

/// Appends levels as a data page of the first version holds them: their length, then them.
pub(super) fn append_levels(levels: &[u8], page: &mut Vec<u8>) {
    page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
    page.extend_from_slice(levels);
}
