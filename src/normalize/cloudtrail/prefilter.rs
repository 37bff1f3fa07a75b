//! Tells from a record's bytes alone that it touches no key, without parsing it.
//!
//! It may only say so where that is provable: the record has no `\u` escape, so a key or a name of
//! ours could not be spelt otherwise; exactly one `"eventSource"` and one `"eventName"` stand before
//! a string; and those two are no call of interest. Whatever looks odd in any way is left to the
//! parser.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::service::{Service, Target, short_name};

/// What a look at the bytes tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A call that touches no key.
    Irrelevant,
    /// To be parsed; has no `\u` escape.
    Plain,
    /// To be parsed; has a `\u` escape.
    Escaped,
}

struct Needles {
    escape: Finder<'static>,
    source: Finder<'static>,
    name: Finder<'static>,
    identity: Finder<'static>,
    object_key: [Finder<'static>; 3],
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles {
    escape: Finder::new(br"\u"),
    source: Finder::new(br#""eventSource""#),
    name: Finder::new(br#""eventName""#),
    identity: Finder::new(br#""userIdentity""#),
    object_key: [
        Finder::new(b"server-side-encryption-aws-kms-key-id"),
        Finder::new(b"server-side-encryption-customer-algorithm"),
        Finder::new(b"aws:kms"),
    ],
});

/// Looks at one record.
pub fn look(record: &[u8]) -> Look {
    let needles = &*NEEDLES;
    // Most records have no backslash at all, and one byte is found faster than two.
    if memchr::memchr(b'\\', record).is_some() && needles.escape.find(record).is_some() {
        return Look::Escaped;
    }
    if is_one_object(record) && touches_no_key(record, needles) { Look::Irrelevant } else { Look::Plain }
}

/// Whether the bytes at least begin and end as one object: a record that was cut off is no answer.
fn is_one_object(record: &[u8]) -> bool {
    matches!(record.trim_ascii(), [b'{', .., b'}'])
}

fn touches_no_key(record: &[u8], needles: &Needles) -> bool {
    let Some(source) = only_value(record, &needles.source) else { return false };
    // Other sources (notifications of S3, for one) are told apart by the parser.
    if short_name(source).is_none() {
        return false;
    }
    // Insights records name the call they are about and have no identity of their own.
    if needles.identity.find(record).is_none() {
        return false;
    }
    let Some(name) = only_value(record, &needles.name) else { return false };
    let Some(service) = Service::of(source) else { return true };
    match service.operation(name).map(|operation| operation.target) {
        None => true,
        Some(Target::ObjectKey) if name != "PutBucketEncryption" => {
            needles.object_key.iter().all(|needle| needle.find(record).is_none())
        }
        Some(_) => false,
    }
}

/// The string after a key that occurs exactly once as a key.
fn only_value<'r>(record: &'r [u8], key: &Finder<'_>) -> Option<&'r str> {
    let mut found = None;
    let mut rest = record;
    while let Some(at) = key.find(rest) {
        rest = rest.get(at + key.needle().len()..)?;
        // Not before a colon, it is itself a value.
        let Some(after) = rest.trim_ascii_start().strip_prefix(b":") else { continue };
        if found.is_some() {
            return None;
        }
        found = Some(string_at(after.trim_ascii_start())?);
    }
    found
}

/// The string that begins here, unless it has an escape.
fn string_at(bytes: &[u8]) -> Option<&str> {
    let inner = bytes.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', inner)?;
    let (text, rest) = inner.split_at_checked(end)?;
    rest.starts_with(b"\"").then(|| std::str::from_utf8(text).ok())?
}
