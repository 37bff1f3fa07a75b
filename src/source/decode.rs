//! Decodes what envelopes hold: JSON in strings, base64, gzip in memory, each within a bound.

use std::io::Read;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

use super::decompress::GZIP_MAGIC;
use super::members::{plain, written};
use crate::domain::reject::{Reject, RejectReason};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text that a JSON string means.
///
/// # Errors
/// Where it is no JSON string.
pub(super) fn text(quoted: &[u8]) -> Result<Vec<u8>, Reject> {
    written(quoted).and_then(plain).map(String::into_bytes).ok_or_else(|| {
        if simdutf8::basic::from_utf8(quoted).is_err() {
            Reject::new(RejectReason::InvalidUtf8, "a string that holds a record is not UTF-8")
        } else {
            Reject::new(RejectReason::InvalidJson, "a string that holds a record has a wrong escape")
        }
    })
}

/// What a JSON string holds as base64, unpacked where it is gzip, up to `most` bytes.
///
/// # Errors
/// Where it is not base64, does not unpack, or is larger.
pub(super) fn base64(quoted: &[u8], most: usize) -> Result<Vec<u8>, Reject> {
    let decoded = BASE64.decode(text(quoted)?).map_err(|_| {
        Reject::new(RejectReason::InvalidJson, "what should hold a record in base64 is no base64")
    })?;
    if decoded.starts_with(&GZIP_MAGIC) { gunzip(&decoded, most) } else { Ok(decoded) }
}

fn gunzip(packed: &[u8], most: usize) -> Result<Vec<u8>, Reject> {
    let mut plain = Vec::new();
    let mut decoder = MultiGzDecoder::new(packed).take(most as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(|_| {
        Reject::new(RejectReason::InvalidCompression, "the gzip data in an envelope does not unpack")
    })?;
    if plain.len() > most {
        return Err(Reject::new(RejectReason::TooLarge, "the gzip data in an envelope unpacks to too much"));
    }
    Ok(plain)
}
