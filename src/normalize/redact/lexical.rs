//! Secrets in what is no JSON: damaged records, of which only the names can be looked at.

use super::Edits;
use super::walk::string_end;
use crate::domain::identity::redacted;
use crate::normalize::{cloudtrail, vault};

/// Redacts the texts that stand behind a name and a colon, alone or in a list, where the name is one of a
/// secret.
pub(super) fn redact(bytes: &[u8], base: usize, edits: &mut Edits) {
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', bytes.get(at..).unwrap_or_default()) {
        let start = at + quote;
        at = string_end(bytes, start);
        let name = bytes.get(start + 1..at - 1).unwrap_or_default();
        if !std::str::from_utf8(name).is_ok_and(is_secret) {
            continue;
        }
        let mut value = behind(bytes, at, b":[");
        let signs = value.and_then(|value| bytes.get(at..value)).unwrap_or_default();
        let in_list = signs.contains(&b'[');
        while let Some(start) = value.filter(|start| *start > at) {
            at = string_end(bytes, start);
            put(bytes, start, at, base, edits);
            value = behind(bytes, at, b",").filter(|_| in_list);
        }
    }
}

/// Redacts the text of a string with its quotes, of which the closing one may be cut off.
fn put(bytes: &[u8], start: usize, end: usize, base: usize, edits: &mut Edits) {
    let text = bytes.get(start + 1..end).unwrap_or_default();
    let text = text.strip_suffix(b"\"").unwrap_or(text);
    if !std::str::from_utf8(text).is_ok_and(vault::is_hidden) {
        let clean = redacted(text);
        if clean.as_bytes() != text {
            edits.replace(base + start + 1..base + start + 1 + text.len(), clean);
        }
    }
}

fn is_secret(name: &str) -> bool {
    vault::is_secret_name(name) || vault::is_secret_header(name) || cloudtrail::is_secret_name(name)
}

/// Where the string begins that follows `at` behind some of `signs`; `at` itself where none of them is there.
fn behind(bytes: &[u8], at: usize, signs: &[u8]) -> Option<usize> {
    let rest = bytes.iter().enumerate().skip(at);
    let mut rest = rest.skip_while(|(_, byte)| byte.is_ascii_whitespace() || signs.contains(byte));
    let (place, byte) = rest.next()?;
    (*byte == b'"').then_some(place)
}
