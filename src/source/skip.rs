//! Passes over something that is refused, without keeping it.

use memchr::{memchr, memmem};

use super::cut::Cut;
use super::frame::{Flow, Framer, Mode};
use super::list::List;
use super::refusal::Refusal;
use super::scan::{Fault, Scanner, Step, begins_value};
use super::window::Window;
use crate::domain::reject::Reject;

/// Where the refused ends.
pub(super) enum Until {
    /// After this many bytes.
    Length(usize),
    /// Before the next line break.
    LineEnd,
    /// Before the next line that begins with `{`.
    RecordLine,
    /// Where the value ends.
    ValueEnd(Scanner),
    /// Where the next element of the list begins that begins like this, or another list or line does.
    Sibling(Vec<u8>),
}

/// Something being passed over.
pub(super) struct Skip {
    start: u64,
    refusal: Refusal,
    until: Until,
    /// The list it is an element of.
    list: Option<Box<List>>,
}

/// What was found of the end.
enum Found {
    /// It ends in so many bytes.
    End(usize),
    /// It ends in so many bytes, and the list with it.
    ListEnd(usize),
    /// So many bytes belong to it; look again from there.
    Part(usize),
    /// So many bytes belong to it; more bytes decide about the rest.
    More(usize),
}

/// How the top-level object of an S3 file begins, where it follows damage.
const DOCUMENT: &[u8] = b"{\"Records\":[";

/// How a line begins that is taken for a record's.
const RECORD_LINE: &[u8] = b"\n{";

impl Skip {
    /// Something at the top.
    pub(super) fn new(start: u64, reject: Reject, until: Until) -> Self {
        Self { start, refusal: Refusal::new(reject), until, list: None }
    }

    /// An element of a list.
    pub(super) fn element(start: u64, reject: Reject, until: Until, list: Box<List>) -> Self {
        Self { start, refusal: Refusal::new(reject), until, list: Some(list) }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn advance(
        mut self: Box<Self>,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) -> Flow {
        let text = window.from(framer.next);
        match self.find(text, window.ended, framer.on_one_line) {
            Found::Part(length) => {
                self.absorb(text, length, framer);
                framer.mode = Mode::Skip(self);
                return Flow::On;
            }
            Found::More(length) if !window.ended => {
                self.absorb(text, length, framer);
                framer.mode = Mode::Skip(self);
                return Flow::More;
            }
            Found::End(length) => self.absorb(text, length, framer),
            Found::ListEnd(length) => {
                self.absorb(text, length, framer);
                self.list = None;
            }
            Found::More(_) => {
                self.absorb(text, text.len(), framer);
                self.list = None;
            }
        }
        cut.refused(self.refusal);
        framer.mode = self.list.map_or(Mode::Top, Mode::List);
        Flow::On
    }

    fn absorb(&mut self, text: &[u8], length: usize, framer: &mut Framer) {
        self.refusal.absorb(text.get(..length).unwrap_or_default());
        framer.next += length as u64;
    }

    fn find(&mut self, text: &[u8], ended: bool, by_line: bool) -> Found {
        match &mut self.until {
            Until::Length(length) => Found::End(*length),
            Until::LineEnd => memchr(b'\n', text).map_or(Found::More(text.len()), Found::End),
            Until::RecordLine => record_line(text),
            Until::Sibling(_) if self.refusal.length() == 0 && !text.is_empty() => Found::Part(1),
            Until::Sibling(token) => sibling(text, token, ended),
            Until::ValueEnd(scanner) => match scanner.advance(text) {
                Step::Done(end) => Found::End(end),
                Step::More | Step::List(_) => Found::More(scanner.forget()),
                Step::Bad(fault) => {
                    let passed = scanner.forget();
                    self.until = self.after_damage(fault, by_line);
                    Found::Part(passed)
                }
            },
        }
    }

    /// Where a value ends that is too large and damaged as well.
    fn after_damage(&self, fault: Fault, by_line: bool) -> Until {
        match &self.list {
            Some(list) => Until::Sibling(list.token().to_vec()),
            None if by_line || fault != Fault::Grammar => Until::LineEnd,
            None => Until::RecordLine,
        }
    }
}

fn record_line(text: &[u8]) -> Found {
    let kept = usize::from(text.ends_with(b"\n"));
    memmem::find(text, RECORD_LINE).map_or(Found::More(text.len() - kept), Found::End)
}

/// The first place from which a list, or the stream, can go on. What begins too near the end of the text
/// to be told is left for later, so that the answer does not depend on where the text happens to end.
fn sibling(text: &[u8], token: &[u8], ended: bool) -> Found {
    let sure = text.len().saturating_sub(token.len().max(DOCUMENT.len()) + 1);
    let (alike, unsure) = element(text, token, ended);
    let document = memmem::find(text, DOCUMENT);
    let line = memmem::find(text, RECORD_LINE);
    let first = [alike, document, line, unsure].into_iter().flatten().min().unwrap_or(text.len());
    if !ended && first > sure {
        Found::More(sure)
    } else if first >= text.len() {
        Found::More(text.len())
    } else if unsure == Some(first) {
        Found::More(first)
    } else if alike == Some(first) || line == Some(first) && is_at(text, first + 1, token) {
        Found::End(first)
    } else {
        Found::ListEnd(first)
    }
}

fn is_at(text: &[u8], place: usize, token: &[u8]) -> bool {
    !token.is_empty() && text.get(place..).is_some_and(|text| text.starts_with(token))
}

/// The first place where a sound element begins like `token`; or, second, where one may begin.
fn element(text: &[u8], token: &[u8], ended: bool) -> (Option<usize>, Option<usize>) {
    if token.is_empty() {
        return (None, None);
    }
    for place in memmem::find_iter(text, token) {
        match begins_value(text.get(place..).unwrap_or_default(), ended) {
            Some(true) => return (Some(place), None),
            Some(false) => {}
            None => return (None, Some(place)),
        }
    }
    (None, None)
}
