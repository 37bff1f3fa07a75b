//! Tells from a record's bytes alone that it touches no key, without parsing it.
//!
//! It may only say so where that is provable: the record has no `\u` escape, so a key or a name of
//! ours could not be spelt otherwise; exactly one `"eventSource"` and one `"eventName"` stand before
//! a string; and those two are no call of interest. Whatever looks odd in any way is left to the
//! parser.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::service::{Service, Target, short_name};

struct Needles {
    escape: Finder<'static>,
    /// How the names begin that are looked for: one search finds both.
    event: Finder<'static>,
    identity: Finder<'static>,
    object_key: [Finder<'static>; 3],
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles {
    escape: Finder::new(br"\u"),
    event: Finder::new(br#""event"#),
    identity: Finder::new(br#""userIdentity""#),
    object_key: [
        Finder::new(b"server-side-encryption-aws-kms-key-id"),
        Finder::new(b"server-side-encryption-customer-algorithm"),
        Finder::new(b"aws:kms"),
    ],
});

/// Whether the bytes of a record prove that it touches no key.
pub fn touches_no_key(record: &[u8]) -> bool {
    let needles = &*NEEDLES;
    let Some((source, name)) = call(record, needles) else { return false };
    // Insights records name the call they are about and have no identity of their own.
    needles.identity.find(record).is_some()
        && is_one_object(record)
        && is_of_no_interest(source, name, record, needles)
        // Most records have no backslash at all, and one byte is found faster than two.
        && (memchr::memchr(b'\\', record).is_none() || needles.escape.find(record).is_none())
}

/// Whether the bytes at least begin and end as one object: a record that was cut off is no answer.
fn is_one_object(record: &[u8]) -> bool {
    matches!(record.trim_ascii(), [b'{', .., b'}'])
}

/// The source and the name of the call, where each is given exactly once, and where that is worth
/// knowing: every call of some services is of interest.
fn call<'r>(record: &'r [u8], needles: &Needles) -> Option<(&'r str, &'r str)> {
    let (mut source, mut name) = (None, None);
    for place in needles.event.find_iter(record) {
        let rest = record.get(place + needles.event.needle().len()..)?;
        let (found, is_source) = match (rest.strip_prefix(b"Source\""), rest.strip_prefix(b"Name\"")) {
            (Some(after), _) => (after, true),
            (_, Some(after)) => (after, false),
            _ => continue,
        };
        // Not before a colon, it is itself a value.
        let Some(value) = found.trim_ascii_start().strip_prefix(b":") else { continue };
        let value = string_at(value.trim_ascii_start())?;
        if is_source && Service::of(value).is_some_and(Service::is_always_of_interest) {
            return None;
        }
        let earlier = if is_source { source.replace(value) } else { name.replace(value) };
        if earlier.is_some() {
            return None;
        }
    }
    source.zip(name)
}

fn is_of_no_interest(source: &str, name: &str, record: &[u8], needles: &Needles) -> bool {
    // Other sources (notifications of S3, for one) are told apart by the parser.
    if short_name(source).is_none() {
        return false;
    }
    let Some(service) = Service::of(source) else { return true };
    match service.operation(name).map(|operation| operation.target) {
        None => true,
        Some(Target::ObjectKey) if name != "PutBucketEncryption" => {
            needles.object_key.iter().all(|needle| needle.find(record).is_none())
        }
        Some(_) => false,
    }
}

/// The string that begins here, unless it has an escape.
fn string_at(bytes: &[u8]) -> Option<&str> {
    let inner = bytes.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', inner)?;
    let (text, rest) = inner.split_at_checked(end)?;
    rest.starts_with(b"\"").then(|| std::str::from_utf8(text).ok())?
}
