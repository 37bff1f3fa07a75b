use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::domain::reject::Aside;
use crate::source::limits::{DEEPEST_NESTING, MESSAGE_RECORDS};
use crate::source::{Input, Reader, Refused, Shape};

fn record(number: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventName":"Decrypt","userIdentity":{{"type":"Root"}},"eventID":"id-{number}","note":"}}{{ \" \\"}}"#
    )
}

fn vault(number: usize) -> String {
    format!(
        r#"{{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{{"token_type":"default"}},"request":{{"id":"id-{number}","path":"transit/encrypt/orders"}}}}"#
    )
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).unwrap()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn gather<P: AsRef<[u8]>>(payloads: &[P]) -> Chunk {
    let mut gatherer = Gatherer::new(Limits::default());
    for (position, payload) in payloads.iter().enumerate() {
        gatherer.add(payload.as_ref(), position as u64);
    }
    gatherer.take(&Arc::from("test"), None, payloads.len() as u64)
}

fn texts(chunk: &Chunk) -> Vec<String> {
    let text = |piece| String::from_utf8(chunk.record(piece).to_vec()).unwrap();
    chunk.records.iter().map(text).collect()
}

fn places(chunk: &Chunk) -> Vec<(u64, u32)> {
    chunk.records.iter().map(|piece| (piece.position, piece.index)).collect()
}

/// What a reader makes of the same bytes in a file: texts and shapes, reasons with hash and length, asides.
type Account = (Vec<(String, Shape)>, Vec<(RejectReason, [u8; 32], u64)>, Vec<(Aside, u64)>);

fn account(chunk: &Chunk) -> Account {
    let reason = |refused: &Refused| (refused.reject.reason, refused.sha256, refused.length);
    (
        texts(chunk).into_iter().zip(chunk.records.iter().map(|piece| piece.shape)).collect(),
        chunk.refused.iter().map(reason).collect(),
        chunk.asides.clone(),
    )
}

#[track_caller]
fn as_in_a_file(payload: impl AsRef<[u8]>) {
    let payload = payload.as_ref();
    let mut reader =
        Reader::new(vec![Input::stream("test", std::io::Cursor::new(payload.to_vec()))], Limits::default());
    let of_file = reader.next_chunk(Vec::new()).unwrap().unwrap();
    assert!(of_file.last);
    let around = [record(1000).into_bytes(), payload.to_vec(), record(1001).into_bytes()];
    let mut of_message = gather(&around);
    assert_eq!(places(&of_message).first(), Some(&(0, 0)));
    assert_eq!(places(&of_message).last(), Some(&(2, 0)));
    of_message.records.remove(0);
    of_message.records.pop();
    assert_eq!(account(&of_message), account(&of_file), "{}", String::from_utf8_lossy(payload));
    assert!(of_message.records.iter().all(|piece| piece.position == 1));
    let indexes = of_message.records.iter().map(|piece| piece.index);
    let mut indexes: Vec<_> = indexes.chain(of_message.refused.iter().map(|refused| refused.index)).collect();
    indexes.sort_unstable();
    let count = indexes.len();
    indexes.dedup();
    assert_eq!(indexes.len(), count, "every record of a message has an index of its own");
}

#[track_caller]
fn in_every_packing(text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    as_in_a_file(text);
    as_in_a_file([text, b"\n"].concat());
    as_in_a_file(gzip(text));
    as_in_a_file(zstd(text));
    as_in_a_file(gzip(gzip(text)));
}

#[test]
fn every_envelope_gives_what_a_file_of_it_gives() {
    let three = || (0..3).map(record);
    in_every_packing(record(1));
    in_every_packing(vault(1));
    in_every_packing(format!("@cee: {}", vault(1)));
    in_every_packing(format!("\u{FEFF} {}", vault(1)));
    in_every_packing(three().collect::<Vec<_>>().join("\n"));
    in_every_packing(three().collect::<Vec<_>>().join("\r\n"));
    in_every_packing(three().collect::<String>());
    in_every_packing(format!("[{}]", three().collect::<Vec<_>>().join(",\n")));
    in_every_packing(format!("{{\"Records\":[{}]}}", three().collect::<Vec<_>>().join(",")));
    in_every_packing(format!(
        r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.kms","detail":{}}}"#,
        record(1)
    ));
    let events = three().map(|text| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(&text)));
    let logs = format!(
        r#"{{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{}]}}"#,
        events.collect::<Vec<_>>().join(",")
    );
    in_every_packing(&logs);
    in_every_packing(format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, base64(gzip(&logs))));
    in_every_packing(r#"{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#);
    in_every_packing(r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/1.json.gz"]}"#);
    in_every_packing(format!(r#"{{"@timestamp":"t","message":{}}}"#, quoted(&record(1))));
    let pretty: serde_json::Value = serde_json::from_str(&record(1)).unwrap();
    in_every_packing(serde_json::to_string_pretty(&pretty).unwrap());
}

#[test]
fn damage_gives_the_refusals_of_a_file_and_touches_no_neighbour() {
    for text in [
        "17",
        "null",
        "\"text\"",
        "noise",
        "{}",
        "{\"a\":1}",
        "[1,{\"b\":2}]",
        "{\"eventVersion\":\"1.11\",",
        "{\"Records\":[{\"eventVersion\":\"1.11\"},{\"eventVersion\":\"1.11\" 7},{\"eventVersion\":\"1.11\"}]}",
        "{\"Records\":[{\"eventVersion\":\"1.11\"",
        "[",
        "}",
        "\u{0}\u{0}",
    ] {
        in_every_packing(text);
        in_every_packing(format!("{}\n{text}\n{}", record(1), record(2)));
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(DEEPEST_NESTING + 1), "}".repeat(DEEPEST_NESTING + 1));
    in_every_packing(deep);
    in_every_packing(
        [b"{\"eventVersion\":\"1.11\",\"x\":\"\xFF\"}".as_slice(), record(1).as_bytes()].concat(),
    );
    in_every_packing(
        [b"{\"eventVersion\":\"1.11\",\"x\":\"\xFF\"}\n".as_slice(), record(1).as_bytes()].concat(),
    );
    in_every_packing(format!("{{\"eventVersion\":\"1.11\",\"eventN{}", record(1)));
}

#[test]
fn damaged_compression_is_as_in_a_file() {
    let packed = gzip(format!("{}\n{}\n", record(1), record(2)));
    for length in [3, 12, packed.len() / 2, packed.len() - 8, packed.len() - 1] {
        as_in_a_file(&packed[..length]);
    }
    let mut wrong = packed.clone();
    wrong[20] ^= 0xFF;
    as_in_a_file(&wrong);
    as_in_a_file([&wrong[..], &gzip(record(3))].concat());
    as_in_a_file([zstd(record(3)), gzip(record(4))].concat());
    as_in_a_file([&packed[..], b"after it"].concat());
    as_in_a_file(b"BZh91AY&SY anything");
    as_in_a_file(b"\x28\xB5\x2F\xFDbad");
}

#[test]
fn a_line_that_is_no_json_is_one_record_for_its_normalizer_to_refuse() {
    let chunk = gather(&["{\"eventVersion\":\"1.11\", oh}".to_owned(), record(1)]);
    assert_eq!((chunk.records.len(), chunk.refused.len()), (2, 0));
}

#[test]
fn messages_without_a_payload_or_with_blanks_hold_nothing() {
    let mut gatherer = Gatherer::new(Limits::default());
    gatherer.add(b"", 7);
    gatherer.add(b" \r\n", 8);
    assert!(gatherer.is_empty());
    let chunk = gatherer.take(&Arc::from("test"), None, 9);
    assert_eq!((chunk.received(), chunk.next), (0, Mark { offset: 9, index: 0 }));
}

#[test]
fn a_chunk_says_where_its_records_come_from_and_the_next_begins_anew() {
    let device = Arc::from("audit");
    let mut gatherer = Gatherer::new(Limits::default());
    gatherer.add(record(1).as_bytes(), 40);
    gatherer.add(format!("{}\n17\n{}", record(2), record(3)).as_bytes(), 43);
    assert_eq!(gatherer.records(), 4);
    assert!(gatherer.bytes() >= 3 * record(1).len());
    let chunk = gatherer.take(&Arc::from("topic/0"), Some(&device), 44);
    assert_eq!(places(&chunk), [(40, 0), (43, 0), (43, 2)]);
    assert_eq!((chunk.refused[0].position, chunk.refused[0].index), (43, 1));
    assert_eq!((&*chunk.source, chunk.device.as_deref(), chunk.last), ("topic/0", Some("audit"), false));
    assert_eq!((gatherer.records(), gatherer.bytes(), gatherer.is_empty()), (0, 0, true));
    gatherer.add(record(4).as_bytes(), 44);
    let chunk = gatherer.take(&Arc::from("topic/0"), None, 45);
    assert_eq!((texts(&chunk), places(&chunk)), (vec![record(4)], vec![(44, 0)]));
}

#[test]
fn a_message_that_unpacks_to_too_much_keeps_its_beginning_and_is_refused_once() {
    let mut bomb = format!("{}\n", record(1)).into_bytes();
    bomb.resize(LARGEST_DECODED + (4 << 20), b' ');
    bomb.extend_from_slice(record(2).as_bytes());
    let mut gatherer = Gatherer::new(Limits::default());
    gatherer.add(&zstd(&bomb), 1);
    assert!(gatherer.bytes() < LARGEST_DECODED + (1 << 20));
    gatherer.add(record(3).as_bytes(), 2);
    let chunk = gatherer.take(&Arc::from("test"), None, 3);
    assert_eq!(texts(&chunk), [record(1), record(3)]);
    let reasons: Vec<_> = chunk.refused.iter().map(|refused| refused.reject.reason).collect();
    assert_eq!(reasons, [RejectReason::TooLarge]);
}

#[test]
fn many_small_bombs_in_one_message_are_bounded_together() {
    let inner = format!("{{\"eventVersion\":\"1.11\",\"x\":\"{}\"}}", "x".repeat(8 << 20));
    let bomb = format!("{{\"Message\":{}}}", quoted(&inner));
    let mut gatherer = Gatherer::new(Limits::default());
    let message = vec![bomb; 10].join("\n");
    gatherer.add(message.as_bytes(), 1);
    assert!(gatherer.bytes() - message.len() < LARGEST_DECODED + 2 * inner.len());
    gatherer.add(record(3).as_bytes(), 2);
    let chunk = gatherer.take(&Arc::from("test"), None, 3);
    assert_eq!(texts(&chunk).last(), Some(&record(3)));
    assert_eq!(chunk.refused.len(), 1);
}

#[test]
fn a_message_of_too_many_records_is_refused_from_there_on() {
    let mut gatherer = Gatherer::new(Limits::default());
    gatherer.add("17\n".repeat(MESSAGE_RECORDS as usize + 1000).as_bytes(), 1);
    gatherer.add(record(3).as_bytes(), 2);
    let chunk = gatherer.take(&Arc::from("test"), None, 3);
    assert_eq!(chunk.refused.len(), MESSAGE_RECORDS as usize + 1);
    let last = chunk.refused.last().unwrap();
    assert_eq!((last.reject.reason, last.length), (RejectReason::TooLarge, 2999));
    assert_eq!(texts(&chunk), [record(3)]);
}

#[test]
fn a_record_longer_than_one_may_be_is_refused() {
    let limits = Limits { largest_record: 300, ..Limits::default() };
    let mut gatherer = Gatherer::new(limits);
    let long = format!("{{\"eventVersion\":\"1.11\",\"x\":\"{}\"}}", "x".repeat(400));
    gatherer.add(long.as_bytes(), 1);
    gatherer.add(record(3).as_bytes(), 2);
    let chunk = gatherer.take(&Arc::from("test"), None, 3);
    assert_eq!(chunk.refused[0].reject.reason, RejectReason::TooLarge);
    assert_eq!((chunk.refused.len(), texts(&chunk)), (1, vec![record(3)]));
}
