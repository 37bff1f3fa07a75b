//! Short lists and encryption contexts, held without allocating where they are as short as usual.

use std::borrow::Cow;

use serde::de::{Error, MapAccess};

use super::field::{Field, Text, Wanted};

/// Up to this many names are compared pair by pair, beyond it they are sorted first.
const FEW_NAMES: usize = 8;

/// A short list: two items are held in place, which is as many as nearly every record has.
#[derive(Debug, Clone, PartialEq)]
pub struct Few<T> {
    first: Option<T>,
    second: Option<T>,
    rest: Vec<T>,
}

impl<T> Few<T> {
    /// The list without an item.
    pub const fn new() -> Self {
        Self { first: None, second: None, rest: Vec::new() }
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else if self.second.is_none() {
            self.second = Some(item);
        } else {
            self.rest.push(item);
        }
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.second.iter()).chain(&self.rest)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + usize::from(self.second.is_some()) + self.rest.len()
    }
}

/// The names and values of an encryption context, in the order of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs<'a>(Few<(Cow<'a, str>, Cow<'a, str>)>);

impl Pairs<'_> {
    /// The pairs in the order of the log.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn has_a_name_twice(&self) -> bool {
        if self.len() <= FEW_NAMES {
            let twice = |(place, (name, _))| self.iter().take(place).any(|(earlier, _)| earlier == name);
            return self.iter().enumerate().any(twice);
        }
        let mut names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.iter().zip(names.iter().skip(1)).any(|(one, next)| one == next)
    }
}

impl<'de: 'a, 'a> Wanted<'de> for Pairs<'a> {
    fn fill_from_map<A: MapAccess<'de>>(field: &mut Field<Self>, mut map: A) -> Result<(), A::Error> {
        let mut pairs = Few::new();
        let mut fits = true;
        while let Some((name, value)) = map.next_entry::<Text<'a>, Text<'a>>()? {
            match (name, value) {
                (Field::Given(name), Field::Given(value)) => pairs.push((name, value)),
                _ => fits = false,
            }
        }
        let pairs = Self(pairs);
        if pairs.has_a_name_twice() {
            return Err(A::Error::custom("duplicate field `encryptionContext.*`"));
        }
        *field = if fits { Field::Given(pairs) } else { Field::Wrong };
        Ok(())
    }
}
