//! How one field of a record is read: absent, given, or of another type than it may have.
//!
//! Parsing never fails on a type. A field remembers that it was [`Field::Wrong`], and the code that
//! needs it says so with the field's name; what nobody reads cannot spoil a record.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::reject::{Reject, RejectReason};

/// Up to this many names are compared pair by pair, beyond it they are sorted first.
const FEW_NAMES: usize = 8;

/// A field of a JSON object. `null` counts as absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    #[default]
    Absent,
    Given(T),
    /// There, with another type than it may have.
    Wrong,
}

/// A field that holds text.
pub type Text<'a> = Field<Cow<'a, str>>;

/// A field that holds a truth value; the log also writes them as the strings `"true"` and `"false"`.
pub type Flag = Field<bool>;

impl<T> Field<T> {
    /// The value, where there is one of the right type.
    pub const fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }

    /// The value, or nothing where the field is absent.
    ///
    /// # Errors
    /// Where the field has another type; `name` is its path for the message.
    pub fn read(&self, name: &str) -> Result<Option<&T>, Reject> {
        match self {
            Self::Absent => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Wrong => Err(wrong_type(name)),
        }
    }
}

impl Text<'_> {
    /// The text, or nothing where the field is absent or empty.
    ///
    /// # Errors
    /// Where the field is no text; `name` is its path for the message.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Reject> {
        Ok(self.read(name)?.map(|text| &**text).filter(|text| !text.is_empty()))
    }

    /// The text, or nothing where the field is absent, empty or no text.
    pub fn lenient(&self) -> Option<&str> {
        self.given().map(|text| &**text).filter(|text| !text.is_empty())
    }
}

/// The reject for a field of another type than it may have.
pub fn wrong_type(name: &str) -> Reject {
    Reject::new(RejectReason::WrongType, format!("`{name}` has another type than it may have"))
}

/// What a [`Field`] can hold, and how it is taken from what the parser finds.
///
/// Each method answers nothing where this JSON type does not fit.
pub trait Wanted<'de>: Sized {
    /// From a string.
    fn from_text(_text: Cow<'de, str>) -> Option<Self> {
        None
    }

    /// From `true` or `false`.
    fn from_flag(_flag: bool) -> Option<Self> {
        None
    }

    /// From an object, which is read to its end either way.
    ///
    /// # Errors
    /// Those of the parser.
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        drain_map(map)
    }

    /// From an array, which is read to its end either way.
    ///
    /// # Errors
    /// Those of the parser.
    fn from_seq<A: SeqAccess<'de>>(seq: A) -> Result<Option<Self>, A::Error> {
        drain_seq(seq)
    }
}

fn drain_map<'de, T, A: MapAccess<'de>>(mut map: A) -> Result<Option<T>, A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(None)
}

fn drain_seq<'de, T, A: SeqAccess<'de>>(mut seq: A) -> Result<Option<T>, A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(None)
}

impl<'de: 'a, 'a> Wanted<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl Wanted<'_> for bool {
    fn from_text(text: Cow<'_, str>) -> Option<Self> {
        match &*text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn from_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

/// Something is there; what, does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present;

impl<'de> Wanted<'de> for Present {
    fn from_text(_text: Cow<'de, str>) -> Option<Self> {
        Some(Self)
    }

    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        drain_map::<Self, A>(map).map(|_| Some(Self))
    }

    fn from_seq<A: SeqAccess<'de>>(seq: A) -> Result<Option<Self>, A::Error> {
        drain_seq::<Self, A>(seq).map(|_| Some(Self))
    }
}

/// A short list: two items are held without allocating, which is as many as nearly every record has.
#[derive(Debug, Clone, PartialEq)]
pub struct Few<T> {
    first: Option<T>,
    second: Option<T>,
    rest: Vec<T>,
}

impl<T> Few<T> {
    const fn new() -> Self {
        Self { first: None, second: None, rest: Vec::new() }
    }

    fn push(&mut self, item: T) {
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

impl<'de, T: Wanted<'de>> Wanted<'de> for Few<T> {
    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self::new();
        let mut fits = true;
        while let Some(item) = seq.next_element::<Field<T>>()? {
            match item {
                Field::Given(item) => items.push(item),
                Field::Absent => {}
                Field::Wrong => fits = false,
            }
        }
        Ok(fits.then_some(items))
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
    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
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
        Ok(fits.then_some(pairs))
    }
}

impl<'de, T: Wanted<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

fn fitted<T>(value: Option<T>) -> Field<T> {
    value.map_or(Field::Wrong, Field::Given)
}

impl<'de, T: Wanted<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(fitted(T::from_text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(fitted(T::from_text(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(fitted(T::from_flag(flag)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Wrong)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Wrong)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::from_map(map).map(fitted)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::from_seq(seq).map(fitted)
    }
}
