use super::*;

fn finding(id: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        detector: "KP-001".to_owned(),
        level: Level::High,
        title: "t".to_owned(),
        event_id: "e".to_owned(),
        event_time: "2026-11-10T08:00:02.000001Z".to_owned(),
        provider: Some("aws".to_owned()),
        key_id: None,
        catalog_id: Some("orders".to_owned()),
        principal: Some("p".to_owned()),
        session_name: None,
        function: Some(Function::Sign),
        action: Some("Sign".to_owned()),
        outcome: Some(Outcome::Success),
        verdict: Verdict::Violation,
        violations: vec![Aspect::Function, Aspect::Via],
        message: "m".to_owned(),
        tags: vec!["ccm.cek-11".to_owned()],
        source: Some("a.json".to_owned()),
        position: Some(7),
        window: None,
    }
}

#[test]
fn findings_survive_the_way_through_arrow() {
    let bare = Finding {
        function: None,
        outcome: None,
        violations: Vec::new(),
        tags: Vec::new(),
        position: None,
        window: None,
        event_time: "2026-11-10T08:00:02Z".to_owned(),
        ..finding("b")
    };
    let all = vec![finding("a"), bare];
    let batch = to_batch(&all).unwrap();
    assert_eq!(batch.schema(), findings_schema());
    assert_eq!(from_batch(&batch).unwrap(), all);
    assert_eq!(from_batch(&to_batch(&[]).unwrap()).unwrap(), []);
}

#[test]
fn a_batch_of_something_else_is_an_error() {
    let other = RecordBatch::new_empty(Arc::new(Schema::empty()));
    assert!(from_batch(&other).unwrap().is_empty());
    let batch = to_batch(&[finding("a")]).unwrap().project(&[0, 1]).unwrap();
    assert!(from_batch(&batch).unwrap_err().to_string().contains("level"));
}
