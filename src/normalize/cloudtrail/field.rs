//! How one field of a record is read: absent, given, or of another type than it may have.
//!
//! Parsing never fails on a type. A field remembers that it was [`Field::Wrong`], and the code that
//! needs it says so with the field's name; what nobody reads cannot spoil a record. What only adds
//! colour (TLS details, a second factor's flag) is read leniently: an event is not lost over it.
//!
//! Fields are filled where they stand: a record has some fifty of them, and moving them up through
//! layers of results would cost as much as half the parsing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::few::Few;
use crate::domain::reject::{Reject, RejectReason};

/// A field of a JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Not there.
    #[default]
    Absent,
    /// There, and `null`: means the same as absent, except that it may not come again.
    Null,
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
            Self::Absent | Self::Null | Self::Wrong => None,
        }
    }

    /// The value, or nothing where the field is absent.
    ///
    /// # Errors
    /// Where the field has another type; `name` is its path for the message.
    pub fn read(&self, name: &str) -> Result<Option<&T>, Reject> {
        match self {
            Self::Absent | Self::Null => Ok(None),
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
/// Each method leaves the field wrong where this JSON type does not fit.
pub trait Wanted<'de>: Sized {
    /// From a string.
    fn from_text(_text: Cow<'de, str>) -> Field<Self> {
        Field::Wrong
    }

    /// From `true` or `false`.
    fn from_flag(_flag: bool) -> Field<Self> {
        Field::Wrong
    }

    /// From an object, which is read to its end either way.
    ///
    /// # Errors
    /// Those of the parser, and a member of ours that is given twice.
    fn fill_from_map<A: MapAccess<'de>>(field: &mut Field<Self>, map: A) -> Result<(), A::Error> {
        *field = Field::Wrong;
        drain_map(map)
    }

    /// From an array, which is read to its end either way.
    ///
    /// # Errors
    /// Those of the parser.
    fn fill_from_seq<A: SeqAccess<'de>>(field: &mut Field<Self>, seq: A) -> Result<(), A::Error> {
        *field = Field::Wrong;
        drain_seq(seq)
    }
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de: 'a, 'a> Wanted<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Field<Self> {
        Field::Given(text)
    }
}

impl Wanted<'_> for bool {
    fn from_text(text: Cow<'_, str>) -> Field<Self> {
        match &*text {
            "true" => Field::Given(true),
            "false" => Field::Given(false),
            _ => Field::Wrong,
        }
    }

    fn from_flag(flag: bool) -> Field<Self> {
        Field::Given(flag)
    }
}

/// Something is there; what, does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present;

impl<'de> Wanted<'de> for Present {
    fn from_text(_text: Cow<'de, str>) -> Field<Self> {
        Field::Given(Self)
    }

    fn fill_from_map<A: MapAccess<'de>>(field: &mut Field<Self>, map: A) -> Result<(), A::Error> {
        *field = Field::Given(Self);
        drain_map(map)
    }

    fn fill_from_seq<A: SeqAccess<'de>>(field: &mut Field<Self>, seq: A) -> Result<(), A::Error> {
        *field = Field::Given(Self);
        drain_seq(seq)
    }
}

impl<'de, T: Wanted<'de>> Wanted<'de> for Few<T> {
    fn fill_from_seq<A: SeqAccess<'de>>(field: &mut Field<Self>, mut seq: A) -> Result<(), A::Error> {
        let mut items = Self::new();
        let mut fits = true;
        while let Some(item) = seq.next_element::<Field<T>>()? {
            match item {
                Field::Given(item) => items.push(item),
                Field::Absent | Field::Null => {}
                Field::Wrong => fits = false,
            }
        }
        *field = if fits { Field::Given(items) } else { Field::Wrong };
        Ok(())
    }
}

/// An object of which some members are read; [`object!`] writes it.
pub trait Object<'de>: Default {
    /// Reads the value of the member called `name`.
    ///
    /// # Errors
    /// Those of the parser, and a member of ours that is given twice.
    fn fill_member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;

    /// Reads a whole object where it stands.
    ///
    /// # Errors
    /// Those of [`Self::fill_member`].
    fn fill<A: MapAccess<'de>>(field: &mut Field<Self>, mut map: A) -> Result<(), A::Error> {
        *field = Field::Given(Self::default());
        let Field::Given(object) = field else { return drain_map(map) };
        while let Some(name) = map.next_key::<Name<'de>>()? {
            object.fill_member(&name.0, &mut map)?;
        }
        Ok(())
    }
}

/// Reads a value into the field it belongs to.
///
/// # Errors
/// Where the field was read before: `name` is given twice.
pub fn fill_once<'de, T: Wanted<'de>, A: MapAccess<'de>>(
    field: &mut Field<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if !matches!(field, Field::Absent) {
        return Err(A::Error::duplicate_field(name));
    }
    map.next_value_seed(Place(field))
}

/// Declares an object: its members, each with its JSON name.
macro_rules! object {
    (
        $(#[$outer:meta])*
        pub struct $name:ident $(<$life:lifetime>)? {
            $( $(#[$inner:meta])* $field:ident : $kind:ty = $member:literal ),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name $(<$life>)? {
            $( $(#[$inner])* pub $field: $kind, )+
        }

        impl<'de $(: $life, $life)?> $crate::normalize::cloudtrail::field::Object<'de> for $name $(<$life>)? {
            fn fill_member<A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match name {
                    $( $member => {
                        $crate::normalize::cloudtrail::field::fill_once(&mut self.$field, $member, map)
                    } )+
                    _ => map.next_value::<serde::de::IgnoredAny>().map(drop),
                }
            }
        }

        impl<'de $(: $life, $life)?> $crate::normalize::cloudtrail::field::Wanted<'de> for $name $(<$life>)? {
            fn fill_from_map<A: serde::de::MapAccess<'de>>(
                field: &mut $crate::normalize::cloudtrail::field::Field<Self>,
                map: A,
            ) -> Result<(), A::Error> {
                $crate::normalize::cloudtrail::field::Object::fill(field, map)
            }
        }
    };
}

pub(super) use object;

/// The name of a member.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

/// The place that a value is read into.
pub struct Place<'f, T>(pub &'f mut Field<T>);

impl<'de, T: Wanted<'de>> DeserializeSeed<'de> for Place<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Wanted<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut field = Self::Absent;
        Place(&mut field).deserialize(deserializer)?;
        Ok(field)
    }
}

impl<'de, T: Wanted<'de>> Visitor<'de> for Place<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        *self.0 = T::from_text(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.0 = T::from_text(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        *self.0 = T::from_flag(flag);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 = Field::Null;
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        *self.0 = Field::Wrong;
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        *self.0 = Field::Wrong;
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        *self.0 = Field::Wrong;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        T::fill_from_map(self.0, map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        T::fill_from_seq(self.0, seq)
    }
}
