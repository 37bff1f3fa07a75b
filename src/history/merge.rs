//! Merges sorted files of one day into one, a row group at a time, in bounded memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use arrow::array::{Array, AsArray, DictionaryArray, RecordBatch};
use arrow::datatypes::{Int32Type, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::{ParquetError, Result as ParquetResult};

use super::encode::{Columns, Encoder};
use super::error::HistoryError;
use super::file::failed;
use super::order::{self, Row};
use super::read;
use super::slim::Slimmer;

/// Rows a row group: a quarter of what an open set may hold, so that the rows being merged fit into
/// about 120 MB, and that a key's dictionary pages are small.
pub(super) const GROUP_ROWS: usize = 256 * 1024;

/// Memory of the batches that a row group is made of, in bytes, for rows larger than usual.
const GROUP_BYTES: usize = 192 * 1024 * 1024;

/// Rows a batch of a file being read: a page. Every file keeps one in memory.
const BATCH: usize = 4096;

/// Where a row stands in a file: rows without a key come last.
type Rank<'a> = (bool, Option<&'a str>, i64);

/// Sorted files about to become one.
pub(super) struct Merge {
    schema: SchemaRef,
    /// Those with rows left, the one with the first row at the front.
    cursors: Vec<Cursor>,
    group: Group,
}

/// One file being read in its order.
struct Cursor {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    slimmer: Slimmer,
    batch: RecordBatch,
    bytes: usize,
    keys: Option<DictionaryArray<Int32Type>>,
    row: usize,
    /// Where the group being collected has the batch, once it has.
    place: Option<u32>,
}

/// The rows of the next row group, and the batches they lie in.
#[derive(Default)]
struct Group {
    batches: Vec<RecordBatch>,
    rows: Vec<Row>,
    bytes: usize,
}

impl Merge {
    /// Opens the files. Nothing when one of them has a column that `schema` lacks: a newer version
    /// wrote it, and merging would lose that column.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn open<'p>(
        paths: impl Iterator<Item = &'p Path>,
        schema: &SchemaRef,
    ) -> Result<Option<Self>, HistoryError> {
        let mut merge = Self { schema: schema.clone(), cursors: Vec::new(), group: Group::default() };
        for path in paths {
            let reading = |source| HistoryError::Parquet { doing: "read", path: path.to_owned(), source };
            let file = File::open(path).map_err(failed("open", path))?;
            let Some(reader) = read::whole_reader(file, schema, BATCH).map_err(reading)? else {
                return Ok(None);
            };
            if let Some(cursor) = Cursor::new(reader, schema.clone()).map_err(reading)? {
                merge.insert(cursor);
            }
        }
        Ok(Some(merge))
    }

    /// Writes all rows in their order as a file, and returns its key filter.
    ///
    /// # Errors
    /// When a file cannot be read or the new one not be written.
    pub(super) fn write<W: Write + Send>(mut self, to: W) -> ParquetResult<Vec<u8>> {
        let schema = self.schema.clone();
        let mut file = Encoder::new(&schema, to)?;
        while let Some(mut cursor) = pop_front(&mut self.cursors) {
            let room = GROUP_ROWS.saturating_sub(self.group.rows.len());
            let end = cursor.end_of_run(self.cursors.first()).min(cursor.row + room);
            self.group.take(&mut cursor, end);
            if cursor.row < cursor.batch.num_rows() || cursor.advance()? {
                self.insert(cursor);
            }
            if self.group.is_full() {
                self.flush(&mut file)?;
            }
        }
        self.flush(&mut file)?;
        file.finish()
    }

    fn insert(&mut self, cursor: Cursor) {
        let place = self.cursors.partition_point(|other| other.rank(other.row) <= cursor.rank(cursor.row));
        self.cursors.insert(place, cursor);
    }

    fn flush<W: Write + Send>(&mut self, file: &mut Encoder<W>) -> ParquetResult<()> {
        let group = std::mem::take(&mut self.group);
        self.cursors.iter_mut().for_each(|cursor| cursor.place = None);
        if group.rows.is_empty() {
            return Ok(());
        }
        file.write(&Columns::of(&self.schema, &group.batches), &group.rows)
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES
    }

    /// Takes the cursor's rows before `end`.
    fn take(&mut self, cursor: &mut Cursor, end: usize) {
        let place = *cursor.place.get_or_insert_with(|| {
            self.batches.push(cursor.batch.clone());
            self.bytes += cursor.bytes;
            (self.batches.len() - 1) as u32
        });
        let row = |row| Row { key: 0, time: cursor.time(row), batch: place, row: row as u32 };
        self.rows.extend((cursor.row..end).map(row));
        cursor.row = end;
    }
}

impl Cursor {
    /// Reads the first batch; nothing when there is none.
    fn new(reader: ParquetRecordBatchReader, schema: SchemaRef) -> ParquetResult<Option<Self>> {
        let batch = RecordBatch::new_empty(schema.clone());
        let slimmer = Slimmer::default();
        let mut cursor = Self { reader, schema, slimmer, batch, bytes: 0, keys: None, row: 0, place: None };
        Ok(if cursor.advance()? { Some(cursor) } else { None })
    }

    /// Goes to the first row of the next batch, where there is one.
    fn advance(&mut self) -> ParquetResult<bool> {
        for batch in self.reader.by_ref() {
            let batch = read::with_columns(&batch?, &self.schema)?;
            if batch.num_rows() > 0 {
                let keys = order::keys(&batch);
                self.keys = keys.and_then(|keys| keys.as_dictionary_opt().cloned());
                (self.batch, self.bytes) = self.slimmer.slim(&batch).map_err(ParquetError::from)?;
                (self.row, self.place) = (0, None);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn time(&self, row: usize) -> i64 {
        order::times(&self.batch).and_then(|times| times.get(row).copied()).unwrap_or_default()
    }

    fn rank(&self, row: usize) -> Rank<'_> {
        let key = self.keys.as_ref().and_then(|keys| {
            let value = keys.key(row)?;
            let values = keys.values().as_string_opt::<i32>()?;
            (value < values.len()).then(|| values.value(value))
        });
        (key.is_none(), key, self.time(row))
    }

    /// Behind the last row of this batch that comes before the other's next row.
    fn end_of_run(&self, other: Option<&Self>) -> usize {
        let all = self.batch.num_rows();
        let Some(other) = other else { return all };
        let bound = other.rank(other.row);
        (self.row + 1..all).find(|row| self.rank(*row) > bound).unwrap_or(all)
    }
}

fn pop_front(cursors: &mut Vec<Cursor>) -> Option<Cursor> {
    if cursors.is_empty() { None } else { Some(cursors.remove(0)) }
}
