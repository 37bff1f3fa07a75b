use arrow::array::Array;

use super::super::columns::Column;
use super::super::mark::uid_of;
use super::super::rows::Rows;
use super::*;
use crate::domain::function::Function;

const ORIGIN: Origin<'_> = Origin { source: "a.json", device: None, position: 7, ingested_at: 9 };

#[test]
fn what_is_built_can_be_read_back() {
    let event = KeyEvent {
        event_id: "e-1",
        event_time: 42,
        provider: Some(Provider::Aws),
        service: Some("kms"),
        action: Some("Decrypt"),
        function: Some(Function::Decrypt),
        key_id: Some("arn:k"),
        context: Some(&[("b", "2\""), ("a", "1")]),
        mfa: Some(true),
        key_version: Some(3),
        ..KeyEvent::default()
    };
    let mut builder = TableBuilder::default();
    builder.push(&event, ORIGIN);
    let built = builder.finish().unwrap();
    let rows = Rows::of(&built.batch);
    assert_eq!(rows.text(Column::EventId, 0), Some("e-1"));
    assert_eq!(rows.time(Column::EventTime, 0), Some(42));
    assert_eq!(rows.text(Column::Function, 0), Some("decrypt"));
    assert_eq!(rows.text(Column::Context, 0), Some(r#"{"a":"1","b":"2\""}"#));
    assert_eq!(rows.text(Column::ContextKeys, 0), Some("a,b"));
    assert_eq!(rows.flag(Column::Mfa, 0), Some(true));
    assert_eq!(rows.integer(Column::KeyVersion, 0), Some(3));
    assert_eq!(rows.text(Column::KeyAlias, 0), None);
    assert_eq!(rows.integer(Column::Position, 0), Some(7));
    assert!(builder.is_empty());
}

#[test]
fn the_two_events_of_one_record_have_two_uids() {
    let first = KeyEvent { event_id: "e", ..KeyEvent::default() };
    let second = KeyEvent { ordinal: 1, ..first.clone() };
    assert_ne!(RowMark::of(&first, 0).uid, RowMark::of(&second, 0).uid);
    assert_eq!(RowMark::of(&first, 0).content, RowMark::of(&second, 0).content);
}

#[test]
fn the_uid_of_an_event_can_be_told_from_its_row() {
    let aws =
        KeyEvent { event_id: "e", provider: Some(Provider::Aws), account: Some("1"), ..KeyEvent::default() };
    let vault =
        KeyEvent { provider: Some(Provider::Vault), account: None, namespace: Some("a"), ..aws.clone() };
    let root = KeyEvent { namespace: Some(""), ordinal: 255, ..vault.clone() };
    let mut builder = TableBuilder::default();
    for event in [&aws, &vault, &root] {
        builder.push(event, ORIGIN);
    }
    let built = builder.finish().unwrap();
    let rows = Rows::of(&built.batch);
    let told: Vec<_> = (0..3).map(|row| uid_of(&rows, row)).collect();
    assert_eq!(told, built.marks.iter().map(|mark| mark.uid).collect::<Vec<_>>());
}

#[test]
fn what_copies_agree_on_has_the_same_fingerprint_in_every_version() {
    let event = KeyEvent {
        event_time: 42,
        principal: Some("role"),
        action: Some("Decrypt"),
        outcome: Some(Outcome::Denied),
        ..KeyEvent::default()
    };
    // It lies in stored files: a change here makes every stored event a conflict.
    assert_eq!(RowMark::of(&event, 0).content, 14_231_256_078_294_091_836);
    let moved = KeyEvent { principal: None, action: Some("roleDecrypt"), ..event.clone() };
    assert_ne!(RowMark::of(&moved, 0).content, RowMark::of(&event, 0).content);
}

#[test]
fn the_schema_and_the_builders_agree_in_order_and_type() {
    let built = TableBuilder::default().finish().unwrap();
    for (field, column) in built.batch.schema().fields().iter().zip(built.batch.columns()) {
        assert_eq!(field.data_type(), column.data_type(), "{}", field.name());
    }
}
