//! Parquet's hybrid of run-length and bit-packed coding for small numbers: dictionary indices and
//! definition levels ("Encodings", RLE = 3, of the Parquet format's specification).

use super::delta::push_varint;

/// A run shorter than this costs more than packing it would.
const SHORTEST_RUN: usize = 8;

/// Bit-packed numbers come in groups of this many.
const GROUP: usize = 8;

/// Appends `values`, each below 2^`width`, to `out`.
pub(super) fn encode(values: &[u32], width: u8, out: &mut Vec<u8>) {
    let mut pending = values;
    let mut literals = 0_usize;
    let mut rest = values;
    while let Some(run) = leading_run(rest) {
        // Literals must fill whole groups, so a run lends them its first values.
        let lent = literals.next_multiple_of(GROUP) - literals;
        if run >= SHORTEST_RUN + lent {
            let (packed, after) = pending.split_at_checked(literals + lent).unwrap_or((pending, &[]));
            pack(packed, width, out);
            encode_run(after.first().copied().unwrap_or_default(), run - lent, width, out);
            rest = rest.get(run..).unwrap_or_default();
            pending = rest;
            literals = 0;
        } else {
            literals += run;
            rest = rest.get(run..).unwrap_or_default();
        }
    }
    pack(pending, width, out);
}

/// Appends `count` times `value`.
pub(super) fn encode_run(value: u32, count: usize, width: u8, out: &mut Vec<u8>) {
    if count == 0 {
        return;
    }
    push_varint((count as u64) << 1, out);
    out.extend(value.to_le_bytes().iter().take(usize::from(width.div_ceil(8))));
}

/// How many bits the numbers up to `highest` need.
pub(super) const fn width_of(highest: u32) -> u8 {
    (u32::BITS - highest.leading_zeros()) as u8
}

fn leading_run(values: &[u32]) -> Option<usize> {
    let first = values.first()?;
    Some(values.iter().take_while(|value| *value == first).count())
}

/// Packs `values`, the last group filled up with zeros; the reader knows how many there are.
fn pack(values: &[u32], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    push_varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    out.reserve(end - out.len());
    let mut bits = 0_u64;
    let mut held = 0;
    for value in values {
        bits |= u64::from(*value) << held;
        held += u32::from(width);
        if held >= u32::BITS {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= u32::BITS;
            held -= u32::BITS;
        }
    }
    out.extend(bits.to_le_bytes().iter().take(held.div_ceil(8) as usize));
    out.resize(end, 0);
}

#[cfg(test)]
#[path = "hybrid_tests.rs"]
mod tests;
