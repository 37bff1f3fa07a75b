//! Reads serde types off a tape; a mistake keeps its place and is taken out, so that the rest is read.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use super::mistake::ReadError;
use super::problem::{PLACED, Place};
use super::tape::{Fault, Kind, Slot, children, is_null, kill, pairs};

/// Mistakes of one item that are reported; beyond, the item is given up.
const MAX_MISTAKES: usize = 50;

/// What was read of one item.
#[derive(Debug)]
pub struct Item<T> {
    /// Nothing where the rest does not make an item either.
    pub value: Option<T>,
    pub mistakes: Vec<Fault>,
}

/// Reads the tape's root as `T`, collecting every mistake.
pub fn item<'t, T: Deserialize<'t>>(tape: &mut [Slot<'t>]) -> Item<T> {
    let mut mistakes = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    while mistakes.len() < MAX_MISTAKES {
        let error = match T::deserialize(Node { tape, at: 0 }) {
            Ok(value) => return Item { value: Some(value), mistakes },
            Err(error) => error,
        };
        let at = error.at.unwrap_or(0);
        if !error.missing.is_some_and(|field| removed.iter().any(|name| name == field)) {
            let place = tape.get(at).map_or(Place::default(), |slot| slot.place);
            mistakes.push(Fault { place, message: error.message });
        }
        removed.extend(name_of_pair(tape, at).into_iter().chain(error.meant.map(str::to_owned)));
        if !kill(tape, at) {
            break;
        }
    }
    Item { value: None, mistakes }
}

/// The name in whose pair the node at `wrong` is, in the root mapping.
fn name_of_pair(tape: &[Slot<'_>], wrong: usize) -> Option<String> {
    let (name, _) = pairs(tape, 0).take_while(|(name, _)| *name <= wrong).last()?;
    tape.get(name).map(|slot| slot.text.clone().into_owned())
}

/// A node of a tape, as serde sees it.
#[derive(Clone, Copy)]
struct Node<'a, 't> {
    tape: &'a [Slot<'t>],
    at: usize,
}

impl<'t> Node<'_, 't> {
    fn slot(&self) -> Result<&Slot<'t>, ReadError> {
        self.tape.get(self.at).ok_or_else(|| de::Error::custom("the value is missing"))
    }

    fn is_null(&self) -> bool {
        self.slot().is_ok_and(|slot| slot.kind == Kind::Plain && is_null(&slot.text))
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self.slot() {
            Ok(slot) if slot.kind == Kind::Sequence => Unexpected::Seq,
            Ok(slot) if slot.kind == Kind::Mapping => Unexpected::Map,
            Ok(slot) if !self.is_null() => Unexpected::Str(&slot.text),
            _ => Unexpected::Unit,
        }
    }

    /// The text of a scalar that says something.
    fn text(&self, expected: &dyn Expected) -> Result<&str, ReadError> {
        match self.slot()? {
            slot if matches!(slot.kind, Kind::Plain | Kind::Quoted) && !self.is_null() => Ok(&slot.text),
            _ => Err(<ReadError as de::Error>::invalid_type(self.unexpected(), expected)),
        }
    }

    /// The unquoted text of a scalar, read as a number.
    fn number<N: std::str::FromStr>(&self, expected: &dyn Expected) -> Result<N, ReadError> {
        let text = self.text(expected)?;
        text.parse().map_err(|_| <ReadError as de::Error>::invalid_value(Unexpected::Str(text), expected))
    }

    fn flag(&self) -> Option<bool> {
        match self.slot() {
            Ok(slot) if slot.kind == Kind::Plain => match slot.text.as_ref() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn visit_sequence<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError>
    where
        't: 'de,
    {
        let children: Vec<usize> = children(self.tape, self.at).collect();
        visitor.visit_seq(Elements { tape: self.tape, rest: children.into_iter() })
    }

    fn visit_mapping<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError>
    where
        't: 'de,
    {
        let pairs: Vec<(usize, usize)> = pairs(self.tape, self.at).collect();
        visitor.visit_map(Pairs { tape: self.tape, rest: pairs.into_iter(), value: 0 })
    }
}

macro_rules! numbers {
    ($( $method:ident $visit:ident )+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number(&visitor).and_then(|number| visitor.$visit(number)).map_err(|error| error.placed(self.at))
        }
    )+ };
}

impl<'de, 't: 'de> Deserializer<'de> for Node<'_, 't> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.slot()?.kind {
            Kind::Sequence => self.visit_sequence(visitor),
            Kind::Mapping => self.visit_mapping(visitor),
            Kind::Plain if self.is_null() => visitor.visit_unit(),
            Kind::Plain => match self.flag() {
                Some(flag) => visitor.visit_bool(flag),
                None => visitor.visit_str(&self.slot()?.text),
            },
            Kind::Quoted => visitor.visit_str(&self.slot()?.text),
        };
        read.map_err(|error| error.placed(self.at))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.flag() {
            Some(flag) => visitor.visit_bool(flag),
            None => Err(de::Error::invalid_type(self.unexpected(), &"true or false")),
        };
        read.map_err(|error: ReadError| error.placed(self.at))
    }

    numbers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_f32 visit_f32 deserialize_f64 visit_f64 deserialize_char visit_char
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(&visitor).and_then(|text| visitor.visit_str(text)).map_err(|error| error.placed(self.at))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name != PLACED {
            return visitor.visit_newtype_struct(self).map_err(|error| error.placed(self.at));
        }
        let place = self.slot()?.place;
        visitor.visit_seq(PlacedParts { node: self, place, part: 0 }).map_err(|error| error.placed(self.at))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.slot()?.kind {
            Kind::Sequence => self.visit_sequence(visitor),
            _ => Err(de::Error::invalid_type(self.unexpected(), &"a list, as [a, b]")),
        };
        read.map_err(|error: ReadError| error.placed(self.at))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.slot()?.kind {
            Kind::Mapping => self.visit_mapping(visitor),
            _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        };
        read.map_err(|error: ReadError| error.placed(self.at))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if self.slot()?.kind != Kind::Mapping {
            let expected = format!("a mapping with the fields {}", fields.join(" "));
            let error: ReadError = de::Error::invalid_type(self.unexpected(), &expected.as_str());
            return Err(error.placed(self.at));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.text(&"one word")
            .and_then(|text| visitor.visit_enum(IntoDeserializer::<ReadError>::into_deserializer(text)))
            .map_err(|error| error.placed(self.at))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

struct Elements<'a, 't> {
    tape: &'a [Slot<'t>],
    rest: std::vec::IntoIter<usize>,
}

impl<'de, 't: 'de> SeqAccess<'de> for Elements<'_, 't> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some(at) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Node { tape: self.tape, at }).map(Some).map_err(|error| error.placed(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Pairs<'a, 't> {
    tape: &'a [Slot<'t>],
    rest: std::vec::IntoIter<(usize, usize)>,
    value: usize,
}

impl<'de, 't: 'de> MapAccess<'de> for Pairs<'_, 't> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        let node = Node { tape: self.tape, at: name };
        if node.slot().is_ok_and(|slot| slot.kind == Kind::Plain && slot.text == "<<") {
            let error: ReadError =
                de::Error::custom("merge keys are not read; a class and `extends` share fields");
            return Err(error.placed(name));
        }
        seed.deserialize(node).map(Some).map_err(|error| error.placed(name))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(Node { tape: self.tape, at: self.value }).map_err(|error| error.placed(self.value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Line, column and value of a [`super::Placed`].
struct PlacedParts<'a, 't> {
    node: Node<'a, 't>,
    place: Place,
    part: u8,
}

impl<'de, 't: 'de> SeqAccess<'de> for PlacedParts<'_, 't> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        self.part += 1;
        match self.part {
            1 => seed.deserialize(self.place.line.into_deserializer()).map(Some),
            2 => seed.deserialize(self.place.column.into_deserializer()).map(Some),
            3 => seed.deserialize(self.node).map(Some),
            _ => Ok(None),
        }
    }
}

/// A word as a deserializer, for types that read themselves from text.
pub fn word(text: &str) -> StrDeserializer<'_, ReadError> {
    text.into_deserializer()
}
