use super::*;
use crate::detect::detectors::Detectors;
use crate::detect::samples::{Row, batch_of, with_text};

fn engine() -> Engine {
    let text = "id: T\ntitle: Key used for another function\nlevel: medium\nstatus: test\nmatch: verdict = 'violation'\ntags: [ccm.cek-11]\n";
    Engine::new(&Detectors::of_texts([("t.yaml".into(), text)]).unwrap()).unwrap()
}

fn violation() -> Row {
    Row { verdict: "violation", violations: &["function", "principal"], ..Row::default() }
}

fn findings(batch: &RecordBatch) -> Vec<Finding> {
    let engine = engine();
    engine.findings(batch, &engine.run(batch), &|_, _| Vec::new())
}

fn level(row: Row, criticality: Option<&str>) -> Level {
    let mut batch = batch_of(&[row]);
    if let Some(word) = criticality {
        batch = with_text(&batch, "criticality", word);
    }
    findings(&batch)[0].level
}

#[test]
fn the_level_weighs_criticality_environment_and_outcome() {
    assert_eq!(level(violation(), None), Level::Medium);
    assert_eq!(level(violation(), Some("high")), Level::High);
    assert_eq!(level(violation(), Some("medium")), Level::Medium);
    assert_eq!(level(violation(), Some("low")), Level::Low);
    assert_eq!(level(Row { environment: Some("prod"), ..violation() }, None), Level::Medium);
    assert_eq!(level(Row { environment: Some("dev"), ..violation() }, None), Level::Low);
    assert_eq!(
        level(Row { environment: Some("dev"), outcome: "denied", ..violation() }, Some("low")),
        Level::Low
    );
    assert_eq!(level(Row { outcome: "dry_run", ..violation() }, Some("high")), Level::Medium);
    assert_eq!(level(Row { outcome: "check_failed", ..violation() }, None), Level::Medium);
}

#[test]
fn ids_tell_keys_and_detectors_apart_and_link_the_copies_of_one_call() {
    let two_keys = batch_of(&[violation(), Row { key_id: Some("k2"), ..violation() }]);
    let found = findings(&two_keys);
    assert_ne!(found[0].id, found[1].id);
    assert_eq!(found[0].id, findings(&two_keys)[0].id);
    let copy = with_text(&two_keys, "shared_event_id", "s-1");
    let other = with_text(&with_text(&two_keys, "shared_event_id", "s-1"), "event_id", "e-2");
    assert_eq!(findings(&copy)[0].id, findings(&other)[0].id);
    assert_ne!(findings(&copy)[0].id, found[0].id);
}

#[test]
fn the_sentence_says_who_did_what_with_which_key() {
    let row = Row {
        principal: Some("approle:overbroad"),
        key_id: Some("vault:transit/model-signing"),
        ..violation()
    };
    let batch = with_text(&with_text(&batch_of(&[row]), "function", "sign"), "owner", "team-ml");
    let batch = with_text(&with_text(&batch, "catalog_id", "model-signing"), "use", "model-weights-signing");
    let engine = engine();
    let told = engine.findings(&batch, &engine.run(&batch), &|_, row| {
        vec![format!("allowed to sign: approle:model-ci (row {row})")]
    });
    insta::assert_snapshot!(told[0].message, @"approle:overbroad succeeded in signing with model-signing (model-weights-signing): allowed to sign: approle:model-ci (row 0); owner team-ml");
    let denied = Row { outcome: "denied", principal: None, action: "ScheduleKeyDeletion", ..violation() };
    let batch = with_text(&batch_of(&[denied]), "session_name", "mal\nlory");
    insta::assert_snapshot!(findings(&batch)[0].message, @"an unknown caller (session mal�lory) was denied ScheduleKeyDeletion on k1: key used for another function");
    let keyless = Row { key_id: None, outcome: "failed", action: "GenerateRandom", ..violation() };
    insta::assert_snapshot!(findings(&batch_of(&[keyless]))[0].message, @"approle:ci met an error in GenerateRandom: key used for another function");
}

#[test]
fn a_finding_carries_its_evidence() {
    let found = findings(&batch_of(&[violation()])).remove(0);
    insta::assert_json_snapshot!(found, { ".id" => "[id]" }, @r#"
    {
      "id": "[id]",
      "detector": "T",
      "level": "medium",
      "title": "Key used for another function",
      "event_id": "e-1",
      "event_time": "2026-11-10T06:00:02Z",
      "provider": "aws",
      "key_id": "k1",
      "catalog_id": null,
      "principal": "approle:ci",
      "session_name": null,
      "function": null,
      "action": "Encrypt",
      "outcome": "success",
      "verdict": "violation",
      "violations": [
        "function",
        "principal"
      ],
      "message": "approle:ci succeeded in Encrypt on k1: key used for another function",
      "tags": [
        "ccm.cek-11"
      ],
      "source": "a.json",
      "position": 0
    }
    "#);
}
