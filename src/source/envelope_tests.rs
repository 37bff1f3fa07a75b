use super::*;
use crate::source::chunk::{Chunk, Mark};
use crate::source::cut::Origin;
use crate::source::limits::Limits;

fn opened(text: &str) -> Chunk {
    let mut cut = Cut::new(Limits::default(), Mark::default());
    cut.enter(0);
    open(text.as_bytes(), Place::Stream(0), &mut cut);
    let origin = Origin { source: "test".into(), device: None, input: 0 };
    cut.seal(text.as_bytes().to_vec(), &origin, Mark::default(), true)
}

#[test]
fn envelopes_in_one_another_are_opened_to_a_bound() {
    let record = r#"{"eventVersion":"1.08"}"#;
    let wrapped =
        |levels: usize| (0..levels).fold(record.to_owned(), |inner, _| format!(r#"{{"data":{inner}}}"#));
    assert_eq!(opened(&wrapped(4)).records.len(), 1);
    let chunk = opened(&wrapped(20));
    assert_eq!((chunk.records.len(), chunk.refused.len()), (0, 1));
    assert_eq!(chunk.refused[0].reject.reason, RejectReason::UnknownFormat);
}

#[test]
fn the_records_of_a_nested_list_are_bounded_and_accounted_for() {
    let many = NESTED_RECORDS as usize + 50;
    let text = format!(r#"{{"data":{{"Records":[{}{{}}]}}}}"#, "{},".repeat(many));
    let chunk = opened(&text);
    assert_eq!(chunk.received(), u64::from(NESTED_RECORDS) + 1);
    assert_eq!(chunk.refused.last().unwrap().reject.reason, RejectReason::TooLarge);
}

#[test]
fn a_gzip_bomb_is_refused() {
    use base64::Engine;
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..(LARGEST_DECODED >> 20) + 1 {
        encoder.write_all(&block).unwrap();
    }
    let data = base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap());
    let chunk = opened(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#));
    assert_eq!(chunk.refused.len(), 1);
    assert_eq!(chunk.refused[0].reject.reason, RejectReason::TooLarge);
}
