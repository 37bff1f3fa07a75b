//! From the bytes of one record to its typed fields, and from a parser's error to a reject.
//!
//! Two parsers share everything else: [`json`] for speed, `serde_json` as the one that decides. Whatever
//! the fast one has its doubts about is parsed again by `serde_json`, so that the reason of a reject never
//! depends on the path.

use serde::de::DeserializeSeed;
use serde_json::error::Category;

use super::super::json;
use super::field::{Field, Place};
use super::record::Record;
use crate::domain::reject::{Reject, RejectReason};

/// Which parser reads the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// [`json`], and `serde_json` for what that one doubts.
    Fast,
    /// `serde_json` alone.
    Plain,
}

/// The record as text.
///
/// # Errors
/// Where it is no UTF-8.
pub fn text(record: &[u8]) -> Result<&str, Reject> {
    simdutf8::basic::from_utf8(record)
        .map_err(|_| Reject::new(RejectReason::InvalidUtf8, "the record is no valid UTF-8"))
}

/// Reads the record's fields into `record`.
///
/// # Errors
/// Where it is not one JSON object, gives a field twice, or nests deeper than [`json::MAX_NESTING`].
pub fn record<'a>(text: &'a str, parser: Parser, record: &mut Field<Record<'a>>) -> Result<(), Reject> {
    if parser == Parser::Plain || json::read(Place(record), text).is_err() {
        *record = Field::Absent;
        check_nesting(text)?;
        plain(text, record).map_err(|error| reject(&error))?;
    }
    match record {
        Field::Given(_) => Ok(()),
        Field::Absent | Field::Null | Field::Wrong => {
            Err(Reject::new(RejectReason::UnknownFormat, "the record is not a JSON object"))
        }
    }
}

fn check_nesting(text: &str) -> Result<(), Reject> {
    if !json::nests_too_deep(text.as_bytes()) {
        return Ok(());
    }
    let detail = format!("the record nests deeper than {} objects and arrays", json::MAX_NESTING);
    Err(Reject::new(RejectReason::TooDeep, detail))
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
