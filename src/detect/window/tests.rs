//! Every kind against naive SQL over the same rows, and the same findings in any order and any cut.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::DataType;
use datafusion::datasource::MemTable;
use proptest::prelude::*;

use super::memory::Pace;
use super::windows::Windows;
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::detect::samples::{Row, batch_of};
use crate::domain::finding::Finding;
use crate::domain::time::parse_rfc3339;
use crate::sql::session;
use crate::table::columns::Column;

#[path = "rates_tests.rs"]
mod rates;

/// 2026-11-24, and a multiple of every pane in these tests.
const START: i64 = 1_795_478_400_000_000;
const MINUTE: i64 = 60_000_000;

/// One row: minutes since the start (and a few seconds), its caller, what it did.
#[derive(Debug, Clone, Copy)]
struct Call {
    time: i64,
    key: &'static str,
    principal: Option<&'static str>,
    action: &'static str,
}

fn batch(calls: &[Call]) -> RecordBatch {
    let rows: Vec<Row> = calls
        .iter()
        .map(|call| Row {
            action: call.action,
            key_id: Some(call.key),
            principal: call.principal,
            ..Row::default()
        })
        .collect();
    let batch = batch_of(&rows);
    let times = TimestampMicrosecondArray::from_iter_values(calls.iter().map(|call| START + call.time));
    let ids = (0..calls.len()).map(|place| match place % 3 {
        0 => format!("no-uuid-{place}"),
        _ => format!("{place:08x}-0000-4000-8000-000000000000"),
    });
    let batch = with(&batch, Column::EventTime, Arc::new(times.with_timezone("UTC")));
    let batch = with(&batch, Column::EventId, Arc::new(StringArray::from_iter_values(ids)));
    let dues: TimestampMicrosecondArray = calls.iter().map(|call| due(call.principal)).collect();
    with(&batch, Column::RotationDue, Arc::new(dues.with_timezone("UTC")))
}

/// Each caller knows another date.
fn due(principal: Option<&str>) -> Option<i64> {
    let minutes = match principal? {
        "a" => 5,
        "b" => 12,
        "c" => 20,
        _ => 40,
    };
    Some(START + minutes * MINUTE)
}

fn with(batch: &RecordBatch, column: Column, values: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[column as usize] = values;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn engine(window: &str) -> Engine {
    let text = format!(
        "id: W\ntitle: A title\nlevel: medium\nstatus: test\nmatch: outcome = 'success'\nwindow: {window}\n"
    );
    let detectors = Detectors::of_texts([("w.yaml".into(), text.as_str())]);
    Engine::new(&detectors.unwrap_or_else(|problems| panic!("{problems:?}"))).unwrap()
}

fn at_the_end(engine: &Engine, batches: &[RecordBatch]) -> Vec<Finding> {
    let mut windows = Windows::of(engine, Pace::AtTheEnd);
    for batch in batches {
        assert_eq!(windows.add(batch, &engine.run(batch).entering), []);
    }
    windows.finish().into_iter().map(|(finding, _)| finding).collect()
}

/// As a service does it: batch by batch, with the watermark behind the newest row.
fn live(engine: &Engine, batches: &[RecordBatch], lateness: i64) -> BTreeSet<String> {
    let mut windows = Windows::of(engine, Pace::Live { lateness });
    let mut found = Vec::new();
    let mut newest = i64::MIN;
    for batch in batches {
        found.extend(windows.add(batch, &engine.run(batch).entering));
        newest = times(batch).into_iter().max().unwrap_or(newest).max(newest);
        found.extend(windows.advance(newest.saturating_sub(lateness)));
    }
    found.extend(windows.finish());
    let ids: Vec<String> = found.into_iter().map(|(finding, _)| finding.id).collect();
    let distinct: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), distinct.len(), "each is found once");
    distinct
}

fn times(batch: &RecordBatch) -> Vec<i64> {
    let rows = crate::table::rows::Rows::of(batch);
    (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).collect()
}

/// What the kinds are tried with, and their SQL: the group's columns, then the place, each as text.
fn kinds() -> Vec<(&'static str, String)> {
    let panes = |length: i64| {
        format!(
            "rows AS (SELECT *, CAST(event_time AS BIGINT) AS t, CAST(event_time AS BIGINT) / {length} AS pane FROM events WHERE outcome = 'success')"
        )
    };
    let minute = panes(MINUTE);
    let threshold = format!(
        "WITH {minute}, p AS (SELECT key_id, principal, pane, count(*) AS n FROM rows GROUP BY key_id, principal, pane) \
         SELECT concat_ws('|', a.key_id, coalesce(a.principal, '-'), a.pane) AS found FROM p a JOIN p b \
         ON a.key_id = b.key_id AND (a.principal IS NOT DISTINCT FROM b.principal) AND b.pane BETWEEN a.pane - 5 AND a.pane \
         GROUP BY a.key_id, a.principal, a.pane HAVING sum(b.n) >= 4"
    );
    let distinct = format!(
        "WITH {minute}, p AS (SELECT DISTINCT key_id, pane FROM rows WHERE principal IS NOT NULL) \
         SELECT concat_ws('|', p.key_id, p.pane) AS found FROM p JOIN rows b \
         ON p.key_id = b.key_id AND b.pane BETWEEN p.pane - 5 AND p.pane \
         GROUP BY p.key_id, p.pane HAVING count(DISTINCT b.principal) >= 3"
    );
    let sequence = format!(
        "WITH {minute} SELECT DISTINCT concat_ws('|', a.key_id, b.pane) AS found FROM rows a JOIN rows b \
         ON a.key_id = b.key_id AND a.action = 'Sign' AND b.action = 'Verify' AND a.t <= b.t AND a.pane BETWEEN b.pane - 5 AND b.pane"
    );
    let unordered = format!(
        "WITH {minute}, p AS (SELECT DISTINCT key_id, pane FROM rows WHERE action IN ('Sign', 'Verify')) \
         SELECT concat_ws('|', p.key_id, p.pane) AS found FROM p JOIN rows b ON p.key_id = b.key_id \
         AND b.action IN ('Sign', 'Verify') AND b.pane BETWEEN p.pane - 5 AND p.pane \
         GROUP BY p.key_id, p.pane HAVING count(DISTINCT b.action) = 2"
    );
    let absent = format!(
        "WITH {minute}, p AS (SELECT key_id, pane, min(t) AS t FROM rows WHERE action = 'Sign' GROUP BY key_id, pane) \
         SELECT concat_ws('|', p.key_id, p.pane) AS found FROM p WHERE NOT EXISTS (SELECT 1 FROM rows b \
         WHERE b.key_id = p.key_id AND b.action = 'Verify' AND b.t >= p.t AND b.pane BETWEEN p.pane AND p.pane + 6)"
    );
    let first_seen = format!(
        "WITH {minute}, s AS (SELECT key_id, min(t) AS start FROM rows WHERE principal IS NOT NULL GROUP BY key_id), \
         v AS (SELECT key_id, principal, min(t) AS first FROM rows WHERE principal IS NOT NULL GROUP BY key_id, principal) \
         SELECT concat_ws('|', v.key_id, v.principal) AS found FROM v JOIN s ON v.key_id = s.key_id WHERE v.first >= s.start + {}",
        10 * MINUTE
    );
    let dormant = format!(
        "WITH {minute}, g AS (SELECT key_id, t, lag(t) OVER (PARTITION BY key_id ORDER BY t) AS before FROM rows) \
         SELECT DISTINCT concat_ws('|', key_id, t) AS found FROM g WHERE t - before >= {}",
        4 * MINUTE
    );
    let silence = format!(
        "WITH {minute}, g AS (SELECT key_id, t, lead(t) OVER (PARTITION BY key_id ORDER BY t) AS next, \
         (SELECT max(t) FROM rows) AS newest FROM rows) \
         SELECT DISTINCT concat_ws('|', key_id, t) AS found FROM g WHERE coalesce(next, newest) - t >= {}",
        4 * MINUTE
    );
    let overdue = format!(
        "WITH {minute}, v AS (SELECT key_id, CAST(rotation_due AS BIGINT) AS due, min(t) AS first FROM rows \
         WHERE rotation_due IS NOT NULL GROUP BY key_id, rotation_due) \
         SELECT concat_ws('|', v.key_id, v.due) AS found FROM v WHERE v.due + {MINUTE} <= (SELECT max(t) FROM rows) \
         AND NOT EXISTS (SELECT 1 FROM v w WHERE w.key_id = v.key_id AND w.due > v.due \
         AND w.first < greatest(v.due + {MINUTE}, v.first))"
    );
    vec![
        ("{ kind: threshold, over: 6m, count: 4 }", threshold),
        ("{ kind: distinct, over: 6m, count: 3, of: principal, group_by: [key_id] }", distinct),
        (
            "{ kind: sequence, over: 6m, group_by: [key_id], steps: [{ name: a, match: \"action = 'Sign'\" }, { name: b, match: \"action = 'Verify'\" }] }",
            sequence,
        ),
        (
            "{ kind: sequence, ordered: false, over: 6m, group_by: [key_id], steps: [{ name: a, match: \"action = 'Sign'\" }, { name: b, match: \"action = 'Verify'\" }] }",
            unordered,
        ),
        (
            "{ kind: sequence, absent: b, over: 6m, group_by: [key_id], steps: [{ name: a, match: \"action = 'Sign'\" }, { name: b, match: \"action = 'Verify'\" }] }",
            absent,
        ),
        ("{ kind: first_seen, of: principal, learn: 10m, group_by: [key_id] }", first_seen),
        ("{ kind: dormant, after: 4m, group_by: [key_id] }", dormant),
        ("{ kind: silence, every: 4m, group_by: [key_id] }", silence),
        ("{ kind: overdue, due: rotation_due, over: 1m, group_by: [key_id] }", overdue),
    ]
}

/// A finding in the words of the SQL.
fn told(window: &str, finding: &Finding) -> String {
    let key = finding.key_id.clone().unwrap_or_default();
    let principal = finding.principal.clone().unwrap_or("-".to_owned());
    let time = parse_rfc3339(&finding.event_time).unwrap();
    let pane = time / MINUTE;
    match window {
        _ if window.contains("threshold") => format!("{key}|{principal}|{pane}"),
        _ if window.contains("overdue") => {
            let passes = finding.window.as_ref().and_then(|window| parse_rfc3339(&window.to)).unwrap();
            format!("{key}|{}", passes - MINUTE)
        }
        _ if window.contains("first_seen") => format!("{key}|{principal}"),
        _ if window.contains("dormant") || window.contains("silence") => format!("{key}|{time}"),
        _ => format!("{key}|{pane}"),
    }
}

/// What each of these questions finds.
fn ask(questions: &[&str], batch: &RecordBatch) -> Vec<BTreeSet<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let session = session::open(&session::Limits::default()).unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap();
        session.register_table("events", Arc::new(table)).unwrap();
        let mut all = Vec::new();
        for sql in questions {
            let mut found = BTreeSet::new();
            for answer in session.sql(sql).await.unwrap().collect().await.unwrap() {
                let texts = cast(answer.column(0), &DataType::Utf8).unwrap();
                found.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
            }
            all.push(found);
        }
        all
    })
}

/// The kinds, each with its engine and its SQL.
fn engines() -> Vec<(&'static str, Engine, String)> {
    kinds().into_iter().map(|(window, sql)| (window, engine(window), sql)).collect()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}

fn call() -> impl Strategy<Value = Call> {
    let principal = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", "c", "d"]));
    let key = prop::sample::select(vec!["k1", "k2"]);
    let action = prop::sample::select(vec!["Sign", "Verify", "Encrypt"]);
    // Whole seconds, so that times are often equal, as CloudTrail's are.
    (0..30_i64, 0..60_i64, key, principal, action).prop_map(|(minute, second, key, principal, action)| Call {
        time: minute * MINUTE + second / 10 * 10_000_000,
        key,
        principal,
        action,
    })
}

/// The rows in another order, in batches of these lengths.
fn cut(whole: &RecordBatch, order: &[u32], lengths: &[usize]) -> Vec<RecordBatch> {
    let shuffled = take_record_batch(whole, &UInt32Array::from(order.to_vec())).unwrap();
    let mut batches = Vec::new();
    let mut from = 0;
    for length in lengths.iter().cycle() {
        if from >= shuffled.num_rows() {
            break;
        }
        let length = (*length).min(shuffled.num_rows() - from);
        batches.push(shuffled.slice(from, length));
        from += length;
    }
    batches
}

/// The rows ordered by what `rank` says of each.
fn ordered<K: Ord>(calls: &[Call], rank: impl Fn(usize) -> K) -> Vec<u32> {
    let mut order: Vec<u32> = (0..calls.len() as u32).collect();
    order.sort_by_key(|row| rank(*row as usize));
    order
}

#[test]
fn every_kind_finds_what_naive_sql_finds() {
    let engines = engines();
    let questions: Vec<&str> = engines.iter().map(|(_, _, sql)| sql.as_str()).collect();
    proptest!(cases(12), |(calls in prop::collection::vec(call(), 1..60))| {
        let batch = batch(&calls);
        for ((window, engine, _), wanted) in engines.iter().zip(ask(&questions, &batch)) {
            let findings = at_the_end(engine, std::slice::from_ref(&batch));
            let found: BTreeSet<String> = findings.iter().map(|finding| told(window, finding)).collect();
            prop_assert_eq!(found, wanted, "{}", window);
        }
    });
}

#[test]
fn any_order_and_any_cut_give_the_same_findings() {
    let engines = engines();
    let input = (
        prop::collection::vec(call(), 1..60),
        prop::collection::vec(any::<u64>(), 60),
        prop::collection::vec(1..20_usize, 1..6),
    );
    proptest!(cases(48), |((calls, ranks, lengths) in input)| {
        let batch = batch(&calls);
        let cut = cut(&batch, &ordered(&calls, |row| ranks[row]), &lengths);
        for (window, engine, _) in &engines {
            let whole = at_the_end(engine, std::slice::from_ref(&batch));
            prop_assert_eq!(at_the_end(engine, &cut), whole, "{}", window);
        }
    });
}

/// Rows that come at most two minutes after later ones: whatever fires at once is certain.
#[test]
fn live_finds_the_same_as_a_scan_up_to_the_allowed_lateness() {
    let engines = engines();
    let input = (
        prop::collection::vec(call(), 1..60),
        prop::collection::vec(0..2 * MINUTE, 60),
        prop::collection::vec(1..20_usize, 1..6),
    );
    proptest!(cases(48), |((calls, delays, lengths) in input)| {
        let batch = batch(&calls);
        let cut = cut(&batch, &ordered(&calls, |row| calls[row].time + delays[row]), &lengths);
        for (window, engine, _) in &engines {
            let whole = at_the_end(engine, std::slice::from_ref(&batch));
            let whole: BTreeSet<String> = whole.into_iter().map(|finding| finding.id).collect();
            prop_assert_eq!(live(engine, &cut, 2 * MINUTE), whole, "{}", window);
        }
    });
}

#[test]
fn a_finding_says_what_was_counted_and_names_only_what_is_shared() {
    let call = |second: i64, key, principal| Call {
        time: second * 1_000_000,
        key,
        principal: Some(principal),
        action: "Sign",
    };
    let calls = [call(0, "k1", "a"), call(61, "k2", "a"), call(62, "k3", "a"), call(63, "k3", "a")];
    let engine = engine("{ kind: distinct, over: 6m, count: 3, of: key_id, group_by: [principal] }");
    let findings = at_the_end(&engine, &[batch(&calls)]);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.key_id.as_deref(), finding.principal.as_deref()), (None, Some("a")));
    let window = finding.window.as_ref().unwrap();
    assert_eq!((window.from.as_str(), window.to.as_str()), ("2026-11-23T23:56:00Z", "2026-11-24T00:02:00Z"));
    assert_eq!(
        (window.count, window.events.as_slice()),
        (3, ["no-uuid-0".to_owned(), "00000001-0000-4000-8000-000000000000".to_owned()].as_slice())
    );
    assert!(
        finding.message.ends_with("3 different keys within 6 minutes, 3 are many"),
        "{}",
        finding.message
    );
}

#[test]
fn both_copies_of_a_cross_account_call_count_once() {
    let calls = [Call { time: 0, key: "k", principal: Some("a"), action: "Sign" }; 4];
    let whole = batch(&calls);
    let shared: ArrayRef = Arc::new(StringArray::from(vec![Some("s1"), Some("s1"), Some("s2"), None]));
    let whole = with(&whole, Column::SharedEventId, shared);
    let engine = |count: u64| engine(&format!("{{ kind: threshold, over: 6m, count: {count} }}"));
    assert_eq!(at_the_end(&engine(3), std::slice::from_ref(&whole)).len(), 1);
    assert_eq!(at_the_end(&engine(4), &[whole]).len(), 0);
}

#[test]
fn who_was_quiet_the_longest_is_forgotten_first_and_that_is_counted() {
    let engine = engine("{ kind: threshold, over: 6m, count: 2, group_by: [action] }");
    let names: Vec<String> = (0..40).map(|number| format!("action-{number}")).collect();
    let actions: ArrayRef = Arc::new(StringArray::from_iter_values(&names));
    let calls: Vec<Call> =
        (0..40).map(|time| Call { time, key: "k", principal: None, action: "Sign" }).collect();
    let whole = batch(&calls);
    let kind = whole.schema().field(Column::Action as usize).data_type().clone();
    let whole = with(&whole, Column::Action, cast(&actions, &kind).unwrap());
    let mut windows = Windows::within(&engine, Pace::AtTheEnd, 16);
    windows.add(&whole, &engine.run(&whole).entering);
    let again = whole.slice(39, 1);
    windows.add(&again, &engine.run(&again).entering);
    assert!(windows.size().0 <= 16);
    let forgotten: u64 = windows.forgotten().iter().map(|of| of.count).sum();
    assert_eq!(forgotten as usize + windows.size().0, 40);
    assert_eq!(windows.finish().len(), 1, "the newest is still known");
}

#[test]
fn a_group_takes_at_most_400_bytes() {
    let engine = engine("{ kind: threshold, over: 6m, count: 20 }");
    let mut windows = Windows::of(&engine, Pace::AtTheEnd);
    let mut rows = 0_u64;
    let groups = 100_000_u64;
    while rows < groups {
        let names: Vec<String> = (rows..rows + 8192)
            .map(|row| format!("arn:aws:kms:eu-west-1:111122223333:key/{:036}", row / 100))
            .collect();
        let callers: Vec<String> = (rows..rows + 8192)
            .map(|row| format!("arn:aws:iam::111122223333:role/role-{}", row % 100))
            .collect();
        let calls = vec![Call { time: rows as i64, key: "k", principal: Some("a"), action: "Sign" }; 8192];
        let whole = batch(&calls);
        let word = whole.schema().field(Column::KeyId as usize).data_type().clone();
        let text =
            |texts: Vec<String>| cast(&(Arc::new(StringArray::from(texts)) as ArrayRef), &word).unwrap();
        let whole = with(&with(&whole, Column::KeyId, text(names)), Column::Principal, text(callers));
        windows.add(&whole, &engine.run(&whole).entering);
        rows += 8192;
    }
    let (held, bytes) = windows.size();
    assert_eq!(held as u64, rows);
    assert!(bytes / held <= 400, "{} bytes a group", bytes / held);
}

#[test]
fn many_values_are_counted_by_a_sketch_and_unite_in_any_order() {
    use super::values::Values;
    use crate::domain::identity::uid;
    let mut halves = [Values::default(), Values::default()];
    for number in 0..20_000_u64 {
        halves[(number % 2) as usize].insert(uid(&[&number.to_le_bytes()]) as u64);
    }
    let (mut one, mut other) = (Values::default(), Values::default());
    halves.iter().for_each(|half| one.unite(half));
    halves.iter().rev().for_each(|half| other.unite(half));
    assert_eq!(one.count(), other.count());
    assert!((18_500..21_500).contains(&one.count()), "{}", one.count());
    let few: Vec<u64> = (0..200).map(|number: u64| uid(&[&number.to_le_bytes()]) as u64).collect();
    let mut exact = Values::default();
    few.iter().chain(&few).for_each(|value| exact.insert(*value));
    assert_eq!(exact.count(), 200);
}
