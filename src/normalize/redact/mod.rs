//! Takes secrets out of what a source was sent, before any of it reaches a disk.
//!
//! In: the bytes of one delivery in any envelope, as they came. Out: the same bytes, but where a record in
//! it holds a secret in clear, `redacted:` and eight digits in its place, by the rules of the normalizers
//! beside this module: what they make of the result is what they would make of the original. Exceptions:
//! a record without an id of its own is named by the hash of its bytes, so it is named otherwise.
//!
//! Envelopes are not told apart: whatever looks like a record at any place of a delivery is one, also in
//! JSON inside a string and in base64, packed or not. Text that is no JSON has known names looked for.

mod edits;
mod lexical;
mod packed;
mod walk;

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{cloudtrail, vault};

pub(super) use edits::Edits;
pub(super) use walk::{Kind, Leaf, Members, place_in, walk};

/// Levels of envelopes in one another. A record in CloudWatch Logs in Kinesis in a list has five.
const DEEPEST: u32 = 12;

/// Names that CloudTrail records have; two of them make one.
const CLOUDTRAIL_NAMES: [&str; 8] = [
    "eventVersion",
    "eventSource",
    "eventName",
    "eventTime",
    "userIdentity",
    "awsRegion",
    "requestParameters",
    "responseElements",
];

/// Names that Vault's and OpenBao's entries have; two of them make one.
const VAULT_NAMES: [&str; 5] = ["time", "type", "auth", "request", "response"];

/// The bytes of one delivery without the secrets that are known by their fields.
pub fn redact_raw(payload: &[u8]) -> Cow<'_, [u8]> {
    match packed::plain(payload) {
        Some(Ok(plain)) => return packed::changed(&plain, 0).map_or(Cow::Borrowed(payload), Cow::Owned),
        Some(Err(too_large)) => return Cow::Borrowed(too_large),
        None => {}
    }
    let mut edits = Edits::default();
    match std::str::from_utf8(payload) {
        Ok(text) => values(text, 0, 0, &mut edits),
        Err(_) => lexical::redact(payload, 0, &mut edits),
    }
    edits.apply(payload)
}

/// Values one after the other, with whatever stands between them.
fn values(text: &str, base: usize, depth: u32, edits: &mut Edits) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(start) = rest.find(['{', '[', '\n']) else {
            return lexical::redact(rest.as_bytes(), base + at, edits);
        };
        lexical::redact(rest.get(..start).unwrap_or_default().as_bytes(), base + at, edits);
        at += start;
        let rest = rest.get(start..).unwrap_or_default();
        if rest.starts_with('\n') {
            at += 1;
            continue;
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        if let Some(Ok(raw)) = stream.next() {
            value(raw.get(), base + at, depth, edits);
            at += stream.byte_offset();
        } else {
            let line = rest.find('\n').unwrap_or(rest.len());
            lexical::redact(rest.get(..line).unwrap_or_default().as_bytes(), base + at, edits);
            at += line;
        }
    }
}

/// One value: a record, or whatever may hold some.
fn value(text: &str, base: usize, depth: u32, edits: &mut Edits) {
    if depth > DEEPEST {
        return lexical::redact(text.as_bytes(), base, edits);
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            if let Some(members) = Members::of(text) {
                object(text, &members, base, depth, edits);
            }
        }
        Some(b'[') => {
            for element in serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default() {
                value(element.get(), base + place_in(text, element.get()), depth + 1, edits);
            }
        }
        Some(b'"') => packed::string(text, base, depth, edits),
        _ => {}
    }
}

fn object(text: &str, members: &Members<'_>, base: usize, depth: u32, edits: &mut Edits) {
    let count = |names: &[&str]| names.iter().filter(|name| members.has(name)).count();
    if count(&CLOUDTRAIL_NAMES) >= 2 {
        cloudtrail::redact_members(text, members, base, edits);
    } else if count(&VAULT_NAMES) >= 2 {
        vault::redact_entry(text, members, base, edits);
    } else {
        for (_, member) in &members.0 {
            value(member.get(), base + place_in(text, member.get()), depth + 1, edits);
        }
    }
}
