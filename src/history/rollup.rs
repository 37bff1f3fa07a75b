//! Rows that add up: what many events, or many files, say under the same words is one row with a count and
//! its first and last time. Order and cuts change nothing.
//!
//! In: words, a time of the row and what was seen. Out: a batch of a given schema. What is counted is
//! [`super::usage`]'s and [`super::facts`]' matter.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

use crate::table::columns::described;
use crate::table::dictionary::WordBuilder;

/// Words of a row at most: usage has the most.
pub(super) const MOST_WORDS: usize = 5;

/// Stands for no word.
const NONE: u32 = u32::MAX;

/// The columns behind the words: how often, and when first and last.
pub(super) const COUNT: &str = "events";
pub(super) const FIRST: &str = "first_time";
pub(super) const LAST: &str = "last_time";

/// The hash of words and places: fast, and seeded, since logs choose them.
type Fast = foldhash::fast::RandomState;

/// What rows of a kind look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// The columns of words: name, whether there may be none, and a sentence.
    pub words: &'static [(&'static str, bool, &'static str)],
    /// The time that is one of the words, if there is one: name and sentence.
    pub time: Option<(&'static str, &'static str)>,
    /// What is counted, in a sentence.
    pub counted: &'static str,
}

impl Form {
    /// The columns of rows of this form.
    pub fn schema(&self) -> SchemaRef {
        let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let words = self.words.iter().map(|(name, nullable, about)| described(name, &word, *nullable, about));
        let mut fields: Vec<Field> = words.collect();
        fields.extend(self.time.map(|(name, about)| described(name, &time, false, about)));
        fields.extend([
            described(COUNT, &DataType::Int64, false, self.counted),
            described(FIRST, &time, false, "Event time of the first of them."),
            described(LAST, &time, false, "Event time of the last of them."),
        ]);
        Arc::new(Schema::new(fields))
    }
}

/// What is the same of everything that one row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    words: [u32; MOST_WORDS],
    time: i64,
}

impl Place {
    fn of<const N: usize>(words: [u32; N], time: i64) -> Self {
        let mut place = Self { words: [NONE; MOST_WORDS], time };
        place.words.iter_mut().zip(words).for_each(|(to, from)| *to = from);
        place
    }
}

/// What was seen at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub events: i64,
    /// Microseconds since the epoch.
    pub first: i64,
    pub last: i64,
}

impl Seen {
    fn join(&mut self, other: Self) {
        self.events = self.events.saturating_add(other.events);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// One event of this time.
    pub fn once(time: i64) -> Self {
        Self { events: 1, first: time, last: time }
    }
}

/// Rows being added up.
#[derive(Debug)]
pub(super) struct Rollup {
    form: Form,
    known: HashMap<Arc<str>, u32, Fast>,
    words: Vec<Arc<str>>,
    numbers: HashMap<i64, u32, Fast>,
    places: HashMap<Place, usize, Fast>,
    seen: Vec<Seen>,
}

/// Where the last row of each key of a batch went: most of a key's rows are as the one before.
#[derive(Debug, Default)]
pub(super) struct Memo(Vec<Option<(Place, usize)>>);

/// A column of words of one batch, each distinct one looked up once.
#[derive(Debug)]
pub(super) struct Column<'b> {
    keys: Option<&'b Int32Array>,
    words: Vec<u32>,
}

impl Column<'_> {
    /// The word of a row.
    #[inline]
    pub fn at(&self, row: usize) -> u32 {
        self.key(row).and_then(|key| self.words.get(key)).copied().unwrap_or(NONE)
    }

    /// The place of a row's word in the batch's dictionary.
    #[inline]
    pub fn key(&self, row: usize) -> Option<usize> {
        let keys = self.keys.filter(|keys| row < keys.len() && keys.is_valid(row))?;
        usize::try_from(keys.value(row)).ok()
    }

    /// The distinct words of the batch.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Whether a row has a word.
    pub fn has(&self, row: usize) -> bool {
        self.at(row) != NONE
    }
}

impl Rollup {
    /// Nothing yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            known: HashMap::default(),
            words: Vec::new(),
            numbers: HashMap::default(),
            places: HashMap::default(),
            seen: Vec::new(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The number that stands for a word.
    pub fn word(&mut self, word: &str) -> u32 {
        if let Some(known) = self.known.get(word) {
            return *known;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(NONE);
        let word: Arc<str> = word.into();
        self.known.insert(Arc::clone(&word), number);
        self.words.push(word);
        number
    }

    /// The number that stands for a number's digits.
    pub fn digits(&mut self, number: i64) -> u32 {
        if let Some(known) = self.numbers.get(&number) {
            return *known;
        }
        let word = self.word(&number.to_string());
        self.numbers.insert(number, word);
        word
    }

    /// The word that a number stands for.
    pub fn text(&self, number: u32) -> Option<&str> {
        usize::try_from(number).ok().and_then(|number| self.words.get(number)).map(|word| &**word)
    }

    /// A column of a batch; one that it lacks has no word in any row.
    pub fn column<'b>(&mut self, batch: &'b RecordBatch, name: &str) -> Column<'b> {
        let dictionary =
            batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>());
        let values = dictionary.and_then(|dictionary| dictionary.values().as_string_opt::<i32>());
        let words =
            values.map(|values| values.iter().map(|word| self.word(word.unwrap_or_default())).collect());
        Column { keys: dictionary.map(DictionaryArray::keys), words: words.unwrap_or_default() }
    }

    /// Adds what was seen.
    pub fn add<const N: usize>(&mut self, words: [u32; N], time: i64, seen: Seen) {
        self.add_at(Place::of(words, time), seen);
    }

    /// Adds what was seen of the key at this place of its batch's dictionary.
    #[inline]
    pub fn add_of<const N: usize>(
        &mut self,
        memo: &mut Memo,
        key: usize,
        (words, time): ([u32; N], i64),
        seen: Seen,
    ) {
        let place = Place::of(words, time);
        if let Some(Some((last, index))) = memo.0.get(key)
            && *last == place
            && let Some(known) = self.seen.get_mut(*index)
        {
            return known.join(seen);
        }
        let index = self.add_at(place, seen);
        if memo.0.len() <= key {
            memo.0.resize(key + 1, None);
        }
        if let Some(last) = memo.0.get_mut(key) {
            *last = Some((place, index));
        }
    }

    fn add_at(&mut self, place: Place, seen: Seen) -> usize {
        let index = *self.places.entry(place).or_insert(self.seen.len());
        match self.seen.get_mut(index) {
            Some(known) => known.join(seen),
            None => self.seen.push(seen),
        }
        index
    }

    /// The words and what was seen of each row.
    pub fn rows(&self) -> impl Iterator<Item = ([Option<&str>; MOST_WORDS], Seen)> {
        self.places.iter().filter_map(|(place, index)| {
            let seen = self.seen.get(*index)?;
            Some((place.words.map(|word| self.text(word)), *seen))
        })
    }

    /// Adds the rows of a file of this form.
    pub fn add_rows(&mut self, batch: &RecordBatch) {
        let names = self.form.words;
        let columns: Vec<Column<'_>> = names.iter().map(|(name, ..)| self.column(batch, name)).collect();
        let places = self.form.time.and_then(|(name, _)| times(batch, name));
        let counts = batch.column_by_name(COUNT).and_then(|counts| counts.as_primitive_opt::<Int64Type>());
        let (Some(counts), Some(first), Some(last)) = (counts, times(batch, FIRST), times(batch, LAST))
        else {
            return;
        };
        for (row, ((events, first), last)) in counts.values().iter().zip(first).zip(last).enumerate() {
            let mut words = [NONE; MOST_WORDS];
            words.iter_mut().zip(&columns).for_each(|(word, column)| *word = column.at(row));
            let time = places.and_then(|places| places.get(row)).copied().unwrap_or_default();
            self.add(words, time, Seen { events: *events, first: *first, last: *last });
        }
    }

    /// All rows as one batch, in no order.
    ///
    /// # Errors
    /// Never in practice: columns and schema come from one form.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let (words, seen) = (self.words, self.seen);
        let rows = self.places.into_iter();
        let rows: Vec<(Place, Seen)> =
            rows.filter_map(|(place, index)| Some((place, *seen.get(index)?))).collect();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for place in 0..self.form.words.len() {
            let mut column = WordBuilder::default();
            for (row, _) in &rows {
                let word = row.words.get(place).and_then(|number| words.get(*number as usize));
                column.push(word.map(|word| &**word));
            }
            columns.push(column.finish()?);
        }
        let time = |value: fn(&(Place, Seen)) -> i64| -> ArrayRef {
            let values = rows.iter().map(value);
            Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
        };
        if self.form.time.is_some() {
            columns.push(time(|(place, _)| place.time));
        }
        columns.push(Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, seen)| seen.events))));
        columns.push(time(|(_, seen)| seen.first));
        columns.push(time(|(_, seen)| seen.last));
        RecordBatch::try_new(self.form.schema(), columns)
    }
}

/// The values of a column of times.
pub(super) fn times<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b [i64]> {
    let times = batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(times.values().as_ref())
}

/// Text of a column that has no dictionary.
pub(super) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    batch.column_by_name(name)?.as_string_opt::<i32>()
}
