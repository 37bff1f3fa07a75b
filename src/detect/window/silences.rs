//! A group that falls silent: `silence`.
//!
//! In: rows of a group. Out: groups without a row for as long as they should not be. With `every: learnt` that
//! is when so many hours went by without a row in which the group had one in the weeks before: a key that is
//! used in office hours may be quiet all weekend, and one that is used day and night may not.

use super::buckets::{Buckets, HOUR, WEEK};
use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::span::{about, in_words};

/// Hours that must have been busy before and are quiet now: more than the office hours of a holiday.
const MISSED: usize = 12;

/// Weeks that tell whether an hour is busy, and in how many of them it was.
const WEEKS: i64 = 3;
const BUSY_IN: usize = 2;

/// Microseconds: how often to look at a group that has no rhythm yet.
const DAY: i64 = 24 * HOUR;

/// How far ahead a silence is looked for before looking again: a week.
const AHEAD: i64 = 168;

/// Rows without a pause that could matter.
#[derive(Debug)]
struct Span {
    first: i64,
    last: Witness,
    /// What is to be said of the pause after it is said.
    decided: bool,
}

/// The hours and the spans of one group, oldest first.
#[derive(Debug, Default)]
pub struct Silences {
    hours: Buckets,
    spans: Vec<Span>,
}

impl State for Silences {
    fn newest(&self) -> i64 {
        self.spans.last().map_or(i64::MIN, |span| span.last.time)
    }

    fn heap_bytes(&self) -> usize {
        self.hours.bytes() + self.spans.capacity() * size_of::<Span>()
    }
}

/// The shortest pause that could be a silence.
fn shortest(every: Option<i64>) -> i64 {
    every.unwrap_or(MISSED as i64 * HOUR)
}

impl Silences {
    /// Adds a row; whether it begins a span.
    pub fn add(
        &mut self,
        every: Option<i64>,
        time: i64,
        ledger: &mut Ledger,
        witness: impl FnOnce(&mut Ledger) -> Witness,
    ) -> bool {
        self.hours.add(time.div_euclid(HOUR));
        let pause = shortest(every);
        let at = self.spans.partition_point(|span| span.last.time.saturating_add(pause) <= time);
        match self.spans.get_mut(at) {
            Some(span) if span.first.saturating_sub(pause) < time => {
                span.first = span.first.min(time);
                if time >= span.last.time {
                    let other = witness(ledger);
                    if ledger.is_before(&span.last, &other) {
                        span.last = other;
                    }
                }
                self.merge(at, pause);
                false
            }
            _ => {
                self.spans.insert(at, Span { first: time, last: witness(ledger), decided: false });
                true
            }
        }
    }

    fn merge(&mut self, at: usize, pause: i64) {
        let (Some(span), Some(next)) = (self.spans.get(at), self.spans.get(at + 1)) else { return };
        if span.last.time.saturating_add(pause) > next.first {
            let first = span.first.min(next.first);
            self.spans.remove(at);
            if let Some(next) = self.spans.get_mut(at) {
                next.first = first;
            }
        }
    }

    /// The silences that have lasted long enough at `settled`, each once; when to look again.
    pub fn fire(&mut self, every: Option<i64>, settled: i64, firings: &mut Vec<Firing>) -> Option<i64> {
        let mut again: Option<i64> = None;
        for at in 0..self.spans.len() {
            let Some(span) = self.spans.get(at).filter(|span| !span.decided) else { continue };
            let (last, next) = (span.last, self.spans.get(at + 1).map(|next| next.first));
            let due = match every {
                Some(every) => Some(last.time.saturating_add(every)),
                None => self.due(last.time),
            };
            let is_over = next.is_some_and(|next| due.is_none_or(|due| due > next));
            let has_come = due.is_some_and(|due| due <= settled);
            if !is_over && !has_come {
                let look = due.unwrap_or(last.time.max(settled).saturating_add(DAY));
                again = Some(again.map_or(look, |again| again.min(look)));
                continue;
            }
            if let Some(span) = self.spans.get_mut(at) {
                span.decided = true;
            }
            if let Some(due) = due.filter(|_| !is_over) {
                firings.push(firing(last, due, every));
            }
        }
        again
    }

    /// When so many busy hours will have been missed after a row; nothing where that is not within sight.
    fn due(&self, last: i64) -> Option<i64> {
        let last = last.div_euclid(HOUR);
        let missed = (last + 1..=last + AHEAD).filter(|hour| self.is_busy(*hour)).nth(MISSED - 1)?;
        Some((missed + 1) * HOUR)
    }

    fn is_busy(&self, hour: i64) -> bool {
        let before = (1..=WEEKS).map(|weeks| hour - weeks * (WEEK / HOUR));
        before.filter(|hour| self.hours.count(*hour) > 0).count() >= BUSY_IN
    }

    /// Drops hours and spans before `settled` that tell nothing any more.
    pub fn expire(&mut self, settled: i64) {
        self.hours.forget_before(settled.saturating_sub((WEEKS + 2) * WEEK).div_euclid(HOUR));
        let kept = self.spans.iter().rposition(|span| span.last.time <= settled).unwrap_or_default();
        let decided = self.spans.iter().take(kept).take_while(|span| span.decided).count();
        self.spans.drain(..decided);
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.spans.iter_mut().map(|span| &mut span.last)
    }
}

fn firing(last: Witness, due: i64, every: Option<i64>) -> Firing {
    let against = match every {
        Some(every) => format!("none after it for more than {}", in_words(every)),
        None => format!(
            "none after it for {}, {MISSED} hours of which were busy in the weeks before",
            about(due - last.time)
        ),
    };
    Firing {
        witness: last,
        evidence: vec![last],
        // Two silences are at least a pause apart.
        place: last.time.div_euclid(shortest(every).clamp(1, HOUR)),
        from: last.time,
        to: due,
        count: 0,
        rows: 0,
        against: Some(against),
    }
}
