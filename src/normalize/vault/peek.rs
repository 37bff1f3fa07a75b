//! A cheap look at an entry: its type and the id that a request and its response share.
//!
//! The join step drops requests whose response is in the same batch without normalizing them. The whole
//! record is still checked to be one well-formed JSON object with the fields that an entry needs, so that
//! a damaged line is a reject and not a request that found its response.

use std::borrow::Cow;

use serde::Deserialize;

use super::entry::{Entry, EntryType, Parser, read};
use super::json::{Object, Text};
use super::kmip;
use crate::domain::time::parse_rfc3339;

/// The fields that say whether an entry could be read, without what takes long.
#[derive(Deserialize)]
struct Heading<'a> {
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, rename = "error")]
    _error: Option<Text<'a>>,
    #[serde(rename = "auth")]
    _auth: Option<Object<Skipped>>,
    #[serde(borrow)]
    request: Option<Object<RequestHeading<'a>>>,
    #[serde(rename = "response")]
    _response: Option<Object<Skipped>>,
}

#[derive(Deserialize)]
struct RequestHeading<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    operation: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(rename = "namespace")]
    _namespace: Option<Object<Skipped>>,
}

/// An object whose members are checked to be JSON and not looked at.
#[derive(Deserialize)]
struct Skipped {}

/// Where devices write an entry's type: after the time, which is at most 36 bytes long. Enough also for
/// spaces that a pipeline put in between.
const TYPE_WITHIN_BYTES: usize = 96;

/// Whether the entry is a response by its first bytes. Only a hint, to be had for a few nanoseconds: such
/// an entry is best normalized at once, and the others peeked at afterwards. Where the hint is wrong,
/// nothing but time is lost.
pub fn seems_response(record: &[u8]) -> bool {
    let start = record.get(..TYPE_WITHIN_BYTES).unwrap_or(record);
    memchr::memmem::find(start, b"response\"").is_some()
}

/// The entry's type and the id that it shares with its other half, or nothing where it is no audit
/// entry or has no id.
///
/// For KMIP entries, which have no `request.id`, it is the hash that [`super::normalize`] gives them as
/// `event_id`.
pub fn request_id(record: &[u8]) -> Option<(EntryType, Cow<'_, str>)> {
    half(record).map(|half| (half.kind, half.id))
}

/// One half of a call, peeked at.
#[derive(Debug)]
pub struct Half<'r> {
    pub kind: EntryType,
    /// What the other half has too.
    pub id: Cow<'r, str>,
    /// When it was written, microseconds since the epoch.
    pub time: i64,
}

/// As [`request_id`], with the entry's time.
pub fn half(record: &[u8]) -> Option<Half<'_>> {
    let heading: Heading<'_> = read(record, Parser::Fast).ok()?;
    let kind = EntryType::from_word(&heading.kind?)?;
    let time = parse_rfc3339(&heading.time?)?;
    if kind.is_kmip() {
        let entry: Entry<'_> = read(record, Parser::Fast).ok()?;
        return Some(Half { kind, id: Cow::Owned(kmip::exchange_id(&entry, time)), time });
    }
    let request = heading.request?.0;
    let id = request.id?.0;
    let whole = request.path.is_some() && request.operation.is_some() && !id.is_empty();
    whole.then_some(Half { kind, id, time })
}
