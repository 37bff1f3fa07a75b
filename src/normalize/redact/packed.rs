//! Records inside strings: JSON written as a string, base64, and what is packed in base64 or as a whole.

use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{Edits, values};

/// Bytes that one string may unpack to, as for a reader of envelopes: stops gzip bombs. What is larger is
/// refused there, and replaced as a whole here.
const LARGEST_UNPACKED: u64 = 64 << 20;

/// Characters of the shortest base64 that could hold a record.
const SHORTEST_PACKED: usize = 64;

/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// How zstd begins (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// One string of an envelope, quotes included.
pub(super) fn string(quoted: &str, base: usize, depth: u32, edits: &mut Edits) {
    let Some(inner) = quoted.get(1..quoted.len().saturating_sub(1)) else { return };
    let range = base..base + quoted.len();
    if let Some(b'{' | b'[' | b'\\') = inner.trim_start().as_bytes().first() {
        let Ok(held) = serde_json::from_str::<String>(quoted) else { return };
        if let Some(changed) = changed(held.as_bytes(), depth) {
            edits.replace(range, quote(&changed));
        }
    } else if inner.len() >= SHORTEST_PACKED && is_base64(inner) {
        let Ok(held) = STANDARD.decode(inner.replace("\\/", "/")) else { return };
        if let Some(changed) = unpacked(&held, depth) {
            edits.replace(range, format!("\"{}\"", STANDARD.encode(changed)));
        }
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\\'))
}

/// What was in base64, redacted, where that changes it.
fn unpacked(held: &[u8], depth: u32) -> Option<Vec<u8>> {
    match plain(held) {
        None => {
            let json = matches!(held.trim_ascii_start().first(), Some(b'{' | b'['));
            json.then(|| changed(held, depth)).flatten()
        }
        Some(Err(too_large)) => Some(too_large.to_vec()),
        Some(Ok(plain)) => {
            let changed = changed(&plain, depth)?;
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&changed).ok()?;
            encoder.finish().ok()
        }
    }
}

/// What stands in for something that unpacks to too much.
const TOO_LARGE: &[u8] = b"too large once unpacked, left out";

/// What is packed as gzip or zstd, as far as it unpacks; nothing where it is not packed.
pub(super) fn plain(held: &[u8]) -> Option<Result<Vec<u8>, &'static [u8]>> {
    let mut unpacking: Box<dyn Read + '_> = if held.starts_with(&GZIP) {
        Box::new(MultiGzDecoder::new(held))
    } else if held.starts_with(&ZSTD) {
        Box::new(zstd::stream::read::Decoder::new(held).ok()?)
    } else {
        return None;
    };
    let mut plain = Vec::new();
    // What is behind damage is lost to every reader.
    let _ = unpacking.by_ref().take(LARGEST_UNPACKED + 1).read_to_end(&mut plain);
    Some(if plain.len() as u64 > LARGEST_UNPACKED { Err(TOO_LARGE) } else { Ok(plain) })
}

/// Text that holds values, redacted, where that changes it.
pub(super) fn changed(held: &[u8], depth: u32) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(held).ok()?;
    let mut edits = Edits::default();
    values(text, 0, depth + 1, &mut edits);
    match edits.apply(held) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    }
}

fn quote(text: &[u8]) -> String {
    serde_json::Value::String(String::from_utf8_lossy(text).into_owned()).to_string()
}
