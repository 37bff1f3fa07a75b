//! What a source lost before it was read becomes an alert, a finding of history, and a row of coverage.
//!
//! In: the trouble that a source tells of. Out: the same finding however often the same loss is noticed: its
//! id is made of the partition and what was lost. The row of a gap is sealed with its finding, so that a death
//! between the two leaves neither, and the gap is noticed again. What was dropped will not be: its row is written
//! at once. What is not sealed when the loop has to go back is told again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::raiser::Job;
use super::watch::Origin;
use super::{Service, ServiceError};
use crate::detect::table::to_batch;
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Verdict;
use crate::source::feed::{Lost, Partition, Trouble};
use crate::store::{CoverageKind, CoverageRow, Kind, StoreError};

/// The detection that a loss is a case of: a source is silent where it should not be.
pub const DETECTOR: &str = "KP-132";

const TITLE: &str = "Records were lost before they were read";

/// As detectors of tampering with logs have them.
const TAGS: &[&str] = &["attack.t1685.002", "ccm.log-03", "nist.800-53.au-5", "pci.10.7"];

/// Drops of one spool within so long are one finding, in microseconds by the clock: ten minutes, as the panes
/// of campaigns.
const PANE: i64 = 10 * 60 * 1_000_000;

/// Losses that wait to be stored. Each source tells of one at a time, and a store that is away for long holds
/// up the sources too.
const MOST_WAITING: usize = 1_000;

/// A loss, as it is told and kept.
#[derive(Debug, Clone)]
struct Loss {
    finding: Finding,
    row: CoverageRow,
    /// Whether it was not known, once the store was asked: else history has its finding already.
    is_new: Option<bool>,
}

/// Losses on their way.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// To be told.
    waiting: VecDeque<Loss>,
    /// Told since the last set was handed over to be sealed, and with that set.
    open: Vec<Loss>,
    sealing: Vec<Loss>,
    /// The finding that each partition was told of last: of many drops in a row one is kept.
    last: BTreeMap<String, String>,
    /// Nothing is tried before this time: the store failed.
    rest_until: i64,
}

impl Losses {
    /// The open set is handed over.
    pub fn are_being_sealed(&mut self) {
        self.sealing.append(&mut self.open);
    }

    /// The set that was handed over is sealed.
    pub fn are_sealed(&mut self) {
        self.sealing.clear();
    }

    /// Nothing that is not sealed counts: it is told again.
    pub fn are_told_again(&mut self) {
        self.last.clear();
        for loss in self.open.drain(..).rev().chain(self.sealing.drain(..).rev()) {
            self.waiting.push_front(loss);
        }
    }
}

/// How long the store is left alone after it failed, in microseconds.
const REST: i64 = 1_000_000;

impl Service {
    /// Keeps what a source lost.
    pub(super) fn lose(&mut self, trouble: &Trouble) -> Result<(), ServiceError> {
        let now = (self.clock)();
        let loss = match trouble {
            Trouble::Gap { partition, lost, from, to } => {
                let before = self.read_up_to(partition);
                gap(partition, *lost, (*from, *to), before, now)
            }
            Trouble::Dropped { partition, entries } => dropped(partition, *entries, now),
            Trouble::Unreachable { .. } | Trouble::Reachable => return Ok(()),
        };
        if self.losses.waiting.len() < MOST_WAITING {
            self.losses.waiting.push_back(loss);
        }
        self.keep_losses(now)
    }

    /// Tells of what waits.
    pub(super) fn keep_losses(&mut self, now: i64) -> Result<(), ServiceError> {
        while now >= self.losses.rest_until
            && !self.recovery.is_lost()
            && let Some(mut loss) = self.losses.waiting.pop_front()
        {
            if loss.is_new.is_none() {
                match self.is_new(&loss.row) {
                    Ok(is_new) => loss.is_new = Some(is_new),
                    Err(error) => {
                        tracing::error!(%error, "a loss of records could not be noted; trying again");
                        self.losses.waiting.push_front(loss);
                        self.losses.rest_until = now.saturating_add(REST);
                        return Ok(());
                    }
                }
            }
            let id = loss.finding.id.clone();
            let last = self.losses.last.insert(loss.row.identity.clone(), id.clone());
            if last.as_ref() != Some(&id) {
                self.tell_of(loss, now)?;
            }
        }
        Ok(())
    }

    /// Whether the loss is not known yet; what cannot be noticed again is known from here on.
    fn is_new(&self, row: &CoverageRow) -> Result<bool, StoreError> {
        let store = self.store.store();
        match row.kind {
            CoverageKind::Dropped => self.store.wait(store.note_coverage(row)),
            _ => self.store.wait(store.knows_coverage(row)).map(|is_known| !is_known),
        }
    }

    /// Has a finding stored, and puts it into the open set.
    fn tell_of(&mut self, loss: Loss, now: i64) -> Result<(), ServiceError> {
        let source = loss.row.source.clone();
        let by = [("detector".into(), Some(DETECTOR.to_owned())), ("source".into(), Some(source.clone()))];
        let origin = Origin { source: Arc::from(source), written_at: None, received_at: now };
        self.raiser.begin(Job { findings: vec![(loss.finding.clone(), Folding::by(by.into()))], origin })?;
        if loss.is_new == Some(true) {
            self.open.push(Kind::Findings, &to_batch(std::slice::from_ref(&loss.finding))?)?;
            if loss.row.kind == CoverageKind::Gap {
                self.open.lost(loss.row.clone());
            }
            self.opened_at.get_or_insert(now);
        }
        self.losses.open.push(loss);
        Ok(())
    }

    /// Event time up to which a partition was read, less its lateness, as far as it is known.
    fn read_up_to(&self, partition: &Partition) -> Option<i64> {
        if let Some(mark) = self.live.mark_of(partition) {
            return Some(mark);
        }
        let stored = self.store.wait(self.store.store().position_of(&partition.identity));
        stored.ok().flatten().and_then(|stored| stored.watermark)
    }
}

/// Records `from..to` are gone; `before` is the last event time that was read before them.
fn gap(partition: &Partition, lost: Lost, (from, to): (i64, i64), before: Option<i64>, now: i64) -> Loss {
    let known = before.unwrap_or_default();
    let [first, last, time] = [from, to, known].map(i64::to_le_bytes);
    let id = hex_id(&[DETECTOR.as_bytes(), partition.identity.as_bytes(), &first, &last, &time]);
    let since = before.map_or("nothing was read of it before".to_owned(), |before| {
        format!("the last event read before it is of {}", format_rfc3339(before))
    });
    let message = format!(
        "Source {}: {} in {}, positions {from} to {to}; {since}. Uses of keys in it were not seen",
        partition.source,
        lost.sentence(),
        partition.label
    );
    let events = to.saturating_sub(from).max(0);
    // What was cut off after it was read to its end may have lost nothing.
    let level = if lost == Lost::Truncated && events == 0 { Level::Medium } else { Level::High };
    let row = CoverageRow {
        kind: CoverageKind::Gap,
        span: format!("gap:{from}:{to}:{known}"),
        from_time: before,
        from_position: Some(from),
        to_position: Some(to),
        events,
        reason: Some(lost.sentence().to_owned()),
        ..row(partition, now)
    };
    Loss { finding: finding(&row, id, level, before.unwrap_or(now), message), row, is_new: None }
}

/// Entries that found no room in the spool.
fn dropped(partition: &Partition, entries: u64, now: i64) -> Loss {
    let pane = now.div_euclid(PANE);
    let id = hex_id(&[DETECTOR.as_bytes(), partition.identity.as_bytes(), b"dropped", &pane.to_le_bytes()]);
    let message = format!(
        "Source {}: entries were dropped, since the spool was full. Uses of keys in them were not seen",
        partition.source
    );
    let row = CoverageRow {
        kind: CoverageKind::Dropped,
        span: format!("dropped:{pane}"),
        from_time: Some(now),
        events: i64::try_from(entries).unwrap_or(i64::MAX),
        reason: Some("the spool was full".to_owned()),
        ..row(partition, now)
    };
    Loss { finding: finding(&row, id, Level::High, pane.saturating_mul(PANE), message), row, is_new: None }
}

/// A row about a partition up to now.
fn row(partition: &Partition, now: i64) -> CoverageRow {
    CoverageRow {
        source: partition.source.to_string(),
        identity: partition.identity.clone(),
        partition: partition.label.clone(),
        kind: CoverageKind::Gap,
        span: String::new(),
        from_time: None,
        to_time: Some(now),
        from_position: None,
        to_position: None,
        events: 0,
        reason: None,
        noted_at: now,
    }
}

/// The finding about a row. It is about no event: its own id stands for one.
fn finding(row: &CoverageRow, id: String, level: Level, time: i64, message: String) -> Finding {
    Finding {
        event_id: id.clone(),
        id,
        detector: DETECTOR.to_owned(),
        level,
        title: TITLE.to_owned(),
        event_time: format_rfc3339(time),
        provider: None,
        key_id: None,
        catalog_id: None,
        principal: None,
        session_name: None,
        function: None,
        action: None,
        outcome: None,
        verdict: Verdict::NotApplicable,
        violations: Vec::new(),
        message,
        tags: TAGS.iter().map(|tag| (*tag).to_owned()).collect(),
        source: Some(row.source.clone()),
        position: row.from_position,
        window: None,
    }
}
