use super::*;

fn ends(text: &str) -> Result<usize, Option<Fault>> {
    value_end(text.as_bytes())
}

#[test]
fn a_value_ends_at_its_last_bracket() {
    for (value, rest) in [
        (r#"{"a":[1,{"b":null}],"c":"}\"{"}"#, r#"{"next":1}"#),
        ("{}", "]"),
        ("[ [ ] , { } ]", "\n"),
        (r#""text\\""#, ","),
        ("-12.5e+3", ","),
        ("true", "]"),
    ] {
        assert_eq!(ends(&format!("{value}{rest}")), Ok(value.len()), "{value}");
    }
    assert_eq!(ends("17"), Ok(2));
}

#[test]
fn a_value_over_several_lines_is_one_value() {
    let mut scanner = Scanner::new();
    let text = b"{\n  \"a\": 1\n}";
    assert_eq!(scanner.advance(text), Step::Done(text.len()));
    assert!(scanner.crossed_line());
}

#[test]
fn what_cannot_come_here_is_found_at_once() {
    for text in [
        r#"{"a" "b"}"#,
        r#"{"a":"b"{"#,
        r#"{"a":1,}"#,
        r#"{"a":1 "b":2}"#,
        r#"{,"a":1}"#,
        r#"["a":1]"#,
        r#"[1}"#,
        r#"{"a":1]"#,
        r#"{"a":"unbalanced,"b":"x"}"#,
        r#"{"a":{"b":1},{"c":2}}"#,
        r#"{a:1}"#,
        "}",
        "\u{e9}",
    ] {
        assert_eq!(ends(text), Err(Some(Fault::Grammar)), "{text}");
    }
}

#[test]
fn a_line_break_in_a_string_is_a_cut_line() {
    assert_eq!(ends("{\"a\":\"b\n{\"a\":\"c\"}"), Err(Some(Fault::LineBreak)));
    assert_eq!(ends("{\"a\":\"b\\\n{\"a\":\"c\"}"), Err(Some(Fault::LineBreak)));
}

#[test]
fn a_value_that_does_not_end_is_not_damaged_yet() {
    for text in ["{", r#"{"a""#, r#"{"a":"b\"#, r#"{"a":[1,2"#, "[", "\"x"] {
        assert_eq!(ends(text), Err(None), "{text}");
    }
}

#[test]
fn the_walk_goes_on_wherever_it_was_cut() {
    let text = r#"{"Name":"a\"b\\","list":[1,2,{"x":[]}],"Records":[{"a":"\u00e9"},3],"z":true}"#.as_bytes();
    for cut in 0..=text.len() {
        for second in cut..=text.len() {
            let mut scanner = Scanner::new();
            let mut step = Step::More;
            for end in [cut, second, text.len()] {
                if step == Step::More {
                    step = scanner.advance(&text[..end]);
                }
            }
            assert_eq!(step, Step::Done(text.len()), "{cut} {second}");
        }
    }
}

#[test]
fn it_stops_at_the_lists_asked_for_in_the_outermost_object_only() {
    let text = br#"{"a":{"Records":[1]},"Records":[2],"b":3}"#;
    let mut scanner = Scanner::new().stopping_at(|key| key == b"Records");
    let Step::List(at) = scanner.advance(text) else { panic!("no list") };
    assert_eq!(&text[at..at + 3], b"[2]");
    assert_eq!(scanner.key(text), b"Records");
    scanner.after_list();
    assert_eq!(scanner.advance(&text[at + 3..]), Step::Done(text.len() - at - 3));
}

#[test]
fn twenty_thousand_levels_are_counted_without_recursion() {
    let deep = 20_000;
    let text = format!("{}1{}", "{\"a\":[".repeat(deep), "]}".repeat(deep));
    let mut scanner = Scanner::new();
    assert_eq!(scanner.advance(text.as_bytes()), Step::Done(text.len()));
    assert!(scanner.too_deep());
    assert_eq!(ends(&text), Err(Some(Fault::TooDeep)));
    let endless = format!("{}\n{{\"good\":1}}", "[".repeat(deep));
    assert_eq!(ends(&endless), Err(Some(Fault::TooDeep)));
}

#[test]
fn the_deepest_allowed_nesting_is_allowed() {
    let text = format!("{}{}", "[".repeat(DEEPEST_NESTING), "]".repeat(DEEPEST_NESTING));
    assert_eq!(ends(&text), Ok(text.len()));
    let text = format!("[{text}]");
    assert_eq!(ends(&text), Err(Some(Fault::TooDeep)));
}

#[test]
fn special_bytes_are_found_at_every_place() {
    for place in 0..40 {
        for special_byte in [b'"', b'\\', 0, b'\n', 0x1F] {
            let mut text = vec![0xE9_u8; 40];
            text[place] = special_byte;
            assert_eq!(special(&text), Some(place));
            text.truncate(place);
            assert_eq!(special(&text), None);
        }
    }
    assert_eq!(special(b"  !#[]~\x7F\x80\xFF"), None);
}
