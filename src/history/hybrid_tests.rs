use proptest::prelude::*;

use super::*;

/// A plain decoder, bit by bit.
fn decode(mut bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
    let mut values = Vec::new();
    while values.len() < count {
        let mut header = 0_u64;
        let mut shift = 0;
        loop {
            let byte = bytes[0];
            bytes = &bytes[1..];
            header |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let length = (header >> 1) as usize;
        if header & 1 == 1 {
            for place in 0..length * GROUP {
                let value = (0..usize::from(width)).fold(0, |value, bit| {
                    let at = place * usize::from(width) + bit;
                    value | u32::from(bytes[at / 8] >> (at % 8) & 1) << bit
                });
                values.push(value);
            }
            bytes = &bytes[length * usize::from(width)..];
        } else {
            let size = usize::from(width.div_ceil(8));
            let value = bytes[..size].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            values.extend(std::iter::repeat_n(value, length));
            bytes = &bytes[size..];
        }
    }
    values.truncate(count);
    values
}

fn runs(width: u8) -> impl Strategy<Value = Vec<u32>> {
    let highest = (1_u64 << width).saturating_sub(1) as u32;
    prop::collection::vec((0..=highest, 1..40_usize), 0..60).prop_map(|runs| {
        runs.into_iter().flat_map(|(value, count)| std::iter::repeat_n(value, count / 4 + 1)).collect()
    })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes((width, values) in (0..=24_u8).prop_flat_map(|width| (Just(width), runs(width)))) {
        let mut out = Vec::new();
        encode(&values, width, &mut out);
        prop_assert_eq!(decode(&out, width, values.len()), values);
    }
}

#[test]
fn a_long_run_takes_few_bytes() {
    let mut out = Vec::new();
    encode(&[5; 1_000_000], 3, &mut out);
    assert!(out.len() <= 4, "{}", out.len());
}

#[test]
fn a_width_holds_its_highest_number() {
    assert_eq!([0, 1, 2, 3, 4, 255, 256].map(width_of), [0, 1, 2, 2, 3, 8, 9]);
}
