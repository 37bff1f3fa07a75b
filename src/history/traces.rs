//! What must be known of events after a restart, in small files of their own: uids, to recognise an
//! event that comes again, and facts about aliases and tags, to judge as before.
//!
//! Reading it back from the events themselves would take minutes. Each seal that holds events writes one
//! such file beside them, about 24 bytes an event; compaction keeps the newest uids, up to the number
//! that the join step remembers, and all facts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, Int64Builder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::error::HistoryError;
use super::file::failed;
use super::read;
use crate::store::{Kind, Store};
use crate::table::build::LearntAlias;
use crate::table::tags::LearntTag;

/// How many uids are remembered, the newest: at 40 events a second more than a day, at 2,000 half an hour.
/// Their files take about 100 MB, and reading them a second.
pub const REMEMBERED_UIDS: usize = 4_000_000;

/// Rows read at a time.
const BATCH: usize = 64 * 1024;

/// How an event is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uid {
    /// As in [`crate::table::mark::RowMark::uid`].
    pub uid: u128,
    /// As in [`crate::table::mark::RowMark::content`]; nothing for a Vault request without a response.
    pub content: Option<u64>,
}

/// What is to be known again of some events, in the order in which they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    pub uids: Vec<Uid>,
    pub aliases: Vec<LearntAlias>,
    pub tags: Vec<LearntTag>,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        column("uid_high", DataType::Int64),
        column("uid_low", DataType::Int64),
        column("content", DataType::Int64),
        column("alias", DataType::Utf8),
        column("alias_key", DataType::Utf8),
        column("alias_at", DataType::Int64),
        // With a tag's name, `alias` is the key that has it and `alias_key` the value.
        column("tag", DataType::Utf8),
    ]))
});

impl Traces {
    /// Whether there is nothing to be known.
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty() && self.aliases.is_empty() && self.tags.is_empty()
    }

    /// Adds what is to be known of later events.
    pub fn add(&mut self, later: Self) {
        self.uids.extend(later.uids);
        self.aliases.extend(later.aliases);
        self.tags.extend(later.tags);
    }

    /// What is known of the sealed events: all facts, and the newest `horizon` uids.
    ///
    /// # Errors
    /// When the manifest or a file cannot be read.
    pub async fn read(store: &Store, horizon: usize) -> Result<Self, HistoryError> {
        let files = newest_last(store).await?;
        let paths: Vec<_> = files.iter().map(|file| store.folder().file(&file.file)).collect();
        Self::read_files(&paths, horizon)
    }

    /// As [`Self::read`], of these files, the newest last.
    pub(super) fn read_files(paths: &[PathBuf], horizon: usize) -> Result<Self, HistoryError> {
        let mut all = Self::default();
        for path in paths {
            all.read_file(path)?;
            // Twice the horizon at most is in memory, and the oldest are moved away rarely.
            if all.uids.len() >= horizon.saturating_mul(2) {
                all.forget(horizon);
            }
        }
        all.forget(horizon);
        Ok(all)
    }

    fn forget(&mut self, horizon: usize) {
        let surplus = self.uids.len().saturating_sub(horizon);
        self.uids.drain(..surplus);
    }

    fn read_file(&mut self, path: &Path) -> Result<(), HistoryError> {
        let reading = |source| HistoryError::Parquet { doing: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(failed("open", path))?;
        let reader = read::whole_reader(file, &SCHEMA, BATCH).map_err(reading)?;
        // Another version wrote it: what it knew is not known here.
        let Some(reader) = reader else { return Ok(()) };
        for batch in reader {
            let batch = batch.map_err(|error| reading(ParquetError::from(error)))?;
            self.read_batch(&read::with_columns(&batch, &SCHEMA)?);
        }
        Ok(())
    }

    fn read_batch(&mut self, batch: &RecordBatch) {
        let [high, low, content, alias, key, at, tag] = batch.columns() else { return };
        let number = |column: &ArrayRef| column.as_primitive_opt::<Int64Type>().cloned();
        let text = |column: &ArrayRef| column.as_string_opt::<i32>().cloned();
        if let (Some(high), Some(low), Some(content)) = (number(high), number(low), number(content)) {
            for ((high, low), content) in high.iter().zip(low.iter()).zip(content.iter()) {
                let (Some(high), Some(low)) = (high, low) else { continue };
                let uid = (u128::from(high as u64) << 64) | u128::from(low as u64);
                self.uids.push(Uid { uid, content: content.map(|content| content as u64) });
            }
        }
        if let (Some(alias), Some(key), Some(at), Some(tag)) = (text(alias), text(key), number(at), text(tag))
            && alias.null_count() < alias.len()
        {
            self.read_facts(&alias, &key, &at, &tag);
        }
    }

    fn read_facts(&mut self, about: &StringArray, value: &StringArray, at: &Int64Array, tag: &StringArray) {
        for (((about, value), at), tag) in about.iter().zip(value.iter()).zip(at.iter()).zip(tag.iter()) {
            let (Some(about), Some(at), value) = (about, at, value.map(str::to_owned)) else { continue };
            match tag {
                None => self.aliases.push(LearntAlias { at, alias: about.to_owned(), key: value }),
                Some(name) => {
                    self.tags.push(LearntTag { at, key: about.to_owned(), name: name.to_owned(), value });
                }
            }
        }
    }

    /// Writes them as a file; of the facts, those that say all.
    pub(super) fn write<W: Write + Send>(&self, to: W) -> ParquetResult<()> {
        let properties = WriterProperties::builder()
            .set_created_by(concat!("keyward ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let mut writer = ArrowWriter::try_new(to, SCHEMA.clone(), Some(properties))?;
        for uids in self.uids.chunks(BATCH) {
            writer.write(&of_uids(uids)?)?;
        }
        writer.write(&self.of_facts()?)?;
        writer.close()?;
        Ok(())
    }
}

impl Traces {
    /// The facts that say all, as a batch.
    fn of_facts(&self) -> ParquetResult<RecordBatch> {
        let aliases = self.aliases.iter().map(|of| ((of.alias.as_str(), None), of.at, of.key.as_deref()));
        let tags = self.tags.iter().map(|of| ((&*of.key, Some(&*of.name)), of.at, of.value.as_deref()));
        let facts = essential(aliases.chain(tags));
        let (mut things, mut values) = (StringBuilder::new(), StringBuilder::new());
        let (mut times, mut tags) = (Int64Builder::new(), StringBuilder::new());
        for ((thing, tag), at, value) in &facts {
            things.append_value(thing);
            values.append_option(*value);
            times.append_value(*at);
            tags.append_option(*tag);
        }
        let none = || Arc::new(Int64Array::new_null(facts.len())) as ArrayRef;
        let columns: Vec<ArrayRef> = vec![
            none(),
            none(),
            none(),
            Arc::new(things.finish()),
            Arc::new(values.finish()),
            Arc::new(times.finish()),
            Arc::new(tags.finish()),
        ];
        Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
    }
}

/// The files, the newest last: the order in which their events were read.
pub(super) async fn newest_last(store: &Store) -> Result<Vec<crate::store::FileRow>, HistoryError> {
    let mut files = store.files(Kind::Traces).await?;
    files.sort_by(|one, other| (one.max_time, &one.file).cmp(&(other.max_time, &other.file)));
    Ok(files)
}

fn of_uids(uids: &[Uid]) -> ParquetResult<RecordBatch> {
    let high = uids.iter().map(|uid| (uid.uid >> 64) as i64);
    let low = uids.iter().map(|uid| uid.uid as i64);
    let content: Int64Array = uids.iter().map(|uid| uid.content.map(|content| content as i64)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(high)),
        Arc::new(Int64Array::from_iter_values(low)),
        Arc::new(content),
        Arc::new(StringArray::new_null(uids.len())),
        Arc::new(StringArray::new_null(uids.len())),
        Arc::new(Int64Array::new_null(uids.len())),
        Arc::new(StringArray::new_null(uids.len())),
    ];
    Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
}

/// What a fact is about: an alias, or a tag of a key by its name.
type About<'f> = (&'f str, Option<&'f str>);

/// Of the facts about one thing in a row that say the same, the first and the last: those between add
/// nothing.
fn essential<'f>(
    facts: impl Iterator<Item = (About<'f>, i64, Option<&'f str>)>,
) -> Vec<(About<'f>, i64, Option<&'f str>)> {
    let mut by_thing: BTreeMap<About<'_>, Vec<(i64, Option<&str>)>> = BTreeMap::new();
    for (about, at, value) in facts {
        by_thing.entry(about).or_default().push((at, value));
    }
    let mut kept = Vec::new();
    for (about, mut points) in by_thing {
        points.sort_unstable();
        points.dedup();
        for (place, (at, value)) in points.iter().enumerate() {
            let is_like =
                |other: Option<&(i64, Option<&str>)>| other.is_some_and(|(_, other)| other == value);
            let before = place.checked_sub(1).and_then(|before| points.get(before));
            if !(is_like(before) && is_like(points.get(place + 1))) {
                kept.push((about, *at, *value));
            }
        }
    }
    kept
}

#[cfg(test)]
#[path = "traces_tests.rs"]
mod tests;
