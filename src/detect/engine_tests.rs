use super::*;
use crate::detect::blindness::Seen;
use crate::detect::samples::{Row, batch_of};

const THREE: [(&str, &str); 3] = [
    (
        "wrong-function",
        "match: verdict = 'violation' AND array_has(violations, 'function') AND outcome <> 'failed'\nrequires: [catalog, column:algorithm]",
    ),
    (
        "policy-bypass",
        "match: action = 'PutKeyPolicy' AND json_get_bool(request, 'bypassPolicyLockoutSafetyCheck')\nrequires: [aws]",
    ),
    (
        "counted",
        "match: outcome = 'denied'\nwindow: { kind: threshold, over: 10m, count: 3 }\nrequires: [vault]",
    ),
];

fn engine() -> Engine {
    let texts: Vec<_> = THREE
        .iter()
        .map(|(id, rest)| {
            (format!("{id}.yaml"), format!("id: {id}\ntitle: A title\nlevel: medium\nstatus: test\n{rest}\n"))
        })
        .collect();
    let detectors =
        Detectors::of_texts(texts.iter().map(|(file, text)| (file.into(), text.as_str()))).unwrap();
    Engine::new(&detectors).unwrap()
}

fn batch() -> RecordBatch {
    batch_of(&[
        Row { verdict: "violation", violations: &["function"], ..Row::default() },
        Row { verdict: "violation", violations: &["function"], outcome: "failed", ..Row::default() },
        Row {
            action: "PutKeyPolicy",
            request: Some(r#"{"bypassPolicyLockoutSafetyCheck":true}"#),
            ..Row::default()
        },
        Row {
            action: "PutKeyPolicy",
            request: Some(r#"{"bypassPolicyLockoutSafetyCheck":false}"#),
            ..Row::default()
        },
        Row { outcome: "denied", ..Row::default() },
    ])
}

#[test]
fn detectors_fire_on_their_rows_and_windows_are_given_theirs() {
    let engine = engine();
    let hits = engine.run(&batch());
    let named: Vec<_> =
        hits.hits.iter().map(|hit| (engine.detectors()[hit.detector].id.as_str(), hit.row)).collect();
    assert_eq!(named, [("policy-bypass", 2), ("wrong-function", 0)]);
    assert_eq!(hits, engine.run_plainly(&batch()));
    let entering: Vec<_> = hits.entering.iter().flat_map(|of| of.rows.set_indices()).collect();
    assert_eq!(entering, [4]);
    assert_eq!(engine.set_aside(), []);
    assert_eq!(engine.len(), 3);
}

#[test]
fn a_detector_whose_requirement_was_not_seen_is_blind() {
    let engine = engine();
    let mut seen = Seen::default();
    engine.observe(&mut seen, &batch_of(&[]));
    let blind: Vec<_> = engine.blind(&seen).into_iter().map(|blind| (blind.id, blind.why)).collect();
    assert_eq!(blind[0], ("counted".to_owned(), "no event of vault was seen".to_owned()));
    assert_eq!(blind[1], ("policy-bypass".to_owned(), "no event of aws was seen".to_owned()));
    assert_eq!(blind[2].1, "no catalog with entries is loaded, no event had a value in algorithm");
    engine.observe(&mut seen, &batch());
    seen.catalog = true;
    let blind = engine.blind(&seen);
    assert_eq!(blind.len(), 2);
    assert_eq!(blind[1].why, "no event had a value in algorithm");
    let algorithm = crate::detect::samples::with_text(&batch(), "algorithm", "RSA");
    let mut other = Seen::default();
    engine.observe(&mut other, &algorithm);
    seen.merge(&other);
    assert_eq!(engine.blind(&seen).len(), 1);
}

#[test]
fn an_engine_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    shared(&engine());
}
