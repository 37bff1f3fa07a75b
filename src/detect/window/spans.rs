//! Spans of use with long silences between: `dormant`.
//!
//! In: rows of one group. Out: the rows that woke it. Rows less than the silence apart are one span,
//! whatever their order; the start of every span but the first is a waking.

use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::span::about;

/// Findings are told apart by the day of waking, or by a shorter time where one can wake more often.
const DAY: i64 = 86_400_000_000;

#[derive(Debug)]
struct Span {
    first: Witness,
    last: i64,
    fired: bool,
}

/// The spans of one group, oldest first.
#[derive(Debug, Default)]
pub struct Spans {
    spans: Vec<Span>,
}

impl State for Spans {
    fn newest(&self) -> i64 {
        self.spans.last().map_or(i64::MIN, |span| span.last)
    }

    fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
    }
}

impl Spans {
    /// Adds a row; `witness` is asked for where it begins a span. Whether there is more than one span.
    pub fn add(
        &mut self,
        time: i64,
        after: i64,
        ledger: &mut Ledger,
        witness: impl FnOnce(&mut Ledger) -> Witness,
    ) -> bool {
        let at = self.spans.partition_point(|span| span.last.saturating_add(after) <= time);
        match self.spans.get_mut(at) {
            Some(span) if span.first.time.saturating_sub(after) < time => {
                span.last = span.last.max(time);
                if time <= span.first.time {
                    let other = witness(ledger);
                    if ledger.is_before(&other, &span.first) {
                        span.first = other;
                    }
                }
                self.merge(at, after);
            }
            _ => {
                if self.spans.capacity() == 0 {
                    self.spans.reserve_exact(1);
                }
                self.spans.insert(at, Span { first: witness(ledger), last: time, fired: false });
            }
        }
        self.spans.len() > 1
    }

    /// Joins a span with the next where nothing long is between them any more.
    fn merge(&mut self, at: usize, after: i64) {
        let pair = (self.spans.get(at), self.spans.get(at + 1));
        let (Some(span), Some(next)) = pair else { return };
        if span.last.saturating_add(after) > next.first.time {
            let last = span.last.max(next.last);
            self.spans.remove(at + 1);
            if let Some(span) = self.spans.get_mut(at) {
                span.last = last;
            }
        }
    }

    /// The wakings that nothing earlier than `settled` can undo, each once; when to look again,
    /// where one waits.
    pub fn fire(&mut self, after: i64, settled: i64, firings: &mut Vec<Firing>) -> Option<i64> {
        let mut before: Option<i64> = None;
        let mut due: Option<i64> = None;
        for span in &mut self.spans {
            let woke = before.replace(span.last).filter(|_| !span.fired);
            let Some(slept) = woke else { continue };
            if span.first.time > settled {
                due = Some(due.map_or(span.first.time, |due| due.min(span.first.time)));
                continue;
            }
            span.fired = true;
            firings.push(Firing {
                witness: span.first,
                evidence: vec![span.first],
                place: span.first.time.div_euclid(after.clamp(1, DAY)),
                from: slept,
                to: span.first.time,
                count: 1,
                rows: 1,
                against: Some(format!("the first after {} without any", about(span.first.time - slept))),
            });
        }
        due
    }

    /// Drops spans that ended before the newest that `settled` decides.
    pub fn expire(&mut self, settled: i64) {
        let decided = self.spans.iter().rposition(|span| span.last <= settled).unwrap_or_default();
        self.spans.drain(..decided);
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.spans.iter_mut().map(|span| &mut span.first)
    }
}
