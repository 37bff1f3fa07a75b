use std::sync::Arc;

use arrow::array::{DictionaryArray, RecordBatch};
use arrow::datatypes::Int32Type;

use crate::sql::expression::Compiler;

use super::*;

fn batch(records: &[Option<&str>], address: Option<&str>) -> RecordBatch {
    let record: ArrayRef = Arc::new(StringArray::from(records.to_vec()));
    let address: DictionaryArray<Int32Type> = vec![address; records.len()].into_iter().collect();
    RecordBatch::try_from_iter_with_nullable([
        ("record", record, true),
        ("source_ip", Arc::new(address) as ArrayRef, true),
    ])
    .unwrap()
}

fn holds(expression: &str, batch: &RecordBatch) -> Vec<bool> {
    let compiler = Compiler::new(&batch.schema()).unwrap();
    compiler.compile(expression).unwrap().select(batch).unwrap().iter().collect()
}

#[test]
fn every_test_looks_at_all_values_of_a_member() {
    let record = r#"{"a.b":["One","tw*"],"a":null,"n":"7","m":7.5,"t":true,"ip":["AWS Internal","10.1.2.3"],"c":"one"}"#;
    let batch = batch(&[Some(record)], None);
    for (test, expected) in [
        ("'a.b', 'like', 'ONE'", true),
        ("'a.b', 'like_cased', 'ONE'", false),
        (r"'a.b', 'like', 'TW\*'", true),
        ("'a.b', 'like', 'o?'", false),
        ("'a.b', 'matches', '^O'", true),
        ("'a.b', 'matches', '^o'", false),
        ("'a', 'present', ''", false),
        ("'a.b', 'present', ''", true),
        ("'n', '=', '7'", true),
        ("'m', '>', '7'", true),
        ("'m', '<=', '7'", false),
        ("'m', '<', '8'", true),
        ("'n', '>=', '7.0'", true),
        ("'a.b', '<', '8'", false),
        ("'t', 'like', 'TRUE'", true),
        ("'ip', 'in_network', '10.0.0.0/8'", true),
        ("'ip', 'in_network', '10.2.0.0/16'", false),
        ("'c', 'same_as', 'a.b'", true),
        ("'c', 'starts_with', 'n'", false),
        ("'c', 'same_as', 'absent'", false),
    ] {
        assert_eq!(holds(&format!("member_is(record, {test})"), &batch), [expected], "{test}");
    }
}

#[test]
fn what_was_not_read_of_a_record_is_not_known() {
    let batch =
        batch(&[None, Some("{}"), Some(r#"{"a":null}"#), Some(r#"{"b":"a"}"#), Some("no JSON")], None);
    assert_eq!(holds("member_is(record, 'a', 'like', 'x')", &batch), [false; 5]);
    assert_eq!(holds("NOT member_is(record, 'a', 'like', 'x')", &batch), [false, false, true, false, false]);
    assert_eq!(holds("member_is(record, 'a', 'like', 'x') IS NULL", &batch), [true, true, false, true, true]);
}

#[test]
fn addresses_are_looked_up_in_networks() {
    for (address, expected) in
        [("192.0.2.7", true), ("192.0.3.7", false), ("kms.amazonaws.com", false), ("2001:db8::1", false)]
    {
        let batch = batch(&[None], Some(address));
        assert_eq!(holds("in_network(source_ip, '192.0.2.0/24')", &batch), [expected], "{address}");
    }
    assert_eq!(holds("in_network(source_ip, '::/0')", &batch(&[None], Some("2001:db8::1"))), [true]);
    assert_eq!(holds("in_network(source_ip, '::/0')", &batch(&[None], None)), [false]);
}

#[test]
fn a_test_that_cannot_be_is_a_mistake_when_it_is_loaded() {
    let batch = batch(&[None], None);
    let compiler = Compiler::new(&batch.schema()).unwrap();
    for (wrong, told) in [
        ("member_is(record, 'a', 'lke', 'x')", "there is no test `lke`"),
        ("member_is(record, 'a', 'matches', '(')", "regular expression"),
        ("member_is(record, 'a', '<', 'x')", "no number"),
        ("in_network(source_ip, '10.0.0.0/33')", "no network"),
    ] {
        let mistakes = compiler.compile(wrong).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.to_string().contains(told)), "{wrong}: {mistakes:?}");
    }
}
