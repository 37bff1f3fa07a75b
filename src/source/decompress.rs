//! Unpacks a stream as it is read: plain, gzip or zstd, told by its first bytes, never by its name.
//!
//! In: stored bytes. Out: plain bytes, and what was damaged on the way. Members and frames may follow one
//! another, of either kind, with zeros between them. After a damaged one the next is looked for, so that
//! one bad member costs no other. What is packed twice (CloudWatch Logs through Firehose, compressed again
//! on its way to S3) is unpacked twice; there, damage in the outer layer ends the stream.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, OnceLock};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::limits::{UNPACK_STEP, ZSTD_WINDOW_LOG};
use super::raw::Raw;
use crate::domain::reject::{Reject, RejectReason};

/// How every gzip member begins (RFC 1952 §2.3.1).
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// How every zstd frame begins (RFC 8878 §3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// How a zstd frame without content begins, after a byte 0x50 to 0x5F (RFC 8878 §3.1.2).
const ZSTD_SKIPPABLE: [u8; 3] = [0x2A, 0x4D, 0x18];

/// Packed forms that are not read; saying so once is better than refusing every line of them.
const NOT_READ: &[(&[u8], &str)] = &[
    (b"\xFD7zXZ\0", "xz data; unpack it first, keyward reads gzip and zstd"),
    (b"BZh91AY", "bzip2 data; unpack it first, keyward reads gzip and zstd"),
    (b"PK\x03\x04", "a zip archive; unpack it first, keyward reads gzip and zstd"),
    (b"\x04\x22\x4D\x18", "lz4 data; unpack it first, keyward reads gzip and zstd"),
    (b"PAR1", "a Parquet file, not a log of JSON records"),
    (b"SQLite format 3", "an SQLite database, not a log of JSON records"),
];

/// Bytes that tell what follows.
const MAGIC_BYTES: usize = 16;

/// What became of an attempt to get more plain bytes.
pub(super) enum Filled {
    /// There are more.
    More,
    /// The stream is over.
    End,
    /// The plain bytes end here, early, for this reason; there may be more after a new beginning.
    Broken(Reject),
}

/// A stream being unpacked.
pub(super) struct Stream {
    member: Member,
    /// Whether nothing was unpacked so far.
    fresh: bool,
    /// For what was packed inside another stream: why that one ended early, if it did.
    outer: Option<Arc<OnceLock<Reject>>>,
}

enum Member {
    /// Before the first member.
    Start(Raw),
    Plain(Raw),
    Gzip(Box<GzDecoder<Raw>>),
    Zstd(Box<ZstdDecoder<'static, Raw>>),
    /// After a damaged one, before the next.
    Lost(Raw),
    Over,
}

impl Stream {
    /// The plain bytes of `raw`.
    pub(super) fn new(raw: Raw) -> Self {
        Self { member: Member::Start(raw), fresh: true, outer: None }
    }

    /// The bytes of `raw` as they are, for one that is entered in its middle.
    pub(super) fn plain(raw: Raw) -> Self {
        Self { member: Member::Plain(raw), fresh: false, outer: None }
    }

    /// Appends up to `wanted` plain bytes to `buffer`.
    ///
    /// # Errors
    /// Where the stored bytes cannot be read; damage in them is no error.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<Filled> {
        loop {
            let before = buffer.len();
            let packed = matches!(self.member, Member::Gzip(_) | Member::Zstd(_));
            let read = match &mut self.member {
                Member::Plain(raw) => raw.append_to(buffer, wanted),
                Member::Gzip(decoder) => unpack(decoder, buffer, wanted),
                Member::Zstd(decoder) => unpack(decoder, buffer, wanted),
                Member::Start(_) | Member::Lost(_) => Ok(0),
                Member::Over => return Ok(self.outer_end()),
            };
            let filled = match read {
                Ok(_) if buffer.len() > before => Filled::More,
                Ok(_) => match self.next_member()? {
                    Some(reject) => Filled::Broken(reject),
                    None => continue,
                },
                Err(error) => self.damaged(error)?,
            };
            if packed && self.is_packed_again(buffer.get(before..).unwrap_or_default()) {
                self.unpack_again(buffer.split_off(before), filled);
            } else {
                return Ok(filled);
            }
        }
    }

    /// Whether the first bytes unpacked are packed themselves.
    fn is_packed_again(&mut self, unpacked: &[u8]) -> bool {
        let first = std::mem::take(&mut self.fresh);
        first && self.outer.is_none() && Kind::of(unpacked).is_some()
    }

    /// Unpacks the stream inside this one, of which `begin` is here; `filled` says how it goes on.
    fn unpack_again(&mut self, begin: Vec<u8>, filled: Filled) {
        let broken = Arc::<OnceLock<Reject>>::default();
        if let Filled::Broken(reject) = filled {
            broken.get_or_init(|| reject);
        }
        let stream =
            Self { member: std::mem::replace(&mut self.member, Member::Over), fresh: false, outer: None };
        let outer = Unpacked { stream, pending: begin.into(), broken: Arc::clone(&broken) };
        let raw = Raw::new(Box::new(outer), Arc::default());
        *self = Self { member: Member::Start(raw), fresh: true, outer: Some(broken) };
    }

    /// The end, or what ended the stream that this one was packed in.
    fn outer_end(&mut self) -> Filled {
        let broken = self.outer.take().and_then(|outer| outer.get().cloned());
        broken.map_or(Filled::End, Filled::Broken)
    }

    /// Goes from a member that is over to the next; a reject where what follows is none.
    fn next_member(&mut self) -> io::Result<Option<Reject>> {
        let (mut raw, first) = match std::mem::replace(&mut self.member, Member::Over) {
            Member::Start(raw) => (raw, true),
            Member::Gzip(decoder) => (decoder.into_inner(), false),
            Member::Zstd(decoder) => (decoder.finish(), false),
            Member::Lost(raw) => return self.find_member(raw).map(|()| None),
            Member::Plain(_) | Member::Over => return Ok(None),
        };
        if !first && !raw.skip_until(|byte| byte != 0)? {
            return Ok(None); // tapes and some writers fill up with zeros
        }
        let (head, length) = raw.look::<MAGIC_BYTES>()?;
        let head = head.get(..length).unwrap_or_default();
        match Kind::of(head) {
            Some(kind) => self.begin(kind, raw)?,
            None if first => return Ok(self.begin_plain(head, raw)),
            None => {
                self.member = Member::Lost(raw);
                return Ok(Some(Reject::new(
                    RejectReason::InvalidCompression,
                    "bytes after the compressed data",
                )));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, kind: Kind, raw: Raw) -> io::Result<()> {
        self.member = match kind {
            Kind::Gzip => Member::Gzip(Box::new(GzDecoder::new(raw))),
            Kind::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(raw)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Member::Zstd(Box::new(decoder))
            }
        };
        Ok(())
    }

    fn begin_plain(&mut self, head: &[u8], raw: Raw) -> Option<Reject> {
        if let Some((_, what)) = NOT_READ.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Some(Reject::new(RejectReason::UnknownFormat, *what));
        }
        self.member = Member::Plain(raw);
        None
    }

    /// Looks for the next member after damage.
    fn find_member(&mut self, mut raw: Raw) -> io::Result<()> {
        while raw.skip_until(|byte| matches!(byte, 0x1F | 0x28))? {
            let (head, length) = raw.look::<MAGIC_BYTES>()?;
            match Kind::surely(head.get(..length).unwrap_or_default()) {
                Some(kind) => return self.begin(kind, raw),
                None => raw.consume(1),
            }
        }
        Ok(())
    }

    /// A member that does not unpack: its reason, and the search for the next.
    fn damaged(&mut self, error: io::Error) -> io::Result<Filled> {
        let raw = match std::mem::replace(&mut self.member, Member::Over) {
            Member::Gzip(decoder) => decoder.into_inner(),
            Member::Zstd(decoder) => {
                let mut raw = decoder.finish();
                // The frame that failed may still be there from its first byte on.
                if !raw.failed() && !raw.fill_buf()?.is_empty() {
                    raw.consume(1);
                }
                raw
            }
            _ => return Err(error),
        };
        if raw.failed() {
            return Err(error);
        }
        self.member = Member::Lost(raw);
        if let Filled::Broken(reject) = self.outer_end() {
            return Ok(Filled::Broken(reject));
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let reject = Reject::new(RejectReason::Truncated, "the compressed data ends in the middle");
            return Ok(Filled::Broken(reject));
        }
        Ok(Filled::Broken(Reject::new(
            RejectReason::InvalidCompression,
            "the compressed data does not unpack",
        )))
    }
}

/// A stream that holds another one, as that one's stored bytes.
struct Unpacked {
    stream: Stream,
    pending: VecDeque<u8>,
    broken: Arc<OnceLock<Reject>>,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.is_empty() && self.broken.get().is_none() {
            let mut more = Vec::from(std::mem::take(&mut self.pending));
            if let Filled::Broken(reject) = self.stream.fill(&mut more, buffer.len())? {
                self.broken.get_or_init(|| reject);
            }
            self.pending = more.into();
        }
        self.pending.read(buffer)
    }
}

/// Whether a file begins like compressed data; leaves it after the bytes looked at.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn is_compressed(from: &mut impl Read) -> io::Result<bool> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    from.take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
    Ok(Kind::of(&head).is_some())
}

/// Unpacks in small steps: a decoder that fails does not say what it unpacked in the same step.
fn unpack(from: &mut impl Read, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<usize> {
    let before = buffer.len();
    while buffer.len() < before + wanted {
        let read = take(from, buffer, UNPACK_STEP.min(before + wanted - buffer.len()))?;
        if read == 0 {
            break;
        }
    }
    Ok(buffer.len() - before)
}

fn take(from: &mut impl Read, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<usize> {
    from.by_ref().take(wanted as u64).read_to_end(buffer)
}

#[derive(Clone, Copy)]
enum Kind {
    Gzip,
    Zstd,
}

impl Kind {
    fn of(head: &[u8]) -> Option<Self> {
        let skippable = head.first().is_some_and(|first| first >> 4 == 5);
        if head.starts_with(&GZIP_MAGIC) {
            Some(Self::Gzip)
        } else if head.starts_with(&ZSTD_MAGIC)
            || skippable && head.get(1..4).is_some_and(|rest| rest == ZSTD_SKIPPABLE)
        {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// As [`Self::of`], for a place that no member has to begin at: looks at all of gzip's header.
    fn surely(head: &[u8]) -> Option<Self> {
        match (Self::of(head)?, head) {
            (Kind::Gzip, [_, _, 8, flags, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..]) if flags & 0xE0 == 0 => {
                Some(Self::Gzip)
            }
            (Kind::Zstd, _) => Some(Self::Zstd),
            _ => None,
        }
    }
}
