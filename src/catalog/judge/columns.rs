//! The judge's columns: gathered row by row as small numbers, written as Arrow at the end.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::error::ArrowError;
use hashbrown::HashMap;

use super::super::Catalog;
use super::super::document::sections::ExceptionKind;
use super::super::entry::Entry;
use super::super::index::Match;
use super::super::places::Home;
use super::super::principals::Membership;
use super::case::Decision;
use super::dues;
use super::lens::Event;
use super::memory::{Found, Memory};
use super::reason::Reason;
use super::when::state_at;
use crate::domain::purpose::{Criticality, KeyState, Mode, Purpose};
use crate::domain::verdict::{Aspect, AspectSet, Verdict};
use crate::table::columns::events_schema;

/// Nothing, among the numbers that stand for values.
const NONE: i32 = -1;

/// What was decided, a number a row.
#[derive(Debug)]
pub struct Columns<'c> {
    catalog: &'c Catalog,
    verdicts: Vec<i32>,
    reasons: Vec<i32>,
    violated: Vec<AspectSet>,
    unknown: Vec<AspectSet>,
    assessed: Vec<AspectSet>,
    waived: Vec<AspectSet>,
    /// Places in `exception_texts`.
    exceptions: Vec<i32>,
    exception_texts: Vec<String>,
    /// Places in the memory's matches.
    keys: Vec<i32>,
    others: Vec<i32>,
    /// Places in the memory's homes.
    homes: Vec<i32>,
    states: Vec<i32>,
    pipelines: Vec<bool>,
    administrators: Vec<bool>,
    scanners: Vec<bool>,
    rotations: Vec<Option<i64>>,
    ends: Vec<Option<i64>>,
    emergencies: Vec<bool>,
}

impl<'c> Columns<'c> {
    /// Room for `rows` rows.
    pub fn new(catalog: &'c Catalog, rows: usize) -> Self {
        let numbers = || Vec::with_capacity(rows);
        let sets = || Vec::with_capacity(rows);
        let flags = || Vec::with_capacity(rows);
        Self {
            catalog,
            verdicts: numbers(),
            reasons: numbers(),
            violated: sets(),
            unknown: sets(),
            assessed: sets(),
            waived: sets(),
            exceptions: numbers(),
            exception_texts: Vec::new(),
            keys: numbers(),
            others: numbers(),
            homes: numbers(),
            states: numbers(),
            pipelines: flags(),
            administrators: flags(),
            scanners: flags(),
            rotations: Vec::with_capacity(rows),
            ends: Vec::with_capacity(rows),
            emergencies: flags(),
        }
    }

    /// Adds one row.
    pub fn push(
        &mut self,
        event: &Event<'_, '_>,
        found: Found,
        decision: &Decision,
        memory: &Memory<'_, '_>,
    ) {
        self.verdicts.push(i32::from(decision.verdict.code()));
        self.reasons.push(decision.reason.map_or(NONE, |reason| i32::from(reason.code())));
        self.violated.push(decision.violated);
        self.unknown.push(decision.unknown);
        self.assessed.push(decision.assessed);
        self.waived.push(decision.waived);
        let exceptions = self.exception(&decision.exceptions);
        self.exceptions.push(exceptions);
        self.keys.push(found.key as i32);
        self.others.push(found.other.map_or(NONE, |place| place as i32));
        self.homes.push(found.home as i32);
        self.ends.push(dues::exceptions(self.catalog.exceptions.all(), &decision.exceptions));
        let mut used =
            decision.exceptions.iter().filter_map(|place| self.catalog.exceptions.all().get(*place));
        self.emergencies.push(used.any(|exception| exception.kind == ExceptionKind::BreakGlass));
        let declaration = self.entry_of(memory.matched(found.key)).map(|entry| &*entry.declaration);
        let seen = || memory.rotated(event);
        self.rotations.push(declaration.and_then(|of| dues::rotation(of, seen)));
        let state = declaration.and_then(|of| state_at(of, event.time()));
        self.states.push(state.map_or(NONE, |state| i32::from(state.code())));
        self.pipelines.push(found.pipeline);
        self.scanners.push(found.scanner);
        self.administrators
            .push(found.standing.is_some_and(|standing| standing.administrator == Membership::Yes));
    }

    /// The place of the text that names these exceptions.
    fn exception(&mut self, used: &[usize]) -> i32 {
        if used.is_empty() {
            return NONE;
        }
        let all = self.catalog.exceptions.all();
        let ids: Vec<&str> =
            used.iter().filter_map(|place| all.get(*place)).map(|known| &*known.id.text).collect();
        let text = ids.join(",");
        let place = self.exception_texts.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.exception_texts.push(text);
            self.exception_texts.len() - 1
        });
        place as i32
    }

    fn entry_of(&self, matched: &Match) -> Option<&'c Entry> {
        match matched {
            Match::Declared(declared) => self.catalog.entry(declared.entry),
            _ => None,
        }
    }

    /// The batch with these columns after its own.
    pub fn finish(self, batch: &RecordBatch, memory: &Memory<'_, '_>) -> Result<RecordBatch, ArrowError> {
        let mut arrays = batch.columns().to_vec();
        self.add_judgement(&mut arrays)?;
        self.add_declaration(memory, &mut arrays)?;
        self.add_caller(memory, &mut arrays)?;
        self.add_dues(memory, &mut arrays);
        RecordBatch::try_new(events_schema(), arrays)
    }

    /// `verdict` to `reason`.
    fn add_judgement(&self, arrays: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        arrays.push(words(&self.verdicts, Verdict::ALL.len(), |code| {
            Verdict::ALL.get(code).map(|word| word.as_str())
        })?);
        for sets in [&self.violated, &self.unknown, &self.assessed, &self.waived] {
            arrays.push(lists(sets)?);
        }
        let texts = |place: usize| self.exception_texts.get(place).map(String::as_str);
        arrays.push(words(&self.exceptions, self.exception_texts.len(), texts)?);
        arrays.push(words(&self.reasons, Reason::ALL.len(), |code| {
            Reason::ALL.get(code).map(|word| word.as_str())
        })?);
        Ok(())
    }

    /// `catalog_id` to `canary`, all from the entry.
    fn add_declaration(&self, memory: &Memory<'_, '_>, arrays: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        let matches = memory.matches();
        let count = matches.len();
        let entries: Vec<Option<&Entry>> = matches.iter().map(|matched| self.entry_of(matched)).collect();
        let entry = |place: usize| entries.get(place).copied().flatten();
        let used = used(&self.keys, count);
        let column = |read: &dyn Fn(&'c Entry) -> Option<&'c str>| {
            used_words(&self.keys, &used, |place| entry(place).and_then(read))
        };
        let by = |place: usize| match matches.get(place) {
            Some(Match::Declared(declared)) => Some(declared.by.as_str()),
            _ => None,
        };
        arrays.push(column(&|entry| Some(&entry.id.text))?);
        arrays.push(used_words(&self.keys, &used, by)?);
        let version = |_| Some(self.catalog.short_version());
        arrays.push(used_words(&vec![0; self.keys.len()], &[false, true], version)?);
        arrays.push(column(&|entry| entry.declaration.purpose.map(Purpose::as_str))?);
        arrays.push(column(&|entry| entry.declaration.business_use.as_ref().map(|slug| &*slug.0))?);
        arrays.push(column(&|entry| entry.declaration.owner.as_deref())?);
        arrays.push(column(&|entry| entry.responsibility.as_deref())?);
        arrays.push(column(&|entry| entry.declaration.tenant.as_ref().map(|slug| &*slug.0))?);
        arrays.push(column(&|entry| entry.declaration.environment.as_ref().map(|slug| &*slug.0))?);
        arrays.push(column(&|entry| entry.declaration.criticality.map(Criticality::as_str))?);
        let state = |code: usize| KeyState::ALL.get(code).map(|state| state.as_str());
        arrays.push(words(&self.states, KeyState::ALL.len(), state)?);
        arrays.push(column(&|entry| entry.declaration.mode.map(Mode::as_str))?);
        for read in [|entry: &Entry| entry.declaration.exportable, |entry: &Entry| entry.declaration.canary] {
            let flags: Vec<Option<bool>> =
                entries.iter().map(|entry| entry.map(|entry| read(entry) == Some(true))).collect();
            let flag = |place: &i32| flags.get(*place as usize).copied().flatten();
            let values = self.keys.iter().map(|place| flag(place) == Some(true)).collect();
            let nulls = NullBuffer::new(self.keys.iter().map(|place| flag(place).is_some()).collect());
            arrays.push(Arc::new(BooleanArray::new(values, Some(nulls))));
        }
        Ok(())
    }

    /// `rotation_due` to `exception_until`.
    fn add_dues(&self, memory: &Memory<'_, '_>, arrays: &mut Vec<ArrayRef>) {
        let entries = memory.matches().iter().map(|matched| self.entry_of(matched));
        let reviews: Vec<Option<i64>> =
            entries.map(|entry| entry.and_then(|entry| dues::review(&entry.declaration))).collect();
        let review = |place: &i32| reviews.get(*place as usize).copied().flatten();
        let rows = self.keys.len();
        let has_any = |times: &[Option<i64>]| times.iter().any(Option::is_some);
        arrays.push(dues::column(has_any(&self.rotations), rows, self.rotations.iter().copied()));
        arrays.push(dues::column(has_any(&reviews), rows, self.keys.iter().map(review)));
        arrays.push(dues::column(has_any(&self.ends), rows, self.ends.iter().copied()));
        arrays.push(Arc::new(BooleanArray::from(self.emergencies.clone())));
    }

    /// `caller_tenant` to `by_scanner`.
    fn add_caller(&self, memory: &Memory<'_, '_>, arrays: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        let homes = memory.homes();
        let home = |read: fn(&Home) -> Option<&str>| {
            words(&self.homes, homes.len(), |place| homes.get(place).and_then(read))
        };
        arrays.push(home(|home| home.tenant.as_deref())?);
        arrays.push(home(|home| home.environment.as_deref())?);
        let matches = memory.matches();
        let other = |place: usize| self.entry_of(matches.get(place)?).map(|entry| &*entry.id.text);
        arrays.push(words(&self.others, matches.len(), other)?);
        for flags in [&self.pipelines, &self.administrators, &self.scanners] {
            arrays.push(Arc::new(BooleanArray::new(BooleanBuffer::from(flags.as_slice()), None)));
        }
        Ok(())
    }
}

/// A dictionary column that holds only the values in use. `codes` stand for values, [`NONE`] for null;
/// several codes may stand for the same text.
fn words<'v>(
    codes: &[i32],
    distinct: usize,
    value: impl Fn(usize) -> Option<&'v str>,
) -> Result<ArrayRef, ArrowError> {
    used_words(codes, &used(codes, distinct), value)
}

/// Where a code stands among all: the first place is that of null.
const fn place_of(code: i32) -> usize {
    (code + 1) as usize
}

/// Which codes occur, null first.
fn used(codes: &[i32], distinct: usize) -> Vec<bool> {
    let mut used = vec![false; distinct + 1];
    for code in codes {
        if let Some(used) = used.get_mut(place_of(*code)) {
            *used = true;
        }
    }
    used
}

/// As [`words`], where it is known which codes occur.
fn used_words<'v>(
    codes: &[i32],
    used: &[bool],
    value: impl Fn(usize) -> Option<&'v str>,
) -> Result<ArrayRef, ArrowError> {
    let mut texts: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, i32> = HashMap::new();
    let mut key_of = |text| {
        *places.entry(text).or_insert_with(|| {
            texts.push(text);
            texts.len() as i32 - 1
        })
    };
    let null_or = |(place, used): (usize, &bool)| match place.checked_sub(1).filter(|_| *used) {
        Some(code) => value(code).map_or(NONE, &mut key_of),
        None => NONE,
    };
    let keys_of_codes: Vec<i32> = used.iter().enumerate().map(null_or).collect();
    let has_null = used.iter().zip(&keys_of_codes).any(|(used, key)| *used && *key == NONE);
    let key = |code: &i32| keys_of_codes.get(place_of(*code)).copied().unwrap_or(NONE);
    // Many columns hold one value or none, and need no look at each row.
    let nulls = match (texts.len(), has_null) {
        (_, false) => None,
        (0, true) => Some(NullBuffer::new_null(codes.len())),
        _ => Some(NullBuffer::new(codes.iter().map(|code| key(code) != NONE).collect())),
    };
    // What stands in a null's place must be in range for whoever looks at it all the same.
    let keys: Vec<i32> = match texts.len() {
        0 | 1 => vec![0; codes.len()],
        _ => codes.iter().map(|code| key(code).max(0)).collect(),
    };
    let keys = Int32Array::try_new(ScalarBuffer::from(keys), nulls)?;
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(StringArray::from(texts)))?))
}

/// What a set looks like as the texts of a list: their bytes one after the other, and where each ends.
struct Written {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

/// A column of lists, each distinct set written once and copied.
fn lists(sets: &[AspectSet]) -> Result<ArrayRef, ArrowError> {
    // Few sets differ in a batch, and neighbours are often alike.
    let mut written: Vec<(AspectSet, Written)> = Vec::new();
    let mut last = 0;
    let mut offsets: Vec<i32> = Vec::with_capacity(sets.len() + 1);
    let mut ends: Vec<i32> = vec![0];
    let mut bytes: Vec<u8> = Vec::new();
    offsets.push(0);
    for set in sets {
        if !set.is_empty() {
            if written.get(last).is_none_or(|(known, _)| known != set) {
                last = written.iter().position(|(known, _)| known == set).unwrap_or_else(|| {
                    written.push((*set, write(*set)));
                    written.len() - 1
                });
            }
            if let Some((_, written)) = written.get(last) {
                let start = bytes.len() as i32;
                bytes.extend_from_slice(&written.bytes);
                ends.extend(written.ends.iter().map(|end| start + end));
            }
        }
        offsets.push(ends.len() as i32 - 1);
    }
    let texts =
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(ends)), Buffer::from_vec(bytes), None)?;
    let field = Arc::new(Field::new("item", DataType::Utf8, false));
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Arc::new(texts),
        None,
    )?))
}

fn write(set: AspectSet) -> Written {
    let mut written = Written { bytes: Vec::new(), ends: Vec::new() };
    for aspect in set.iter().map(Aspect::as_str) {
        written.bytes.extend_from_slice(aspect.as_bytes());
        written.ends.push(written.bytes.len() as i32);
    }
    written
}
