//! From the bytes of one record to its typed fields, and from a parser's error to a reject.
//!
//! Two parsers share everything else: `sonic-rs` for speed, `serde_json` as the one that decides.
//! Whatever `sonic-rs` does not accept is parsed again by `serde_json`, so that the reason of a
//! reject never depends on the path. Records with a `\u` escape always go to `serde_json`:
//! `sonic-rs` 0.5 does not check the digits and turns a lone low surrogate into text that is not
//! UTF-8.

use serde::de::DeserializeSeed;
use serde_json::error::Category;

use super::field::{Field, Place};
use super::record::Record;
use crate::domain::reject::{Reject, RejectReason};

/// The deepest nesting of a record, in objects and arrays. Real records nest under 20; both parsers
/// recurse, and `serde_json` itself stops at 127.
const MAX_NESTING: usize = 100;

/// Which parser reads the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// `sonic-rs`, and `serde_json` for what it refuses. Only for records without a `\u` escape.
    Fast,
    /// `serde_json` alone.
    Plain,
}

/// The record as text.
///
/// # Errors
/// Where it is no UTF-8 or nests deeper than [`MAX_NESTING`].
pub fn text(record: &[u8]) -> Result<&str, Reject> {
    let text = simdutf8::basic::from_utf8(record)
        .map_err(|_| Reject::new(RejectReason::InvalidUtf8, "the record is no valid UTF-8"))?;
    if nests_too_deep(record) {
        let detail = format!("the record nests deeper than {MAX_NESTING} objects and arrays");
        return Err(Reject::new(RejectReason::TooDeep, detail));
    }
    Ok(text)
}

/// Only a record with enough opening brackets can nest too deep, so nearly all are decided by
/// counting.
fn nests_too_deep(record: &[u8]) -> bool {
    memchr::memchr2_iter(b'{', b'[', record).nth(MAX_NESTING).is_some()
        && deepest_nesting(record) > MAX_NESTING
}

fn deepest_nesting(record: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in record {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Reads the record's fields into `record`.
///
/// # Errors
/// Where it is not one JSON object, or gives a field twice.
pub fn record<'a>(text: &'a str, parser: Parser, record: &mut Field<Record<'a>>) -> Result<(), Reject> {
    if parser == Parser::Plain || fast(text, record).is_err() {
        *record = Field::Absent;
        plain(text, record).map_err(|error| reject(&error))?;
    }
    match record {
        Field::Given(_) => Ok(()),
        Field::Absent | Field::Null | Field::Wrong => {
            Err(Reject::new(RejectReason::UnknownFormat, "the record is not a JSON object"))
        }
    }
}

fn fast<'a>(text: &'a str, record: &mut Field<Record<'a>>) -> Result<(), sonic_rs::Error> {
    let mut parser = sonic_rs::Deserializer::from_str(text);
    Place(record).deserialize(&mut parser)?;
    parser.end()
}

fn plain<'a>(text: &'a str, record: &mut Field<Record<'a>>) -> Result<(), serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    Place(record).deserialize(&mut parser)?;
    parser.end()
}

/// The reject for what `serde_json` says. Its text may quote a value of the record, so only its
/// kind, its place and the names of our own fields are kept.
pub fn reject(error: &serde_json::Error) -> Reject {
    let place = format!("at line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    match error.classify() {
        Category::Eof => Reject::new(RejectReason::Truncated, format!("the record ends {place}")),
        Category::Data if text.starts_with("duplicate field") => {
            let field = text.split('`').nth(1).unwrap_or("?");
            Reject::new(RejectReason::DuplicateField, format!("`{field}` is given twice, {place}"))
        }
        Category::Syntax if text.starts_with("recursion limit") => {
            Reject::new(RejectReason::TooDeep, format!("the record nests too deep {place}"))
        }
        Category::Data | Category::Syntax | Category::Io => {
            Reject::new(RejectReason::InvalidJson, format!("the record is no JSON {place}"))
        }
    }
}
