//! Opens what is complete in memory: a record is taken, an envelope is opened, the rest is refused.
//!
//! In: the bytes of one JSON value whose end is known. Out: its records, refusals and asides, in the
//! [`Cut`]. An array counts as its elements; a wrapper counts as what it holds, or as one where it holds
//! nothing we know. Long arrays at the top of a stream never come here whole: the framer cuts them.

use super::chunk::Shape;
use super::cut::{Cut, Place};
use super::decode;
use super::limits::{DEEPEST_ENVELOPE, LARGEST_DECODED, NESTED_RECORDS};
use super::members::{Elements, Span, after_blank};
use super::scan::{Fault, value_end};
use super::shape::{Class, Content, Otherwise, Parts, classify};
use crate::domain::reject::{Reject, RejectReason};

/// Opens one value and everything in it.
pub(super) fn open(text: &[u8], place: Place, cut: &mut Cut) {
    Opening { cut, decoded: 0, records: 0 }.value(text, place, 0);
}

/// Opens an object whose class is known already.
pub(super) fn open_as(class: Class, text: &[u8], place: Place, cut: &mut Cut) {
    Opening { cut, decoded: 0, records: 0 }.class(class, text, place, 0);
}

/// One value being opened, with what it has used of its bounds.
struct Opening<'c> {
    cut: &'c mut Cut,
    decoded: usize,
    records: u32,
}

impl Opening<'_> {
    fn value(&mut self, text: &[u8], place: Place, depth: u32) {
        match text.first() {
            Some(b'{') if depth <= DEEPEST_ENVELOPE => self.class(classify(text), text, place, depth),
            Some(b'[') if depth <= DEEPEST_ENVELOPE => self.list(text, place, depth),
            Some(b'{' | b'[') => {
                self.refuse(text, RejectReason::UnknownFormat, "too many envelopes in one another")
            }
            _ => self.refuse(text, RejectReason::UnknownFormat, "not an object"),
        }
    }

    fn class(&mut self, class: Class, text: &[u8], place: Place, depth: u32) {
        match class {
            Class::Record(shape) => self.cut.record(text, place, shape),
            Class::Detail(detail) => {
                self.cut.record(detail.of(text), place.part(detail.start), Shape::CloudTrail)
            }
            Class::Aside(aside) => self.cut.aside(aside),
            Class::List(list) => self.list(list.of(text), place.part(list.start), depth),
            Class::Holds(parts, otherwise) => self.wrapper(text, place, depth, parts, otherwise),
            Class::Ambiguous => {
                self.refuse(text, RejectReason::DuplicateField, "a member that holds records is there twice");
            }
            Class::Unknown => self.refuse(text, RejectReason::UnknownFormat, "an object of no known format"),
        }
    }

    fn list(&mut self, text: &[u8], place: Place, depth: u32) {
        for Span { start, end } in Elements::new(text) {
            if self.records >= NESTED_RECORDS {
                let rest = text.get(start..).unwrap_or_default();
                return self.refuse(
                    rest,
                    RejectReason::TooLarge,
                    "an envelope in an envelope has too many records",
                );
            }
            self.records += 1;
            self.value(Span { start, end }.of(text), place.part(start), depth + 1);
        }
    }

    fn wrapper(&mut self, text: &[u8], place: Place, depth: u32, parts: Parts, otherwise: Otherwise) {
        let mut reject = Reject::new(RejectReason::UnknownFormat, "an object of no known format");
        for part in parts.into_iter().flatten() {
            match self.part(text, place, depth, part) {
                Ok(true) => return,
                Ok(false) => {}
                Err(found) => reject = found,
            }
        }
        match otherwise {
            Otherwise::Aside(aside) => self.cut.aside(aside),
            Otherwise::Unknown => self.cut.refuse(text, reject),
        }
    }

    /// Opens one part of a wrapper and says whether there was anything in it.
    fn part(&mut self, text: &[u8], place: Place, depth: u32, part: Content) -> Result<bool, Reject> {
        let held = match part {
            Content::Object(span) => {
                let known = is_known(span.of(text), depth);
                if known {
                    self.value(span.of(text), place.part(span.start), depth + 1);
                }
                return Ok(known);
            }
            Content::Text(span) if !looks_like_json(span.of(text)) => return Ok(false),
            Content::Text(span) => decode::text(span.of(text))?,
            Content::Base64(span) => decode::base64(span.of(text), LARGEST_DECODED - self.decoded)?,
        };
        self.decoded += held.len();
        if self.decoded >= LARGEST_DECODED {
            return Err(Reject::new(RejectReason::TooLarge, "what is in an envelope decodes to too much"));
        }
        let held = held.trim_ascii();
        let known = is_known(held, depth);
        if known {
            self.values(held, depth + 1);
        }
        Ok(known)
    }

    /// Opens values one after the other, as decoded text can hold several.
    fn values(&mut self, text: &[u8], depth: u32) {
        let mut at = 0;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let end = match value_end(rest) {
                Ok(end) => end,
                Err(fault) => return self.cut.refuse(rest, damaged(fault)),
            };
            self.value(rest.get(..end).unwrap_or_default(), Place::Decoded, depth);
            at = after_blank(text, at + end);
        }
    }

    fn refuse(&mut self, text: &[u8], reason: RejectReason, detail: &str) {
        self.cut.refuse(text, Reject::new(reason, detail));
    }
}

/// Whether what a wrapper holds is worth opening.
fn is_known(text: &[u8], depth: u32) -> bool {
    match text.first() {
        Some(b'{') => depth < DEEPEST_ENVELOPE && classify(text) != Class::Unknown,
        Some(b'[') => depth < DEEPEST_ENVELOPE,
        _ => false,
    }
}

/// Whether a string, as it is written, may hold JSON.
fn looks_like_json(quoted: &[u8]) -> bool {
    let inner = quoted.get(1..).unwrap_or_default().trim_ascii_start();
    matches!(inner.first(), Some(b'{' | b'[' | b'\\'))
}

/// The reason to refuse a value that its walk found damaged, or endless.
pub(super) fn damaged(fault: Option<Fault>) -> Reject {
    match fault {
        Some(Fault::Grammar) => Reject::new(RejectReason::InvalidJson, "not JSON"),
        Some(Fault::LineBreak) => {
            Reject::new(RejectReason::Truncated, "the line ends in the middle of the record")
        }
        Some(Fault::TooDeep) => Reject::new(RejectReason::TooDeep, "nested deeper than 128 levels"),
        None => Reject::new(RejectReason::Truncated, "the input ends in the middle of the record"),
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
