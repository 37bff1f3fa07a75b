//! One entry as it lies on disk: a mark, its length, a checksum, when it was received, and its bytes.

use flate2::Crc;

/// How every entry begins. After damage the next one is looked for by it.
pub(super) const MAGIC: &[u8; 4] = b"\xF0KW1";

/// Bytes before an entry's payload: mark, length, checksum (both little-endian, 32 bits), microseconds.
pub(super) const HEADER: usize = 4 + 4 + 4 + 8;

/// What begins at some place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'b> {
    Entry {
        payload: &'b [u8],
        received_at: i64,
        /// Bytes with the header.
        length: usize,
    },
    /// It needs this many bytes to tell.
    Short(usize),
    /// No entry.
    Bad,
}

/// Appends one entry to `into`. A payload of 4 GiB and more is cut off: bodies are bounded far below.
pub(super) fn encode(into: &mut Vec<u8>, payload: &[u8], received_at: i64) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(MAGIC);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(length, received_at, payload).to_le_bytes());
    into.extend_from_slice(&received_at.to_le_bytes());
    into.extend_from_slice(payload);
}

/// Reads the entry that `bytes` begin with.
pub(super) fn decode(bytes: &[u8]) -> Found<'_> {
    let known = bytes.len().min(MAGIC.len());
    if bytes.get(..known) != MAGIC.get(..known) {
        return Found::Bad;
    }
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Found::Short(HEADER) };
    let (Some(length), Some(stored), Some(time)) = (number(header, 4), number(header, 8), time(header))
    else {
        return Found::Bad;
    };
    let length_in_memory = usize::try_from(length).unwrap_or(usize::MAX);
    let Some(payload) = rest.get(..length_in_memory) else {
        return Found::Short(HEADER.saturating_add(length_in_memory));
    };
    if checksum(length, time, payload) != stored {
        return Found::Bad;
    }
    Found::Entry { payload, received_at: time, length: HEADER + length_in_memory }
}

fn number(header: &[u8], at: usize) -> Option<u32> {
    header.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn time(header: &[u8]) -> Option<i64> {
    header.get(12..)?.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}

fn checksum(length: u32, received_at: i64, payload: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&length.to_le_bytes());
    crc.update(&received_at.to_le_bytes());
    crc.update(payload);
    crc.sum()
}
