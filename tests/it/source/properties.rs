//! What holds for any bytes, however they arrive.

use keyward::source::{Input, Limits, Reader};
use proptest::prelude::*;
use serde_json::Value;

use super::{Dribble, Seen, cloudtrail, gzip, plain, read, read_with, vault, zstd};

fn limits(chunk_bytes: usize, chunk_records: usize) -> Limits {
    Limits { chunk_bytes, chunk_records, ..Limits::default() }
}

/// Pieces that streams are made of, good and bad.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..1000_usize).prop_map(plain),
        2 => (0..1000_usize).prop_map(cloudtrail),
        2 => (0..1000_usize).prop_map(vault),
        1 => Just("{\"Records\":[".to_owned()),
        1 => Just("]}".to_owned()),
        1 => Just("[".to_owned()),
        1 => Just("]".to_owned()),
        2 => Just(",".to_owned()),
        4 => Just("\n".to_owned()),
        1 => Just("\r\n".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("{".to_owned()),
        1 => Just("}".to_owned()),
        1 => Just("{\"a\":".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just("\u{FEFF}".to_owned()),
        1 => Just("@cee: ".to_owned()),
        1 => Just("noise".to_owned()),
        1 => (0..200_usize).prop_map(|n| plain(n).chars().take(n).collect()),
        1 => "[ -~]{0,40}",
    ]
}

/// A JSON value of any shape.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\n\t\u{e9}\u{1F600}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z{}\"\\\\]{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object that no envelope is and that is recognised as a record.
fn record() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("x[a-z]{0,4}", json(), 0..5).prop_map(|map| {
        let mut object: serde_json::Map<String, Value> = map.into_iter().collect();
        object.insert("eventVersion".into(), "1.08".into());
        Value::Object(object)
    })
}

/// What must be the same however a stream is read.
fn comparable(seen: &Seen) -> String {
    format!("{:?} {:?} {:?} {}", seen.records, seen.refused, seen.asides, seen.received)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn arbitrary_bytes_never_panic_and_the_account_adds_up(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let seen = read(&bytes);
        let asides: u64 = seen.asides.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(seen.received, seen.records.len() as u64 + seen.refused.len() as u64 + asides);
        for magic in [&[0x1F, 0x8B, 8, 0][..], &[0x28, 0xB5, 0x2F, 0xFD], b"{\"Records\":[{\"", b"[{\"a\":\""] {
            read([magic, &bytes].concat());
        }
    }

    #[test]
    fn the_same_stream_gives_the_same_records_however_it_is_read(
        pieces in prop::collection::vec(piece(), 0..40),
        most in 1..300_usize,
        chunk_bytes in 1..3000_usize,
        chunk_records in 1..20_usize,
    ) {
        let text = pieces.concat();
        let whole = read(&text);
        let dribbled = read_with(Dribble::new(text.as_bytes(), most), limits(chunk_bytes, chunk_records));
        prop_assert_eq!(comparable(&dribbled), comparable(&whole), "{}", text);
        for packed in [gzip(&text), zstd(&text)] {
            let unpacked = read_with(Dribble::new(&packed, most), limits(chunk_bytes, chunk_records));
            prop_assert_eq!(comparable(&unpacked), comparable(&whole), "{}", text);
        }
    }

    #[test]
    fn every_byte_of_a_stream_is_accounted_for_once(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        let seen = read(&text);
        let places: Vec<_> = seen.records.iter().map(|(_, position, index, _)| (*position, *index))
            .chain(seen.refused.iter().map(|refused| (refused.position, refused.index)))
            .collect();
        let mut distinct = places.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), places.len(), "{:?} in {}", places, text);
        let taken: usize = seen.records.iter().map(|(text, ..)| text.len()).sum();
        let refused: u64 = seen.refused.iter().map(|refused| refused.length).sum();
        prop_assert!(taken as u64 + refused <= text.len() as u64, "{:?} in {}", seen, text);
    }

    #[test]
    fn reading_can_be_continued_after_any_chunk(
        pieces in prop::collection::vec((0..5_usize, 0..100_usize, any::<bool>()), 1..15),
        chunk_records in 1..6_usize,
    ) {
        let text: String = pieces.iter().map(|(kind, number, line)| {
            let list = [plain(*number), "17".into(), cloudtrail(*number), "{}".into()].join(",");
            let piece = match kind {
                0 => plain(*number),
                1 => vault(*number),
                2 => format!("[{list}]"),
                3 => format!("{{\"Records\":[{list},{list}],\"more\":[{list}]}}"),
                _ => format!("{{\"data\":{{\"Records\":[{list}]}}}}"),
            };
            piece + if *line { "\n" } else { "" }
        }).collect();
        let whole = read(&text);
        let input = || Input::stream("test", std::io::Cursor::new(text.clone().into_bytes()));
        let mut reader = Reader::new(vec![input()], limits(200, chunk_records));
        let mut before = Seen::default();
        while let Some(chunk) = reader.next_chunk(Vec::new()).unwrap() {
            before.add(&chunk);
            let mut rest = input();
            rest.start = chunk.next;
            let after = super::read_all(Reader::new(vec![rest], Limits::default()));
            prop_assert_eq!([&before.records[..], &after.records].concat(), whole.records.clone());
            prop_assert_eq!([&before.refused[..], &after.refused].concat(), whole.refused.clone());
        }
    }

    #[test]
    fn framing_agrees_with_serde_json_on_valid_streams(
        records in prop::collection::vec((record(), any::<bool>(), 0..6_usize), 0..12),
        most in 1..100_usize,
    ) {
        let separators = ["\n", "", " ", "\r\n\r\n", "\t", " \n "];
        let text: String = records.iter().map(|(value, pretty, separator)| {
            let text = if *pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
            text.unwrap() + separators[*separator]
        }).collect();
        let expected: Vec<Value> =
            serde_json::Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap).collect();
        let seen = read_with(Dribble::new(text.as_bytes(), most), limits(500, 8));
        let found: Vec<Value> = seen.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(&found, &expected, "{:?} in {}", seen.refused, text);
        prop_assert_eq!(seen.received, expected.len() as u64);
        let array = serde_json::to_string(&serde_json::json!({ "first": [1], "Records": expected, "last": {} })).unwrap();
        let found: Vec<Value> = read(array).texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_damaged_line_never_costs_its_neighbours(
        place in 0..10_usize,
        cut in 1..150_usize,
        noise in "[ -~]{0,5}",
    ) {
        let mut lines: Vec<String> = (0..10).map(plain).collect();
        let whole = lines.clone();
        let at = cut.min(lines[place].len());
        lines[place].truncate(at);
        lines[place].push_str(&noise);
        let seen = read(lines.join("\n") + "\n");
        for (number, line) in whole.iter().enumerate().filter(|(number, _)| *number != place) {
            prop_assert!(seen.texts().contains(&line.as_str()), "{} lost: {:?}", number, seen);
        }
    }

    #[test]
    fn a_stream_cut_anywhere_keeps_every_record_before_the_cut(count in 1..8_usize, share in 0..100_usize, array in any::<bool>()) {
        let records: Vec<String> = (0..count).map(cloudtrail).collect();
        let text = if array { format!("{{\"Records\":[{}]}}", records.join(",")) } else { records.join("\n") };
        let cut = text.len() * share / 100;
        let seen = read(&text[..cut]);
        let kept = seen.records.len();
        prop_assert_eq!(seen.texts(), &records[..kept]);
        let end: usize = if array { 12 } else { 0 } + records.iter().take(kept + 1).map(|record| record.len() + 1).sum::<usize>();
        prop_assert!(kept == count || cut < end, "{} of {} kept at {}", kept, count, cut);
        prop_assert!(seen.refused.len() <= 1);
    }
}
