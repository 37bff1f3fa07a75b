use super::*;
use crate::domain::event::{KeyEvent, Provider};
use crate::table::build::{Origin, TableBuilder};

const MINUTE: i64 = 60_000_000;

fn built(events: &[KeyEvent<'_>]) -> Built {
    let mut builder = TableBuilder::default();
    for (position, event) in events.iter().enumerate() {
        builder
            .push(event, Origin { source: "test", device: None, position: position as i64, ingested_at: 0 });
    }
    builder.finish().unwrap()
}

fn request(id: &'static str, time: i64) -> KeyEvent<'static> {
    KeyEvent { awaits_response: true, ..response(id, time) }
}

fn response(id: &'static str, time: i64) -> KeyEvent<'static> {
    KeyEvent { event_id: id, event_time: time, provider: Some(Provider::Vault), ..KeyEvent::default() }
}

fn ids(batch: &RecordBatch) -> Vec<String> {
    let rows = Rows::of(batch);
    (0..rows.len()).map(|row| rows.text(Column::EventId, row).unwrap().to_owned()).collect()
}

#[test]
fn a_response_takes_its_request_in_whatever_batch_it_comes() {
    let mut join = Join::default();
    let first = join.batch(&built(&[request("a", 1), response("a", 2), request("b", 3)]), None).unwrap();
    assert_eq!((ids(&first.batch), first.gave_events, first.merged), (vec!["a".to_owned()], 1, 1));
    let second = join.batch(&built(&[response("b", 4)]), None).unwrap();
    assert_eq!((ids(&second.batch), second.gave_events, second.merged), (vec!["b".to_owned()], 1, 1));
    assert!(join.finish().unwrap().is_none());
}

#[test]
fn a_response_before_its_request_is_merged_too() {
    let mut join = Join::default();
    let joined = join.batch(&built(&[response("a", 2), request("a", 1)]), None).unwrap();
    assert_eq!((joined.batch.num_rows(), joined.gave_events, joined.merged), (1, 1, 1));
}

#[test]
fn a_request_without_response_stands_alone_after_its_patience() {
    let mut join = Join::default();
    assert_eq!(
        join.batch(&built(&[request("a", 0), request("b", MINUTE / 2)]), None).unwrap().batch.num_rows(),
        0
    );
    let joined = join.batch(&built(&[request("c", MINUTE), response("x", MINUTE + 1)]), None).unwrap();
    assert_eq!(ids(&joined.batch), ["x", "a"]);
    let late = join.batch(&built(&[response("a", MINUTE + 2)]), None).unwrap();
    assert_eq!(
        (late.gave_events, ids(&late.batch)),
        (1, vec!["a".to_owned()]),
        "other content: shown, not swallowed"
    );
    assert_eq!(ids(&join.finish().unwrap().unwrap().batch), ["b", "c"]);
}

#[test]
fn duplicates_are_dropped_and_counted_as_records() {
    let event = KeyEvent { event_id: "r", provider: Some(Provider::Aws), ..KeyEvent::default() };
    let second_half = KeyEvent { ordinal: 1, ..event.clone() };
    let mut join = Join::default();
    let first = join.batch(&built(&[event.clone(), second_half.clone()]), None).unwrap();
    assert_eq!((first.batch.num_rows(), first.gave_events, first.duplicates), (2, 1, 0));
    let again = join.batch(&built(&[event, second_half]), None).unwrap();
    assert_eq!((again.batch.num_rows(), again.gave_events, again.duplicates), (0, 0, 1));
}

#[test]
fn other_content_under_a_known_id_is_kept_and_marked() {
    let honest = KeyEvent { provider: Some(Provider::Aws), principal: Some("a"), ..response("x", 0) };
    let forged = KeyEvent { principal: Some("b"), ..honest.clone() };
    let mut join = Join::default();
    let joined = join.batch(&built(&[honest, forged]), None).unwrap();
    let rows = Rows::of(&joined.batch);
    assert_eq!(rows.flag(Column::Conflicts, 0), Some(false));
    assert_eq!(rows.flag(Column::Conflicts, 1), Some(true));
}

#[test]
fn a_partition_that_is_read_ahead_does_not_end_the_patience_of_another_also_after_a_restart() {
    let mut join = Join::default();
    let waits = join.batch(&built(&[request("a", 0), request("b", 1)]), Some("0")).unwrap();
    let ahead = join.batch(&built(&[response("x", 60 * MINUTE)]), Some("1")).unwrap();
    assert_eq!((waits.batch.num_rows(), ids(&ahead.batch)), (0, vec!["x".to_owned()]));
    let open = join.open_requests().unwrap();
    let mut join = Join::restored([], open.as_ref()).unwrap();
    let ahead = join.batch(&built(&[response("y", 61 * MINUTE)]), Some("1")).unwrap();
    assert_eq!(ids(&ahead.batch), ["y"]);
    let own = join.batch(&built(&[response("a", 2), response("z", 2 * MINUTE)]), Some("0")).unwrap();
    assert_eq!((ids(&own.batch), own.merged), (vec!["a".to_owned(), "z".to_owned(), "b".to_owned()], 1));
}

#[test]
fn a_request_whose_partition_has_ended_stands_alone_a_day_later() {
    let mut join = Join::default();
    join.batch(&built(&[request("a", 0)]), Some("audit.log.1")).unwrap();
    let day = 24 * 60 * MINUTE;
    assert_eq!(ids(&join.batch(&built(&[response("x", day)]), Some("audit.log")).unwrap().batch), ["x"]);
    let later = join.batch(&built(&[response("y", day + 1)]), Some("audit.log")).unwrap();
    assert_eq!(ids(&later.batch), ["y", "a"]);
}
