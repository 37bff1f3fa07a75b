//! Encodes a column of lists of words, of which few different ones occur: the aspects of a verdict,
//! the tags of a finding. Each distinct list is known by a code, and its levels and indices are
//! worked out once.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::datatypes::DataType;
use bytes::Bytes;
use hashbrown::{DefaultHashBuilder, HashTable};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::hybrid;
use super::layout::WORDS_PER_PAGE;
use super::order::Row;
use super::pages::{Pages, Summary, append_levels};

/// More different lists than this are no longer few: Arrow's writer takes the column.
const MOST_LISTS: usize = 4096;

/// A list column across the batches of an open set.
#[derive(Debug)]
pub(super) struct Lists {
    /// The distinct words, sorted.
    values: Vec<String>,
    /// Each distinct list, as places in `values`.
    lists: Vec<Vec<u32>>,
    /// For each batch, the list of each row, as a place in `lists`.
    rows: Vec<Vec<u32>>,
    /// Whether the column would allow a null in a list, which takes a level of its own.
    items_optional: bool,
}

impl Lists {
    /// The column's arrays, one a batch; nothing where they are not lists of text without nulls, or
    /// have too many different lists.
    pub(super) fn of(arrays: &[&ArrayRef]) -> Option<Self> {
        let mut distinct = Distinct::default();
        let mut rows = Vec::with_capacity(arrays.len());
        for array in arrays {
            rows.push(distinct.codes_of(array)?);
        }
        let words: BTreeSet<&str> = distinct.lists.iter().flatten().copied().collect();
        let values: Vec<&str> = words.into_iter().collect();
        let place = |word: &&str| values.binary_search(word).unwrap_or_default() as u32;
        let lists = distinct.lists.iter().map(|list| list.iter().map(place).collect()).collect();
        let items_optional = arrays.first().is_none_or(|array| match array.data_type() {
            DataType::List(item) => item.is_nullable(),
            _ => true,
        });
        Some(Self {
            lists,
            rows,
            items_optional,
            values: values.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    /// The chunk of `rows`, in their order, and what the footer says of it.
    ///
    /// # Errors
    /// When zstd fails.
    pub(super) fn encode(
        &self,
        column: ColumnDescPtr,
        rows: &[Row],
        zstd: &mut Compressor<'static>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let present = column.max_def_level().unsigned_abs().into();
        let mut pages = Pages::start(column, &self.values, zstd)?;
        for rows in rows.chunks(WORDS_PER_PAGE) {
            let (plain, values) = self.page(rows, present);
            pages.push(plain, values, rows.len())?;
        }
        pages.finish(Summary::default())
    }

    /// A page, and how many values it counts: an empty list counts as one.
    fn page(&self, rows: &[Row], present: u32) -> (Vec<u8>, usize) {
        let empty = present.saturating_sub(1 + u32::from(self.items_optional));
        if let [[]] = self.lists.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            return (self.page_of_empty(rows.len(), empty, present), rows.len());
        }
        let (mut repeated, mut defined, mut indices) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let code = self.rows.get(row.batch as usize).and_then(|codes| codes.get(row.row as usize));
            let list = code.and_then(|code| self.lists.get(*code as usize)).map_or(&[][..], Vec::as_slice);
            repeated.push(0);
            defined.push(if list.is_empty() { empty } else { present });
            for _ in list.iter().skip(1) {
                repeated.push(1);
                defined.push(present);
            }
            indices.extend_from_slice(list);
        }
        let mut page = Vec::new();
        for (levels, highest) in [(&repeated, 1), (&defined, present)] {
            let mut encoded = Vec::new();
            hybrid::encode(levels, hybrid::width_of(highest), &mut encoded);
            append_levels(&encoded, &mut page);
        }
        let width = hybrid::width_of(self.values.len().saturating_sub(1) as u32);
        page.push(width);
        hybrid::encode(&indices, width, &mut page);
        (page, repeated.len())
    }

    /// The page of rows that all have an empty list.
    fn page_of_empty(&self, rows: usize, empty: u32, present: u32) -> Vec<u8> {
        let mut page = Vec::new();
        for (level, highest) in [(0, 1), (empty, present)] {
            let mut encoded = Vec::new();
            hybrid::encode_run(level, rows, hybrid::width_of(highest), &mut encoded);
            append_levels(&encoded, &mut page);
        }
        page.push(hybrid::width_of(self.values.len().saturating_sub(1) as u32));
        page
    }
}

/// The lists seen so far.
#[derive(Default)]
struct Distinct<'a> {
    lists: Vec<Vec<&'a str>>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The list of the last row: neighbours are often equal.
    last: Option<u32>,
}

impl<'a> Distinct<'a> {
    fn codes_of(&mut self, array: &'a ArrayRef) -> Option<Vec<u32>> {
        let lists: &ListArray = array.as_list_opt()?;
        let words: &StringArray = lists.values().as_string_opt()?;
        if lists.null_count() > 0 || words.null_count() > 0 {
            return None;
        }
        if words.is_empty() {
            let code = self.code_of(words, 0..0)?;
            return Some(vec![code; lists.len()]);
        }
        let mut codes = Vec::with_capacity(lists.len());
        for bounds in lists.value_offsets().windows(2) {
            let [start, end] = bounds else { continue };
            codes.push(self.code_of(words, *start as usize..*end as usize)?);
        }
        Some(codes)
    }

    fn code_of(&mut self, words: &'a StringArray, range: std::ops::Range<usize>) -> Option<u32> {
        let list = range.map(|place| words.value(place));
        let Self { lists, index, hasher, last } = self;
        let known = |code: u32| lists.get(code as usize).map_or(&[][..], Vec::as_slice);
        let same = |code: &u32| list.clone().eq(known(*code).iter().copied());
        if let Some(last) = last.filter(same) {
            return Some(last);
        }
        let hash = hash_of(hasher, list.clone());
        if let Some(code) = index.find(hash, same) {
            *last = Some(*code);
            return *last;
        }
        if lists.len() >= MOST_LISTS {
            return None;
        }
        let code = lists.len() as u32;
        index.insert_unique(hash, code, |code| hash_of(hasher, known(*code).iter().copied()));
        lists.push(list.collect());
        *last = Some(code);
        *last
    }
}

fn hash_of<'w>(hasher: &DefaultHashBuilder, words: impl Iterator<Item = &'w str>) -> u64 {
    let mut hash = hasher.build_hasher();
    words.for_each(|word| word.hash(&mut hash));
    hash.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ListBuilder, StringBuilder};

    use super::*;

    fn column(lists: &[&[&str]]) -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for list in lists {
            builder.append_value(list.iter().map(|word| Some(*word)));
        }
        Arc::new(builder.finish())
    }

    #[test]
    fn equal_lists_share_a_code_and_equal_text_does_not_make_equal_lists() {
        let first = column(&[&["ab", "c"], &["a", "bc"], &[], &["ab", "c"], &["c", "ab"]]);
        let second = column(&[&[], &["a", "bc"], &["ab", "c"]]);
        let lists = Lists::of(&[&first, &second]).unwrap();
        assert_eq!(lists.rows, [vec![0, 1, 2, 0, 3], vec![2, 1, 0]]);
        assert_eq!(lists.values, ["a", "ab", "bc", "c"]);
        assert_eq!(lists.lists, [vec![1, 3], vec![0, 2], vec![], vec![3, 1]]);
    }

    #[test]
    fn too_many_different_lists_are_left_to_arrow() {
        let words: Vec<String> = (0..=MOST_LISTS).map(|number| number.to_string()).collect();
        let lists: Vec<[&str; 1]> = words.iter().map(|word| [word.as_str()]).collect();
        let lists: Vec<&[&str]> = lists.iter().map(<[&str; 1]>::as_slice).collect();
        assert!(Lists::of(&[&column(&lists)]).is_none());
        assert!(Lists::of(&[&column(&lists[1..])]).is_some());
    }
}
