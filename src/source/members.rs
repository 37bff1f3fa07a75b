//! Looks at the members of an object and the elements of an array that are complete in memory.
//!
//! Both stop at the first damaged one: what is damaged, the record's own check says.

use super::scan::{special, value_end};

/// A part of a text, by offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// The part itself.
    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'t> {
    /// The key as it is written between its quotes.
    pub(super) key: &'t [u8],
    /// Where the value lies.
    pub(super) value: Span,
}

/// The members of an object, in order.
pub(super) struct Members<'t> {
    text: &'t [u8],
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Between,
    /// After the closing bracket.
    Over,
    Damaged,
}

impl<'t> Members<'t> {
    /// The members of the object that `text` is; none where it is no object.
    pub(super) fn new(text: &'t [u8]) -> Self {
        let at = after_blank(text, 0);
        let state = if text.get(at) == Some(&b'{') { State::First } else { State::Damaged };
        Self { text, at: at + 1, state }
    }

    /// The value of the first member with this key.
    pub(super) fn find(text: &'t [u8], key: &[u8]) -> Option<Span> {
        Members::new(text).find(|member| key_is(member.key, key)).map(|member| member.value)
    }

    /// Whether all members were seen, none was damaged, and nothing follows the object.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Over && after_blank(self.text, self.at) == self.text.len()
    }

    fn member(&mut self) -> Option<Member<'t>> {
        let mut at = after_blank(self.text, self.at);
        match (self.text.get(at)?, self.state) {
            (b'}', State::First | State::Between) => {
                self.state = State::Over;
                self.at = at + 1;
                return None;
            }
            (b',', State::Between) => at = after_blank(self.text, at + 1),
            (_, State::First) => {}
            _ => return None,
        }
        let end = text_end(self.text, at)?;
        let key = self.text.get(at + 1..end - 1)?;
        let colon = after_blank(self.text, end);
        if self.text.get(colon) != Some(&b':') {
            return None;
        }
        let value = value_at(self.text, after_blank(self.text, colon + 1))?;
        self.at = value.end;
        self.state = State::Between;
        Some(Member { key, value })
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    fn next(&mut self) -> Option<Member<'t>> {
        if matches!(self.state, State::Over | State::Damaged) {
            return None;
        }
        let member = self.member();
        if member.is_none() && self.state != State::Over {
            self.state = State::Damaged;
        }
        member
    }
}

/// The elements of an array, in order.
pub(super) struct Elements<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Elements<'t> {
    /// The elements of the array that `text` is; none where it is no array.
    pub(super) fn new(text: &'t [u8]) -> Self {
        let at = after_blank(text, 0);
        let at = if text.get(at) == Some(&b'[') { at + 1 } else { text.len() };
        Self { text, at }
    }
}

impl Iterator for Elements<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let mut at = after_blank(self.text, self.at);
        if self.text.get(at) == Some(&b',') {
            at = after_blank(self.text, at + 1);
        }
        let value = value_at(self.text, at)?;
        self.at = value.end;
        Some(value)
    }
}

/// Whether a key as it is written means `name`.
pub(super) fn key_is(written: &[u8], name: &[u8]) -> bool {
    if written.contains(&b'\\') {
        plain(written).is_some_and(|key| key.as_bytes() == name)
    } else {
        written == name
    }
}

/// The text that a string, as it is written between its quotes, means.
pub(super) fn plain(written: &[u8]) -> Option<String> {
    let mut quoted = Vec::with_capacity(written.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(written);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).ok()
}

/// Whether `text` is a string that begins with `start`.
pub(super) fn text_begins(text: &[u8], start: &str) -> bool {
    let Some(written) = written(text) else { return false };
    if written.contains(&b'\\') {
        plain(written).is_some_and(|plain| plain.starts_with(start))
    } else {
        written.starts_with(start.as_bytes())
    }
}

/// Whether `text` is the string `whole`.
pub(super) fn text_is(text: &[u8], whole: &str) -> bool {
    written(text).is_some_and(|written| key_is(written, whole.as_bytes()))
}

/// A string as it is written between its quotes.
pub(super) fn written(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// The offset of the first byte, from `at` on, that is not white space.
pub(super) fn after_blank(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

fn value_at(text: &[u8], at: usize) -> Option<Span> {
    let rest = text.get(at..)?;
    let end = match rest.first()? {
        b'"' => text_end(text, at)?,
        _ => at + value_end(rest).ok()?,
    };
    Some(Span { start: at, end })
}

/// Where the string ends, its quote included, that begins at `at`.
fn text_end(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += special(text.get(at..)?)?;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}
