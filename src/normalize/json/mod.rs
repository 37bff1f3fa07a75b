//! Reads JSON into whatever `serde` asks for: fast, and only where nothing about it is unusual.
//!
//! In: text. Out: the values that `serde_json` would give, borrowed from the text where they have no
//! escape, or [`Doubt`]. It never accepts what `serde_json` refuses, and never gives another value; but it
//! gives up over whatever is rare (surrogates, fractions, integers of 19 digits, deep nesting) and over
//! everything that is wrong. `serde_json` then reads the text again and decides, so a reject and its reason
//! never depend on this module.
//!
//! `cursor` walks over the text, `reader` gives `serde` what it finds there.

mod cursor;
mod nesting;
mod reader;

use std::fmt;

use serde::de::{DeserializeSeed, Error};

use cursor::Cursor;

pub use nesting::{MAX_NESTING, nests_too_deep};

/// The text was not read, and `serde_json` is to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt;

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read by the fast reader; serde_json decides")
    }
}

impl std::error::Error for Doubt {}

impl Error for Doubt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Reads the one value that `text` is.
///
/// # Errors
/// Where `serde_json` is to decide.
pub fn read<'de, S: DeserializeSeed<'de>>(seed: S, text: &'de str) -> Result<S::Value, Doubt> {
    let mut cursor = Cursor::new(text);
    let value = seed.deserialize(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
