//! Encodes a column of text that hardly repeats: ids, session names, contexts.
//!
//! The bytes of each row are copied once, from where they lie in their batch into a page. Random text
//! is kept as lengths and bytes; other text begins like its neighbour, and only its rest is kept.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::delta;
use super::key_filter::Collector;
use super::layout::{self, BLOOM_FALSE_POSITIVES, BYTES_PER_PAGE, LONGEST_STATISTIC, ROWS_PER_PAGE};
use super::order::Row;
use super::pages::{Pages, Summary, append_presence};
use super::words::{Codes, Words};

/// Where the text of a row is.
#[derive(Debug)]
pub(super) enum Texts<'a> {
    /// In the arrays of the batches.
    Plain(Vec<&'a StringArray>),
    /// In their dictionaries.
    Words(&'a Words<'a>),
    /// In a list of values, by code.
    Codes(&'a Codes, &'a [String]),
}

/// A text column of one row group, about to be encoded.
#[derive(Debug)]
pub(super) struct TextChunk<'a> {
    pub column: ColumnDescPtr,
    pub name: &'a str,
    pub rows: &'a [Row],
    pub texts: &'a Texts<'a>,
}

/// The rows of one page. Their bytes lie all over the batches: first it is noted where, then they are
/// copied, and only then is anything done with them, so that the processor waits for many at a time.
#[derive(Default)]
struct TextPage<'a> {
    found: Vec<&'a str>,
    /// One or nought a row, and how many are noughts.
    present: Vec<u32>,
    nulls: usize,
    /// All texts, and the length of each.
    bytes: Vec<u8>,
    lengths: Vec<i64>,
    /// How much of each text is that of the text before, where that is asked.
    shared: Vec<i64>,
    rest: Vec<u8>,
}

/// The lowest and highest text, and how many rows have none.
#[derive(Default, Clone, Copy)]
struct Range<'a> {
    bounds: Option<(&'a str, &'a str)>,
    nulls: usize,
}

impl<'a> Texts<'a> {
    /// The arrays of a column, one a batch; nothing where they are not text.
    pub(super) fn of(arrays: &[&'a ArrayRef]) -> Option<Self> {
        arrays.iter().map(|array| array.as_string_opt()).collect::<Option<_>>().map(Self::Plain)
    }

    #[inline]
    fn at(&self, place: usize, row: &Row) -> Option<&'a str> {
        match self {
            Self::Plain(arrays) => {
                let (array, row) = (arrays.get(row.batch as usize)?, row.row as usize);
                let is_null = array.nulls().is_some_and(|nulls: &NullBuffer| nulls.is_null(row));
                (!is_null && row < array.len()).then(|| array.value(row))
            }
            Self::Words(words) => words.text(row),
            Self::Codes(codes, values) => values.get(codes.at(place) as usize).map(String::as_str),
        }
    }
}

impl<'a> TextChunk<'a> {
    /// The encoded chunk and what the file's footer says of it. Where `filter` is given, it learns the
    /// values.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn encode(
        &self,
        zstd: &mut Compressor<'static>,
        mut filter: Option<&mut Collector>,
        spare: Vec<u8>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let (encoding, is_compressed) = (layout::text_encoding(self.name), layout::is_compressed(self.name));
        let is_optional = self.column.max_def_level() > 0;
        let mut pages = Pages::plain(self.column.clone(), encoding, is_compressed, zstd, spare);
        let mut index =
            layout::has_page_statistics(self.name).then(|| ColumnIndexBuilder::new(Type::BYTE_ARRAY));
        let mut bloom = self.bloom()?;
        let (mut page, mut whole) = (TextPage::default(), Range::default());
        let mut start = 0;
        while start < self.rows.len() {
            page.gather(self.texts, self.rows, start);
            start += page.present.len();
            if let Some(bloom) = &mut bloom {
                page.each(|text| bloom.insert(text));
            }
            if let Some(filter) = &mut filter {
                page.found.iter().for_each(|text| filter.add(self.name, text));
            }
            if let Some(index) = &mut index {
                let range = page.range();
                append_to_index(index, range, page.present.len());
                whole = whole.and(range);
            }
            let rows = page.present.len();
            pages.push(page.encode(encoding, is_optional), rows, rows)?;
        }
        let statistics = index.is_some().then(|| whole.statistics()).flatten();
        let column_index = index.map_or(Ok(None), finish_index)?;
        pages.finish(Summary { statistics, column_index, bloom_filter: bloom })
    }

    fn bloom(&self) -> Result<Option<Sbbf>> {
        if !layout::has_bloom_filter(self.name) {
            return Ok(None);
        }
        Sbbf::new_with_ndv_fpp(self.rows.len().max(1) as u64, BLOOM_FALSE_POSITIVES).map(Some)
    }
}

impl<'a> TextPage<'a> {
    /// Takes the rows of one page, from `start` on: at least one.
    fn gather(&mut self, texts: &Texts<'a>, rows: &[Row], start: usize) {
        self.found.clear();
        self.present.clear();
        let mut bytes = 0;
        for (place, row) in rows.iter().enumerate().skip(start).take(ROWS_PER_PAGE) {
            let text = texts.at(place, row);
            self.present.push(u32::from(text.is_some()));
            bytes += text.map_or(0, str::len);
            self.found.extend(text);
            if bytes >= BYTES_PER_PAGE {
                break;
            }
        }
        self.nulls = self.present.len() - self.found.len();
        self.bytes.clear();
        self.bytes.reserve(bytes);
        self.lengths.clear();
        for text in &self.found {
            self.bytes.extend_from_slice(text.as_bytes());
            self.lengths.push(text.len() as i64);
        }
    }

    /// The texts as they lie one after the other.
    fn each(&self, mut work: impl FnMut(&[u8])) {
        let mut rest = self.bytes.as_slice();
        for length in &self.lengths {
            let (text, after) = rest.split_at_checked(*length as usize).unwrap_or((rest, &[]));
            work(text);
            rest = after;
        }
    }

    fn range(&self) -> Range<'a> {
        let start = Range { bounds: None, nulls: self.nulls };
        self.found.iter().fold(start, |range, text| range.with(text))
    }

    /// The page's contents.
    fn encode(&mut self, encoding: Encoding, is_optional: bool) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 4 + 64);
        append_presence(is_optional, &self.present, self.nulls, &mut page);
        if encoding != Encoding::DELTA_BYTE_ARRAY {
            delta::encode(&self.lengths, &mut page);
            page.extend_from_slice(&self.bytes);
            return page;
        }
        self.shared.clear();
        self.rest.clear();
        let (mut last, mut bytes): (&[u8], _) = (&[], self.bytes.as_slice());
        for length in &mut self.lengths {
            let (text, after) = bytes.split_at_checked(*length as usize).unwrap_or((bytes, &[]));
            let shared = shared_beginning(last, text);
            self.shared.push(shared as i64);
            *length -= shared as i64;
            self.rest.extend_from_slice(text.get(shared..).unwrap_or_default());
            (last, bytes) = (text, after);
        }
        delta::encode(&self.shared, &mut page);
        delta::encode(&self.lengths, &mut page);
        page.extend_from_slice(&self.rest);
        page
    }
}

/// How many bytes two texts have in common at their beginning.
fn shared_beginning(one: &[u8], other: &[u8]) -> usize {
    // Eight at a time: names share their long beginnings.
    let ((eights, _), (others, _)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let whole = 8 * eights.iter().zip(others).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.get(whole..).unwrap_or_default(), other.get(whole..).unwrap_or_default());
    whole + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

impl<'a> Range<'a> {
    fn with(self, text: &'a str) -> Self {
        let bounds = self.bounds.map_or((text, text), |(low, high)| (low.min(text), high.max(text)));
        Self { bounds: Some(bounds), ..self }
    }

    fn and(self, other: Self) -> Self {
        let nulls = self.nulls + other.nulls;
        match (self.bounds, other.bounds) {
            (Some((low, high)), Some((lower, higher))) => {
                Self { bounds: Some((low.min(lower), high.max(higher))), nulls }
            }
            (one, other) => Self { bounds: one.or(other), nulls },
        }
    }

    fn statistics(self) -> Option<Statistics> {
        let bound = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        if self.bounds.is_some_and(|(low, high)| low.len().max(high.len()) > LONGEST_STATISTIC) {
            return None;
        }
        let (low, high) = self.bounds.map(|(low, high)| (bound(low), bound(high))).unzip();
        Some(Statistics::ByteArray(ValueStatistics::new(low, high, None, Some(self.nulls as u64), false)))
    }
}

fn append_to_index(index: &mut ColumnIndexBuilder, range: Range<'_>, rows: usize) {
    let Some((low, high)) = range.bounds.filter(|_| range.nulls < rows) else {
        index.append(true, Vec::new(), Vec::new(), range.nulls as i64);
        return;
    };
    if low.len().max(high.len()) > LONGEST_STATISTIC {
        index.to_invalid();
    }
    index.append(false, low.into(), high.into(), range.nulls as i64);
}

fn finish_index(mut index: ColumnIndexBuilder) -> Result<Option<ColumnIndexMetaData>> {
    if !index.valid() {
        return Ok(None);
    }
    index.set_boundary_order(BoundaryOrder::UNORDERED);
    index.build().map(Some)
}
