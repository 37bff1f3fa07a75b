//! Builds dictionary columns that hold only the values their batch uses.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, NullBufferBuilder, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use hashbrown::{DefaultHashBuilder, HashTable};

/// A growing dictionary column of text.
#[derive(Debug, Default)]
pub struct WordBuilder {
    keys: Vec<i32>,
    nulls: Nulls,
    /// End of each distinct value in `bytes`.
    ends: Vec<i32>,
    bytes: Vec<u8>,
    index: HashTable<i32>,
    hasher: DefaultHashBuilder,
    /// The key of the last value: neighbours are often equal.
    last: Option<i32>,
}

#[derive(Debug)]
struct Nulls(NullBufferBuilder);

impl Default for Nulls {
    fn default() -> Self {
        Self(NullBufferBuilder::new(0))
    }
}

impl WordBuilder {
    /// Appends a value.
    pub fn push(&mut self, value: Option<&str>) {
        match value {
            Some(value) => {
                let key = self.key_of(value);
                self.keys.push(key);
                self.nulls.0.append_non_null();
            }
            None => self.push_null(),
        }
    }

    /// Appends a null.
    pub fn push_null(&mut self) {
        self.keys.push(0);
        self.nulls.0.append_null();
    }

    /// The key of `value`, new or known.
    fn key_of(&mut self, value: &str) -> i32 {
        if let Some(last) = self.last
            && value_at(&self.ends, &self.bytes, last) == value.as_bytes()
        {
            return last;
        }
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
        self.last = Some(key);
        key
    }

    /// The column, leaving the builder empty with its memory kept.
    ///
    /// # Errors
    /// Never in practice: the parts are consistent by construction.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let keys = Int32Array::new(std::mem::take(&mut self.keys).into(), self.nulls.0.finish());
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

fn value_at<'a>(ends: &[i32], bytes: &'a [u8], key: i32) -> &'a [u8] {
    let key = key as usize;
    let start = key.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
    let end = ends.get(key).map_or(0, |end| *end as usize);
    bytes.get(start..end).unwrap_or_default()
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
