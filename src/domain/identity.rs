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

/// What stands in for a secret: `redacted:` and eight hex digits of its SHA-256.
///
/// Equal secrets stay recognisable as equal; the digits are too few to search for the secret.
pub fn redacted(secret: &[u8]) -> String {
    let whole: [u8; 32] = Sha256::digest(secret).into();
    let mut first = [0; 4];
    first.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    format!("redacted:{:08x}", u32::from_be_bytes(first))
}
