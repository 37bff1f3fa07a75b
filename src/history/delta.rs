//! Parquet's delta coding of whole numbers ("Encodings", DELTA_BINARY_PACKED = 5, of the Parquet
//! format's specification): differences to the number before, packed in as few bits as their block needs.

/// Parts of a block, each with a width of its own.
const PARTS: usize = 4;

/// Numbers a part. The format asks for a multiple of 32; the larger, the fewer widths are stored.
const PART: usize = 32;

/// Appends `values` to `out`.
pub(super) fn encode(values: &[i64], out: &mut Vec<u8>) {
    push_varint((PARTS * PART) as u64, out);
    push_varint(PARTS as u64, out);
    push_varint(values.len() as u64, out);
    let mut last = values.first().copied().unwrap_or_default();
    push_zigzag(last, out);
    let mut differences = [0; PARTS * PART];
    for block in values.get(1..).unwrap_or_default().chunks(PARTS * PART) {
        for (slot, value) in differences.iter_mut().zip(block) {
            *slot = value.wrapping_sub(last);
            last = *value;
        }
        encode_block(differences.get_mut(..block.len()).unwrap_or_default(), out);
    }
}

fn encode_block(differences: &mut [i64], out: &mut Vec<u8>) {
    let least = differences.iter().copied().min().unwrap_or_default();
    push_zigzag(least, out);
    for difference in &mut *differences {
        *difference = difference.wrapping_sub(least);
    }
    let widths = out.len();
    out.resize(widths + PARTS, 0);
    for (place, part) in differences.chunks(PART).enumerate() {
        let all = part.iter().fold(0, |all, difference| all | difference.cast_unsigned());
        let width = u64::BITS - all.leading_zeros();
        if let Some(slot) = out.get_mut(widths + place) {
            *slot = width as u8;
        }
        pack(part, width, out);
    }
}

/// Packs one part, filled up with zeros.
fn pack(part: &[i64], width: u32, out: &mut Vec<u8>) {
    let end = out.len() + PART * width as usize / 8;
    out.reserve(PART * width as usize / 8 + size_of::<u64>());
    match width {
        0 => {}
        1..=u32::BITS => pack_narrow(part, width, out),
        _ => pack_wide(part, width, out),
    }
    out.resize(end, 0);
}

/// Packs numbers of at most 32 bits.
fn pack_narrow(part: &[i64], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u64, 0);
    for difference in part {
        bits |= difference.cast_unsigned() << held;
        held += width;
        if held >= u32::BITS {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= u32::BITS;
            held -= u32::BITS;
        }
    }
    out.extend_from_slice(&(bits as u32).to_le_bytes());
}

fn pack_wide(part: &[i64], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u128, 0);
    for difference in part {
        bits |= u128::from(difference.cast_unsigned()) << held;
        held += width;
        if held >= u64::BITS {
            out.extend_from_slice(&(bits as u64).to_le_bytes());
            bits >>= u64::BITS;
            held -= u64::BITS;
        }
    }
    out.extend_from_slice(&(bits as u64).to_le_bytes());
}

fn push_zigzag(value: i64, out: &mut Vec<u8>) {
    push_varint((value.wrapping_shl(1) ^ (value >> (i64::BITS - 1))).cast_unsigned(), out);
}

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what [`encode`] wrote, as the specification says, one bit at a time.
    fn decode(bytes: &[u8]) -> Vec<i64> {
        let mut place = 0;
        let varint = |place: &mut usize| {
            let (mut value, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[*place];
                *place += 1;
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return value;
                }
            }
        };
        let zigzag = |value: u64| (value >> 1) as i64 ^ -((value & 1) as i64);
        let (block, parts, count) = (varint(&mut place), varint(&mut place), varint(&mut place) as usize);
        assert!(block.is_multiple_of(128) && (block / parts).is_multiple_of(32));
        let mut values = vec![zigzag(varint(&mut place))];
        while values.len() < count {
            let least = zigzag(varint(&mut place));
            let widths = bytes[place..place + parts as usize].to_vec();
            place += widths.len();
            for width in widths {
                for number in 0..block / parts {
                    let mut difference = 0_u64;
                    for bit in 0..u64::from(width) {
                        let at = number * u64::from(width) + bit;
                        let byte = bytes[place + at as usize / 8];
                        difference |= u64::from(byte >> (at % 8) & 1) << bit;
                    }
                    if values.len() < count {
                        values.push(
                            values[values.len() - 1].wrapping_add(least).wrapping_add(difference as i64),
                        );
                    }
                }
                place += (block / parts) as usize * width as usize / 8;
                if values.len() == count {
                    break;
                }
            }
        }
        assert_eq!(place, bytes.len());
        values.truncate(count);
        values
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        let mixed = |n: i64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> (n % 63);
        let cases: [Vec<i64>; 6] = [
            vec![],
            vec![7],
            vec![i64::MAX, i64::MIN, 0, -1],
            vec![36; 1000],
            (0..300).collect(),
            (0..777).map(mixed).collect(),
        ];
        for case in cases {
            let mut bytes = Vec::new();
            encode(&case, &mut bytes);
            assert_eq!(decode(&bytes), case);
        }
    }
}
