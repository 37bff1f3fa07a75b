//! Dates that pass: `overdue`.
//!
//! In: rows of one group that have a date. Out: each date that passed without a later one in its place. The
//! latest date of a group counts, so that a renewal that was seen once holds for rows that do not know of it.

use super::firing::Firing;
use super::groups::State;
use super::ledger::{Ledger, Witness};
use super::rule::BASELINE_REACH;
use super::span::about;
use crate::domain::time::format_rfc3339;

/// Dates known of one group, 64 bytes each. A date moves when something is renewed or declared anew; whoever has
/// more has no timer. The earliest goes first, and that is counted.
pub const MAX_DUES: usize = 64;

#[derive(Debug)]
struct Due {
    date: i64,
    /// The first and the newest row that have it.
    first: i64,
    newest: i64,
    rows: u64,
    fired: bool,
    /// The last row before it passed, or where there is none the first after that.
    witness: Witness,
}

/// The dates of one group, earliest first.
#[derive(Debug, Default)]
pub struct Dues {
    dues: Vec<Due>,
}

impl State for Dues {
    fn newest(&self) -> i64 {
        self.dues.iter().map(|due| due.newest).max().unwrap_or(i64::MIN)
    }

    fn heap_bytes(&self) -> usize {
        self.dues.capacity() * size_of::<Due>()
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    Known,
    /// The date is new; it may pass, or others may not count any more.
    New,
    /// The date is new, and another one had to go.
    NoRoom,
}

impl Dues {
    /// Adds a row with a date that passes `over` after it.
    pub fn add(&mut self, date: i64, over: i64, row: Witness, ledger: &Ledger) -> Dated {
        let at = self.dues.partition_point(|due| due.date < date);
        let passes = date.saturating_add(over);
        if let Some(due) = self.dues.get_mut(at).filter(|due| due.date == date) {
            due.first = due.first.min(row.time);
            due.newest = due.newest.max(row.time);
            due.rows += 1;
            let is_later = ledger.is_before(&due.witness, &row);
            let takes_over = match (due.witness.time < passes, row.time < passes) {
                (true, true) => is_later,
                (false, false) => !is_later,
                (known, new) => new && !known,
            };
            if takes_over {
                due.witness = row;
            }
            return Dated::Known;
        }
        let (first, newest) = (row.time, row.time);
        self.dues.insert(at, Due { date, first, newest, rows: 1, fired: false, witness: row });
        if self.dues.len() <= MAX_DUES {
            return Dated::New;
        }
        self.dues.remove(0);
        Dated::NoRoom
    }

    /// The dates that have passed at `settled`, each once; when to look again.
    pub fn fire(&mut self, over: i64, settled: i64, firings: &mut Vec<Firing>) -> Option<i64> {
        let mut again: Option<i64> = None;
        // The first row with a later date than the one at hand.
        let mut renewed = i64::MAX;
        for due in self.dues.iter_mut().rev() {
            let passes = due.date.saturating_add(over);
            let at = passes.max(due.first);
            let counts = renewed >= at && !due.fired;
            renewed = renewed.min(due.first);
            if !counts {
                continue;
            }
            if at > settled {
                again = Some(again.map_or(at, |again| again.min(at)));
                continue;
            }
            due.fired = true;
            firings.push(due.firing(passes, over));
        }
        again
    }

    /// Drops dates that no row had for long, where others took their place; a group that is quiet keeps its last.
    pub fn expire(&mut self, settled: i64) {
        let (newest, horizon) = (self.newest(), settled.saturating_sub(BASELINE_REACH));
        self.dues.retain(|due| due.newest >= horizon || due.newest == newest);
    }

    /// Whether nothing more can come of the group at `settled`.
    pub fn is_over(&self, settled: i64) -> bool {
        let horizon = settled.saturating_sub(BASELINE_REACH);
        self.dues.iter().all(|due| due.fired && due.newest < horizon)
    }

    /// The witnesses that are kept.
    pub fn witnesses(&mut self) -> impl Iterator<Item = &mut Witness> {
        self.dues.iter_mut().map(|due| &mut due.witness)
    }
}

impl Due {
    fn firing(&self, passes: i64, over: i64) -> Firing {
        let grace = if over > 0 { format!(", and {} more have passed", about(over)) } else { String::new() };
        Firing {
            witness: self.witness,
            evidence: vec![self.witness],
            place: self.date,
            from: self.first,
            to: passes,
            count: self.rows,
            rows: self.rows,
            against: Some(format!("due on {}{grace}, and not renewed", format_rfc3339(self.date))),
        }
    }
}
