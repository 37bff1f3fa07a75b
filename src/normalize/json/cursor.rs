//! Walks over a JSON text: white space, brackets, strings, numbers, and whole values passed over.
//!
//! Nothing is said of what a value means; see the module above for when the walk gives up.

use super::{Doubt, MAX_NESTING};

/// What is there, or that `serde_json` decides.
pub type Read<T> = Result<T, Doubt>;

/// Bytes of a string looked at together.
const BLOCK: usize = 16;

/// Which bytes of a block are special, the first in the lowest place; what comes after the first may be
/// marked wrongly. Two words are quicker here than vector code, whose result takes long to arrive where a
/// branch needs it.
#[inline]
fn marks(block: &[u8; BLOCK]) -> u128 {
    let words = u128::from_le_bytes(*block);
    let (low, high) = (words as u64, (words >> u64::BITS) as u64);
    u128::from(marks_of(low)) | u128::from(marks_of(high)) << u64::BITS
}

#[inline]
fn marks_of(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // With this bit turned the quote comes next after the control characters.
    let quote_or_control = (word ^ (ONES << 1)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & HIGH
}

#[inline]
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ')
}

/// A place in a text.
#[derive(Debug)]
pub struct Cursor<'de> {
    pub text: &'de str,
    /// The next byte that is not taken.
    pub at: usize,
    /// How many objects and arrays are open.
    pub depth: usize,
}

impl<'de> Cursor<'de> {
    /// The place at the beginning of `text`.
    pub const fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Sees that nothing but white space is left.
    ///
    /// # Errors
    /// Where something is.
    pub fn end(&mut self) -> Read<()> {
        if self.peek().is_err() && self.at == self.text.len() { Ok(()) } else { Err(Doubt) }
    }

    #[inline]
    pub fn byte(&self, at: usize) -> Read<u8> {
        self.text.as_bytes().get(at).copied().ok_or(Doubt)
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub fn peek(&mut self) -> Read<u8> {
        let byte = self.byte(self.at)?;
        if byte > b' ' { Ok(byte) } else { self.peek_after_blank() }
    }

    #[cold]
    fn peek_after_blank(&mut self) -> Read<u8> {
        loop {
            match self.byte(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    /// Takes `wanted`, which has to come next.
    #[inline]
    pub fn take(&mut self, wanted: u8) -> Read<()> {
        if self.peek()? != wanted {
            return Err(Doubt);
        }
        self.at += 1;
        Ok(())
    }

    pub fn word(&mut self, word: &str) -> Read<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Doubt);
        }
        self.at += word.len();
        Ok(())
    }

    /// Enters an object or array at its bracket.
    #[inline]
    pub fn enter(&mut self) -> Read<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_NESTING { Err(Doubt) } else { Ok(()) }
    }

    /// Whether another member or item follows; where none does, takes `close`.
    #[inline]
    pub fn follows(&mut self, first: bool, close: u8) -> Read<bool> {
        match self.peek()? {
            byte if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ if first => Ok(true),
            b',' => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(Doubt),
        }
    }

    /// The place, from `from` on, of the first byte that cannot stand for itself in a string: a quote, a
    /// backslash or a control character.
    #[inline]
    pub fn special(&self, from: usize) -> Read<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            let marks = marks(block);
            if marks != 0 {
                return Ok(at + (marks.trailing_zeros() / u8::BITS) as usize);
            }
            at += BLOCK;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        rest.iter().position(|byte| is_special(*byte)).map(|place| at + place).ok_or(Doubt)
    }

    #[cold]
    pub fn unescaped(&mut self, start: usize) -> Read<String> {
        let mut text = String::new();
        let mut from = start;
        loop {
            let at = self.special(from)?;
            text.push_str(self.text.get(from..at).ok_or(Doubt)?);
            if self.byte(at)? == b'"' {
                self.at = at + 1;
                return Ok(text);
            }
            let (character, length) = self.escape(at)?;
            text.push(character);
            from = at + length;
        }
    }

    /// What the escape here stands for, and its length; surrogates are left to `serde_json`.
    fn escape(&self, at: usize) -> Read<(char, usize)> {
        if self.byte(at)? != b'\\' {
            return Err(Doubt);
        }
        let character = match self.byte(at + 1)? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\x08',
            b'f' => '\x0C',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let digits = self.text.as_bytes().get(at + 2..at + 6).ok_or(Doubt)?;
                let digits = digits.iter().try_fold(0, |code, digit| {
                    char::from(*digit).to_digit(16).map(|digit| code * 16 + digit)
                });
                return Ok((digits.and_then(char::from_u32).ok_or(Doubt)?, 6));
            }
            _ => return Err(Doubt),
        };
        Ok((character, 2))
    }

    fn skip_string(&mut self) -> Read<()> {
        let mut from = self.at + 1;
        loop {
            let at = self.special(from)?;
            if self.byte(at)? == b'"' {
                self.at = at + 1;
                return Ok(());
            }
            from = at + self.escape(at)?.1;
        }
    }

    /// How many digits come next.
    fn digits(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// The end of the whole part of the number here, which has no zero in front.
    pub fn whole_part(&self) -> Read<usize> {
        let start = self.at + usize::from(self.byte(self.at)? == b'-');
        match (self.byte(start), self.digits(start)) {
            (_, 0) => Err(Doubt),
            (Ok(b'0'), 2..) => Err(Doubt),
            (_, length) => Ok(start + length),
        }
    }

    fn skip_number(&mut self) -> Read<()> {
        self.at = self.whole_part()?;
        if self.byte(self.at) == Ok(b'.') {
            let length = self.digits(self.at + 1);
            if length == 0 {
                return Err(Doubt);
            }
            self.at += 1 + length;
        }
        if matches!(self.byte(self.at), Ok(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(self.at + 1), Ok(b'+' | b'-')));
            let length = self.digits(self.at + 1 + sign);
            if length == 0 {
                return Err(Doubt);
            }
            self.at += 1 + sign + length;
        }
        Ok(())
    }

    /// Passes over one value and sees that it is JSON.
    pub fn skip(&mut self) -> Read<()> {
        match self.peek()? {
            b'"' => self.skip_string(),
            b'{' => {
                self.enter()?;
                let mut first = true;
                while self.follows(std::mem::take(&mut first), b'}')? {
                    if self.peek()? != b'"' {
                        return Err(Doubt);
                    }
                    self.skip_string()?;
                    self.take(b':')?;
                    self.skip()?;
                }
                Ok(())
            }
            b'[' => {
                self.enter()?;
                let mut first = true;
                while self.follows(std::mem::take(&mut first), b']')? {
                    self.skip()?;
                }
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.skip_number(),
        }
    }
}
