//! Walks over one JSON value without building it, to find where it ends.
//!
//! In: the bytes of a value from its first one, as many as there are so far. Out: its end, or what is
//! wrong with it. The walk is iterative, keeps one bit a level, and goes on where it stopped when more
//! bytes come. It checks the grammar of brackets, commas, colons and strings, which is what tells a cut
//! line from a value over several lines. What numbers, literals and escapes look like inside is left to
//! the normalizers.

use std::ops::Range;

use super::limits::{DEEPEST_NESTING, LONGEST_LOOK};

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A byte that cannot come here.
    Grammar,
    /// A line ends inside a string, or inside a value that may only be one line.
    LineBreak,
    /// Nested deeper than [`DEEPEST_NESTING`], and the end was not found.
    TooDeep,
}

/// Why the walk stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The bytes so far are used up.
    More,
    /// The value ends before this offset.
    Done(usize),
    /// At this offset begins a list that is to be read element by element.
    List(usize),
    /// The value is damaged.
    Bad(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Structure,
    Text,
    Scalar,
}

/// The state of a walk over one value.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    at: usize,
    depth: usize,
    /// Bit `n - 1` is set where the container at depth `n` is an object.
    objects: u128,
    expect: Expect,
    within: Within,
    text_is_key: bool,
    /// The last key of the outermost object.
    key: Range<usize>,
    /// Which keys of the outermost object hold lists to stop at.
    lists: Option<fn(&[u8]) -> bool>,
    one_line: bool,
    crossed_line: bool,
    too_deep: bool,
}

impl Scanner {
    /// A walk over one value, its first byte at offset 0.
    pub(super) fn new() -> Self {
        Self {
            at: 0,
            depth: 0,
            objects: 0,
            expect: Expect::Value,
            within: Within::Structure,
            text_is_key: false,
            key: 0..0,
            lists: None,
            one_line: false,
            crossed_line: false,
            too_deep: false,
        }
    }

    /// Stops at lists under these keys of the outermost object.
    pub(super) fn stopping_at(mut self, lists: fn(&[u8]) -> bool) -> Self {
        self.lists = Some(lists);
        self
    }

    /// Takes the end of a line as damage.
    pub(super) fn on_one_line(mut self) -> Self {
        self.one_line = true;
        self
    }

    /// The last key of the outermost object, as it is written between its quotes.
    pub(super) fn key<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.key.clone()).unwrap_or_default()
    }

    /// Whether the value has a line break between its tokens.
    pub(super) fn crossed_line(&self) -> bool {
        self.crossed_line
    }

    /// Whether the value nests deeper than it may; its end is still found.
    pub(super) fn too_deep(&self) -> bool {
        self.too_deep
    }

    /// How far the walk came.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// No longer stops at lists.
    pub(super) fn through_lists(&mut self) {
        self.lists = None;
    }

    /// Goes on after a list that was read apart; the next bytes given begin after its `]`.
    pub(super) fn after_list(&mut self) {
        self.at = 0;
        self.expect = Expect::CommaOrEnd;
    }

    /// Forgets the bytes walked over and says how many they were; the next bytes given begin after them.
    pub(super) fn forget(&mut self) -> usize {
        std::mem::take(&mut self.at)
    }

    /// Walks on. `text` is the value from its first byte, at least as long as the last time.
    pub(super) fn advance(&mut self, text: &[u8]) -> Step {
        loop {
            let step = match self.within {
                Within::Text => self.text(text),
                Within::Scalar => self.scalar(text),
                Within::Structure => match text.get(self.at) {
                    Some(&byte) => self.token(byte, text),
                    None => Some(Step::More),
                },
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn token(&mut self, byte: u8, text: &[u8]) -> Option<Step> {
        match byte {
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\n' => return self.line_break(),
            b'"' => return self.open_text(),
            b',' => return self.comma(),
            b':' => return self.colon(),
            b'{' => return self.open(true, text),
            b'[' => return self.open(false, text),
            b'}' => return self.close(true),
            b']' => return self.close(false),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => return self.open_scalar(),
            _ => return Some(self.bad(Fault::Grammar)),
        }
        None
    }

    fn line_break(&mut self) -> Option<Step> {
        if self.one_line || self.too_deep {
            return Some(self.bad(Fault::LineBreak));
        }
        self.crossed_line = true;
        self.at += 1;
        None
    }

    fn open_text(&mut self) -> Option<Step> {
        self.text_is_key = match self.expect {
            Expect::Key | Expect::KeyOrEnd => true,
            Expect::Value | Expect::ValueOrEnd => false,
            _ if self.too_deep => false,
            _ => return Some(self.bad(Fault::Grammar)),
        };
        self.at += 1;
        if self.depth == 1 {
            self.key = if self.text_is_key { self.at..self.at } else { self.key.clone() };
        }
        self.within = Within::Text;
        None
    }

    fn text(&mut self, text: &[u8]) -> Option<Step> {
        loop {
            let Some(offset) = special(text.get(self.at..).unwrap_or_default()) else {
                self.at = text.len();
                return Some(Step::More);
            };
            self.at += offset;
            match text.get(self.at) {
                Some(b'"') => return self.close_text(),
                Some(b'\\') => match text.get(self.at + 1) {
                    None => return Some(Step::More),
                    Some(0..0x20) => self.at += 1, // a cut line; what comes next says so
                    Some(_) => self.at += 2,
                },
                Some(b'\n' | b'\r') => return Some(self.bad(Fault::LineBreak)),
                _ => return Some(self.bad(Fault::Grammar)),
            }
        }
    }

    fn close_text(&mut self) -> Option<Step> {
        if self.text_is_key && self.depth == 1 {
            self.key.end = self.at;
        }
        self.at += 1;
        self.within = Within::Structure;
        if self.text_is_key {
            self.expect = Expect::Colon;
            return None;
        }
        self.value_ended()
    }

    fn open_scalar(&mut self) -> Option<Step> {
        if !self.value_may_begin() {
            return Some(self.bad(Fault::Grammar));
        }
        self.within = Within::Scalar;
        None
    }

    fn scalar(&mut self, text: &[u8]) -> Option<Step> {
        let rest = text.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| !is_scalar(*byte)) else {
            self.at = text.len();
            return Some(Step::More);
        };
        self.at += length;
        self.within = Within::Structure;
        self.value_ended()
    }

    fn value_ended(&mut self) -> Option<Step> {
        self.expect = Expect::CommaOrEnd;
        (self.depth == 0).then_some(Step::Done(self.at))
    }

    fn comma(&mut self) -> Option<Step> {
        if self.expect != Expect::CommaOrEnd && !self.too_deep {
            return Some(self.bad(Fault::Grammar));
        }
        self.expect = if self.in_object() { Expect::Key } else { Expect::Value };
        self.at += 1;
        None
    }

    fn colon(&mut self) -> Option<Step> {
        if self.expect != Expect::Colon && !self.too_deep {
            return Some(self.bad(Fault::Grammar));
        }
        self.expect = Expect::Value;
        self.at += 1;
        None
    }

    fn open(&mut self, object: bool, text: &[u8]) -> Option<Step> {
        if !self.value_may_begin() {
            return Some(self.bad(Fault::Grammar));
        }
        if !object && self.depth == 1 && self.in_object() && self.lists.is_some_and(|is| is(self.key(text))) {
            return Some(Step::List(self.at));
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST_NESTING {
            self.too_deep = true;
            return None;
        }
        let bit = 1_u128 << (self.depth - 1);
        self.objects = if object { self.objects | bit } else { self.objects & !bit };
        self.expect = if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        None
    }

    fn close(&mut self, object: bool) -> Option<Step> {
        let empty = if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        let fits = self.in_object() == object && (self.expect == Expect::CommaOrEnd || self.expect == empty);
        if self.depth == 0 || !(fits || self.too_deep) {
            return Some(self.bad(Fault::Grammar));
        }
        self.at += 1;
        self.depth -= 1;
        self.value_ended()
    }

    fn value_may_begin(&self) -> bool {
        matches!(self.expect, Expect::Value | Expect::ValueOrEnd) || self.too_deep
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.depth <= DEEPEST_NESTING && self.objects >> (self.depth - 1) & 1 == 1
    }

    fn bad(&self, fault: Fault) -> Step {
        Step::Bad(if self.too_deep { Fault::TooDeep } else { fault })
    }
}

/// Where the value ends that `text` begins with.
///
/// # Errors
/// Where it is damaged; `None` where it does not end.
pub(super) fn value_end(text: &[u8]) -> Result<usize, Option<Fault>> {
    let mut scanner = Scanner::new();
    match scanner.advance(text) {
        Step::Done(_) if scanner.too_deep() => Err(Some(Fault::TooDeep)),
        Step::Done(end) => Ok(end),
        Step::Bad(fault) => Err(Some(fault)),
        Step::More | Step::List(_) if scanner.depth == 0 && scanner.within == Within::Scalar => {
            Ok(text.len())
        }
        Step::More | Step::List(_) => Err(scanner.too_deep().then_some(Fault::TooDeep)),
    }
}

/// Whether a sound value begins here, by as much of it as may be looked at; nothing where more bytes
/// decide. A place that is only thought to be a record's must pass this.
pub(super) fn begins_value(text: &[u8], ended: bool) -> Option<bool> {
    let head = text.get(..LONGEST_LOOK).unwrap_or(text);
    let mut scanner = Scanner::new();
    match scanner.advance(head) {
        _ if scanner.too_deep() => Some(false),
        Step::Done(_) => Some(true),
        Step::Bad(_) => Some(false),
        Step::More | Step::List(_) if head.len() == LONGEST_LOOK => Some(true),
        Step::More | Step::List(_) => ended.then_some(false),
    }
}

/// A byte of a number or of `true`, `false`, `null`.
pub(super) fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// The first byte that means something inside a string: a quote, a backslash, a control character.
pub(super) fn special(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let marks = special_marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(place * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let place = tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(words.len() * 8 + place)
}

/// The high bit of every special byte, exact up to the first one (a borrow only runs upwards).
const fn special_marks(word: u64) -> u64 {
    let quote = word ^ (LOW * b'"' as u64);
    let backslash = word ^ (LOW * b'\\' as u64);
    let quotes = quote.wrapping_sub(LOW) & !quote;
    let backslashes = backslash.wrapping_sub(LOW) & !backslash;
    let controls = word.wrapping_sub(LOW * 0x20) & !word;
    (quotes | backslashes | controls) & HIGH
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
