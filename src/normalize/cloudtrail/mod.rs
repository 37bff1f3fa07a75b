//! CloudTrail records.
//!
//! In: one bare record (envelopes are opened by `source`). Out: its key events, or why there are
//! none. The path of a record: a look at its bytes (`prefilter`), its fields (`parse`, `field`,
//! `record`), its operation (`service`, `operations`), what all events of the call share (`call`:
//! caller, outcome, network), and then the keys (`kms`, `secret`, `other`).
//!
//! Uses and reads of keys borrow everything from the record. Changes are read a second time as whole
//! documents (`documents`), because their request and response are kept.
//!
//! Sources of facts: the CloudTrail user guide (record contents, `userIdentity`), the KMS developer
//! guide (CloudTrail entries), and the services' API models.

mod arn;
mod call;
mod caller;
mod documents;
mod few;
mod field;
mod kms;
mod operations;
mod other;
mod outcome;
mod parse;
mod prefilter;
mod principal;
mod record;
mod redaction;
mod secret;
mod service;
mod via;

#[cfg(test)]
mod tests;

use super::{Arena, Emit, Normalized, Result};
use crate::domain::event::Category;
use crate::domain::function::Function;
use crate::domain::reject::{Aside, Reject};

use call::{Call, Found, missing};
use documents::Documents;
use field::Field;
use parse::Parser;
use record::Record;
use service::{Operation, Service, Target};

pub(super) use redaction::{is_secret_name, redact_members};

/// Normalizes one CloudTrail record.
///
/// # Errors
/// Where the record cannot be understood.
pub fn normalize(record: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    if prefilter::touches_no_key(record) {
        return Ok(Normalized::Irrelevant(Aside::OtherCall));
    }
    normalize_with(Parser::Fast, record, arena, emit)
}

/// Normalizes one CloudTrail record without the fast parser and the prefilter: what [`normalize`] is
/// compared with. The events are the same; of a record that touches no key, [`normalize`] does not
/// notice what else may be wrong with it.
///
/// # Errors
/// Where the record cannot be understood.
pub fn normalize_plain(record: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    normalize_with(Parser::Plain, record, arena, emit)
}

/// Whether calls of this source and name become events, either of them left open or given.
pub fn gives_events(source: Option<&str>, name: Option<&str>) -> bool {
    match (source.map(|source| Service::of(&source.to_lowercase())), name) {
        (Some(None), _) => false,
        (Some(Some(service)), Some(name)) => service.operation(name).is_some(),
        (None, Some(name)) => operations::list(name),
        (_, None) => true,
    }
}

/// Whether the bytes of a record alone prove that it touches no key. [`normalize`] asks this itself.
pub fn is_irrelevant(record: &[u8]) -> bool {
    prefilter::touches_no_key(record)
}

/// Only looks at a record and parses it: what every reader of these logs has to do at the least, and so
/// what `keyward bench` holds the whole path against. Whether there was a record to parse.
pub fn parse_only(record: &[u8]) -> bool {
    let mut parsed = Field::Absent;
    !prefilter::touches_no_key(record)
        && parse::text(record).is_ok_and(|text| parse::record(text, Parser::Fast, &mut parsed).is_ok())
}

fn normalize_with(parser: Parser, bytes: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    let text = parse::text(bytes)?;
    let mut parsed = Field::Absent;
    parse::record(text, parser, &mut parsed)?;
    let Some(record) = parsed.given() else { return Ok(Normalized::Irrelevant(Aside::OtherCall)) };
    if let Some(aside) = record.aside() {
        return Ok(Normalized::Irrelevant(aside));
    }
    let Some(found) = find(text, record)? else {
        return Ok(Normalized::Irrelevant(Aside::OtherCall));
    };
    match events(found, arena, emit)? {
        0 => Ok(Normalized::Irrelevant(Aside::OtherCall)),
        count => Ok(Normalized::Events(count)),
    }
}

/// The operation that the record is of, or nothing where it is of no interest.
fn find<'a>(text: &'a str, record: &'a Record<'a>) -> std::result::Result<Option<Found<'a>>, Reject> {
    let source = record.event_source.text("eventSource")?.ok_or_else(|| missing("eventSource"))?;
    let name = record.event_name.text("eventName")?.ok_or_else(|| missing("eventName"))?;
    Ok(Service::of(source).and_then(|service| {
        let operation = service.operation(name)?;
        Some(Found { text, record, service, source, name, operation })
    }))
}

fn events(found: Found<'_>, arena: &Arena, emit: &mut Emit<'_>) -> std::result::Result<u8, Reject> {
    let mut call = Call::unread(&found, arena);
    call.read(found)?;
    let documents = if needs_documents(found.operation) { Some(Documents::of(found.text)?) } else { None };
    if let Some(documents) = &documents {
        call.attach(documents);
    }
    let nothing = Documents::default();
    let whole = documents.as_ref().unwrap_or(&nothing);
    match found.operation.target {
        Target::None => Ok(other::no_key(&call, emit)),
        Target::Key => kms::one_key(&call, documents.as_ref(), emit),
        Target::TwoKeys => kms::two_keys(&call, emit),
        Target::Alias => kms::alias(&call, whole, emit),
        Target::Secret => secret::one_secret(&call, documents.as_ref(), emit),
        Target::Secrets => secret::batch(&call, whole, emit),
        Target::Certificate => other::certificate(&call, whole, emit),
        Target::Authority => other::authority(&call, whole, emit),
        Target::Profile => other::profile(&call, whole, emit),
        Target::ObjectKey => other::object_key(&call, whole, emit),
        Target::Shared => Ok(other::shared(&call, whole, emit)),
    }
}

/// Uses and reads of keys and secrets are told by the typed fields alone; the answer to a stored value
/// has the secret's whole ARN.
fn needs_documents(operation: Operation) -> bool {
    let typed = matches!(
        (operation.category, operation.target),
        (Category::Use | Category::Read, Target::None | Target::Key | Target::TwoKeys | Target::Secret)
    );
    !typed || operation.function == Some(Function::Store)
}
