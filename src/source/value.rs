//! One top-level value whose end is not known by its line: it is walked over, then opened.

use memchr::memmem;

use super::cut::{Cut, Place};
use super::envelope::{self, damaged};
use super::frame::{Flow, Framer, Mode};
use super::limits::{LONGEST_FAST_LINE, MOST_LOOKS};
use super::list::List;
use super::scan::{Fault, Scanner, Step, begins_value};
use super::shape;
use super::skip::{Skip, Until};
use super::window::Window;
use crate::domain::reject::{Reject, RejectReason};

/// A top-level value being walked over.
pub(super) struct Value {
    start: u64,
    /// Where its line begins, where something comes before it on the line.
    line_start: u64,
    /// Whether it is the first value on its line.
    fresh_line: bool,
    scanner: Scanner,
    /// Whether a list in it was cut element by element: then nothing is left to open.
    opened: bool,
    /// Set while the rest of the damaged line is waited for.
    failure: Option<Failure>,
}

impl Value {
    /// A value that begins at `start`.
    pub(super) fn new(start: u64, fresh_line: bool) -> Self {
        let scanner = Scanner::new().stopping_at(shape::is_list_key);
        Self { start, line_start: start, fresh_line, scanner, opened: false, failure: None }
    }

    /// A value with something before it on its line, where it must end.
    pub(super) fn prefixed(line_start: u64, start: u64) -> Self {
        let scanner = Scanner::new().on_one_line();
        Self { start, line_start, fresh_line: true, scanner, opened: false, failure: None }
    }

    pub(super) fn kept_from(&self) -> u64 {
        self.line_start
    }

    pub(super) fn is_opened(&self) -> bool {
        self.opened
    }

    /// Goes on after a list in it that ended before `offset`.
    pub(super) fn after_list(&mut self, offset: u64) {
        self.start = offset;
        self.line_start = offset;
        self.scanner.after_list();
    }

    pub(super) fn advance(
        mut self: Box<Self>,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) -> Flow {
        if let Some(failure) = self.failure.take() {
            return self.fails(failure, framer, window, cut);
        }
        let text = window.from(self.start);
        match self.scanner.advance(text) {
            Step::Done(end) => self.done(text.get(..end).unwrap_or_default(), framer, window, cut),
            Step::List(at) => self.list(text.get(..at).unwrap_or_default(), framer, cut),
            Step::Bad(fault) => {
                let failure = Failure { reject: damaged(Some(fault)), grammar: fault == Fault::Grammar };
                self.fails(failure, framer, window, cut)
            }
            Step::More if text.len() > framer.largest_record => self.too_large(framer, cut),
            Step::More if window.ended => {
                let reject = if self.scanner.too_deep() { too_deep() } else { framer.unfinished() };
                self.fails(Failure { reject, grammar: true }, framer, window, cut)
            }
            Step::More => {
                framer.mode = Mode::Value(self);
                Flow::More
            }
        }
    }

    fn done(&self, text: &[u8], framer: &mut Framer, window: &Window<'_>, cut: &mut Cut) -> Flow {
        framer.next = self.start + text.len() as u64;
        framer.on_one_line = !self.scanner.crossed_line() && !self.opened;
        if self.opened {
            return Flow::On;
        }
        cut.enter(self.start);
        if self.scanner.too_deep() {
            cut.refuse(text, too_deep());
        } else if text.len() > framer.largest_record {
            cut.refuse(text, too_large());
        } else {
            envelope::open(text, Place::Stream(window.index(self.start)), cut);
        }
        Flow::On
    }

    /// A list begins after `before`: it is cut element by element, unless the object says it is none.
    fn list(mut self: Box<Self>, before: &[u8], framer: &mut Framer, cut: &mut Cut) -> Flow {
        if shape::is_control(before) {
            self.scanner.through_lists();
            framer.mode = Mode::Value(self);
            return Flow::On;
        }
        if !self.opened {
            cut.enter(self.start);
        }
        framer.next = self.start + before.len() as u64 + 1;
        self.opened = true;
        framer.mode = Mode::List(Box::new(List::in_object(self)));
        Flow::On
    }

    fn too_large(mut self, framer: &mut Framer, cut: &mut Cut) -> Flow {
        self.scanner.through_lists();
        framer.skip(Skip::new(self.start, too_large(), Until::ValueEnd(self.scanner)), self.opened, cut);
        Flow::On
    }

    /// Decides how far the damage goes, as soon as the value's first line is here.
    fn fails(
        mut self: Box<Self>,
        failure: Failure,
        framer: &mut Framer,
        window: &Window<'_>,
        cut: &mut Cut,
    ) -> Flow {
        let text = window.from(self.line_start);
        let text = text.get(..LONGEST_FAST_LINE).unwrap_or(text);
        let newline = framer.breaks.first(text, self.line_start);
        if newline.is_none() && text.len() < LONGEST_FAST_LINE && !window.ended {
            self.failure = Some(failure);
            framer.mode = Mode::Value(self);
            return Flow::More;
        }
        let line = text.get(..newline.unwrap_or(text.len())).unwrap_or_default();
        let until = if let Some(place) = self.sibling(line, newline.is_none(), framer) {
            Until::Length(place)
        } else if self.opened {
            Until::Sibling(Vec::new())
        } else if self.is_by_line(line, framer) {
            Until::LineEnd
        } else {
            Until::RecordLine
        };
        let cut_line = failure.grammar && matches!(until, Until::LineEnd) && self.scanner.crossed_line();
        let reject = if cut_line { damaged(Some(Fault::LineBreak)) } else { failure.reject };
        framer.skip(Skip::new(self.line_start, reject, until), self.opened, cut);
        Flow::On
    }

    /// Whether the damage is taken to end with the value's first line.
    fn is_by_line(&self, line: &[u8], framer: &Framer) -> bool {
        let prefixed = self.line_start < self.start;
        let whole = line.len() > 1 && line.trim_ascii_end().ends_with(b"}");
        prefixed || self.fresh_line && !self.opened && (framer.on_one_line || whole)
    }

    /// The next value on the same line: a usual record that begins alike, or any value that does, where
    /// values follow one another without line breaks, or may; or the next document, after one that was cut
    /// in or after its list.
    fn sibling(&self, line: &[u8], only_line: bool, framer: &Framer) -> Option<usize> {
        if self.opened {
            let at = self.scanner.at();
            return line.get(at..)?.starts_with(b"{").then_some(at);
        }
        let follows = !self.fresh_line || only_line && !framer.on_one_line;
        let token = shape::token(line)?;
        let places = memmem::find_iter(line.get(1..)?, token).map(|place| place + 1);
        places.take(MOST_LOOKS).find(|place| {
            let text = line.get(*place..).unwrap_or_default();
            (follows || shape::first_key(text).is_some()) && begins_value(text, true) == Some(true)
        })
    }
}

/// Why a value is refused.
struct Failure {
    reject: Reject,
    /// Whether a byte was wrong, as opposed to the end of the line or of the stream.
    grammar: bool,
}

/// The reason to refuse what is longer than a record may be.
pub(super) fn too_large() -> Reject {
    Reject::new(RejectReason::TooLarge, "longer than a record may be")
}

/// The reason to refuse what nests deeper than it may.
pub(super) fn too_deep() -> Reject {
    damaged(Some(Fault::TooDeep))
}
