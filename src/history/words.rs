//! One dictionary column across the batches of an open set: each distinct value gets one code, in
//! the order of the values, so that rows sort and pages are summarised by comparing numbers.

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray, StringBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Int32Type;
use hashbrown::HashMap;

use super::order::Row;

/// The code of a null; it sorts after every value.
pub(super) const NULL: u32 = u32::MAX;

/// A column whose values repeat so little over the batches that merging their dictionaries would
/// cost more than it saves: less than this many rows a dictionary value.
const ROWS_PER_VALUE: usize = 4;

/// A larger dictionary would have to be read whole by every question about one key.
const LARGEST_DICTIONARY: usize = 1024 * 1024;

/// The dictionary columns of the batches, as they came.
#[derive(Debug)]
pub(super) struct Words<'a> {
    batches: Vec<BatchWords<'a>>,
}

#[derive(Debug)]
struct BatchWords<'a> {
    keys: &'a [i32],
    nulls: Option<&'a NullBuffer>,
    values: &'a StringArray,
}

/// The codes of a column's rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// So many rows have the same.
    Same(u32, usize),
    Each(Vec<u32>),
}

impl Codes {
    /// The code of each row.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (same, each) = match self {
            Self::Same(code, rows) => (std::iter::repeat_n(*code, *rows), &[][..]),
            Self::Each(codes) => (std::iter::repeat_n(NULL, 0), codes.as_slice()),
        };
        same.chain(each.iter().copied())
    }
}

/// The same column with one dictionary.
#[derive(Debug)]
pub(super) struct Merged {
    /// The distinct values, sorted.
    values: Vec<String>,
    /// For each batch, the code of each of its dictionary's values.
    codes: Vec<Vec<u32>>,
}

impl<'a> Words<'a> {
    /// The column's arrays, one a batch; nothing where it is not a dictionary of text.
    pub(super) fn of(arrays: &[&'a ArrayRef]) -> Option<Self> {
        arrays
            .iter()
            .map(|array| batch_words(array))
            .collect::<Option<Vec<_>>>()
            .map(|batches| Self { batches })
    }

    /// Whether one dictionary for all is worth its making.
    pub(super) fn repeats(&self) -> bool {
        let values: usize = self.batches.iter().map(|batch| batch.values.len()).sum();
        let rows: usize = self.batches.iter().map(|batch| batch.keys.len()).sum();
        let bytes: usize = self.batches.iter().map(|batch| batch.values.value_data().len()).sum();
        values * ROWS_PER_VALUE <= rows || bytes <= LARGEST_DICTIONARY / 16
    }

    /// One dictionary for all batches.
    pub(super) fn merge(&self) -> Merged {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut codes = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            let places = (0..batch.values.len()).map(|place| {
                let next = known.len() as u32;
                *known.entry(batch.values.value(place)).or_insert(next)
            });
            codes.push(places.collect::<Vec<_>>());
        }
        let mut sorted: Vec<(&str, u32)> = known.into_iter().collect();
        sorted.sort_unstable();
        let mut ranks = vec![0; sorted.len()];
        for (rank, (_, first_seen)) in sorted.iter().enumerate() {
            if let Some(slot) = ranks.get_mut(*first_seen as usize) {
                *slot = rank as u32;
            }
        }
        for code in codes.iter_mut().flatten() {
            *code = ranks.get(*code as usize).copied().unwrap_or(NULL);
        }
        Merged { values: sorted.into_iter().map(|(value, _)| value.to_owned()).collect(), codes }
    }

    /// The code of each row, in the order of `rows`.
    pub(super) fn codes(&self, merged: &Merged, rows: &[Row]) -> Codes {
        if let Some(code) = self.only_code(merged) {
            return Codes::Same(code, rows.len());
        }
        Codes::Each(rows.iter().map(|row| self.code(merged, row.batch as usize, row.row as usize)).collect())
    }

    /// The code that every row has, where there is one.
    fn only_code(&self, merged: &Merged) -> Option<u32> {
        let all_null =
            |batch: &BatchWords<'_>| batch.nulls.is_some_and(|nulls| nulls.null_count() == batch.keys.len());
        if self.batches.iter().all(all_null) {
            return Some(NULL);
        }
        let no_null =
            self.batches.iter().all(|batch| batch.nulls.is_none_or(|nulls| nulls.null_count() == 0));
        (no_null && merged.values.len() == 1).then_some(0)
    }

    /// The code of one row of one batch.
    pub(super) fn code(&self, merged: &Merged, batch: usize, row: usize) -> u32 {
        self.key(batch, row).and_then(|key| merged.codes.get(batch)?.get(key).copied()).unwrap_or(NULL)
    }

    fn key(&self, batch: usize, row: usize) -> Option<usize> {
        let batch = self.batches.get(batch)?;
        if batch.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        batch.keys.get(row).map(|key| *key as usize)
    }

    /// The text of each row, in the order of `rows`.
    pub(super) fn texts(&self, rows: &[Row]) -> StringArray {
        let mut texts = StringBuilder::with_capacity(rows.len(), rows.len() * 16);
        for row in rows {
            texts.append_option(self.text(row));
        }
        texts.finish()
    }

    /// The text of one row.
    pub(super) fn text(&self, row: &Row) -> Option<&'a str> {
        let key = self.key(row.batch as usize, row.row as usize)?;
        let values = self.batches.get(row.batch as usize)?.values;
        (key < values.len()).then(|| values.value(key))
    }
}

impl Merged {
    /// The distinct values, sorted; a value's place is its code.
    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// The values that occur among `codes`.
    pub(super) fn used(&self, codes: &Codes) -> impl Iterator<Item = &str> {
        let mut used = vec![false; self.values.len()];
        for code in codes.iter() {
            if let Some(slot) = used.get_mut(code as usize) {
                *slot = true;
            }
        }
        self.values.iter().zip(used).filter(|(_, used)| *used).map(|(value, _)| value.as_str())
    }

    /// Whether the dictionary is small enough to be read by every question.
    pub(super) fn fits_a_dictionary(&self) -> bool {
        self.values.iter().map(|value| value.len() + 4).sum::<usize>() <= LARGEST_DICTIONARY
    }
}

fn batch_words(array: &ArrayRef) -> Option<BatchWords<'_>> {
    let dictionary: &DictionaryArray<Int32Type> = array.as_dictionary_opt()?;
    let values = dictionary.values().as_string_opt()?;
    Some(BatchWords { keys: dictionary.keys().values(), nulls: dictionary.nulls(), values })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn batch(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>())
    }

    fn row(batch: u32, row: u32) -> Row {
        Row { key: 0, time: 0, batch, row }
    }

    #[test]
    fn codes_follow_the_order_of_the_values_over_all_batches() {
        let batches = [batch(&[Some("m"), None, Some("z")]), batch(&[Some("a"), Some("m")])];
        let words = Words::of(&batches.iter().collect::<Vec<_>>()).unwrap();
        let merged = words.merge();
        assert_eq!(merged.values(), ["a", "m", "z"]);
        let rows = [row(1, 0), row(0, 0), row(1, 1), row(0, 1), row(0, 2)];
        assert_eq!(words.codes(&merged, &rows), Codes::Each(vec![0, 1, 1, NULL, 2]));
        assert_eq!(
            words.texts(&rows).iter().collect::<Vec<_>>(),
            [Some("a"), Some("m"), Some("m"), None, Some("z")]
        );
    }

    #[test]
    fn a_column_of_one_value_or_none_is_known_without_looking_at_its_rows() {
        let rows = [row(0, 0), row(0, 1)];
        let codes = |values: &[Option<&str>]| {
            let batch = batch(values);
            let words = Words::of(&[&batch]).unwrap();
            words.codes(&words.merge(), &rows)
        };
        assert_eq!(codes(&[Some("a"), Some("a")]), Codes::Same(0, 2));
        assert_eq!(codes(&[None, None]), Codes::Same(NULL, 2));
        assert_eq!(codes(&[Some("a"), None]), Codes::Each(vec![0, NULL]));
    }

    #[test]
    fn values_that_hardly_repeat_are_not_merged() {
        let many: Vec<String> = (0..20_000).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let spread = batch(&many.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
        assert!(!Words::of(&[&spread]).unwrap().repeats());
        let same = batch(&vec![Some("10.0.0.1"); 20_000]);
        assert!(Words::of(&[&same]).unwrap().repeats());
    }
}
