//! Puts together one dictionary-encoded column chunk: a dictionary page, data pages, and what the
//! file's footer says of them. What is in the pages is for `chunk` and `lists` to say.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
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

/// Compression must save at least one byte in this many rows: a reader sets up a decompressor for
/// every compressed column of a row group, which takes as long as reading twenty kilobytes.
const ROWS_A_SAVED_BYTE: u64 = 8;

/// A column chunk being written into memory.
pub(super) struct Pages<'z> {
    column: ColumnDescPtr,
    zstd: &'z mut Compressor<'static>,
    dictionary: Vec<u8>,
    words: usize,
    data: Vec<DataPage>,
}

/// A data page before compression.
struct DataPage {
    plain: Vec<u8>,
    values: usize,
    rows: usize,
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
    pub(super) fn start(column: ColumnDescPtr, values: &[String], zstd: &'z mut Compressor<'static>) -> Self {
        let mut dictionary = Vec::new();
        for value in values {
            dictionary.extend_from_slice(&(value.len() as u32).to_le_bytes());
            dictionary.extend_from_slice(value.as_bytes());
        }
        Self { column, zstd, dictionary, words: values.len(), data: Vec::new() }
    }

    /// Adds a data page of `rows` rows: its levels and its indices. `values` counts nulls and empty
    /// lists too.
    pub(super) fn push(&mut self, plain: Vec<u8>, values: usize, rows: usize) {
        self.data.push(DataPage { plain, values, rows });
    }

    /// The chunk's bytes, and what the footer says of it.
    ///
    /// # Errors
    /// When zstd fails, or the parts do not fit together.
    pub(super) fn finish(self, summary: Summary) -> Result<(Bytes, ColumnCloseResult)> {
        let plain = std::iter::once(&self.dictionary).chain(self.data.iter().map(|page| &page.plain));
        let plain_bytes: usize = plain.clone().map(Vec::len).sum();
        let compressed = plain.map(|page| compress(self.zstd, page)).collect::<Result<Vec<_>>>()?;
        let saved = plain_bytes.saturating_sub(compressed.iter().map(Bytes::len).sum()) as u64;
        let rows = self.data.iter().map(|page| page.rows as u64).sum();
        let is_compressed = saved * ROWS_A_SAVED_BYTE >= rows;
        let mut chunk = Chunk::default();
        let mut compressed = compressed.into_iter();
        let mut contents = |plain: Vec<u8>| match compressed.next() {
            Some(compressed) if is_compressed => compressed,
            _ => Bytes::from(plain),
        };
        let length = self.dictionary.len();
        let dictionary = chunk.write(dictionary_page(contents(self.dictionary), self.words), length)?;
        let mut values = 0;
        for page in self.data {
            let length = page.plain.len();
            let written = chunk.write(data_page(contents(page.plain), page.values), length)?;
            chunk.offsets.append_row_count(page.rows as i64);
            chunk.offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
            values += page.values;
        }
        let compression = match is_compressed {
            true => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
            false => Compression::UNCOMPRESSED,
        };
        let bytes = chunk.out.into_inner()?;
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(compression)
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_num_values(values as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(chunk.uncompressed)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(dictionary.bytes_written as i64);
        if let Some(statistics) = summary.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows,
            metadata: metadata.build()?,
            bloom_filter: summary.bloom_filter,
            column_index: summary.column_index,
            offset_index: Some(chunk.offsets.build()),
        };
        Ok((bytes.into(), close))
    }
}

/// The bytes of a chunk so far.
struct Chunk {
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    uncompressed: i64,
}

impl Default for Chunk {
    fn default() -> Self {
        Self { out: TrackedWrite::new(Vec::new()), offsets: OffsetIndexBuilder::new(), uncompressed: 0 }
    }
}

impl Chunk {
    fn write(&mut self, page: Page, plain: usize) -> Result<PageWriteSpec> {
        let mut writer = SerializedPageWriter::new(&mut self.out);
        let written = writer.write_page(CompressedPage::new(page, plain))?;
        self.uncompressed += written.uncompressed_size as i64;
        Ok(written)
    }
}

fn dictionary_page(buf: Bytes, values: usize) -> Page {
    Page::DictionaryPage { buf, num_values: values as u32, encoding: Encoding::PLAIN, is_sorted: true }
}

fn data_page(buf: Bytes, values: usize) -> Page {
    Page::DataPage {
        buf,
        num_values: values as u32,
        encoding: Encoding::RLE_DICTIONARY,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

fn compress(zstd: &mut Compressor<'static>, plain: &[u8]) -> Result<Bytes> {
    zstd.compress(plain).map(Bytes::from).map_err(|error| ParquetError::External(Box::new(error)))
}

/// Appends levels as a data page of the first version holds them: their length, then them.
pub(super) fn append_levels(levels: &[u8], page: &mut Vec<u8>) {
    page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
    page.extend_from_slice(levels);
}
