//! The reader against `serde_json`: on what loggers write, on what is odd, and on anything at all.

use std::marker::PhantomData;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{Doubt, MAX_NESTING, read};

fn value(text: &str) -> Result<Value, Doubt> {
    read(PhantomData, text)
}

fn passes_over(text: &str) -> bool {
    read(PhantomData::<IgnoredAny>, text).is_ok()
}

/// Whatever is read is what `serde_json` reads, and whatever is passed over it would pass over.
fn assert_agrees(text: &str) {
    if let Ok(value) = value(text) {
        assert_eq!(serde_json::from_str::<Value>(text).ok(), Some(value), "{text}");
        assert!(passes_over(text), "{text}");
    }
    if passes_over(text) {
        assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text}");
    }
}

#[test]
fn what_loggers_write_is_read_without_a_doubt() {
    for text in [
        r#"{"a":"b","c":[1,-2,0,true,false,null],"d":{}}"#,
        "{ \"a\" :\t\"b\" ,\r\n\"c\" : [ ] , \"d\" : { } } ",
        r#"{"text":"a \"quoted\" \\ word\/\n\t\b\f\r","path":"\u003cscript\u003e"}"#,
        r#"{"n":999999999999999999,"m":-99999999999999999}"#,
        "\"żółć 🔑 \\u00e9 \u{7f}\"",
        "\"\"",
    ] {
        assert_eq!(value(text).ok(), Some(serde_json::from_str(text).unwrap()), "{text}");
        assert_agrees(text);
    }
}

#[test]
fn what_is_rare_is_left_to_serde_json() {
    for text in [r#""\ud83d\ude00""#, "1.5", "1e3", "-0", "9223372036854775807", "18446744073709551615"] {
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        assert_eq!(value(text), Err(Doubt), "{text}");
    }
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(value(&deep(MAX_NESTING)).is_ok() && passes_over(&deep(MAX_NESTING)));
    assert!(value(&deep(MAX_NESTING + 1)).is_err() && !passes_over(&deep(MAX_NESTING + 1)));
}

#[test]
fn fractions_and_exponents_are_passed_over() {
    for text in ["[1.5,0.0,-0,-0.25,1e3,1E+3,1.5e-3,12345678901234567890]", r#"{"a":-1.0e0}"#] {
        assert!(passes_over(text), "{text}");
        assert_agrees(text);
    }
}

#[test]
fn what_is_no_json_is_never_accepted() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "{,}",
        "{1:2}",
        "{\"a\" 1}",
        "[1 2]",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-01",
        "00",
        "0x1",
        "tru",
        "truee",
        "nul",
        "nan",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\\u12g4\"",
        "\"\\",
        "'a'",
        "1 1",
        "{} {}",
        "\"a\nb\"",
        "\"a\u{1f}b\"",
        "\"a\tb\"",
        "\"12345678\u{0}\"",
        "\u{feff}{}",
        "\u{a0}1",
        "\u{b}1",
        "{\"a\":1]",
        "[1}",
        "// c\n1",
        "[\"a\":1]",
    ] {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
        assert_eq!(value(text), Err(Doubt), "{text:?}");
        assert!(!passes_over(text), "{text:?}");
    }
}

#[test]
fn the_end_of_a_string_is_found_wherever_it_stands() {
    let ends = [
        "\"", "\\\"", "\\\\\"", "\u{1f}\"", " \"", "!\"", "#\"", "\u{80}\"", "\u{7f}\"", "\u{a2}\"", "]\"",
        "[\"",
    ];
    for before in 0..40 {
        for end in ends {
            for after in ["", "x", "\"", "\\\"", "12345678\""] {
                assert_agrees(&format!("\"{}{end}{after}", "y".repeat(before)));
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-1000_i64..1000).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)),
        ".{0,24}".prop_map(Value::String),
        "[a-z\"\\\\/\u{0}-\u{1f}é🔑]{0,20}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((".{0,9}", inner), 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// Pieces of JSON that make most trouble where they do not belong.
const PIECES: [&str; 22] = [
    "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "\\u00", "\\ud800", "null", "true", " ",
    "\n", "\u{0}", "é", "\"a\":1,", "00",
];

fn damaged(text: &str, damages: &[(usize, usize, usize)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (place, cut, piece) in damages {
        let start = place % (characters.len() + 1);
        let end = (start + cut % 4).min(characters.len());
        let piece = PIECES.get(*piece).copied().unwrap_or_default();
        characters.splice(start..end, piece.chars());
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn json_gives_what_serde_json_gives(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
        let text = text.unwrap();
        assert_agrees(&text);
        prop_assert!(passes_over(&text), "{text}");
    }

    #[test]
    fn damaged_json_is_read_as_serde_json_reads_it_or_not_at_all(
        json in any_json(),
        damages in prop::collection::vec((any::<usize>(), 0_usize..4, 0..=PIECES.len()), 1..5),
    ) {
        assert_agrees(&damaged(&json.to_string(), &damages));
    }

    #[test]
    fn any_text_is_read_as_serde_json_reads_it_or_not_at_all(text in "[-\\[\\]{}:,\"\\\\ 0-9eE.+truefalsn\n\u{0}é]{0,24}") {
        assert_agrees(&text);
    }
}
