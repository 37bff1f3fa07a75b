//! Steps by group: `sequence`.
//!
//! In: rows of one group, each of a step. Out: the panes in which the last step closes a sequence. Of each
//! step and pane the earliest and the latest row are kept, and stand for those between: with two steps
//! nothing is lost by it, and with more only what happens within one pane. Times compare with ≤, since
//! CloudTrail has whole seconds.

use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::panes::pane_length;
use super::rule::{PANES, Steps};

/// The earliest and the latest row.
#[derive(Debug, Clone, Copy)]
struct Ends {
    first: Witness,
    last: Witness,
}

#[derive(Debug)]
struct Pane {
    place: i64,
    fired: bool,
    /// By step.
    steps: Box<[Option<Ends>]>,
}

/// What is to be said of a pane.
enum Look {
    Nothing,
    Fires(Firing),
    /// Until this event time.
    Waits(i64),
}

/// The panes of one group that have a step, oldest first.
#[derive(Debug)]
pub struct Sequence {
    panes: Vec<Pane>,
    newest: i64,
}

impl Default for Sequence {
    fn default() -> Self {
        Self { panes: Vec::new(), newest: i64::MIN }
    }
}

impl State for Sequence {
    fn newest(&self) -> i64 {
        self.newest
    }

    fn heap_bytes(&self) -> usize {
        let steps: usize = self.panes.iter().map(|pane| size_of_val(&*pane.steps)).sum();
        steps + self.panes.capacity() * size_of::<Pane>()
    }
}

impl Sequence {
    /// Adds a row of a step.
    pub fn add(&mut self, step: usize, rule: &Steps, row: Witness, ledger: &Ledger) {
        self.newest = self.newest.max(row.time);
        let place = row.time.div_euclid(pane_length(rule.over));
        let at = self.panes.partition_point(|pane| pane.place < place);
        if self.panes.get(at).is_none_or(|pane| pane.place != place) {
            let steps = vec![None; rule.steps.len()].into_boxed_slice();
            self.panes.insert(at, Pane { place, fired: false, steps });
        }
        let Some(ends) = self.panes.get_mut(at).and_then(|pane| pane.steps.get_mut(step)) else { return };
        match ends {
            None => *ends = Some(Ends { first: row, last: row }),
            Some(ends) => {
                if ledger.is_before(&row, &ends.first) {
                    ends.first = row;
                }
                if ledger.is_before(&ends.last, &row) {
                    ends.last = row;
                }
            }
        }
    }

    /// Whether every step that must happen has a row.
    pub fn might_close(&self, rule: &Steps) -> bool {
        wanted(rule).all(|step| self.panes.iter().any(|pane| pane.ends(step).is_some()))
    }

    /// The panes that close a sequence, each once. With a step that must not happen it is decided when
    /// nothing earlier than `settled` comes any more; when to look again, where something waits for that.
    pub fn fire(&mut self, rule: &Steps, settled: i64, firings: &mut Vec<Firing>) -> Option<i64> {
        let mut due: Option<i64> = None;
        for at in 0..self.panes.len() {
            match self.look(at, rule, settled) {
                Look::Fires(firing) => {
                    firings.push(firing);
                    if let Some(pane) = self.panes.get_mut(at) {
                        pane.fired = true;
                    }
                }
                Look::Waits(until) => due = Some(due.map_or(until, |due| due.min(until))),
                Look::Nothing => {}
            }
        }
        due
    }

    fn look(&self, at: usize, rule: &Steps, settled: i64) -> Look {
        let Some(last) = self.panes.get(at).filter(|pane| !pane.fired) else { return Look::Nothing };
        let window = self.between(last.place - (PANES - 1), last.place);
        let evidence = if rule.ordered { chain(rule, window, last) } else { all(rule, window, last) };
        let evidence = evidence.unwrap_or_default();
        let Some(closing) = evidence.last().copied() else { return Look::Nothing };
        if let Some(absent) = rule.absent {
            let (from, to) = forbidden(rule, absent, last.place);
            let not_before = if rule.ordered && is_last(rule, absent) { closing.time } else { i64::MIN };
            let mut happened = self.between(from, to).iter().filter_map(|pane| pane.ends(absent));
            if happened.any(|ends| ends.last.time >= not_before) {
                return Look::Nothing;
            }
            let until = to.saturating_add(1).saturating_mul(pane_length(rule.over));
            if until > settled {
                return Look::Waits(until);
            }
        }
        Look::Fires(Firing {
            witness: closing,
            count: evidence.len() as u64,
            rows: evidence.len() as u64,
            place: last.place,
            from: evidence.iter().map(|step| step.time).min().unwrap_or(closing.time),
            to: closing.time,
            evidence,
            against: None,
        })
    }

    /// The panes between two places, both included.
    fn between(&self, from: i64, to: i64) -> &[Pane] {
        let start = self.panes.partition_point(|pane| pane.place < from);
        let end = self.panes.partition_point(|pane| pane.place <= to);
        self.panes.get(start..end).unwrap_or_default()
    }

    /// Drops panes that end before `horizon`; whether any is left.
    pub fn expire(&mut self, rule: &Steps, horizon: i64) -> bool {
        let oldest = horizon.div_euclid(pane_length(rule.over));
        self.panes.retain(|pane| pane.place >= oldest);
        !self.panes.is_empty()
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        let ends = self.panes.iter_mut().flat_map(|pane| pane.steps.iter_mut().flatten());
        ends.flat_map(|ends| [&mut ends.first, &mut ends.last])
    }
}

impl Pane {
    fn ends(&self, step: usize) -> Option<&Ends> {
        self.steps.get(step)?.as_ref()
    }

    /// The rows kept of a step, in their order.
    fn rows(&self, step: usize) -> impl Iterator<Item = Witness> {
        self.ends(step).into_iter().flat_map(|ends| [ends.first, ends.last])
    }
}

/// The steps that must happen, in their order.
fn wanted(rule: &Steps) -> impl Iterator<Item = usize> {
    (0..rule.steps.len()).filter(|step| rule.absent != Some(*step))
}

fn is_last(rule: &Steps, step: usize) -> bool {
    step + 1 == rule.steps.len()
}

/// The panes in which the absent step must not happen: those of the window; and where it would come last, or
/// anywhere, as many after it.
fn forbidden(rule: &Steps, absent: usize, last: i64) -> (i64, i64) {
    match (rule.ordered, is_last(rule, absent)) {
        (true, true) => (last, last + PANES),
        (true, false) => (last - (PANES - 1), last),
        (false, _) => (last - PANES, last + PANES),
    }
}

/// One row for each step, none before the one before it, the last of them in the pane `last`.
fn chain(rule: &Steps, window: &[Pane], last: &Pane) -> Option<Vec<Witness>> {
    let steps: Vec<usize> = wanted(rule).collect();
    let (closing, before) = steps.split_last()?;
    let mut chain: Vec<Witness> = Vec::with_capacity(steps.len());
    for step in before {
        let after = chain.last().map_or(i64::MIN, |row| row.time);
        chain.push(window.iter().flat_map(|pane| pane.rows(*step)).find(|row| row.time >= after)?);
    }
    let after = chain.last().map_or(i64::MIN, |row| row.time);
    chain.push(last.rows(*closing).find(|row| row.time >= after)?);
    Some(chain)
}

/// One row for each step, in the order of their times, the last of them in the pane `last`.
fn all(rule: &Steps, window: &[Pane], last: &Pane) -> Option<Vec<Witness>> {
    let closes = wanted(rule).any(|step| last.ends(step).is_some());
    let mut rows = Vec::new();
    for step in wanted(rule) {
        let newest = window.iter().rev().find_map(|pane| pane.ends(step))?;
        rows.push(newest.first);
    }
    rows.sort_by_key(|row| row.time);
    closes.then_some(rows)
}
