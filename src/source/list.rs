//! A list at the top of a stream, `{"Records":[…]}` or a bare array, cut element by element as it streams
//! by. It is never in memory as a whole.

use super::cut::{Cut, Place};
use super::envelope::{self, damaged};
use super::frame::{Flow, Framer, Mode};
use super::scan::{Scanner, Step};
use super::shape;
use super::skip::{Skip, Until};
use super::value::{Value, too_deep, too_large};
use super::window::Window;
use crate::domain::reject::Reject;

/// A list being cut.
pub(super) struct List {
    /// The object it is in.
    object: Option<Box<Value>>,
    element: Option<Element>,
    /// How its first good element began.
    token: Vec<u8>,
    /// Whether one of its elements was damaged: then its missing end is no further damage.
    damaged: bool,
}

struct Element {
    start: u64,
    scanner: Scanner,
}

impl List {
    /// An array at the top.
    pub(super) fn bare() -> Self {
        Self { object: None, element: None, token: Vec::new(), damaged: false }
    }

    /// An array in an object at the top.
    pub(super) fn in_object(object: Box<Value>) -> Self {
        Self { object: Some(object), element: None, token: Vec::new(), damaged: false }
    }

    /// Offset of the first byte that is still needed; `next` is where no element is begun.
    pub(super) fn kept_from(&self, next: u64) -> u64 {
        self.element.as_ref().map_or(next, |element| element.start)
    }

    /// How its elements begin, or nothing.
    pub(super) fn token(&self) -> &[u8] {
        &self.token
    }

    pub(super) fn advance(
        mut self: Box<Self>,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) -> Flow {
        match self.element.take() {
            Some(element) => self.element(element, framer, window, cut),
            None => self.between(framer, window, cut),
        }
    }

    /// Between two elements. A comma too many or too few costs nothing.
    fn between(mut self: Box<Self>, framer: &mut Framer, window: &Window<'_>, cut: &mut Cut) -> Flow {
        let text = window.from(framer.next);
        let blank = text.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != b',');
        framer.next += blank.unwrap_or(text.len()) as u64;
        match blank.and_then(|place| text.get(place)) {
            None if window.ended && self.damaged => {}
            None if window.ended => {
                let reject = framer.unfinished();
                cut.refuse(&[], reject);
            }
            None => {
                framer.mode = Mode::List(self);
                return Flow::More;
            }
            Some(b']') => self.ends(framer),
            Some(_) => {
                self.element = Some(Element { start: framer.next, scanner: Scanner::new() });
                framer.mode = Mode::List(self);
            }
        }
        Flow::On
    }

    fn ends(self, framer: &mut Framer) {
        framer.next += 1;
        framer.mode = match self.object {
            Some(mut object) => {
                object.after_list(framer.next);
                Mode::Value(object)
            }
            None => Mode::Top,
        };
    }

    fn element(
        mut self: Box<Self>,
        mut element: Element,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) -> Flow {
        let text = window.from(element.start);
        match element.scanner.advance(text) {
            Step::Done(end) => {
                self.take(text.get(..end).unwrap_or_default(), &element, framer, window, cut);
                framer.mode = Mode::List(self);
            }
            Step::Bad(fault) => self.passes_over(text, &element, damaged(Some(fault)), framer),
            Step::More | Step::List(_) if text.len() > framer.largest_record => {
                framer.next = element.start;
                let until = Until::ValueEnd(element.scanner);
                framer.mode = Mode::Skip(Box::new(Skip::element(element.start, too_large(), until, self)));
            }
            Step::More | Step::List(_) if window.ended && element.scanner.too_deep() => {
                self.passes_over(text, &element, too_deep(), framer);
            }
            Step::More | Step::List(_) if window.ended => {
                let reject = framer.unfinished();
                cut.refuse(text, reject);
                framer.next += text.len() as u64;
            }
            Step::More | Step::List(_) => {
                self.element = Some(element);
                framer.mode = Mode::List(self);
                return Flow::More;
            }
        }
        Flow::On
    }

    fn take(
        &mut self,
        text: &[u8],
        element: &Element,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) {
        framer.next = element.start + text.len() as u64;
        if element.scanner.too_deep() {
            return cut.refuse(text, too_deep());
        }
        if text.len() > framer.largest_record {
            return cut.refuse(text, too_large());
        }
        if self.token.is_empty() {
            self.token = shape::token(text).unwrap_or_default().to_vec();
        }
        envelope::open(text, Place::Stream(window.index(element.start)), cut);
    }

    /// Passes over a damaged element to the next one that begins like its siblings, or like itself.
    fn passes_over(mut self: Box<Self>, text: &[u8], element: &Element, reject: Reject, framer: &mut Framer) {
        let own = shape::token(text).unwrap_or_default();
        let token = if self.token.is_empty() { own.to_vec() } else { self.token.clone() };
        framer.next = element.start;
        self.damaged = true;
        framer.mode = Mode::Skip(Box::new(Skip::element(element.start, reject, Until::Sibling(token), self)));
    }
}
