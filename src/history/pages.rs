//! Puts together one column chunk: a dictionary page where it has one, data pages, and what the
//! file's footer says of them. What is in the pages is for those who encode columns to say.

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

use super::hybrid;
use super::layout::ZSTD_LEVEL;

/// Compression must save at least one byte in this many rows: a reader sets up a decompressor for
/// every compressed column of a row group, which takes as long as reading twenty kilobytes.
const ROWS_A_SAVED_BYTE: i64 = 8;

/// A column chunk being written into memory.
pub(super) struct Pages<'z> {
    column: ColumnDescPtr,
    zstd: &'z mut Compressor<'static>,
    encoding: Encoding,
    chunk: Chunk,
    /// The pages of which it is not clear yet whether they are compressed; nothing where it is.
    waiting: Option<Waiting>,
    is_compressed: bool,
}

/// The pages of a chunk that has a dictionary, each with and without compression: whether it pays is
/// told by all of them together.
struct Waiting {
    dictionary: Contents,
    words: usize,
    data: Vec<DataPage>,
}

/// A page's bytes both ways.
struct Contents {
    plain: Vec<u8>,
    compressed: Bytes,
}

struct DataPage {
    contents: Contents,
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
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn start(
        column: ColumnDescPtr,
        values: &[String],
        zstd: &'z mut Compressor<'static>,
    ) -> Result<Self> {
        let mut dictionary = Vec::new();
        for value in values {
            dictionary.extend_from_slice(&(value.len() as u32).to_le_bytes());
            dictionary.extend_from_slice(value.as_bytes());
        }
        let dictionary = Contents::of(dictionary, zstd)?;
        let waiting = Some(Waiting { dictionary, words: values.len(), data: Vec::new() });
        let (encoding, chunk) = (Encoding::RLE_DICTIONARY, Chunk::over(Vec::new()));
        Ok(Self { column, zstd, encoding, chunk, waiting, is_compressed: false })
    }

    /// A chunk without a dictionary, written into the memory of `spare`.
    pub(super) fn plain(
        column: ColumnDescPtr,
        encoding: Encoding,
        is_compressed: bool,
        zstd: &'z mut Compressor<'static>,
        spare: Vec<u8>,
    ) -> Self {
        Self { column, zstd, encoding, chunk: Chunk::over(spare), waiting: None, is_compressed }
    }

    /// Adds a data page of `rows` rows: its levels and its values. `values` counts nulls and empty
    /// lists too.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn push(&mut self, plain: Vec<u8>, values: usize, rows: usize) -> Result<()> {
        if let Some(waiting) = &mut self.waiting {
            let contents = Contents::of(plain, self.zstd)?;
            waiting.data.push(DataPage { contents, values, rows });
            return Ok(());
        }
        let length = plain.len();
        let contents = if self.is_compressed { compressed(self.zstd, &plain)? } else { plain.into() };
        self.chunk.write_data(contents, length, self.encoding, values, rows)
    }

    /// The chunk's bytes, and what the footer says of it.
    ///
    /// # Errors
    /// When zstd fails, or the parts do not fit together.
    pub(super) fn finish(mut self, summary: Summary) -> Result<(Bytes, ColumnCloseResult)> {
        let mut dictionary = None;
        if let Some(waiting) = self.waiting.take() {
            self.is_compressed = waiting.pays();
            let length = waiting.dictionary.plain.len();
            let contents = waiting.dictionary.keep(self.is_compressed);
            dictionary = Some(self.chunk.write(dictionary_page(contents, waiting.words), length)?);
            for DataPage { contents, values, rows } in waiting.data {
                let length = contents.plain.len();
                let contents = contents.keep(self.is_compressed);
                self.chunk.write_data(contents, length, self.encoding, values, rows)?;
            }
        }
        let compression = match self.is_compressed {
            true => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
            false => Compression::UNCOMPRESSED,
        };
        let Chunk { out, offsets, uncompressed, values, rows } = self.chunk;
        let bytes = out.into_inner()?;
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(compression)
            .set_encodings(encodings(self.encoding))
            .set_num_values(values as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed)
            .set_dictionary_page_offset(dictionary.as_ref().map(|_| 0))
            .set_data_page_offset(dictionary.map_or(0, |dictionary| dictionary.bytes_written as i64));
        if let Some(statistics) = summary.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: summary.bloom_filter,
            column_index: summary.column_index,
            offset_index: Some(offsets.build()),
        };
        Ok((bytes.into(), close))
    }
}

impl Waiting {
    fn pays(&self) -> bool {
        let saved = |contents: &Contents| contents.plain.len() as i64 - contents.compressed.len() as i64;
        let data: i64 = self.data.iter().map(|page| saved(&page.contents)).sum();
        let rows: i64 = self.data.iter().map(|page| page.rows as i64).sum();
        (saved(&self.dictionary) + data).max(0) * ROWS_A_SAVED_BYTE >= rows
    }
}

impl Contents {
    /// Compresses while the bytes are at hand.
    fn of(plain: Vec<u8>, zstd: &mut Compressor<'static>) -> Result<Self> {
        Ok(Self { compressed: compressed(zstd, &plain)?, plain })
    }

    fn keep(self, is_compressed: bool) -> Bytes {
        if is_compressed { self.compressed } else { self.plain.into() }
    }
}

fn encodings(of_values: Encoding) -> Vec<Encoding> {
    match of_values {
        Encoding::RLE => vec![Encoding::RLE],
        Encoding::RLE_DICTIONARY => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
        other => vec![Encoding::RLE, other],
    }
}

/// The bytes of a chunk so far.
struct Chunk {
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    uncompressed: i64,
    values: usize,
    rows: usize,
}

impl Chunk {
    fn over(mut spare: Vec<u8>) -> Self {
        spare.clear();
        Self {
            out: TrackedWrite::new(spare),
            offsets: OffsetIndexBuilder::new(),
            uncompressed: 0,
            values: 0,
            rows: 0,
        }
    }

    fn write(&mut self, page: Page, plain: usize) -> Result<PageWriteSpec> {
        let mut writer = SerializedPageWriter::new(&mut self.out);
        let written = writer.write_page(CompressedPage::new(page, plain))?;
        self.uncompressed += written.uncompressed_size as i64;
        Ok(written)
    }

    fn write_data(
        &mut self,
        contents: Bytes,
        plain: usize,
        encoding: Encoding,
        values: usize,
        rows: usize,
    ) -> Result<()> {
        let written = self.write(data_page(contents, values, encoding), plain)?;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        self.values += values;
        self.rows += rows;
        Ok(())
    }
}

fn dictionary_page(buf: Bytes, values: usize) -> Page {
    Page::DictionaryPage { buf, num_values: values as u32, encoding: Encoding::PLAIN, is_sorted: true }
}

fn data_page(buf: Bytes, values: usize, encoding: Encoding) -> Page {
    Page::DataPage {
        buf,
        num_values: values as u32,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

fn compressed(zstd: &mut Compressor<'static>, plain: &[u8]) -> Result<Bytes> {
    zstd.compress(plain).map(Bytes::from).map_err(|error| ParquetError::External(Box::new(error)))
}

/// Appends levels as a data page of the first version holds them: their length, then them.
pub(super) fn append_levels(levels: &[u8], page: &mut Vec<u8>) {
    page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
    page.extend_from_slice(levels);
}

/// Appends definition levels of rows that all have a value, or all none; a column that must have one
/// has no levels.
pub(super) fn append_uniform_levels(is_optional: bool, level: u32, rows: usize, page: &mut Vec<u8>) {
    if is_optional {
        let mut levels = Vec::new();
        hybrid::encode_run(level, rows, 1, &mut levels);
        append_levels(&levels, page);
    }
}

/// Appends the definition levels of a page: one or nought a row, of which so many are noughts.
pub(super) fn append_presence(is_optional: bool, present: &[u32], nulls: usize, page: &mut Vec<u8>) {
    if nulls == 0 || nulls == present.len() || !is_optional {
        return append_uniform_levels(is_optional, u32::from(nulls == 0), present.len(), page);
    }
    let mut levels = Vec::new();
    hybrid::encode(present, 1, &mut levels);
    append_levels(&levels, page);
}
