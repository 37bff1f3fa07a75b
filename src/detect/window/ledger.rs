//! What is kept of the events that findings will name: one line an event, words written once.
//!
//! In: rows of a batch. Out: [`Witness`]es of 32 bytes, and what they say when a finding is made of one.
//! A witness is of the same rank in every order of reading: by time, then by event.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::detect::findings::Facts;
use crate::table::columns::Column;

/// The number of a value that is null.
pub const NONE: u32 = 0;

/// What findings say of their event, whatever the detector. The ordinal tells events of one record apart.
const ALWAYS: [Column; 18] = [
    Column::Provider,
    Column::KeyId,
    Column::CatalogId,
    Column::Principal,
    Column::SessionName,
    Column::Function,
    Column::Action,
    Column::Outcome,
    Column::Verdict,
    Column::Use,
    Column::Purpose,
    Column::Owner,
    Column::Criticality,
    Column::Environment,
    Column::Mode,
    Column::Source,
    Column::Ordinal,
    Column::Account,
];

/// One event, as far as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// Microseconds since the epoch.
    pub time: i64,
    event: EventName,
    /// Which event of its record it is.
    ordinal: u32,
    /// The line of the ledger; while [`PENDING`] is set, the row of the batch that is under way.
    line: u32,
}

/// Set in the line of a witness that has none yet. A ledger is tidied long before it has so many lines.
const PENDING: u32 = 1 << 31;

impl Witness {
    /// A row that is not in the ledger yet.
    pub(super) fn pending(time: i64, event: EventName, ordinal: u32, row: usize) -> Self {
        let row = u32::try_from(row).unwrap_or_default();
        Self { time, event, ordinal, line: row | PENDING }
    }

    /// The row that is still to be kept.
    pub(super) fn pending_row(&self) -> Option<usize> {
        (self.line & PENDING != 0).then_some((self.line & !PENDING) as usize)
    }

    /// Its row was kept.
    pub(super) fn settle(&mut self, line: u32) {
        self.line = line;
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn event(&self) -> EventName {
        self.event
    }

    /// In another ledger it goes by these numbers.
    pub(super) fn stand(&mut self, event: EventName, line: u32) {
        (self.event, self.line) = (event, line);
    }
}

/// An event id: of a UUID the number, of any other text its number in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventName {
    high: u64,
    low: u64,
}

impl EventName {
    /// An id that is no UUID, by its number in the ledger.
    pub(super) fn of_word(word: u32) -> Self {
        Self { high: IS_WORD, low: u64::from(word) }
    }

    /// The number in the ledger of an id that is no UUID.
    pub(super) fn word(self) -> Option<u32> {
        (self.high == IS_WORD).then_some(self.low as u32)
    }
}

/// Numbers below this are not written out again for each row: an ordinal nearly always is.
const SMALL: usize = 256;

/// In the upper half: the lower half is the number of a word. No UUID of any version begins so.
const IS_WORD: u64 = u64::MAX;

/// Words and lines, each once.
#[derive(Debug)]
pub struct Ledger {
    columns: Vec<Column>,
    words: Vec<Box<str>>,
    word_index: HashTable<u32>,
    /// Lines one after the other, each as long as `columns`.
    lines: Vec<u32>,
    line_index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The numbers of small numbers, where known.
    small: [u32; SMALL],
}

impl Ledger {
    /// An empty ledger that keeps these columns beside those that every finding has.
    pub fn with(columns: impl IntoIterator<Item = Column>) -> Self {
        let mut all = ALWAYS.to_vec();
        for column in columns {
            if !all.contains(&column) {
                all.push(column);
            }
        }
        let mut ledger = Self {
            columns: all,
            words: Vec::new(),
            word_index: HashTable::new(),
            lines: Vec::new(),
            line_index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            small: [NONE; SMALL],
        };
        // The place of what is null.
        ledger.words.push("".into());
        ledger
    }

    /// The number of a text.
    pub fn word(&mut self, text: &str) -> u32 {
        let Self { words, word_index, hasher, .. } = self;
        let written = |number: u32| words.get(number as usize).map_or("", |word| word);
        let hash = hasher.hash_one(text);
        if let Some(known) = word_index.find(hash, |number| written(*number) == text) {
            return *known;
        }
        let number = u32::try_from(words.len()).unwrap_or(NONE);
        word_index.insert_unique(hash, number, |number| hasher.hash_one(written(*number)));
        words.push(text.into());
        number
    }

    /// The number of a number, which is the text that it is written as.
    pub fn number(&mut self, number: i64) -> u32 {
        let known = usize::try_from(number).ok().and_then(|place| self.small.get(place)).copied();
        match known {
            Some(word) if word != NONE => word,
            _ => {
                let word = self.word(&number.to_string());
                let place = usize::try_from(number).ok().and_then(|place| self.small.get_mut(place));
                place.into_iter().for_each(|place| *place = word);
                word
            }
        }
    }

    /// The columns of a line, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What an event id goes by.
    pub fn name(&mut self, id: &str) -> EventName {
        uuid(id).unwrap_or_else(|| EventName::of_word(self.word(id)))
    }

    /// The number of a line, which has a word's number for each of [`Self::columns`].
    pub fn keep(&mut self, line: &[u32]) -> u32 {
        let Self { lines, line_index, hasher, .. } = self;
        let width = line.len();
        let at = |number: u32| lines.chunks_exact(width).nth(number as usize).unwrap_or_default();
        let hash = hasher.hash_one(line);
        if let Some(known) = line_index.find(hash, |number| at(*number) == line) {
            return *known;
        }
        let number = u32::try_from(lines.len() / width.max(1)).unwrap_or_default();
        line_index.insert_unique(hash, number, |number| hasher.hash_one(at(*number)));
        lines.extend_from_slice(line);
        number
    }

    /// A line by its number.
    pub(super) fn line(&self, number: u32) -> &[u32] {
        self.lines.chunks_exact(self.columns.len()).nth(number as usize).unwrap_or_default()
    }

    /// A word by its number.
    pub(super) fn written(&self, number: u32) -> Option<&str> {
        self.words.get(number as usize).map(|word| &**word)
    }

    /// How many words there are, the place of what is null among them.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len() / self.columns.len().max(1)
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether one stands before the other.
    pub fn is_before(&self, one: &Witness, other: &Witness) -> bool {
        self.order(one, other) == Ordering::Less
    }

    /// By time, then by event: the same in every order of reading. History has an event once, and so an end.
    fn order(&self, one: &Witness, other: &Witness) -> Ordering {
        let by_time = one.time.cmp(&other.time);
        by_time
            .then_with(|| match (one.event.high, other.event.high) {
                (IS_WORD, _) | (_, IS_WORD) => self.event_id(one).cmp(&self.event_id(other)),
                _ => (one.event.high, one.event.low).cmp(&(other.event.high, other.event.low)),
            })
            .then_with(|| one.ordinal.cmp(&other.ordinal))
            .then_with(|| {
                let words = |of: &Witness| self.columns.iter().map(|column| self.text(of, *column)).collect();
                let (one, other): (Vec<_>, Vec<_>) = (words(one), words(other));
                one.cmp(&other)
            })
    }

    /// The event id of a witness.
    pub fn event_id(&self, witness: &Witness) -> String {
        if let Some(word) = witness.event.word() {
            return self.written(word).unwrap_or_default().to_owned();
        }
        let EventName { high, low } = witness.event;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// A kept column of a witness.
    pub fn text(&self, witness: &Witness, column: Column) -> Option<&str> {
        let place = self.columns.iter().position(|kept| *kept == column)?;
        let number = *self.lines.get(witness.line as usize * self.columns.len() + place)?;
        if number == NONE { None } else { self.written(number) }
    }

    /// How many bytes it takes, about.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.words.iter().map(|word| word.len() + size_of::<Box<str>>() + 16).sum();
        texts
            + (self.lines.capacity() + self.word_index.capacity() + self.line_index.capacity())
                * size_of::<u32>()
    }
}

/// A witness and the ledger that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Told<'l> {
    pub ledger: &'l Ledger,
    pub witness: &'l Witness,
}

impl Facts for Told<'_> {
    fn text(&self, column: Column) -> Option<&str> {
        self.ledger.text(self.witness, column)
    }
}

/// The number of a UUID in its one usual form.
fn uuid(text: &str) -> Option<EventName> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut number = 0_u128;
    for (place, byte) in bytes.iter().enumerate() {
        let digit = match (place, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    let event = EventName { high: (number >> 64) as u64, low: number as u64 };
    (event.high != IS_WORD).then_some(event)
}
