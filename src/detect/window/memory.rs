//! What one detector remembers, by its kind.
//!
//! In: the rows of a batch that enter its window. Out: firings. The kinds differ in what they keep of a
//! group; what they share is here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use arrow::buffer::BooleanBuffer;

use super::batch::{BatchView, GroupId};
use super::dues::{Dated, Dues};
use super::firing::Firing;
use super::firsts::{Added, Firsts};
use super::groups::{Groups, State};
use super::ledger::{Ledger, Witness};
use super::panes::{Panes, RowsOnly, Tally, pane_length};
use super::rates::{Peers, Rates};
use super::rule::{BASELINE_REACH, KNOWN_FOR, PANES, Rule, Steps, Window};
use super::sequence::Sequence;
use super::silences::Silences;
use super::spans::Spans;
use super::values::Values;
use crate::table::columns::Column;

/// When firings are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At the end, when everything has been read in whatever order.
    AtTheEnd,
    /// As soon as they are certain, where rows come at most this much later than others, in microseconds.
    Live { lateness: i64 },
}

/// Everything is read: nothing earlier can come.
pub const ALL: i64 = i64::MAX;

/// The memory of one detector.
#[derive(Debug)]
pub struct Memory {
    window: Window,
    kind: Kind,
    /// Groups that may have enough now.
    touched: Vec<GroupId>,
    /// Groups that wait for time to pass: until when.
    waiting: BinaryHeap<Reverse<(i64, GroupId)>>,
    /// When what is old was last forgotten.
    expired: i64,
}

#[derive(Debug)]
enum Kind {
    Threshold { over: i64, count: u64, groups: Groups<Panes<RowsOnly>> },
    Distinct { over: i64, count: u64, of: Column, groups: Groups<Panes<Values>> },
    Sequence { rule: Steps, groups: Groups<Sequence> },
    FirstSeen { of: Column, learn: i64, groups: Groups<Firsts> },
    Dormant { after: i64, groups: Groups<Spans> },
    Rate(RateMemory),
    Silence { every: Option<i64>, groups: Groups<Silences> },
    Overdue { due: Column, over: i64, groups: Groups<Dues> },
}

#[derive(Debug)]
struct RateMemory {
    over: i64,
    /// How many times what is usual, and at least how many.
    limit: (f64, u64),
    groups: Groups<Rates>,
    /// The groups of each bucket that is not decided.
    open: BTreeMap<i64, Vec<GroupId>>,
    /// By the hash of a purpose.
    peers: HashMap<u128, Peers>,
}

impl RateMemory {
    fn add(&mut self, group: GroupId, view: &mut BatchView<'_>, row: usize, ledger: &mut Ledger) {
        let (time, over) = (view.time(row), self.over);
        let purpose = view.value_of(Column::Purpose, row).unwrap_or_default();
        let rates = self.groups.at(group, Rates::default);
        rates.purpose = rates.purpose.max(purpose);
        if let Some(place) = rates.add(time, over, ledger, |ledger| view.witness(row, ledger)) {
            self.open.entry(place).or_default().push(group);
        }
    }

    /// Decides the buckets that end before `settled`, in the order of time.
    fn fire(&mut self, settled: i64, firings: &mut Vec<Firing>) {
        while let Some(entry) = self.open.first_entry()
            && entry.key().saturating_add(1).saturating_mul(self.over) <= settled
        {
            let (place, mut groups) = entry.remove_entry();
            groups.sort_unstable();
            for group in &groups {
                let Some(rates) = self.groups.get_mut(*group) else { continue };
                let by_peers = || self.peers.get(&rates.purpose).and_then(Peers::usual);
                match rates.usual(place, self.over).or_else(by_peers) {
                    Some(usual) => firings.extend(rates.decide(place, self.over, self.limit, &usual)),
                    None => drop(rates.close(place)),
                }
            }
            for group in groups {
                if let Some(rates) = self.groups.get_mut(group) {
                    self.peers.entry(rates.purpose).or_default().add(rates.count(place));
                }
            }
        }
    }
}

impl Kind {
    /// Shows the witnesses of a group, of the kinds that keep the latest row.
    fn each_witness_of(&mut self, group: GroupId, show: impl FnMut(&mut Witness)) {
        match self {
            Self::Sequence { groups, .. } => {
                groups.get_mut(group).into_iter().flat_map(Sequence::witnesses).for_each(show)
            }
            Self::Silence { groups, .. } => {
                groups.get_mut(group).into_iter().flat_map(Silences::witnesses).for_each(show)
            }
            Self::Overdue { groups, .. } => {
                groups.get_mut(group).into_iter().flat_map(Dues::witnesses).for_each(show)
            }
            _ => {}
        }
    }
}

impl Memory {
    /// An empty memory of at most `most` groups.
    pub fn of(window: &Window, most: usize) -> Self {
        let kind = match &window.rule {
            Rule::Threshold { over, count } => {
                Kind::Threshold { over: *over, count: *count, groups: Groups::within(most) }
            }
            Rule::Distinct { over, count, of } => {
                Kind::Distinct { over: *over, count: *count, of: *of, groups: Groups::within(most) }
            }
            Rule::Sequence(rule) => Kind::Sequence { rule: rule.clone(), groups: Groups::within(most) },
            Rule::FirstSeen { of, learn } => {
                Kind::FirstSeen { of: *of, learn: *learn, groups: Groups::within(most) }
            }
            Rule::Dormant { after } => Kind::Dormant { after: *after, groups: Groups::within(most) },
            Rule::Rate { over, factor, count } => Kind::Rate(RateMemory {
                over: *over,
                limit: (*factor, *count),
                groups: Groups::within(most),
                open: BTreeMap::new(),
                peers: HashMap::new(),
            }),
            Rule::Silence { every } => Kind::Silence { every: *every, groups: Groups::within(most) },
            Rule::Overdue { due, over } => {
                Kind::Overdue { due: *due, over: *over, groups: Groups::within(most) }
            }
        };
        Self {
            window: window.clone(),
            kind,
            touched: Vec::new(),
            waiting: BinaryHeap::new(),
            expired: i64::MIN,
        }
    }

    /// What it is the memory of.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Adds rows; `step` is the step of a sequence.
    pub fn add(&mut self, view: &mut BatchView<'_>, rows: &BooleanBuffer, step: usize, ledger: &mut Ledger) {
        let Self { window, kind, touched, .. } = self;
        // Groups with witnesses that are not settled.
        let mut grown: Vec<GroupId> = Vec::new();
        for row in rows.set_indices() {
            let group = view.group(&window.group_by, row);
            let time = view.time(row);
            let may_fire = match kind {
                Kind::Threshold { over, count, groups } => {
                    let shared = view.value_of(Column::SharedEventId, row);
                    let panes = groups.at(group, Panes::default);
                    panes.add(time, pane_length(*over), shared, ledger, |ledger| view.witness(row, ledger));
                    panes.might_have(*count)
                }
                Kind::Distinct { over, count, of, groups } => {
                    let Some(value) = view.value_of(*of, row) else { continue };
                    let panes = groups.at(group, Panes::default);
                    panes.add(time, pane_length(*over), Some(value), ledger, |ledger| {
                        view.witness(row, ledger)
                    });
                    panes.might_have(*count)
                }
                Kind::Sequence { rule, groups } => {
                    let witness = view.pending(row, ledger);
                    let sequence = groups.at(group, Sequence::default);
                    sequence.add(step, rule, witness, ledger);
                    grown.push(group);
                    sequence.might_close(rule)
                }
                Kind::FirstSeen { of, groups, .. } => {
                    let Some(value) = view.value_of(*of, row) else { continue };
                    let firsts = groups.at(group, Firsts::default);
                    let added = firsts.add(time, value as u64, ledger, |ledger| view.witness(row, ledger));
                    if added == Added::NoRoom {
                        groups.forget_one();
                    }
                    added == Added::New
                }
                Kind::Dormant { after, groups } => {
                    let spans = groups.at(group, Spans::default);
                    spans.add(time, *after, ledger, |ledger| view.witness(row, ledger))
                }
                Kind::Rate(rate) => {
                    rate.add(group, view, row, ledger);
                    false
                }
                Kind::Silence { every, groups } => {
                    let silences = groups.at(group, Silences::default);
                    grown.push(group);
                    silences.add(*every, time, ledger, |ledger| view.pending(row, ledger))
                }
                Kind::Overdue { due, over, groups } => {
                    let Some(date) = view.time_of(*due, row) else { continue };
                    let witness = view.pending(row, ledger);
                    grown.push(group);
                    let added = groups.at(group, Dues::default).add(date, *over, witness, ledger);
                    if added == Dated::NoRoom {
                        groups.forget_one();
                    }
                    added != Dated::Known
                }
            };
            if may_fire {
                touched.push(group);
            }
        }
        grown.sort_unstable();
        grown.dedup();
        for group in grown {
            kind.each_witness_of(group, |witness| view.settle(witness, ledger));
        }
    }

    /// What the groups fire that were touched since the last time, or that waited for `settled`: event time
    /// before which nothing comes any more.
    ///
    /// `newest` is the newest row of any group: a silence lasts to there, and dates have passed before it, and
    /// not before the end of time.
    pub fn fire(&mut self, pace: Pace, settled: i64, newest: i64, firings: &mut Vec<Firing>) {
        let settled = match &mut self.kind {
            Kind::Rate(rate) => return rate.fire(settled, firings),
            Kind::Silence { .. } | Kind::Overdue { .. } => settled.min(newest),
            _ => settled,
        };
        let mut groups = std::mem::take(&mut self.touched);
        while let Some(Reverse((due, group))) = self.waiting.peek().copied()
            && due <= settled
        {
            groups.push(group);
            self.waiting.pop();
        }
        groups.sort_unstable();
        groups.dedup();
        for group in groups.drain(..) {
            if let Some(due) = self.fire_group(group, pace, settled, firings) {
                self.waiting.push(Reverse((due, group)));
            }
        }
        self.touched = groups;
    }

    /// When to look at the group again, where it waits for time to pass.
    fn fire_group(
        &mut self,
        group: GroupId,
        pace: Pace,
        settled: i64,
        firings: &mut Vec<Firing>,
    ) -> Option<i64> {
        let lateness = match pace {
            Pace::AtTheEnd => 0,
            Pace::Live { lateness } => lateness,
        };
        match &mut self.kind {
            Kind::Threshold { over, count, groups } => {
                groups.get_mut(group)?.fire(pane_length(*over), *count, firings);
                None
            }
            Kind::Distinct { over, count, groups, .. } => {
                groups.get_mut(group)?.fire(pane_length(*over), *count, firings);
                None
            }
            Kind::Sequence { rule, groups } => groups.get_mut(group)?.fire(rule, settled, firings),
            Kind::FirstSeen { learn, groups, .. } => {
                groups.get_mut(group)?.fire(*learn, lateness, settled, firings)
            }
            Kind::Dormant { after, groups } => groups.get_mut(group)?.fire(*after, settled, firings),
            Kind::Rate(_) => None,
            Kind::Silence { every, groups } => groups.get_mut(group)?.fire(*every, settled, firings),
            Kind::Overdue { over, groups, .. } => groups.get_mut(group)?.fire(*over, settled, firings),
        }
    }

    /// Forgets what no row later than `settled` can need. Looks at every group, and so not every time.
    pub fn expire(&mut self, settled: i64) {
        if self.expired.saturating_add(self.window.forgets_every()) > settled {
            return;
        }
        self.expired = settled;
        match &mut self.kind {
            Kind::Threshold { over, groups, .. } => expire_panes(groups, *over, settled),
            Kind::Distinct { over, groups, .. } => expire_panes(groups, *over, settled),
            Kind::Sequence { rule, groups } => {
                // Panes on both sides of one that still waits.
                let horizon = settled.saturating_sub(rule.over.saturating_mul(3));
                groups.retain(|sequence| sequence.expire(rule, horizon));
            }
            Kind::FirstSeen { learn, groups, .. } => {
                let horizon = settled.saturating_sub(learn.saturating_mul(KNOWN_FOR));
                groups.retain(|firsts| firsts.newest() >= horizon);
            }
            Kind::Dormant { groups, .. } => groups.iter_mut().for_each(|spans| spans.expire(settled)),
            Kind::Rate(RateMemory { over, groups, .. }) => {
                let horizon = settled.saturating_sub(BASELINE_REACH).div_euclid(*over);
                groups.retain(|rates| rates.expire(horizon));
            }
            Kind::Silence { groups, .. } => groups.iter_mut().for_each(|of| of.expire(settled)),
            Kind::Overdue { groups, .. } => groups.retain(|dues| {
                dues.expire(settled);
                !dues.is_over(settled)
            }),
        }
    }

    /// How many groups or values were forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        match &self.kind {
            Kind::Threshold { groups, .. } => groups.forgotten(),
            Kind::Distinct { groups, .. } => groups.forgotten(),
            Kind::Sequence { groups, .. } => groups.forgotten(),
            Kind::FirstSeen { groups, .. } => groups.forgotten(),
            Kind::Dormant { groups, .. } => groups.forgotten(),
            Kind::Rate(rate) => rate.groups.forgotten(),
            Kind::Silence { groups, .. } => groups.forgotten(),
            Kind::Overdue { groups, .. } => groups.forgotten(),
        }
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        match &self.kind {
            Kind::Threshold { groups, .. } => groups.len(),
            Kind::Distinct { groups, .. } => groups.len(),
            Kind::Sequence { groups, .. } => groups.len(),
            Kind::FirstSeen { groups, .. } => groups.len(),
            Kind::Dormant { groups, .. } => groups.len(),
            Kind::Rate(rate) => rate.groups.len(),
            Kind::Silence { groups, .. } => groups.len(),
            Kind::Overdue { groups, .. } => groups.len(),
        }
    }

    /// About how many bytes they take. Looks at every group.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Threshold { groups, .. } => groups.bytes(),
            Kind::Distinct { groups, .. } => groups.bytes(),
            Kind::Sequence { groups, .. } => groups.bytes(),
            Kind::FirstSeen { groups, .. } => groups.bytes(),
            Kind::Dormant { groups, .. } => groups.bytes(),
            Kind::Rate(rate) => rate.groups.bytes(),
            Kind::Silence { groups, .. } => groups.bytes(),
            Kind::Overdue { groups, .. } => groups.bytes(),
        }
    }

    /// Shows every witness that is kept.
    pub fn each_witness(&mut self, mut show: impl FnMut(&mut Witness)) {
        match &mut self.kind {
            Kind::Threshold { groups, .. } => {
                groups.iter_mut().for_each(|panes| panes.witnesses().for_each(&mut show))
            }
            Kind::Distinct { groups, .. } => {
                groups.iter_mut().for_each(|panes| panes.witnesses().for_each(&mut show))
            }
            Kind::Sequence { groups, .. } => {
                groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show))
            }
            Kind::FirstSeen { groups, .. } => {
                groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show))
            }
            Kind::Dormant { groups, .. } => {
                groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show))
            }
            Kind::Rate(rate) => rate.groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show)),
            Kind::Silence { groups, .. } => {
                groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show));
            }
            Kind::Overdue { groups, .. } => {
                groups.iter_mut().for_each(|of| of.witnesses().for_each(&mut show));
            }
        }
    }
}

fn expire_panes<T: Tally>(groups: &mut Groups<Panes<T>>, over: i64, settled: i64) {
    let length = pane_length(over);
    let horizon = settled.saturating_sub(length.saturating_mul(PANES));
    groups.retain(|panes| panes.expire(length, horizon));
}
