//! Walks JSON that is known to be sound, without building a tree, and says where its values lie.
//!
//! In: the text of one value. Out: for each scalar its place, and what the names above it make of it.
//! One pass and one stack, so that depth costs nothing but memory.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a member's name makes of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As what it is in.
    Inherited,
    /// All scalars in it are secrets.
    Secret,
    /// It is a secret as a whole, whatever it is.
    Whole,
    /// A text that needs a look of its own; not what is below an object or array, nor in a secret.
    Marked,
}

/// One value found.
#[derive(Debug, Clone)]
pub struct Leaf<'t> {
    /// Where it lies in the text.
    pub range: Range<usize>,
    /// As it is written.
    pub text: &'t str,
    pub kind: Kind,
}

impl Leaf<'_> {
    /// The text, where it is one.
    pub fn string(&self) -> Option<String> {
        self.text.starts_with('"').then(|| serde_json::from_str(self.text).ok()).flatten()
    }
}

struct Frame {
    object: bool,
    secret: bool,
}

/// Calls `found` with each scalar of `text`, and with each value that is a secret as a whole. `name` says
/// what a member's name makes of its value; `secret` is what holds at the top.
pub fn walk<'t>(
    text: &'t str,
    secret: bool,
    name: &mut impl FnMut(&str) -> Kind,
    found: &mut impl FnMut(Leaf<'t>),
) {
    let bytes = text.as_bytes();
    let mut stack: Vec<Frame> = Vec::new();
    let mut kind = inherited(secret);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' if kind != Kind::Whole => {
                let above = stack.last().is_some_and(|frame| frame.secret);
                let secret = kind == Kind::Secret || kind == Kind::Marked && above;
                stack.push(Frame { object: *byte == b'{', secret });
                kind = inherited(secret);
                at += 1;
            }
            b'}' | b']' => {
                stack.pop();
                kind = inherited(stack.last().is_some_and(|frame| frame.secret));
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'"' if stack.last().is_some_and(|frame| frame.object) && is_key(bytes, at) => {
                let end = value_end(bytes, at);
                let above = stack.last().is_some_and(|frame| frame.secret);
                kind = match name(&plain(text.get(at..end).unwrap_or_default())) {
                    Kind::Inherited => inherited(above),
                    Kind::Marked if above && stack.len() > 1 => Kind::Secret,
                    other => other,
                };
                at = end;
            }
            _ => {
                let end = value_end(bytes, at).max(at + 1);
                found(Leaf { range: at..end, text: text.get(at..end).unwrap_or_default(), kind });
                kind = inherited(stack.last().is_some_and(|frame| frame.secret));
                at = end;
            }
        }
    }
}

const fn inherited(secret: bool) -> Kind {
    if secret { Kind::Secret } else { Kind::Inherited }
}

/// Whether the string that begins at `at` is followed by a colon.
fn is_key(bytes: &[u8], at: usize) -> bool {
    let after = bytes.get(value_end(bytes, at)..).unwrap_or_default();
    after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Where the value that begins at `at` ends.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'"' => end = string_end(bytes, end),
            b'{' | b'[' => {
                depth += 1;
                end += 1;
            }
            b'}' | b']' if depth == 0 => return end,
            b'}' | b']' => {
                depth -= 1;
                end += 1;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return end,
            _ => {
                end += 1;
                if depth == 0 {
                    continue; // in a number or a word
                }
            }
        }
        if depth == 0 {
            return end;
        }
    }
    end
}

/// Where the string whose quote is at `at` ends, behind its closing quote.
pub fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(length) = memchr::memchr2(b'"', b'\\', bytes.get(end..).unwrap_or_default()) {
        end += length;
        match bytes.get(end) {
            Some(b'"') => return end + 1,
            _ => end += 2,
        }
    }
    bytes.len()
}

fn plain(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// The members of an object in their order, repeated ones too, with the text of each value.
pub struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The members of `text`, where that is an object.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether there is a member called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| member == name)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Where `part`, which was borrowed from `text`, begins in it.
pub fn place_in(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}
