//! Every kind of damage: the good records around it are kept, and each bad piece is one refusal.

use keyward::domain::reject::RejectReason::{
    self, DuplicateField, InvalidCompression, InvalidJson, InvalidUtf8, TooDeep, TooLarge, Truncated,
    UnknownFormat,
};
use keyward::source::{Input, Limits, Reader, Sample};
use sha2::{Digest, Sha256};

use super::{Seen, cloudtrail, gzip, plain, read, read_with, vault, zstd};

#[track_caller]
fn keeps(seen: &Seen, records: &[String], reasons: &[RejectReason]) {
    assert_eq!(seen.texts(), records, "{:?}", seen.refused);
    assert_eq!(seen.reasons(), reasons, "{:?}", seen.refused);
    assert_eq!(seen.received, (records.len() + reasons.len()) as u64);
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(plain).collect()
}

#[test]
fn a_truncated_stream_keeps_what_came_before() {
    let text: String = (0..2000).map(|n| cloudtrail(n * 7919) + "\n").collect();
    for packed in [gzip(&text), zstd(&text)] {
        for share in [30, 60, 99] {
            let seen = read(&packed[..packed.len() * share / 100]);
            assert!(!seen.records.is_empty());
            assert_eq!(seen.reasons(), [Truncated]);
            assert!(seen.texts().iter().enumerate().all(|(n, text)| *text == cloudtrail(n * 7919)));
        }
    }
}

#[test]
fn a_truncated_gzip_of_an_array_is_one_refusal() {
    let text = format!("{{\"Records\":[{}]}}", (0..2000).map(cloudtrail).collect::<Vec<_>>().join(","));
    let packed = gzip(&text);
    let seen = read(&packed[..packed.len() / 2]);
    assert!(seen.records.len() > 100);
    assert_eq!(seen.reasons(), [Truncated]);
    assert_eq!(seen.places()[0], (0, seen.records.len() as u32));
}

#[test]
fn a_gzip_cut_in_its_header_or_trailer_is_one_refusal() {
    let packed = gzip(plain(0) + "\n");
    keeps(&read(&packed[..5]), &[], &[Truncated]);
    keeps(&read(&packed[..packed.len() - 3]), &lines(1), &[Truncated]);
}

#[test]
fn a_damaged_member_costs_no_other() {
    let mut middle = gzip(plain(1) + "\n");
    let last = middle.len() - 6;
    middle[last] ^= 0xFF; // its checksum
    let bytes = [gzip(plain(0) + "\n"), middle, gzip(plain(2))].concat();
    keeps(&read(bytes), &lines(3), &[InvalidCompression]);
    let mut middle = gzip((0..500).map(cloudtrail).collect::<String>());
    let half = middle.len() / 2;
    middle[half..half + 40].fill(0xFF);
    let seen = read([gzip(plain(0)), middle, gzip(plain(1)), zstd(plain(2))].concat());
    assert_eq!(seen.refused.iter().filter(|refused| refused.reject.reason == InvalidCompression).count(), 1);
    assert!(seen.texts().ends_with(&[&plain(1), &plain(2)]));
}

#[test]
fn bytes_after_a_compressed_stream_are_one_refusal() {
    for packed in [gzip(plain(0)), zstd(plain(0))] {
        let seen = read([packed.as_slice(), b"some noise\nand more"].concat());
        keeps(&seen, &lines(1), &[InvalidCompression]);
        let seen = read([packed.as_slice(), b"noise", &gzip(plain(1))].concat());
        keeps(&seen, &lines(2), &[InvalidCompression]);
    }
}

#[test]
fn what_keyward_does_not_unpack_is_one_refusal() {
    let seen = read(b"PK\x03\x04\x14\0\0\0\n\n\n{\"a\":1}\nmore");
    keeps(&seen, &[], &[UnknownFormat]);
    assert!(seen.refused[0].reject.detail.contains("zip"));
}

#[test]
fn an_array_cut_in_half_keeps_the_records_before() {
    let array = format!("{{\"Records\":[{}", lines(3).join(","));
    keeps(&read(&array), &lines(3), &[Truncated]);
    keeps(&read(format!("{array},")), &lines(3), &[Truncated]);
    keeps(&read(format!("{array}]")), &lines(3), &[Truncated]);
    let cut = &array[..array.len() - 10];
    let seen = read(cut);
    keeps(&seen, &lines(2), &[Truncated]);
    assert_eq!(seen.places(), [(0, 2)]);
    keeps(&read(&array[1 + array.find('[').unwrap() - 1..]), &lines(3), &[Truncated]);
    let pretty = format!("[\n  {}", lines(3).join(",\n  "));
    keeps(&read(&pretty[..pretty.len() - 4]), &lines(2), &[Truncated]);
}

#[test]
fn a_cut_array_costs_no_document_after_it() {
    let whole = format!("{{\"Records\":[{}]}}", lines(2).join(","));
    for cut in [whole.len() - 1, whole.len() - 10, whole.len() - plain(1).len() - 2, 20] {
        let kept = usize::from(cut > 20) + usize::from(cut == whole.len() - 1);
        let expected: Vec<_> = lines(kept).into_iter().chain(lines(2)).collect();
        for between in ["\n", ""] {
            let seen = read(format!("{}{between}{whole}", &whole[..cut]));
            assert_eq!(seen.texts(), expected, "{cut} {between:?} {:?}", seen.refused);
            assert_eq!(seen.refused.len(), 1, "{cut} {between:?} {:?}", seen.refused);
        }
    }
    let seen = read(format!("{}\n{}\n{}\n", &whole[..whole.len() - 10], vault(1), vault(2)));
    keeps(&seen, &[plain(0), vault(1), vault(2)], &[InvalidJson]);
}

#[test]
fn a_bad_element_of_an_array_costs_no_other() {
    let good = lines(3);
    for bad in [
        plain(9).replace("\"1.11\"", "\"1.11"),
        plain(9).replace("\"1.11\"", "1.11\""),
        plain(9).replace("\"Root\"}", "\"Root\""),
        plain(9).replace("{\"type\"", "\"type\""),
        plain(9).replace(':', ""),
        plain(9).replace("Decrypt", "De\ncrypt"),
        plain(9)[..40].to_owned(),
        "garbage".to_owned(),
        "{".to_owned(),
    ] {
        for separator in [",", ",\n", ",\n  "] {
            let text = [&good[0], &bad, &good[1], &good[2]].map(String::as_str).join(separator);
            for (before, after) in [("{\"Records\":[", "]}"), ("[", "]")] {
                let seen = read(format!("{before}{text}{after}\n{}", vault(0)));
                assert_eq!(
                    seen.texts(),
                    [&good[0], &good[1], &good[2], &vault(0)],
                    "{bad} {separator:?} {:?}",
                    seen.refused
                );
                assert_eq!(seen.refused.len(), 1, "{bad} {separator:?} {:?}", seen.refused);
                assert_eq!(seen.places(), [(0, 1)]);
            }
        }
    }
}

#[test]
fn a_bad_first_element_costs_no_other() {
    let bad = plain(9).replace("\"1.11\"", "\"1.11");
    let seen = read(format!("{{\"Records\":[{bad},{}]}}", lines(2).join(",")));
    keeps(&seen, &lines(2), &[InvalidJson]);
}

#[test]
fn a_bad_line_between_good_lines_is_one_refusal() {
    let good = lines(4);
    for bad in [
        "garbage",
        "# a comment",
        "{",
        "{\"eventVersion\":\"1.08",
        "{\"eventVersion\":",
        "{\"eventVersion\":\"1.08\",",
        "{\"eventVersion\":\"1.08\",\"a\":[",
        "{\"eventVersion\":\"1.08\",\"a\":[1,",
        "{\"eventVersion\":\"1.08\",\"a\":{",
        "{\"eventVersion\":\"1.08\",\"a\":{\"b\":1}",
        "{\"eventVersion\":\"1.08\"}}",
        "\"eventVersion\":\"1.08\"}",
        "{\"a\" \"b\"}x",
        "@cee: {\"time\":\"cut",
        "}",
        "]",
        "\u{0}\u{1}",
    ] {
        for place in 0..=good.len() {
            let mut text = good.clone();
            text.insert(place, bad.to_owned());
            for end in ["\n", "\r\n"] {
                let seen = read(text.join(end) + end);
                // A line that ends in `}` is taken by its ends; its normalizer refuses it.
                let mut records = seen.texts();
                records.retain(|record| *record != bad);
                assert_eq!(records, good, "{bad} at {place}: {:?}", seen.refused);
                assert_eq!(seen.received, 5, "{bad} at {place}: {:?}", seen.refused);
                let at: usize = good[..place].iter().map(|line| line.len() + end.len()).sum();
                if let [(position, index)] = seen.places()[..] {
                    assert_eq!((position, index), (at as u64, 0), "{bad} at {place}");
                }
            }
        }
    }
}

#[test]
fn bad_lines_one_after_the_other_are_one_refusal_each() {
    let text = format!("{}\nno\nnone\n{{\"cut\n{{\"cut\":[\n{}\n", plain(0), plain(1));
    let seen = read(text);
    keeps(&seen, &lines(2), &[InvalidJson, InvalidJson, Truncated, Truncated]);
}

#[test]
fn a_bad_object_between_others_on_one_line_costs_no_other() {
    let bad = plain(9).replace("\"Root\"}", "\"Root\"");
    let seen = read(format!("{}{bad}{}{}", plain(0), plain(1), plain(2)));
    keeps(&seen, &lines(3), &[InvalidJson]);
    let seen = read(format!("{bad}{}{}", plain(0), plain(1)));
    keeps(&seen, &lines(2), &[InvalidJson]);
}

#[test]
fn a_broken_record_over_several_lines_is_one_refusal() {
    let pretty = |text: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
    };
    let bad = pretty(&plain(1)).replace("\"Decrypt\",", "\"Decrypt\"");
    let seen = read(format!("{}\n{bad}\n{}\n", pretty(&plain(0)), pretty(&plain(2))));
    keeps(&seen, &[pretty(&plain(0)), pretty(&plain(2))], &[InvalidJson]);
}

#[test]
fn megabytes_without_a_line_break_are_one_refusal() {
    for garbage in ["A", "{\"a\":\"A", "{", "[", "{\"eventVersion\":\"", "[{\"x\":\"", "ab{c\"d"] {
        let noise = garbage.repeat((3 << 20) / garbage.len());
        let seen = read(format!("{}\n{noise}\n{}\n{}", plain(0), plain(1), plain(2)));
        assert_eq!(seen.texts(), lines(3), "{garbage}");
        assert_eq!(seen.refused.len(), 1, "{garbage}");
        let seen = read(format!("{noise}\n{}", plain(0)));
        assert_eq!((seen.texts(), seen.refused.len()), (vec![plain(0).as_str()], 1), "{garbage}");
        assert_eq!(read(noise).refused.len(), 1, "{garbage}");
    }
}

#[test]
fn a_record_that_is_too_large_is_passed_over() {
    let limits = Limits { largest_record: 10_000, chunk_bytes: 1_000, ..Limits::default() };
    let large = plain(9).replace("Decrypt", &"x".repeat(50_000));
    let deep = plain(9).replace("\"Root\"", &format!("[{}1]", "1,".repeat(30_000)));
    for bad in [large, deep] {
        for (text, place) in [
            (format!("{}\n{bad}\n{}\n{}", plain(0), plain(1), plain(2)), (plain(0).len() as u64 + 1, 0)),
            (format!("{}{bad}{}{}", plain(0), plain(1), plain(2)), (plain(0).len() as u64, 0)),
            (format!("{{\"Records\":[{},{bad},{},{}]}}", plain(0), plain(1), plain(2)), (0, 1)),
        ] {
            let seen = read_with(std::io::Cursor::new(text.into_bytes()), limits);
            keeps(&seen, &lines(3), &[TooLarge]);
            assert_eq!(seen.places(), [place]);
            assert_eq!(seen.refused[0].length, bad.len() as u64);
            assert_eq!(seen.refused[0].sha256, <[u8; 32]>::from(Sha256::digest(&bad)));
        }
    }
}

#[test]
fn twenty_thousand_levels_of_nesting_are_one_refusal() {
    let deep = 20_000;
    let closed = [
        format!("{{\"eventVersion\":\"1.08\",\"a\":{}1{}}}", "{\"a\":".repeat(deep), "}".repeat(deep)),
        format!("{{\"eventVersion\":\"1.08\",\"a\":{}{}}}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
    ];
    for bad in &closed {
        keeps(&read(format!("{}\n{bad}\n{}\n{}", plain(0), plain(1), plain(2))), &lines(3), &[TooDeep]);
        keeps(&read(format!("{bad}\n{}", plain(0))), &lines(1), &[TooDeep]);
        keeps(&read(format!("{{\"Records\":[{},{bad},{}]}}", plain(0), plain(1))), &lines(2), &[TooDeep]);
    }
    for open in ["{\"a\":".repeat(deep), "[".repeat(deep)] {
        keeps(&read(format!("{}\n{open}\n{}\n{}", plain(0), plain(1), plain(2))), &lines(3), &[TooDeep]);
        keeps(&read(format!("{open}\n{}\n{}", plain(0), plain(1))), &lines(2), &[TooDeep]);
        assert_eq!(read(&open).refused.len(), 1);
    }
}

#[test]
fn invalid_utf8_costs_its_own_record_only() {
    let mut bad = plain(9).into_bytes();
    let place = bad.windows(7).position(|window| window == b"Decrypt").unwrap();
    bad[place] = 0xFF;
    let bytes = [plain(0).as_bytes(), b"\n", &bad, b"\n", plain(1).as_bytes(), b"\nga\xFFrbage\n"].concat();
    let seen = read(bytes);
    keeps(&seen, &lines(2), &[InvalidUtf8, InvalidJson]);
    assert_eq!(seen.places()[0], (plain(0).len() as u64 + 1, 0));
    assert!(seen.refused[0].reject.detail.contains(&format!("byte {place}")));
    let array =
        [b"{\"Records\":[", plain(0).as_bytes(), b",", &bad, b",", plain(1).as_bytes(), b"]}"].concat();
    keeps(&read(array), &lines(2), &[InvalidUtf8]);
    let text = [
        b"{\"message\":\"{\\\"eventVersion\\\":\\\"1.08\\\",\\\"a\\\":\\\"\xFF\\\"}\"}\n".as_slice(),
        plain(0).as_bytes(),
    ]
    .concat();
    keeps(&read(text), &lines(1), &[InvalidUtf8]);
}

#[test]
fn damage_inside_envelopes_is_one_refusal() {
    for text in [
        r#"{"awslogs":{"data":"not base64!"}}"#.to_owned(),
        r#"{"awslogs":{"data":17}}"#.to_owned(),
        format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, super::base64(&gzip(plain(0))[..30])),
        r#"{"message":"{\"eventVersion\":\"1.08\",\"cut"}"#.to_owned(),
        r#"{"message":"{\"eventVersion\":\"1.08\"\uD800}"}"#.to_owned(),
        r#"{"CloudTrailEvent":null}"#.to_owned(),
        r#"{"log":"level=info msg=started\n","stream":"stdout"}"#.to_owned(),
    ] {
        let seen = read(format!("{}\n{text}\n{}", plain(0), plain(1)));
        assert_eq!((seen.texts().len(), seen.refused.len()), (2, 1), "{text} {:?}", seen.refused);
    }
}

#[test]
fn a_refusal_says_what_it_is_about_without_showing_it() {
    let bad = r#"{"eventName":"Decrypt","secret":"hunter2" 17}"#;
    let seen = read(format!("{}\n{bad}\nx", plain(0)));
    let refused = &seen.refused[0];
    assert_eq!(refused.sample, r#"{"eventName":"xxxxxxx","xxxxxx":"xxxxxx0" 00}"#);
    assert_eq!(refused.length, bad.len() as u64);
    assert_eq!(refused.sha256, <[u8; 32]>::from(Sha256::digest(bad)));
    let shown = |sample| {
        let limits = Limits { sample, ..Limits::default() };
        read_with(std::io::Cursor::new(bad), limits).refused[0].sample.clone()
    };
    assert_eq!(shown(Sample::Raw), bad);
    assert_eq!(shown(Sample::None), "");
}

#[test]
fn an_empty_stream_is_nothing() {
    for text in ["", "\n", " \r\n\t", "\u{FEFF}"] {
        keeps(&read(text), &[], &[]);
        keeps(&read(gzip(text)), &[], &[]);
    }
}

#[test]
fn lines_after_a_cut_array_are_records() {
    let array = format!("{{\"Records\":[{}", lines(3).join(","));
    let seen = read(format!("{}\n{}\n{}\n", &array[..array.len() - 10], plain(7), plain(8)));
    keeps(&seen, &[plain(0), plain(1), plain(7), plain(8)], &[Truncated]);
}

#[test]
fn two_bad_elements_of_an_array_are_two_refusals() {
    let bad = plain(9).replace("\"1.11\"", "\"1.11");
    for separator in [",", ",\n", ",\n  "] {
        let text = [plain(0), bad.clone(), bad.clone(), plain(1)].join(separator);
        let seen = read(format!("[\n{text}\n]\n{}", vault(1)));
        assert_eq!(seen.texts(), [plain(0), plain(1), vault(1)]);
        assert!(seen.refused.len() <= 2 && !seen.refused.is_empty(), "{:?}", seen.refused);
    }
}

#[test]
fn damage_in_compressed_data_loses_little_of_what_was_before() {
    let text: String = (0..5000).map(|n| cloudtrail(n * 7919) + "\n").collect();
    for mut packed in [gzip(&text), zstd(&text)] {
        let at = packed.len() * 9 / 10;
        packed[at..].fill(0xAA);
        let seen = read(packed);
        assert!(seen.records.len() > 3000, "{}", seen.records.len());
        let reasons = seen.reasons();
        assert!(reasons.contains(&InvalidCompression) || reasons.contains(&Truncated), "{reasons:?}");
    }
}

#[test]
fn a_stream_that_is_packed_twice_and_damaged_is_one_refusal() {
    let text: String = (0..500).map(|n| cloudtrail(n * 7919) + "\n").collect();
    let packed = gzip(gzip(&text));
    let seen = read(&packed[..packed.len() / 2]);
    assert!(!seen.records.is_empty());
    assert_eq!(seen.reasons(), [Truncated]);
    let mut packed = gzip([gzip(&text), gzip(plain(1))].concat());
    let last = packed.len() - 6;
    packed[last] ^= 0xFF;
    let seen = read(&packed);
    assert_eq!((seen.records.len(), seen.reasons()), (501, vec![InvalidCompression]));
}

#[test]
fn a_record_written_after_a_crash_on_the_cut_line_is_kept() {
    for (cut, good) in [(vault(9), vault(1)), (plain(9), plain(1))] {
        for at in [30, cut.len() / 2, cut.len() - 2] {
            let text = format!("{}\n{}{good}\n{}\n", plain(0), &cut[..at], plain(2));
            keeps(&read(text), &[plain(0), good.clone(), plain(2)], &[InvalidJson]);
        }
    }
}

#[test]
fn an_envelope_that_says_twice_what_it_holds_is_refused() {
    let detail = format!(
        r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{},"detail":{}}}"#,
        plain(1),
        plain(2)
    );
    keeps(&read(detail), &[], &[DuplicateField]);
}

#[test]
fn memory_is_bounded_whatever_comes() {
    use std::io::Read;
    let limits = Limits { chunk_bytes: 64 << 10, largest_record: 256 << 10, ..Limits::default() };
    let mut begins = vec![
        String::new(),
        "[".into(),
        "{\"a\":\"".into(),
        "{\"Records\":[{\"a\":[".into(),
        "x{\"a\":".into(),
    ];
    begins.push(format!("{{\"Records\":[{}", vec![plain(1); 500].join(",")));
    begins.push(format!("{}\n", plain(1)).repeat(500));
    for begin in begins {
        for endless in [b'A', b'\n', b'[', b'{', b'1', b'"', b',', b'\\', 0xFF] {
            let stream = std::io::Cursor::new(begin.clone()).chain(std::io::repeat(endless).take(6 << 20));
            let mut reader = Reader::new(vec![Input::stream("endless", stream)], limits);
            let mut reuse = Vec::new();
            while let Some(chunk) = reader.next_chunk(reuse).unwrap() {
                assert!(chunk.bytes.capacity() < 4 << 20, "{begin} {endless}");
                assert!(chunk.refused.len() <= limits.chunk_records, "{begin} {endless}");
                reuse = chunk.bytes;
            }
        }
    }
}
