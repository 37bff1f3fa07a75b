//! Vault and OpenBao audit entries: the bytes of one entry in, its events out.
//!
//! One call is two entries, a request and a response. Both become the same event, the request's waiting
//! for its response (`awaits_response`, outcome unknown): the join step drops it when the response is
//! there and keeps it when none ever comes. [`request_id`] tells it which belong together.
//!
//! | module | decides |
//! |---|---|
//! | `entry`, `json` | how bytes become an entry, and what is a reject |
//! | `mount` | namespace, engine, mount and path below it |
//! | `transit` `pki` `ssh` `kv` `totp` `identity` `auth` `sys` `kmip` | the action, by path and operation |
//! | [`action`] | the table of actions, with category and function |
//! | `principal`, `method` | who called |
//! | `outcome` | what became of it |
//! | `secrets` | what is redacted, and whether something came in clear |
//! | `clear` | the same, in an entry that is to be stored as it came |
//! | `event` | the event itself |

pub mod action;
mod auth;
mod call;
mod clear;
mod entry;
mod event;
mod identity;
mod json;
mod kmip;
mod kv;
mod method;
mod mount;
mod outcome;
mod peek;
mod pki;
mod principal;
mod secrets;
mod ssh;
mod sys;
mod totp;
mod transit;

use action::Action;
use call::{Asked, Call, KeyName, Operation};
use entry::{Entry, Parser};
use event::Source;
use json::Json;
use mount::{Engine, Place};

use super::{Arena, Emit, Normalized, Result};
use crate::domain::event::{KeyEvent, Outcome};
use crate::domain::identity::hex_id;
use crate::domain::reject::{Aside, Reject, RejectReason};
use crate::domain::time::parse_rfc3339;

pub(super) use clear::{is_secret_header, redact_entry};
pub use entry::EntryType;
pub use peek::{Half, half, request_id, seems_response};
pub(super) use secrets::{is_hidden, is_secret_name};

/// Normalizes one audit entry.
///
/// # Errors
/// Where the entry cannot be understood.
pub fn normalize(record: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    normalize_with(Parser::Fast, record, arena, emit)
}

/// Normalizes one audit entry through `serde_json`: slower, and the oracle that [`normalize`] is held
/// against.
///
/// # Errors
/// Where the entry cannot be understood.
pub fn normalize_plain(record: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    normalize_with(Parser::Plain, record, arena, emit)
}

fn normalize_with(parser: Parser, record: &[u8], arena: &Arena, emit: &mut Emit<'_>) -> Result {
    let entry: Entry<'_> = entry::read(record, parser)?;
    let kind = EntryType::from_word(entry::required(entry.kind.as_ref(), "type")?).ok_or_else(|| {
        Reject::new(RejectReason::UnknownFormat, "the entry's `type` is none of an audit device's")
    })?;
    let time = parse_rfc3339(entry::required(entry.time.as_ref(), "time")?)
        .ok_or_else(|| Reject::new(RejectReason::InvalidTime, "the entry's `time` is not RFC 3339"))?;
    if kind.is_kmip() {
        return Ok(kmip_events(&entry, kind, time, arena, emit));
    }
    let no_request = Reject::new(RejectReason::MissingField, "the entry has no `request`");
    let request = entry.request.as_ref().ok_or(no_request)?;
    entry::required(request.path.as_ref(), "request.path")?;
    entry::required(request.operation.as_ref(), "request.operation")?;
    if is_probe(&entry, kind) {
        return Ok(Normalized::Irrelevant(Aside::Probe));
    }
    let source = source(&entry, kind, request);
    let Some(call) = call(source) else { return Ok(Normalized::Irrelevant(Aside::OtherCall)) };
    let own_id = request.id.as_deref().filter(|id| !id.is_empty());
    let id = own_id.unwrap_or_else(|| arena.alloc_str(&hex_id(&[record])));
    let frame = event::frame(&entry, kind, time, id, source.place.namespace);
    let frame = KeyEvent { request_id: own_id, ..frame };
    emit(&event::event(source, call, frame, arena));
    Ok(Normalized::Events(1))
}

/// A new audit device writes this into itself, without caller and without a response to come.
fn is_probe(entry: &Entry<'_>, kind: EntryType) -> bool {
    let path = entry.request.as_ref().and_then(|request| request.path.as_deref());
    let anonymous = entry.auth.as_ref().is_none_or(|auth| {
        auth.client_token.is_none() && auth.token_type.as_deref().is_none_or(|kind| kind == "default")
    });
    kind == EntryType::Request && path == Some("sys/audit/test") && anonymous
}

const NULL: &Json<'static> = &Json::Null;

fn source<'a>(entry: &'a Entry<'a>, kind: EntryType, request: &'a entry::Request<'a>) -> Source<'a> {
    Source {
        entry,
        kind,
        request,
        place: mount::place(request),
        operation: Operation::from_word(request.operation.as_deref().unwrap_or_default()),
        asked: request.data.as_ref().unwrap_or(NULL),
        answered: entry.response.as_ref().and_then(|response| response.data.as_ref()).unwrap_or(NULL),
    }
}

/// What the call did, or nothing where it touches neither key nor access nor logging.
fn call(source: Source<'_>) -> Option<Call<'_>> {
    let asked = Asked { rest: source.place.rest, operation: source.operation, data: source.asked };
    if asked.operation == Operation::Other {
        return None;
    }
    match source.place.engine {
        Engine::Transit => Some(transit::call(&asked)),
        Engine::Pki => pki::call(&asked),
        Engine::Ssh => Some(ssh::call(&asked)),
        Engine::Kv => kv::call(&asked),
        Engine::Totp => totp::call(&asked),
        Engine::Identity => identity::call(&asked),
        Engine::Token => auth::token(&asked).map(Call::plain),
        Engine::Auth => auth::method(&asked).map(Call::plain),
        Engine::System => sys::action(&asked).map(Call::plain),
        Engine::KmipMount => (!asked.operation.reads()).then_some(Call::plain(Action::KmipConfig)),
        Engine::Unknown => Some(unknown(&asked)),
        Engine::Irrelevant => None,
    }
}

/// A call to an engine that the entry does not name. The whole path may be a declared secret's, so it
/// is the key; what was done with it stays open.
fn unknown<'a>(asked: &Asked<'a>) -> Call<'a> {
    let action = match asked.operation {
        Operation::List => return Call::plain(Action::UnknownList),
        Operation::Read => Action::UnknownRead,
        Operation::Delete => Action::UnknownDelete,
        _ => Action::UnknownWrite,
    };
    if asked.rest.is_empty() { Call::plain(action) } else { Call::named(action, asked.rest) }
}

/// One event for each operation of a KMIP message.
fn kmip_events(
    entry: &Entry<'_>,
    kind: EntryType,
    time: i64,
    arena: &Arena,
    emit: &mut Emit<'_>,
) -> Normalized {
    let request = entry.request.as_ref();
    let namespace = request.and_then(|request| mount::namespace(request));
    let asked = request.and_then(|request| request.data.as_ref()).unwrap_or(NULL);
    let answered = entry.response.as_ref().and_then(|response| response.data.as_ref()).unwrap_or(NULL);
    let place = Place { engine: Engine::KmipMount, method: None, namespace, mount: "kmip", rest: "" };
    let id = arena.alloc_str(&kmip::exchange_id(entry, time));
    let mut frame = event::frame(entry, kind, time, id, namespace);
    frame.source_ip = frame.source_ip.map(without_port);
    principal::kmip_client(entry, arena).fill(&mut frame);
    let trees = [asked.get("kmip_request"), answered.get("kmip_response")];
    if trees.into_iter().flatten().any(kmip::has_clear_secret) {
        frame.request = Some(r#"{"clear_secrets":true}"#);
    }
    let mut count = 0_u8;
    for item in kmip::items(asked, answered) {
        let key = item.identifier.map_or(KeyName::None, KeyName::Named);
        let key_id = event::key_id(place, key, arena);
        emit(&kmip_event(item, kind, key_id, count, frame.clone()));
        count = count.saturating_add(1);
    }
    Normalized::Events(count)
}

fn kmip_event<'a>(
    item: kmip::Item<'a>,
    kind: EntryType,
    key_id: Option<&'a str>,
    ordinal: u8,
    frame: KeyEvent<'a>,
) -> KeyEvent<'a> {
    let kmip::Item { action, outcome, message, .. } = item;
    KeyEvent {
        ordinal,
        service: Some(action.service()),
        action: Some(action.name()),
        category: Some(action.category()),
        function: action.function(),
        outcome: Some(if kind.awaits_response() { Outcome::Unknown } else { outcome }),
        error_message: message.map(outcome::capped),
        key_id,
        key_account: key_id.and(frame.namespace).filter(|namespace| !namespace.is_empty()),
        ..frame
    }
}

/// KMIP entries write `address:port`; an IPv6 address stands in brackets then.
fn without_port(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, _)) if host.starts_with('[') && host.ends_with(']') => {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        Some((host, port)) if !host.contains(':') && port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => address,
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
