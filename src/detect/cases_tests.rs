use serde_json::json;

use super::*;
use crate::detect::detectors::Detectors;
use crate::detect::samples::{Row, batch_of};

/// Stands in for the stages before detection: the record is the name of a row.
fn judge(input: &CaseInput) -> Result<RecordBatch, String> {
    let rows = input.records.iter().map(|record| match record {
        CaseRecord::Json(name) if name == "bad" => {
            Ok(Row { verdict: "violation", violations: &["function"], ..Row::default() })
        }
        CaseRecord::Json(name) if name == "good" => Ok(Row::default()),
        other => Err(format!("unknown record {other:?}")),
    });
    Ok(batch_of(&rows.collect::<Result<Vec<_>, _>>()?))
}

fn run_cases(cases: &str) -> String {
    let text =
        format!("id: T\ntitle: t\nlevel: low\nstatus: test\nmatch: verdict = 'violation'\ncases:\n{cases}");
    let detectors = Detectors::of_texts([("t.yaml".into(), text.as_str())]).unwrap();
    let engine = Engine::new(&detectors).unwrap();
    assert_eq!(count(&engine), engine.detectors()[0].cases.len());
    run(&engine, &judge).iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn cases_that_hold_are_no_problem() {
    let cases = "
  - { name: fires, events: [good, bad], expect: [{ key_id: k1, violations: [function], mfa: null, by_pipeline: false }] }
  - { name: fires twice, events: [bad, bad], expect: [{}, { verdict: violation }] }
  - { name: silent, events: [good], expect: [] }
";
    assert_eq!(run_cases(cases), "");
}

#[test]
fn a_case_that_fails_is_told_at_its_line_with_what_happened() {
    let cases = "
  - { name: silent, events: [good], expect: [{ function: sign }] }
  - { name: wrong, events: [bad], expect: [{ key_id: k9 }] }
  - { name: loud, events: [bad], expect: [] }
  - { name: twice, events: [bad, bad], expect: [{ key_id: k1 }] }
  - { name: broken, events: [ugly], expect: [] }
";
    insta::assert_snapshot!(run_cases(cases), @r#"
    t.yaml:8:5: error: T, case `silent`: expected {"function":"sign"}; it did not fire on { action: Encrypt, outcome: success, key_id: k1, principal: approle:ci, verdict: conforming, violations: [] }
    t.yaml:9:5: error: T, case `wrong`: expected {"key_id":"k9"}; it fired on { action: Encrypt, outcome: success, key_id: k1, principal: approle:ci, verdict: violation, violations: [function] }
    t.yaml:10:5: error: T, case `loud`: expected nothing; it fired on { action: Encrypt, outcome: success, key_id: k1, principal: approle:ci, verdict: violation, violations: [function] }
    t.yaml:11:5: error: T, case `twice`: expected nothing more; it fired on { action: Encrypt, outcome: success, key_id: k1, principal: approle:ci, verdict: violation, violations: [function] }
    t.yaml:12:5: error: T, case `broken`: unknown record Json("ugly")
    "#);
}

#[test]
fn expectations_compare_by_the_columns_type() {
    let batch = batch_of(&[Row { batch_size: Some(3), mfa: Some(true), ..Row::default() }]);
    let holds = |wanted: Value| fits(&batch, 0, wanted.as_object().unwrap());
    assert!(holds(
        json!({ "batch_size": 3, "mfa": true, "event_time": "2026-11-10T06:00:02Z", "session_name": null })
    ));
    assert!(!holds(json!({ "batch_size": "3" })));
    assert!(!holds(json!({ "violations": ["function"] })));
    assert!(!holds(json!({ "action": true })));
}
