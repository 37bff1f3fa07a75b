//! Identity is derived, never drawn: ids are hashes of what they are about.

use sha2::{Digest, Sha256};

/// Hashes parts so that ("ab", "c") differs from ("a", "bc").
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The first half of [`digest`], as a number: the uid of an event.
pub fn uid(parts: &[&[u8]]) -> u128 {
    let whole = digest(parts);
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    u128::from_be_bytes(half)
}

/// The first half of [`digest`] as 32 hex digits: the id of a finding or alert.
pub fn hex_id(parts: &[&[u8]]) -> String {
    format!("{:032x}", uid(parts))
}

/// Odd and without pattern: the digits of pi, as in foldhash and others.
const MIX: u64 = 0x243f_6a88_85a3_08d3;

/// A fast hash that stays the same in every version and on every machine, for what is written to disk and
/// compared for equality. Not for telling hostile contents apart by itself: that is [`digest`]'s.
pub fn fingerprint(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MIX);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mixed(hash, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        hash = mixed(hash, rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    hash.rotate_left(29).wrapping_mul(MIX)
}

const fn mixed(hash: u64, word: u64) -> u64 {
    let wide = (hash ^ word ^ MIX) as u128 * (MIX.rotate_left(32) | 1) as u128;
    (wide as u64) ^ (wide >> 64) as u64
}

/// What stands in for a secret: `redacted:` and eight hex digits of its SHA-256.
///
/// Equal secrets stay recognisable as equal; the digits are too few to search for the secret. What stands
/// in already stands in for itself, so that redacting twice is redacting once.
pub fn redacted(secret: &[u8]) -> String {
    if let Some(stand_in) = stands_in(secret) {
        return stand_in.to_owned();
    }
    let whole: [u8; 32] = Sha256::digest(secret).into();
    let mut first = [0; 4];
    first.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    format!("redacted:{:08x}", u32::from_be_bytes(first))
}

const STAND_IN: &str = "redacted:";

/// Hex digits of a stand-in.
const STAND_IN_DIGITS: usize = 8;

/// The stand-in that a text is; before it, Transit's prefix with the key's version may be left.
fn stands_in(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let start = text.len().checked_sub(STAND_IN.len() + STAND_IN_DIGITS)?;
    let (before, stand_in) = text.split_at_checked(start)?;
    let digits = stand_in.strip_prefix(STAND_IN)?;
    let hexadecimal = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let version = before.strip_prefix("vault:v").and_then(|rest| rest.strip_suffix(':'));
    let known = before.is_empty() || version.is_some_and(|version| version.parse::<u32>().is_ok());
    (hexadecimal && known).then_some(stand_in)
}
