//! What `serde` asks of a text, answered from where the cursor stands.

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Doubt;
use super::cursor::{Cursor, Read};

/// The most digits of an integer that is read here: 18 fit into 64 bits, with either sign.
const MOST_DIGITS: usize = 18;

impl<'de> Cursor<'de> {
    /// Reads the string that begins here, at its quote.
    #[inline]
    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        let start = self.at + 1;
        let end = self.special(start)?;
        if self.byte(end)? != b'"' {
            return visitor.visit_string(self.unescaped(start)?);
        }
        self.at = end + 1;
        visitor.visit_borrowed_str(self.text.get(start..end).ok_or(Doubt)?)
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        let end = self.whole_part()?;
        let written = self.text.get(self.at..end).ok_or(Doubt)?;
        let odd = written == "-0" || matches!(self.byte(end), Ok(b'.' | b'e' | b'E'));
        if odd || written.len() > MOST_DIGITS {
            return Err(Doubt);
        }
        self.at = end;
        let value: i64 = written.parse().map_err(|_| Doubt)?;
        match u64::try_from(value) {
            Ok(value) => visitor.visit_u64(value),
            Err(_) => visitor.visit_i64(value),
        }
    }

    #[inline]
    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.enter()?;
        let depth = self.depth;
        let value = visitor.visit_map(Parts { cursor: self, first: true })?;
        // A visitor that stops early leaves members behind, and is then not understood here.
        if self.depth < depth { Ok(value) } else { Err(Doubt) }
    }

    #[inline]
    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.enter()?;
        let depth = self.depth;
        let value = visitor.visit_seq(Parts { cursor: self, first: true })?;
        if self.depth < depth { Ok(value) } else { Err(Doubt) }
    }
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = Doubt;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek()? {
            b'"' => self.string(visitor),
            b'{' => self.object(visitor),
            b'[' => self.array(visitor),
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => self.integer(visitor),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek()? == b'"' { self.string(visitor) } else { Err(Doubt) }
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek()? == b'{' { self.object(visitor) } else { Err(Doubt) }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek()? != b'n' {
            return visitor.visit_some(self);
        }
        self.word("null")?;
        visitor.visit_none()
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    /// `serde_json` gives these what it gives nobody else; nothing of ours asks for them.
    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(Doubt)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct struct enum
    }
}

/// The members of an object or the items of an array, one after the other.
struct Parts<'r, 'de> {
    cursor: &'r mut Cursor<'de>,
    first: bool,
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Doubt;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if !self.cursor.follows(std::mem::take(&mut self.first), b'}')? {
            return Ok(None);
        }
        if self.cursor.peek()? != b'"' {
            return Err(Doubt);
        }
        seed.deserialize(&mut *self.cursor).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.cursor.take(b':')?;
        seed.deserialize(&mut *self.cursor)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Doubt;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.cursor.follows(std::mem::take(&mut self.first), b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.cursor).map(Some)
    }
}
