use std::sync::Arc;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::*;
use crate::detect::samples::{Row, batch_of};
use crate::table::columns::events_schema;

fn compiler() -> Compiler {
    Compiler::new(&events_schema()).unwrap()
}

fn compiled(compiler: &Compiler, texts: &[impl AsRef<str>]) -> Vec<Expression> {
    let compile =
        |text: &str| compiler.compile(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
    texts.iter().map(|text| compile(text.as_ref())).collect()
}

fn rows_of(text: &str, batch: &RecordBatch) -> Vec<usize> {
    let compiler = compiler();
    let selected = Plan::new(&compiler, &compiled(&compiler, &[text])).unwrap().run(batch);
    assert_eq!(selected.failed, []);
    selected.hits.iter().map(|hit| hit.row).collect()
}

fn small() -> RecordBatch {
    batch_of(&[
        Row {
            action: "Sign",
            key_id: Some("k1"),
            verdict: "violation",
            violations: &["function"],
            ..Row::default()
        },
        Row { action: "Decrypt", key_id: None, batch_size: Some(0), ..Row::default() },
        Row {
            action: "Sign",
            key_id: Some("k2"),
            batch_size: Some(5),
            request: Some(r#"{"n":7}"#),
            ..Row::default()
        },
    ])
}

#[test]
fn selects_what_is_true_and_never_what_is_null() {
    let batch = small();
    assert_eq!(rows_of("action = 'Sign'", &batch), [0, 2]);
    assert_eq!(rows_of("key_id <> 'k1'", &batch), [2]);
    assert_eq!(rows_of("key_id IS NULL", &batch), [1]);
    assert_eq!(rows_of("key_id IS DISTINCT FROM 'k1'", &batch), [1, 2]);
    assert_eq!(rows_of("NOT (key_id = 'k1')", &batch), [2]);
    assert_eq!(rows_of("key_id = 'k1' OR key_id IS NULL", &batch), [0, 1]);
    assert_eq!(rows_of("array_has(violations, 'function') AND verdict = 'violation'", &batch), [0]);
    assert_eq!(rows_of("json_get_int(request, 'n') = 7 AND action LIKE 'S%'", &batch), [2]);
    assert_eq!(rows_of("batch_size = 0 OR action = 'Sign' AND key_id = 'k1'", &batch), [0, 1]);
    assert_eq!(rows_of("action = 'Nothing'", &batch), [] as [usize; 0]);
    assert_eq!(rows_of("1 = 1", &batch), [0, 1, 2]);
    assert_eq!(rows_of("1 = 2 AND action = 'Sign'", &batch), [] as [usize; 0]);
    assert_eq!(rows_of("CAST(NULL AS BOOLEAN)", &batch), [] as [usize; 0]);
}

#[test]
fn an_empty_batch_has_no_hits() {
    assert_eq!(rows_of("action = 'Sign' OR key_id IS NULL", &batch_of(&[])), [] as [usize; 0]);
}

#[test]
fn equal_parts_of_different_expressions_are_computed_once() {
    let compiler = compiler();
    let texts = ["outcome = 'success' AND action = 'Sign'", "action = 'Verify' AND 'success' = outcome"];
    let plan = Plan::new(&compiler, &compiled(&compiler, &texts)).unwrap();
    assert_eq!(plan.parts(), 3);
}

#[test]
fn a_guard_guards_and_a_failure_stops_one_expression_only() {
    let compiler = compiler();
    let texts = [
        "batch_size > 0 AND 10 / batch_size = 2",
        "10 / batch_size = 2",
        "action = 'Sign'",
        "10 / batch_size = 2 AND action = 'Sign'",
    ];
    let plan = Plan::new(&compiler, &compiled(&compiler, &texts)).unwrap();
    let selected = plan.run(&small());
    let hits: Vec<_> = selected.hits.iter().map(|hit| (hit.expression, hit.row)).collect();
    assert_eq!(hits, [(0, 2), (2, 0), (2, 2), (3, 2)]);
    assert_eq!(selected.failed.len(), 1);
    assert_eq!(selected.failed[0].expression, 1);
    assert!(selected.failed[0].message.contains("Divide by zero"), "{:?}", selected.failed);
}

#[test]
fn a_failure_tells_nothing_of_the_event() {
    let batch = batch_of(&[Row { request: Some(r#"{"n":"top secret"}"#), ..Row::default() }]);
    let compiler = compiler();
    let expressions = compiled(&compiler, &["CAST(json_as_text(request, 'n') AS TIMESTAMP) IS NULL"]);
    let selected = Plan::new(&compiler, &expressions).unwrap().run(&batch);
    assert_eq!(selected.failed.len(), 1);
    assert!(!selected.failed[0].message.contains("secret"), "{:?}", selected.failed);
}

#[test]
fn a_batch_of_another_schema_fails_every_expression_and_does_not_panic() {
    let compiler = compiler();
    let plan = Plan::new(&compiler, &compiled(&compiler, &["mfa", "NOT mfa"])).unwrap();
    let other = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
    assert_eq!(plan.run(&other).failed.len(), 2);
}

/// Leaves of the random expressions: every way that a plan computes something.
fn leaf() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        ("action", vec!["Sign", "Decrypt", "transit.sign", ""]),
        ("key_id", vec!["k1", "k2", "k3"]),
        ("principal", vec!["approle:ci", "arn:role/x", "root"]),
        ("outcome", vec!["success", "denied", "failed"]),
        ("verdict", vec!["violation", "conforming", "unknown"]),
        ("environment", vec!["prod", "dev"]),
        ("error_message", vec!["no", "access denied"]),
    ]);
    let compare =
        (word, any::<prop::sample::Index>(), 0..11_usize).prop_map(|((column, values), pick, form)| {
            let value = values[pick.index(values.len())];
            let other = values[(pick.index(values.len()) + 1) % values.len()];
            match form {
                0 => format!("{column} = '{value}'"),
                1 => format!("{column} <> '{value}'"),
                2 => format!("{column} IN ('{value}', '{other}')"),
                3 => format!("{column} NOT IN ('{value}', '{other}')"),
                4 => format!("{column} LIKE '%{}%'", value.get(..1).unwrap_or("")),
                5 => format!("{column} NOT LIKE '{}%'", value.get(..1).unwrap_or("")),
                6 => format!("{column} IS NULL"),
                7 => format!("{column} IS NOT NULL"),
                8 => format!("regexp_like({column}, '^[a-k]')"),
                9 => format!("coalesce({column}, 'k1') = 'k1'"),
                _ => format!("({column} IS DISTINCT FROM '{value}')"),
            }
        });
    let other = prop::sample::select(vec![
        "mfa",
        "mfa IS NULL",
        "mfa IS NOT TRUE",
        "by_pipeline",
        "batch_size > 3",
        "batch_size BETWEEN 1 AND 5",
        "batch_size IS NULL",
        "array_has(violations, 'function')",
        "array_has(violations, 'tenant')",
        "array_length(violations) > 1",
        "request ->> 'a' = 'x'",
        "request ->> 'a' IS NULL",
        "json_get_int(request, 'n') > 3",
        "json_get_bool(request, 'b')",
        "request ? 'a'",
        "request LIKE '%x%'",
        "key_account <> principal_account",
        "(key_account IS NOT DISTINCT FROM principal_account)",
        "action = principal",
        "CASE WHEN mfa THEN action = 'Sign' ELSE key_id IS NULL END",
        "CASE key_id WHEN 'k1' THEN true WHEN 'k2' THEN NULL END",
        "event_time > '2026-01-01T00:00:00Z'",
        "try_cast(request ->> 'a' AS bigint) = 7",
    ])
    .prop_map(str::to_owned);
    prop_oneof![3 => compare, 2 => other]
}

fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            1 => inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

fn row() -> impl Strategy<Value = Row> {
    let pick = |values: &[&'static str]| prop::sample::select(values.to_vec());
    let maybe = |values: &[&'static str]| prop::option::weighted(0.7, prop::sample::select(values.to_vec()));
    let lists: Vec<&'static [&'static str]> = vec![&[], &["function"], &["function", "tenant"], &["via"]];
    let words = (
        pick(&["Sign", "Decrypt", "transit.sign", "", "Encrypt"]),
        maybe(&["k1", "k2", "k3"]),
        maybe(&["approle:ci", "arn:role/x", "root", "Sign"]),
        pick(&["success", "denied", "failed"]),
        pick(&["violation", "conforming", "unknown"]),
        maybe(&["prod", "dev"]),
        maybe(&["no", "access denied"]),
        maybe(&["111", "222"]),
        maybe(&["111", "222"]),
    );
    let rest = (
        prop::option::of(any::<bool>()),
        any::<bool>(),
        prop::option::of(0..7_i64),
        prop::sample::select(lists),
        maybe(&[r#"{"a":"x"}"#, r#"{"a":7,"n":9}"#, r#"{"n":2,"b":true}"#, "{", "", "[1]"]),
    );
    (words, rest).prop_map(|(words, (mfa, by_pipeline, batch_size, violations, request))| Row {
        action: words.0,
        key_id: words.1,
        principal: words.2,
        outcome: words.3,
        verdict: words.4,
        environment: words.5,
        error_message: words.6,
        key_account: words.7,
        principal_account: words.8,
        mfa,
        by_pipeline,
        batch_size,
        violations,
        request,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The whole promise of the plan: whatever is shared, skipped or computed on values instead of
    /// rows, each expression selects the rows that it would select alone.
    #[test]
    fn the_fast_path_selects_what_the_plain_path_selects(
        texts in prop::collection::vec(expression(), 1..8),
        rows in prop::collection::vec(row(), 0..60),
    ) {
        let compiler = compiler();
        let expressions = compiled(&compiler, &texts);
        let batch = batch_of(&rows);
        let plan = Plan::new(&compiler, &expressions).unwrap();
        let selected = plan.run(&batch);
        prop_assert_eq!(&selected.failed, &[]);
        for (place, expression) in expressions.iter().enumerate() {
            let fast: Vec<_> =
                selected.hits.iter().filter(|hit| hit.expression == place).map(|hit| hit.row).collect();
            let plain: Vec<_> = expression.select(&batch).unwrap().set_indices().collect();
            prop_assert_eq!(fast, plain, "{}", expression.text());
        }
    }
}
