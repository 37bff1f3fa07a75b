//! One dictionary column across the batches of an open set: each distinct value gets one code, in
//! the order of the values, so that rows sort and pages are summarised by comparing numbers.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Int32Type;
use hashbrown::{HashMap, HashSet};

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

/// The rows of one batch, with the code of each of its words.
struct Coded<'a> {
    keys: &'a [i32],
    nulls: Option<&'a NullBuffer>,
    codes: &'a [u32],
}

impl Coded<'_> {
    #[inline]
    fn code(&self, row: usize) -> u32 {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return NULL;
        }
        self.keys.get(row).and_then(|key| self.codes.get(*key as usize)).copied().unwrap_or(NULL)
    }
}

/// The codes of a column's rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// So many rows have the same.
    Same(u32, usize),
    Each(Vec<u32>),
}

impl Codes {
    /// How many rows say all that the others do.
    const fn different(&self) -> usize {
        match self {
            Self::Same(_, _) => 1,
            Self::Each(codes) => codes.len(),
        }
    }

    fn replace(&mut self, by: impl Fn(u32) -> u32) {
        match self {
            Self::Same(code, _) => *code = by(*code),
            Self::Each(codes) => codes.iter_mut().for_each(|code| *code = by(*code)),
        }
    }

    /// The code of one row.
    #[inline]
    pub(super) fn at(&self, place: usize) -> u32 {
        match self {
            Self::Same(code, _) => *code,
            Self::Each(codes) => codes.get(place).copied().unwrap_or(NULL),
        }
    }

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
    /// For each dictionary, the code of each of its values.
    codes: Vec<Vec<u32>>,
    /// For each batch, its dictionary as a place in `codes`: batches read from one file share theirs.
    batches: Vec<usize>,
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
        let mut seen = HashSet::new();
        let dictionaries: Vec<_> =
            self.batches.iter().filter(|batch| seen.insert(batch.dictionary())).collect();
        let values: usize = dictionaries.iter().map(|batch| batch.values.len()).sum();
        let rows: usize = self.batches.iter().map(|batch| batch.keys.len()).sum();
        let bytes: usize = dictionaries.iter().map(|batch| batch.values.value_data().len()).sum();
        values * ROWS_PER_VALUE <= rows || bytes <= LARGEST_DICTIONARY / 16
    }

    /// One dictionary for all batches.
    pub(super) fn merge(&self) -> Merged {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut seen: HashMap<Dictionary, usize> = HashMap::new();
        let mut codes: Vec<Vec<u32>> = Vec::new();
        let mut batches = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            let place = *seen.entry(batch.dictionary()).or_insert_with(|| {
                let places = (0..batch.values.len()).map(|place| {
                    let next = known.len() as u32;
                    *known.entry(batch.values.value(place)).or_insert(next)
                });
                codes.push(places.collect());
                codes.len() - 1
            });
            batches.push(place);
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
        Merged { values: sorted.into_iter().map(|(value, _)| value.to_owned()).collect(), codes, batches }
    }

    /// The code of each row, in the order of `rows`.
    pub(super) fn codes(&self, merged: &Merged, rows: &[Row]) -> Codes {
        if let Some(code) = self.only_code(merged) {
            return Codes::Same(code, rows.len());
        }
        let batches = self.batches.iter().zip(&merged.batches).map(|(batch, dictionary)| Coded {
            keys: batch.keys,
            nulls: batch.nulls.filter(|nulls| nulls.null_count() > 0),
            codes: merged.codes.get(*dictionary).map_or(&[], Vec::as_slice),
        });
        let batches: Vec<_> = batches.collect();
        let code =
            |row: &Row| batches.get(row.batch as usize).map_or(NULL, |batch| batch.code(row.row as usize));
        Codes::Each(rows.iter().map(code).collect())
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
        let Some(key) = self.key(batch, row) else { return NULL };
        let codes = merged.batches.get(batch).and_then(|dictionary| merged.codes.get(*dictionary));
        codes.and_then(|codes| codes.get(key).copied()).unwrap_or(NULL)
    }

    fn key(&self, batch: usize, row: usize) -> Option<usize> {
        let batch = self.batches.get(batch)?;
        if batch.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        batch.keys.get(row).map(|key| *key as usize)
    }

    /// The text of one row.
    pub(super) fn text(&self, row: &Row) -> Option<&'a str> {
        let key = self.key(row.batch as usize, row.row as usize)?;
        let values = self.batches.get(row.batch as usize)?.values;
        (key < values.len()).then(|| values.value(key))
    }
}

impl Merged {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values that occur among `codes`, sorted, and the codes as places in them.
    pub(super) fn narrow(&self, mut codes: Codes) -> (Cow<'_, [String]>, Codes) {
        let mut used = vec![false; self.values.len()];
        for code in codes.iter().take(codes.different()) {
            if let Some(slot) = used.get_mut(code as usize) {
                *slot = true;
            }
        }
        if used.iter().all(|used| *used) {
            return (Cow::Borrowed(&self.values), codes);
        }
        let mut places = Vec::with_capacity(used.len());
        let mut values = Vec::new();
        for (value, used) in self.values.iter().zip(used) {
            places.push(values.len() as u32);
            if used {
                values.push(value.clone());
            }
        }
        codes.replace(|code| places.get(code as usize).copied().unwrap_or(NULL));
        (Cow::Owned(values), codes)
    }
}

/// Whether a dictionary of these values is small enough to be read by every question.
pub(super) fn fits_a_dictionary(values: &[String]) -> bool {
    values.iter().map(|value| value.len() + 4).sum::<usize>() <= LARGEST_DICTIONARY
}

/// Tells dictionaries in memory apart: where the text and the ends of its values are, and how many.
type Dictionary = (*const u8, *const i32, usize);

impl BatchWords<'_> {
    fn dictionary(&self) -> Dictionary {
        (self.values.value_data().as_ptr(), self.values.value_offsets().as_ptr(), self.values.len())
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
        assert_eq!(merged.values, ["a", "m", "z"]);
        let rows = [row(1, 0), row(0, 0), row(1, 1), row(0, 1), row(0, 2)];
        assert_eq!(words.codes(&merged, &rows), Codes::Each(vec![0, 1, 1, NULL, 2]));
        assert_eq!(
            rows.iter().map(|row| words.text(row)).collect::<Vec<_>>(),
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
    fn values_that_no_row_has_are_left_out() {
        let batch = batch(&[Some("z"), Some("a"), None, Some("m")]);
        let words = Words::of(&[&batch]).unwrap();
        let merged = words.merge();
        let (values, codes) = merged.narrow(words.codes(&merged, &[row(0, 0), row(0, 2), row(0, 3)]));
        assert_eq!(
            (values.as_ref(), codes),
            (&["m".to_owned(), "z".to_owned()][..], Codes::Each(vec![1, NULL, 0]))
        );
        let (values, codes) = merged.narrow(words.codes(&merged, &[row(0, 0), row(0, 1), row(0, 3)]));
        assert_eq!((values.len(), codes), (3, Codes::Each(vec![2, 0, 1])));
    }

    #[test]
    fn a_dictionary_that_batches_share_is_looked_at_once() {
        let whole = batch(&[Some("a"), Some("b"), Some("c"), Some("d")]);
        let (first, second) = (whole.slice(0, 2), whole.slice(2, 2));
        let words = Words::of(&[&first, &second]).unwrap();
        let merged = words.merge();
        assert_eq!(merged.codes.len(), 1);
        assert_eq!(words.codes(&merged, &[row(1, 1), row(0, 0)]), Codes::Each(vec![3, 0]));
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
