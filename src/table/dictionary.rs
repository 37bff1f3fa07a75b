//! Builds dictionary columns that hold only the values their batch uses.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use hashbrown::{DefaultHashBuilder, HashTable};

/// What stands for no value until the column is finished: no key is negative.
const NO_KEY: i32 = -1;

/// A growing dictionary column of text.
#[derive(Debug, Default)]
pub struct WordBuilder {
    keys: Vec<i32>,
    /// End of each distinct value in `bytes`.
    ends: Vec<i32>,
    bytes: Vec<u8>,
    index: HashTable<i32>,
    hasher: DefaultHashBuilder,
    /// The last value's key and place: neighbours are often equal.
    last: Option<(i32, Range<usize>)>,
}

impl WordBuilder {
    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: Option<&str>) {
        let key = value.map_or(NO_KEY, |value| self.key_of(value));
        self.keys.push(key);
    }

    /// Appends a null.
    pub fn push_null(&mut self) {
        self.keys.push(NO_KEY);
    }

    /// The key of `value`, new or known.
    fn key_of(&mut self, value: &str) -> i32 {
        match &self.last {
            Some((key, place)) if self.bytes.get(place.clone()) == Some(value.as_bytes()) => *key,
            _ => self.look_up(value),
        }
    }

    fn look_up(&mut self, value: &str) -> i32 {
        let hash = self.hasher.hash_one(value);
        let known = self.index.find(hash, |key| value_at(&self.ends, &self.bytes, *key) == value.as_bytes());
        let key = match known {
            Some(key) => *key,
            None => {
                let key = self.ends.len() as i32;
                self.bytes.extend_from_slice(value.as_bytes());
                self.ends.push(self.bytes.len() as i32);
                let Self { index, ends, bytes, hasher, .. } = self;
                index.insert_unique(hash, key, |key| hasher.hash_one(as_text(value_at(ends, bytes, *key))));
                key
            }
        };
        self.last = Some((key, place_of(&self.ends, key)));
        key
    }

    /// The column, leaving the builder empty, with room for as much again.
    ///
    /// # Errors
    /// Never in practice: the parts are consistent by construction.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let room = room_after(self.keys.len());
        let mut keys = std::mem::replace(&mut self.keys, Vec::with_capacity(room));
        let nulls = nulls_of(&keys);
        keys.iter_mut().for_each(|key| *key = (*key).max(0));
        let keys = Int32Array::new(keys.into(), nulls);
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let values = StringArray::try_new(offsets, Buffer::from(self.bytes.as_slice()), None)?;
        self.bytes.clear();
        self.index.clear();
        self.last = None;
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))?))
    }

    /// Rows appended since the last [`Self::finish`].
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing was appended since the last [`Self::finish`].
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Room for the next batch after one of this length: batches of one input are much alike, and growing
/// step by step copies what is there and takes fresh memory each time.
pub(super) fn room_after(length: usize) -> usize {
    length + length / 8
}

/// Which rows have a value; nothing where all have one.
fn nulls_of(keys: &[i32]) -> Option<NullBuffer> {
    if keys.iter().all(|key| *key == NO_KEY) {
        return Some(NullBuffer::new_null(keys.len())).filter(|nulls| !nulls.is_empty());
    }
    let has_value = |row: usize| keys.get(row).is_some_and(|key| *key != NO_KEY);
    keys.contains(&NO_KEY).then(|| NullBuffer::new(BooleanBuffer::collect_bool(keys.len(), has_value)))
}

fn place_of(ends: &[i32], key: i32) -> Range<usize> {
    let key = key as usize;
    let start = key.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
    start..ends.get(key).map_or(0, |end| *end as usize)
}

fn value_at<'a>(ends: &[i32], bytes: &'a [u8], key: i32) -> &'a [u8] {
    bytes.get(place_of(ends, key)).unwrap_or_default()
}

/// The hasher must see the same input for a stored value as for a new one; both are text.
fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn holds_only_the_values_in_use_and_starts_afresh() {
        let mut words = WordBuilder::default();
        for value in [Some("a"), None, Some("b"), Some("a"), Some("")] {
            words.push(value);
        }
        let array = words.finish().unwrap();
        let array = array.as_dictionary::<Int32Type>();
        let texts = array.downcast_dict::<StringArray>().unwrap();
        assert_eq!(texts.into_iter().collect::<Vec<_>>(), [Some("a"), None, Some("b"), Some("a"), Some("")]);
        assert_eq!(array.values().len(), 3);
        words.push(Some("c"));
        assert_eq!(words.finish().unwrap().as_dictionary::<Int32Type>().values().len(), 1);
    }
}
