//! What the judge has worked out for the distinct values of a batch.

use arrow::array::Array;
use arrow::buffer::NullBuffer;
use hashbrown::HashMap;

use super::super::Catalog;
use super::super::aliases::AliasBook;
use super::super::index::{KeyNames, Match};
use super::super::places::Home;
use super::case::Case;
use super::lens::{Event, Lens};
use super::who::Standing;
use crate::table::columns::Column;
use crate::table::tags::ROTATED;

/// What was found for one row, as places in the memory.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub key: usize,
    pub other: Option<usize>,
    pub home: usize,
    pub standing: Option<Standing>,
    pub pipeline: bool,
    pub scanner: bool,
}

/// What is remembered of a caller.
#[derive(Debug, Clone, Copy)]
struct Known {
    home: usize,
    pipeline: bool,
    scanner: bool,
}

/// The memory of one batch.
#[derive(Debug)]
pub struct Memory<'c, 'a> {
    catalog: &'c Catalog,
    book: &'c AliasBook,
    lens: &'c Lens<'a>,
    codes: RowCodes<'a>,
    /// The first and the last event time of the batch.
    span: (i64, i64),
    matches: Vec<Match>,
    /// By key, then alias and account.
    keys: Remembered<(i32, i32), usize>,
    others: Remembered<(), usize>,
    homes: Vec<Home>,
    places_of_homes: HashMap<Home, usize>,
    /// By principal, then account.
    callers: Remembered<i32, Known>,
    /// By principal, then entry.
    standings: Remembered<u32, Standing>,
}

/// What rows are told apart by.
#[derive(Debug)]
struct RowCodes<'a> {
    keys: Codes<'a>,
    aliases: Codes<'a>,
    accounts: Codes<'a>,
    others: Codes<'a>,
    principals: Codes<'a>,
    principal_accounts: Codes<'a>,
}

/// The dictionary keys of one column.
#[derive(Debug)]
struct Codes<'a> {
    values: &'a [i32],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Codes<'a> {
    fn of(lens: &Lens<'a>, column: Column) -> Self {
        let keys = lens.rows.keys(column);
        Self {
            values: keys.map_or(&[], |keys| keys.values()),
            nulls: keys.and_then(Array::nulls).filter(|nulls| nulls.null_count() > 0),
        }
    }

    /// The key of a row, -1 for none.
    #[inline]
    fn at(&self, row: usize) -> i32 {
        match self.values.get(row) {
            Some(key) if self.nulls.is_none_or(|nulls| nulls.is_valid(row)) => *key,
            _ => -1,
        }
    }
}

/// Answers by the dictionary key of one column and something more. Most values of the column come with
/// one such thing only, and are found without hashing.
#[derive(Debug)]
struct Remembered<K, V> {
    /// By dictionary key, the first place for null.
    first: Vec<Option<(K, V)>>,
    others: HashMap<(i32, K), V>,
}

impl<K: Copy + Eq + std::hash::Hash, V: Copy> Remembered<K, V> {
    /// Room for a column of so many distinct values.
    fn new(distinct: usize) -> Self {
        Self { first: vec![None; distinct + 1], others: HashMap::new() }
    }

    fn get(&self, code: i32, more: K) -> Option<V> {
        match self.first.get((code + 1) as usize)? {
            Some((known, value)) if *known == more => Some(*value),
            Some(_) => self.others.get(&(code, more)).copied(),
            None => None,
        }
    }

    fn insert(&mut self, code: i32, more: K, value: V) {
        match self.first.get_mut((code + 1) as usize) {
            Some(slot @ None) => *slot = Some((more, value)),
            _ => {
                self.others.insert((code, more), value);
            }
        }
    }
}

impl<'c, 'a> Memory<'c, 'a> {
    /// An empty memory for the batch that `lens` looks at.
    pub fn new(catalog: &'c Catalog, book: &'c AliasBook, lens: &'c Lens<'a>) -> Self {
        let room = |column| lens.distinct(column);
        Self {
            catalog,
            book,
            lens,
            codes: RowCodes {
                keys: Codes::of(lens, Column::KeyId),
                aliases: Codes::of(lens, Column::KeyAlias),
                accounts: Codes::of(lens, Column::KeyAccount),
                others: Codes::of(lens, Column::OtherKeyId),
                principals: Codes::of(lens, Column::Principal),
                principal_accounts: Codes::of(lens, Column::PrincipalAccount),
            },
            span: if book.is_empty() { (0, 0) } else { span(lens) },
            matches: Vec::new(),
            keys: Remembered::new(room(Column::KeyId)),
            others: Remembered::new(room(Column::OtherKeyId)),
            homes: Vec::new(),
            places_of_homes: HashMap::new(),
            callers: Remembered::new(room(Column::Principal)),
            standings: Remembered::new(room(Column::Principal)),
        }
    }

    /// Looks up the key and the caller of a row.
    pub fn find(&mut self, row: usize) -> Found {
        let key = self.key(row);
        let known = self.caller(row);
        let standing = self.standing(row, key);
        Found {
            key,
            other: self.other(row),
            home: known.home,
            standing,
            pipeline: known.pipeline,
            scanner: known.scanner,
        }
    }

    /// What the catalog says of a key.
    pub fn matched(&self, place: usize) -> &Match {
        self.matches.get(place).unwrap_or(&Match::NoKey)
    }

    /// When the key of an event was last seen to be rotated, as of the event's time.
    pub fn rotated(&self, event: &Event<'_, '_>) -> Option<i64> {
        let key = event.text(Column::KeyId)?;
        self.book.tag_of(key, ROTATED, event.time())?.parse().ok()
    }

    /// All that was looked up, in the order of first sight.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// Where a caller belongs.
    pub fn home(&self, place: usize) -> &Home {
        const NOWHERE: &Home = &Home { tenant: None, environment: None };
        self.homes.get(place).unwrap_or(NOWHERE)
    }

    /// All places that callers of the batch belong to.
    pub fn homes(&self) -> &[Home] {
        &self.homes
    }

    /// The case of a row whose key is declared and whose function is known.
    pub fn case(&self, row: usize, found: Found) -> Option<Case<'_, 'a>> {
        let Match::Declared(declared) = self.matched(found.key) else { return None };
        let event = self.lens.event(row);
        Some(Case {
            catalog: self.catalog,
            time: event.time(),
            function: event.function()?,
            place: declared.entry,
            entry: self.catalog.entry(declared.entry)?,
            kms: declared.kms,
            service: declared.service.as_deref(),
            standing: found.standing?,
            home: self.home(found.home),
            other: found.other.map(|place| self.matched(place)),
            event,
        })
    }

    fn key(&mut self, row: usize) -> usize {
        let code = self.codes.keys.at(row);
        let more = (self.codes.aliases.at(row), self.codes.accounts.at(row));
        if let Some(place) = self.keys.get(code, more) {
            return place;
        }
        let event = self.lens.event(row);
        let names = KeyNames {
            key: event.text(Column::KeyId),
            alias: event.text(Column::KeyAlias),
            account: event.text(Column::KeyAccount),
            time: event.time(),
        };
        let place = self.look_up(names);
        if self.is_settled(names) {
            self.keys.insert(code, more, place);
        }
        place
    }

    fn other(&mut self, row: usize) -> Option<usize> {
        let code = self.codes.others.at(row);
        if code < 0 {
            return None;
        }
        let event = self.lens.event(row);
        let key = event.text(Column::OtherKeyId)?;
        if let Some(place) = self.others.get(code, ()) {
            return Some(place);
        }
        let account = key.split(':').nth(4);
        let names = KeyNames { key: Some(key), alias: None, account, time: event.time() };
        let place = self.look_up(names);
        if self.is_settled(names) {
            self.others.insert(code, (), place);
        }
        Some(place)
    }

    /// Looks a key up. The same answer gets the same place, so that answers that are not remembered do not
    /// add up.
    fn look_up(&mut self, names: KeyNames<'_>) -> usize {
        let found = self.catalog.index.find(names, self.book);
        if let Some(place) = self.matches.iter().rev().take(RECENT).position(|known| *known == found) {
            return self.matches.len() - 1 - place;
        }
        self.matches.push(found);
        self.matches.len() - 1
    }

    /// Whether no alias of the key changes within the batch, so that one answer holds for all its rows.
    fn is_settled(&self, names: KeyNames<'_>) -> bool {
        let (from, to) = self.span;
        let settled = |name: Option<&str>| {
            name.is_none_or(|name| {
                // An alias is looked up by the other names of its key too, and those may move.
                let key = self.book.key_of(name, to);
                self.book.is_settled(name, from, to)
                    && self.book.is_alias_settled(name, from, to)
                    && key.is_none_or(|key| self.book.is_settled(key, from, to))
            })
        };
        self.book.is_empty() || (settled(names.key) && settled(names.alias))
    }

    fn caller(&mut self, row: usize) -> Known {
        let (code, account) = (self.codes.principals.at(row), self.codes.principal_accounts.at(row));
        if let Some(known) = self.callers.get(code, account) {
            return known;
        }
        let event = self.lens.event(row);
        let groups = &self.catalog.groups;
        let principal = event.text(Column::Principal);
        let home = self.catalog.places.home(principal, event.text(Column::PrincipalAccount), groups);
        let home = *self.places_of_homes.entry(home).or_insert_with_key(|home| {
            self.homes.push(home.clone());
            self.homes.len() - 1
        });
        let named = |list: &[_]| principal.is_some_and(|principal| groups.any(list, principal));
        let known =
            Known { home, pipeline: named(&self.catalog.pipelines), scanner: named(&self.catalog.scanners) };
        self.callers.insert(code, account, known);
        known
    }

    fn standing(&mut self, row: usize, key: usize) -> Option<Standing> {
        let Match::Declared(declared) = self.matches.get(key)? else { return None };
        let code = self.codes.principals.at(row);
        if let Some(standing) = self.standings.get(code, declared.entry) {
            return Some(standing);
        }
        let declaration = &self.catalog.entry(declared.entry)?.declaration;
        let standing = Standing::of(self.lens.event(row).caller(), declaration, &self.catalog.groups);
        if !Standing::varies(declaration) {
            self.standings.insert(code, declared.entry, standing);
        }
        Some(standing)
    }
}

/// The first and the last event time of a batch.
fn span(lens: &Lens<'_>) -> (i64, i64) {
    let times = || (0..lens.rows.len()).map(|row| lens.event(row).time());
    (times().min().unwrap_or_default(), times().max().unwrap_or_default())
}

/// How far back an equal answer is looked for; most keys are declared by an entry of their own.
const RECENT: usize = 4;
