//! Sources: every envelope, every kind of damage, positions, and what must hold for any bytes.

mod damage;
mod envelopes;
mod positions;
mod properties;
mod samples;

use std::io::Read;

use keyward::domain::reject::{Aside, RejectReason};
use keyward::source::{Chunk, Input, Limits, Reader, Refused, Shape};

/// Everything that came out of one reading.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Text, position, index, shape of each record.
    records: Vec<(String, u64, u32, Shape)>,
    refused: Vec<Refused>,
    asides: Vec<(Aside, u64)>,
    received: u64,
    chunks: usize,
}

impl Seen {
    fn add(&mut self, chunk: &Chunk) {
        for piece in &chunk.records {
            let text = std::str::from_utf8(chunk.record(piece)).expect("a record is UTF-8").to_owned();
            self.records.push((text, piece.position, piece.index, piece.shape));
        }
        self.refused.extend(chunk.refused.iter().cloned());
        for (aside, count) in &chunk.asides {
            match self.asides.iter_mut().find(|(known, _)| known == aside) {
                Some((_, sum)) => *sum += count,
                None => self.asides.push((*aside, *count)),
            }
        }
        self.asides.sort();
        self.received += chunk.received();
        self.chunks += 1;
    }

    fn texts(&self) -> Vec<&str> {
        self.records.iter().map(|(text, ..)| text.as_str()).collect()
    }

    fn reasons(&self) -> Vec<RejectReason> {
        self.refused.iter().map(|refused| refused.reject.reason).collect()
    }

    /// Positions and indexes of the refused.
    fn places(&self) -> Vec<(u64, u32)> {
        self.refused.iter().map(|refused| (refused.position, refused.index)).collect()
    }
}

fn read_all(mut reader: Reader) -> Seen {
    let mut seen = Seen::default();
    let mut reuse = Vec::new();
    while let Some(chunk) = reader.next_chunk(reuse).unwrap() {
        seen.add(&chunk);
        reuse = chunk.bytes;
    }
    seen
}

fn read_with(bytes: impl Read + Send + 'static, limits: Limits) -> Seen {
    read_all(Reader::new(vec![Input::stream("test", bytes)], limits))
}

fn read(bytes: impl AsRef<[u8]>) -> Seen {
    read_with(std::io::Cursor::new(bytes.as_ref().to_vec()), Limits::default())
}

/// A stream that gives a few bytes at a time: 1, then 2, up to `most`, and again.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    turn: usize,
    most: usize,
}

impl Dribble {
    fn new(bytes: &[u8], most: usize) -> Self {
        Self { bytes: bytes.to_vec(), at: 0, turn: 0, most }
    }
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.turn = self.turn % self.most + 1;
        let rest = &self.bytes[self.at..];
        let length = self.turn.min(rest.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// A small CloudTrail record, told from others by its number.
fn cloudtrail(number: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a{number}"}},"eventTime":"2026-11-10T08:00:02Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"id-{number}","note":"}}{{ \" \\"}}"#
    )
}

/// The same without anything that forces a closer look at its line.
fn plain(number: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventName":"Decrypt","userIdentity":{{"type":"Root"}},"eventID":"id-{number}"}}"#
    )
}

/// A small Vault entry.
fn vault(number: usize) -> String {
    format!(
        r#"{{"time":"2026-11-24T03:20:39.394374697Z","type":"request","auth":{{"token_type":"default"}},"request":{{"id":"id-{number}","path":"transit/encrypt/orders"}}}}"#
    )
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).unwrap()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
