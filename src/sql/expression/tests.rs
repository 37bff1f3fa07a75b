use super::*;
use crate::table::columns::events_schema;

fn compiler() -> Compiler {
    Compiler::new(&events_schema()).unwrap()
}

/// `line:column+length message`, one a line.
fn mistakes(text: &str) -> String {
    match compiler().compile(text) {
        Ok(_) => "compiles".to_owned(),
        Err(mistakes) => mistakes
            .iter()
            .map(|mistake| format!("{}:{}+{} {mistake}", mistake.line, mistake.column, mistake.length))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn what_detectors_need_compiles() {
    let compiler = compiler();
    for text in [
        "verdict = 'violation' AND array_has(violations, 'function') AND outcome <> 'failed'",
        "request ->> 'pendingWindowInDays' = '7' AND action IN ('ScheduleKeyDeletion', 'DisableKey')",
        "json_get_int(request, 'pendingWindowInDays') < 10",
        "json_get_bool(request, 'bypassPolicyLockoutSafetyCheck')",
        "json_get_str(request, 'policy', 'Statement', 0, 'Effect') = 'Allow'",
        "json_get_array(request, 'a') IS NOT NULL",
        "request #>> ARRAY['a', 'b'] = 'x'",
        "request ? 'dryRun'",
        "principal LIKE 'arn:aws:iam::%:root' OR caller_kind = 'root'",
        "regexp_like(user_agent, '^aws-cli') AND NOT by_pipeline",
        "user_agent ~ 'Boto'",
        "event_time > '2026-01-01T00:00:00Z'",
        "CAST(key_version AS VARCHAR) = '3'",
        "mfa IS NOT TRUE",
        "batch_size BETWEEN 10 AND 1000",
        "key_account IS DISTINCT FROM principal_account",
        "array_has_any(violations, ARRAY['tenant', 'account'])",
        "array_length(violations) > 2",
        "starts_with(action, 'pki.') AND lower(key_id) LIKE '%root%'",
        "CASE WHEN provider = 'aws' THEN mfa ELSE true END",
        "cast(request ->> 'n' AS BIGINT) > 3",
        "coalesce(environment, 'prod') = 'prod'",
        "substr(key_id, 1, 3) = 'arn'",
        "request IS NULL",
    ] {
        if let Err(mistakes) = compiler.compile(text) {
            panic!("{text}: {mistakes:?}");
        }
    }
}

#[test]
fn a_misspelt_column_is_pointed_at_with_the_name_that_was_meant() {
    insta::assert_snapshot!(mistakes("outcome = 'success'\n  AND verdit = 'violation'"), @"2:7+6 there is no column `verdit`; did you mean `verdict`?");
    insta::assert_snapshot!(mistakes("colour = 'x' OR keyId = 'y'"), @r"
    1:1+6 there is no column `colour`; `keyward columns` lists them
    1:17+5 there is no column `keyid`; did you mean `key_id`?
    ");
    insta::assert_snapshot!(mistakes("verdict = \"violation\""), @"1:11+11 there is no column `violation`; did you mean `violations`?");
    insta::assert_snapshot!(mistakes("events.verdict = 'violation'"), @"1:1+6 `events.verdict` is no column: columns have one name; for a field of a JSON column write `request ->> 'name'`");
}

#[test]
fn words_outside_a_closed_vocabulary_are_mistakes() {
    insta::assert_snapshot!(mistakes("verdict = 'violaton' AND outcome <> 'failed'"), @"1:11+10 `verdict` is never 'violaton'; did you mean `violation`?");
    insta::assert_snapshot!(mistakes("array_has(violations, 'functon')"), @"1:23+9 `violations` is never 'functon'; did you mean `function`?");
    insta::assert_snapshot!(mistakes("function IN ('sign', 'verfy')"), @"1:22+7 `function` is never 'verfy'; did you mean `verify`?");
    insta::assert_snapshot!(mistakes("CASE function WHEN 'sing' THEN mfa END"), @"1:20+6 `function` is never 'sing'; did you mean `sign`?");
    insta::assert_snapshot!(mistakes("'gcp' = provider"), @"1:1+5 `provider` is never 'gcp'; it is aws or vault");
    insta::assert_snapshot!(mistakes("array_has_any(assessed, ARRAY['via', 'vai'])"), @"1:38+5 `assessed` is never 'vai'; did you mean `via`?");
}

#[test]
fn text_and_numbers_do_not_mix() {
    insta::assert_snapshot!(mistakes("verdict = 7"), @"1:1+7 `verdict` is text, 7 is a number; put quotes around the value");
    insta::assert_snapshot!(mistakes("outcome = 'success' AND key_version = '3'"), @"1:25+11 `key_version` is a number, '3' is text; take the quotes away");
    insta::assert_snapshot!(mistakes("request ->> 'pendingWindowInDays' < 10"), @"1:1+7 `request ->> 'pendingWindowInDays'` is text, 10 is a number; read a number with json_get_int(column, 'name')");
    insta::assert_snapshot!(mistakes("mfa = 'true'"), @"1:1+3 `mfa` is true or false, 'true' is text; write the column alone, or NOT before it");
    insta::assert_snapshot!(mistakes("violations = 'function'"), @"1:1+10 `violations` is a list, 'function' is text; search a list with array_has(list, 'word')");
    insta::assert_snapshot!(mistakes("batch_size IN (1, '2')"), @"1:1+10 `batch_size` is a number, '2' is text; take the quotes away");
    insta::assert_snapshot!(mistakes("lower(batch_size) = '2'"), @"1:7+10 Function 'lower' requires String, but received Int64 (DataType: Int64).");
    insta::assert_snapshot!(mistakes("request -> 'a' = 'x'"), @"compiles");
    insta::assert_snapshot!(mistakes("NOT batch_size OR mfa"), @"1:5+10 Unary operator 'NOT' requires a boolean expression, got Int64");
    insta::assert_snapshot!(mistakes("event_time > request ->> 'validTo'"), @"1:1+10 `event_time` is a time, `request ->> 'validTo'` is text; convert with to_timestamp(…)");
}

#[test]
fn what_no_expression_may_hold_is_refused() {
    insta::assert_snapshot!(mistakes("key_id IN (SELECT key_id FROM events)"), @"1:12+25 an expression sees one event: it can hold no query");
    insta::assert_snapshot!(mistakes("count(*) > 3"), @"1:1+5 `count` looks at several rows: an expression sees one event");
    insta::assert_snapshot!(mistakes("row_number() OVER () = 1"), @"1:1+10 `row_number` looks at several rows: an expression sees one event");
    insta::assert_snapshot!(mistakes("event_time < now()"), @"1:14+3 `now` gives another answer each time: a replay would differ; compare with the event's own columns");
    insta::assert_snapshot!(mistakes("lowr(action) = 'x'"), @"1:1+4 there is no function `lowr`; did you mean `lower`?");
    insta::assert_snapshot!(mistakes("action = $1"), @"1:10+2 `$1`: an expression has no parameters");
    insta::assert_snapshot!(mistakes("verdict"), @"1:1+7 the expression must be true or false, it is text; compare it with something");
    insta::assert_snapshot!(mistakes("mfa IS DISTINCT FROM true AND by_pipeline"), @"1:1+3 it is not clear where IS DISTINCT FROM ends; put brackets around that comparison");
    assert_eq!(
        mistakes("(mfa IS DISTINCT FROM true) AND (by_pipeline IS DISTINCT FROM (mfa AND by_pipeline))"),
        "compiles"
    );
    insta::assert_snapshot!(mistakes(" "), @"1:1+0 the expression is empty");
    insta::assert_snapshot!(mistakes(&"mfa AND ".repeat(3000)), @"1:1+0 the expression is longer than 16384 bytes; make several detectors of it");
}

#[test]
fn syntax_errors_and_failing_constants_have_a_place() {
    insta::assert_snapshot!(mistakes("verdict = "), @"1:10+0 Expected: an expression, found: EOF");
    insta::assert_snapshot!(mistakes("verdict = 'violation' outcome"), @"1:23+7 Expected: end of expression, found: outcome");
    insta::assert_snapshot!(mistakes("(verdict = 'violation'"), @"1:23+0 Expected: ), found: EOF");
    insta::assert_snapshot!(mistakes("verdict = 'violation"), @"1:11+0 Unterminated string literal");
    insta::assert_snapshot!(mistakes("mfa AND (key_version"), @"1:21+0 Expected: ), found: EOF");
    insta::assert_snapshot!(mistakes("event_time > 'yesterday'"), @"1:1+10 Error parsing timestamp from 'yesterday': timestamp must contain at least 10 characters");
    insta::assert_snapshot!(mistakes("regexp_like(action, '(')"), @"1:13+6 Invalid regex");
    insta::assert_snapshot!(mistakes("mfa AND verdict"), @"1:9+7 `verdict` is text, not true or false; compare it with something");
    insta::assert_snapshot!(mistakes("position / 0 > 1"), @"1:1+8 Divide by zero error");
    insta::assert_snapshot!(mistakes("SELECT 1"), @"1:8+1 Expected: end of expression, found: 1");
    insta::assert_snapshot!(mistakes("mfa; DROP TABLE x"), @"1:4+1 Expected: end of expression, found: ;");
}

#[test]
fn conjuncts_keep_the_authors_order_and_equal_ones_are_equal() {
    let compiler = compiler();
    let first =
        compiler.compile("action = 'Sign' AND (outcome = 'success' AND request ->> 'a' = 'b')").unwrap();
    let second = compiler.compile("json_as_text(request, 'a') = 'b' AND 'Sign' = action").unwrap();
    let shown: Vec<_> = first.conjuncts().iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].contains("Sign") && shown[1].contains("success"), "{shown:?}");
    assert_eq!(first.conjuncts()[0], second.conjuncts()[1]);
    assert_eq!(first.conjuncts()[2], second.conjuncts()[0]);
}

#[test]
fn null_is_no_match() {
    let expression = compiler().compile("key_id <> 'x'").unwrap();
    let row = one_row::of(&events_schema()).unwrap();
    assert_eq!(expression.select(&row).unwrap().count_set_bits(), 0);
    let expression = compiler().compile("key_id IS NULL").unwrap();
    assert_eq!(expression.select(&row).unwrap().count_set_bits(), 1);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "verdict",
            "violations",
            "request",
            "mfa",
            "batch_size",
            "event_time",
            "'x'",
            "''",
            "7",
            "-1",
            "1.5",
            "NULL",
            "true",
            "=",
            "<>",
            "<",
            "AND",
            "OR",
            "NOT",
            "IS",
            "IN",
            "LIKE",
            "BETWEEN",
            "(",
            ")",
            ",",
            "->",
            "->>",
            "#>>",
            "?",
            "~",
            "+",
            "/",
            "%",
            "||",
            "::",
            "bigint",
            "text",
            "CASE",
            "WHEN",
            "THEN",
            "ELSE",
            "END",
            "array_has",
            "lower",
            "json_get_int",
            "coalesce",
            "ARRAY[",
            "]",
            "[1]",
            ".",
            "*",
            "CAST(",
            "AS",
            "DISTINCT FROM",
            "ANY(",
            "substr(",
            "EXTRACT(",
            "interval '1 day'",
            "$1",
            "@x",
            "\"q\"",
            "--",
            ";",
            "\n",
            "SELECT",
            "x'00'",
            "é",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// People write detectors by trial and error: each error is a message, never a crash, and its
        /// place is within the text.
        #[test]
        fn any_text_compiles_or_has_mistakes(tokens in prop::collection::vec(token(), 0..16)) {
            let text = tokens.join(" ");
            if let Err(mistakes) = compiler().compile(&text) {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(!mistake.message.is_empty(), "{}", text);
                    prop_assert!((1..=text.lines().count().max(1)).contains(&mistake.line), "{}: {:?}", text, mistake);
                }
            }
        }
    }
}
