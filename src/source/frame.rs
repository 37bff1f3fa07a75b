//! Cuts a stream of bytes into records: the state machine over top-level values.
//!
//! In: a window on the stream that grows at its end. Out: records, refusals and asides, in the [`Cut`].
//! Nothing is decided by how many bytes the window happens to hold, so the same stream gives the same
//! records however it is read.
//!
//! **Damage** costs one refusal, and the rest goes on. Where it goes on ("resync"):
//! - in a list (`Records` or a bare array), at the next element that begins like its siblings, at the
//!   next `{"Records":[`, or at the next line that begins with `{`, whichever comes first;
//! - at the top, after the end of the line, where the values are one a line so far or the damaged line
//!   ends in `}`; at the next value that begins alike on the same line, where values follow one another
//!   without line breaks (Firehose); else at the next line that begins with `{`.
//!
//! A line with anything else before its first `{` (Vault's `prefix`, a syslog header) holds one record
//! that must end on that line; a line without a `{` is one refusal.

use super::chunk::Mark;
use super::cut::{Cut, Place};
use super::envelope;
use super::limits::{LONGEST_BLANK, LONGEST_PREFIX};
use super::line::{self, Line, LineBreaks, SecondRecord};
use super::list::List;
use super::shape;
use super::skip::{Skip, Until};
use super::value::Value;
use super::window::Window;
use crate::domain::reject::{Reject, RejectReason};

/// Why cutting stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// The window holds nothing more to cut.
    More,
    /// The chunk is full.
    Full,
    /// The stream is over, and everything in it accounted for.
    End,
}

/// Whether to go on with what is in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    More,
}

/// Where the framer is.
pub(super) enum Mode {
    /// Between two top-level values.
    Top,
    /// In a top-level value whose end is looked for.
    Value(Box<Value>),
    /// In a list that is cut element by element.
    List(Box<List>),
    /// In something that is refused and passed over.
    Skip(Box<Skip>),
}

/// The state of cutting one stream.
pub(super) struct Framer {
    pub(super) largest_record: usize,
    pub(super) mode: Mode,
    /// Offset of the next byte that belongs to nothing yet.
    pub(super) next: u64,
    /// Whether a line began since the last value.
    fresh_line: bool,
    /// Whether the last value was on one line.
    pub(super) on_one_line: bool,
    pub(super) breaks: LineBreaks,
    second_record: SecondRecord,
    /// Why the stream ends early, until a refusal has said so.
    ending: Option<Reject>,
}

impl Framer {
    /// A framer for a stream, or the part of it from `offset` on.
    pub(super) fn new(largest_record: usize, offset: u64) -> Self {
        Self {
            largest_record,
            mode: Mode::Top,
            next: offset,
            fresh_line: true,
            on_one_line: false,
            breaks: LineBreaks::default(),
            second_record: SecondRecord::new(),
            ending: None,
        }
    }

    /// Cuts what the window holds.
    pub(super) fn run(&mut self, window: &Window<'_>, cut: &mut Cut) -> Pause {
        loop {
            if cut.is_full() || cut.ends_at(|cut| self.mark(cut)) {
                return Pause::Full;
            }
            let flow = match std::mem::replace(&mut self.mode, Mode::Top) {
                Mode::Top => self.top(window, cut),
                Mode::Value(value) => value.advance(self, window, cut),
                Mode::List(list) => list.advance(self, window, cut),
                Mode::Skip(skip) => skip.advance(self, window, cut),
            };
            match flow {
                Flow::On => {}
                Flow::More if window.ended => return self.end(cut),
                Flow::More => return Pause::More,
            }
        }
    }

    /// The stream ends early for this reason; told to the next run, whose window has ended.
    pub(super) fn ends_because(&mut self, reject: Reject) {
        self.ending = Some(reject);
    }

    /// Why what is unfinished at the stream's end is refused.
    pub(super) fn unfinished(&mut self) -> Reject {
        self.ending.take().unwrap_or_else(|| {
            Reject::new(RejectReason::Truncated, "the input ends in the middle of the record")
        })
    }

    fn end(&mut self, cut: &mut Cut) -> Pause {
        if let Some(reject) = self.ending.take() {
            cut.enter(self.next);
            cut.refuse(&[], reject);
        }
        self.fresh_line = true;
        Pause::End
    }

    /// Offset of the first byte that is still needed.
    pub(super) fn kept_from(&self) -> u64 {
        match &self.mode {
            Mode::Top | Mode::Skip(_) => self.next,
            Mode::Value(value) => value.kept_from(),
            Mode::List(list) => list.kept_from(self.next),
        }
    }

    /// Where the stream is to be continued after what was cut so far.
    pub(super) fn mark(&self, cut: &Cut) -> Mark {
        let top = |offset| Mark { offset, index: 0 };
        match &self.mode {
            Mode::Top => top(self.next),
            Mode::Value(value) if !value.is_opened() => top(value.kept_from()),
            Mode::Value(_) | Mode::List(_) | Mode::Skip(_) => cut.mark(),
        }
    }

    fn top(&mut self, window: &Window<'_>, cut: &mut Cut) -> Flow {
        let rest = window.from(self.next);
        let (length, line) = separators(rest);
        self.fresh_line |= line;
        if let Some(left) = cut.up_to_border(self.next)
            && left <= length as u64
        {
            self.next += left;
            return Flow::On;
        }
        self.next += length as u64;
        match rest.get(length..).unwrap_or_default() {
            [] => Flow::More,
            [0xEF] | [0xEF, 0xBB] if !window.ended => Flow::More,
            rest @ [b'{', ..] => self.object(rest, window, cut),
            rest @ [b'[', ..] => self.array(rest, window, cut),
            rest => self.stray(rest, window, cut),
        }
    }

    fn object(&mut self, rest: &[u8], window: &Window<'_>, cut: &mut Cut) -> Flow {
        match line::look(rest, self.next, window.ended, &mut self.breaks) {
            Line::More => return Flow::More,
            Line::Record(length) if length <= self.largest_record => {
                let record = rest.get(..length).unwrap_or_default();
                if let Some(class) = shape::of_line(record)
                    && !self.second_record.is_in(record)
                {
                    cut.enter(self.next);
                    envelope::open_as(class, record, Place::Stream(window.index(self.next)), cut);
                    self.next += length as u64;
                    self.on_one_line = true;
                    self.fresh_line = false;
                    return Flow::On;
                }
            }
            Line::Record(_) | Line::Unsure => {}
        }
        let value = Value::new(self.next, self.take_fresh_line());
        self.mode = Mode::Value(Box::new(value));
        Flow::On
    }

    /// An array is a list of records where its first element can be one; `[INFO] …` is a line.
    fn array(&mut self, rest: &[u8], window: &Window<'_>, cut: &mut Cut) -> Flow {
        let inside = rest.get(1..).unwrap_or_default();
        let inside = inside.get(..LONGEST_BLANK).unwrap_or(inside);
        match inside.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None if inside.len() < LONGEST_BLANK && !window.ended => Flow::More,
            None | Some(b'{' | b'[' | b']') => {
                cut.enter(self.next);
                self.mode = Mode::List(Box::new(List::bare()));
                self.next += 1;
                self.fresh_line = false;
                Flow::On
            }
            Some(_) => self.stray(rest, window, cut),
        }
    }

    /// A line that begins with neither: something before a record, or no record.
    fn stray(&mut self, rest: &[u8], window: &Window<'_>, cut: &mut Cut) -> Flow {
        let head = rest.get(..LONGEST_PREFIX).unwrap_or(rest);
        let newline = memchr::memchr(b'\n', head);
        if newline.is_none() && head.len() < LONGEST_PREFIX && !window.ended {
            return Flow::More;
        }
        self.fresh_line = false;
        let line = head.get(..newline.unwrap_or(head.len())).unwrap_or_default();
        if let Some(brace) = object_start(line) {
            self.mode = Mode::Value(Box::new(Value::prefixed(self.next, self.next + brace as u64)));
            return Flow::On;
        }
        let whole = newline.is_some() || head.len() < LONGEST_PREFIX;
        let well_formed = whole && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        let reject = if well_formed {
            Reject::new(RejectReason::UnknownFormat, "neither an object nor a list of objects")
        } else {
            Reject::new(RejectReason::InvalidJson, "a line without a JSON object")
        };
        self.skip(Skip::new(self.next, reject, Until::LineEnd), false, cut);
        Flow::On
    }

    /// Begins to pass over something at the top: a value, or the rest of one that was `opened` before.
    pub(super) fn skip(&mut self, skip: Skip, opened: bool, cut: &mut Cut) {
        if !opened {
            cut.enter(skip.start());
        }
        self.next = skip.start();
        self.mode = Mode::Skip(Box::new(skip));
    }

    fn take_fresh_line(&mut self) -> bool {
        std::mem::take(&mut self.fresh_line)
    }
}

/// The byte order mark that Windows tools write, also between files that were put together.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How many bytes of white space, commas, record separators (RFC 7464) and byte order marks come first,
/// and whether there is a line break among them.
fn separators(text: &[u8]) -> (usize, bool) {
    let mut length = 0;
    let mut line = false;
    loop {
        let rest = text.get(length..).unwrap_or_default();
        match rest.first() {
            Some(b'\n') => {
                line = true;
                length += 1;
            }
            Some(b' ' | b'\t' | b'\r' | b',' | 0x1E) => length += 1,
            Some(0xEF) if rest.starts_with(BYTE_ORDER_MARK) => length += BYTE_ORDER_MARK.len(),
            _ => return (length, line),
        }
    }
}

/// Where in a line an object may begin.
fn object_start(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', line).find(|brace| {
        let inside = line.get(brace + 1..).unwrap_or_default();
        matches!(inside.trim_ascii_start().first(), Some(b'"' | b'}') | None)
    })
}
