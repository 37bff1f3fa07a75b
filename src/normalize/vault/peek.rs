//! A cheap look at an entry: its type and the id that a request and its response share.
//!
//! The join step drops requests whose response is in the same batch without normalizing them. The whole
//! record is still checked to be one well-formed JSON object, so a broken line is never taken for a
//! request that found its response.

use std::borrow::Cow;

use serde::Deserialize;

use super::entry::{Entry, EntryType, Parser, read};
use super::json::{Json, Object, Text};
use super::kmip;

#[derive(Deserialize)]
struct Heading<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<Object<RequestHeading<'a>>>,
}

#[derive(Deserialize)]
struct RequestHeading<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// The entry's type and the id that it shares with its other half, or nothing where it is no audit
/// entry or has no id.
///
/// For KMIP entries, which have no `request.id`, the id is the hash that [`super::normalize`] gives them
/// as `request_id`.
pub fn request_id(record: &[u8]) -> Option<(EntryType, Cow<'_, str>)> {
    let heading: Heading<'_> = read(record, Parser::Fast).ok()?;
    let kind = EntryType::from_word(&heading.kind?)?;
    if kind.is_kmip() {
        let entry: Entry<'_> = read(record, Parser::Fast).ok()?;
        return Some((kind, Cow::Owned(kmip_pair(&entry))));
    }
    let id = heading.request?.0.id?.0;
    (!id.is_empty()).then_some((kind, id))
}

/// The id that the two halves of a KMIP exchange share.
pub fn kmip_pair(entry: &Entry<'_>) -> String {
    let Some(request) = entry.request.as_ref() else { return kmip::pair_id("", "", &Json::Null) };
    kmip::pair_id(
        request.client_certificate_serial_number.as_deref().unwrap_or_default(),
        request.remote_address.as_deref().unwrap_or_default(),
        request.data.as_ref().unwrap_or(&Json::Null),
    )
}
