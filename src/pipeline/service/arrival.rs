//! What happens to the records of one arrival.

use std::time::{Duration, Instant};

use arrow::error::ArrowError;

use super::versions::Verdicts;
use super::{Service, ServiceError, Stages, Took};
use crate::detect::table::to_batch;
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;
use crate::history::{Covered, Traces};
use crate::metrics::Account;
use crate::pipeline::memory::Remembered;
use crate::pipeline::prepare::Prepared;
use crate::pipeline::rejected;
use crate::source::Refused;
use crate::source::feed::Arrival;
use crate::store::{Kind, PositionMove};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// An arrival on its way into the open set.
struct Taken {
    verdicts: Vec<Verdicts>,
    traces: Traces,
    rejects: Vec<Refused>,
    account: Account,
    /// The highest event time in it.
    latest: Option<i64>,
    stages: Stages,
}

impl Service {
    /// Takes the records of one arrival through the whole path.
    pub(super) fn take(&mut self, arrival: Arrival) -> Result<(), ServiceError> {
        if arrival.generation < self.generation {
            return Ok(()); // read before everything unsealed was dropped; it comes again
        }
        let mut taken = self.judge(&arrival)?;
        let started = Instant::now();
        let now = (self.clock)();
        let findings = findings_of(&taken.verdicts);
        if !findings.is_empty()
            && let Err(error) = self.raise.raise(findings, now)
        {
            return self.rewind(&format!("findings could not be stored: {error:#}"));
        }
        taken.stages.raise = started.elapsed();
        self.open.remember(std::mem::take(&mut taken.traces));
        self.keep(&arrival, &taken)?;
        self.watch.took(&Took {
            source: &arrival.partition.source,
            account: &taken.account,
            verdicts: &taken.verdicts,
            written_at: arrival.written_at,
            received_at: arrival.received_at,
            stored_at: (self.clock)(),
            stages: taken.stages,
        });
        Ok(())
    }

    fn judge(&mut self, arrival: &Arrival) -> Result<Taken, ArrowError> {
        let mut watch = Laps::start();
        let prepared = self.preparer.prepare(&arrival.chunk, arrival.received_at)?;
        let prepare = watch.lap();
        let Prepared { built, rejects, mut account } = prepared;
        let Remembered { joined, traces, aliases } = self.memory.batch(built)?;
        joined.count(&mut account);
        let join = watch.lap();
        let latest = latest_of(&Rows::of(&joined.batch));
        self.judged_up_to = self.judged_up_to.max(latest);
        let verdicts = self.versions.judge(joined.batch, &aliases)?;
        let stages = Stages { prepare, join, judge: watch.lap(), raise: Duration::ZERO };
        Ok(Taken { verdicts, traces, rejects, account, latest, stages })
    }

    /// Every source is at its end: what still waits for a neighbour stands alone.
    pub(super) fn take_stranded(&mut self) -> Result<(), ServiceError> {
        let Some(Remembered { joined, traces, aliases }) = self.memory.finish()? else { return Ok(()) };
        let now = (self.clock)();
        let mut account = Account::default();
        joined.count(&mut account);
        let verdicts = self.versions.judge(joined.batch, &aliases)?;
        let findings = findings_of(&verdicts);
        if !findings.is_empty()
            && let Err(error) = self.raise.raise(findings, now)
        {
            return self.rewind(&format!("findings could not be stored: {error:#}"));
        }
        for verdicts in &verdicts {
            self.open.push(Kind::Events, &verdicts.judged.batch)?;
            self.open.push(Kind::Findings, &to_batch(&verdicts.judged.findings)?)?;
        }
        self.open.remember(traces);
        self.open.count(&account);
        self.watch.took(&Took {
            source: "",
            account: &account,
            verdicts: &verdicts,
            written_at: None,
            received_at: now,
            stored_at: (self.clock)(),
            stages: Stages::default(),
        });
        Ok(())
    }

    /// Puts what an arrival came to into the open set.
    fn keep(&mut self, arrival: &Arrival, taken: &Taken) -> Result<(), ServiceError> {
        for verdicts in &taken.verdicts {
            self.open.push(Kind::Events, &verdicts.judged.batch)?;
            self.open.push(Kind::Findings, &to_batch(&verdicts.judged.findings)?)?;
        }
        if !taken.rejects.is_empty() {
            let rows = rejected::rows(&arrival.chunk.source, &taken.rejects, arrival.received_at)?;
            self.open.push(Kind::Rejects, &rows)?;
        }
        self.open.count(&taken.account);
        let partition = &arrival.partition;
        let watermark = self.watermarks.entry(partition.identity.clone()).or_insert(i64::MIN);
        *watermark = (*watermark).max(taken.latest.unwrap_or(i64::MIN));
        let covered = Covered {
            source: &partition.source,
            identity: &partition.identity,
            partition: &partition.label,
            from: arrival.from,
            to: arrival.to,
            otherwise: if *watermark > i64::MIN { *watermark } else { arrival.received_at },
        };
        self.open.covered(&covered, taken.verdicts.iter().flat_map(times_of));
        self.open.moved(PositionMove {
            source: partition.identity.clone(),
            label: partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark: Some(*watermark).filter(|time| *time > i64::MIN),
        });
        self.opened_at.get_or_insert(arrival.received_at);
        Ok(())
    }
}

/// The findings of an arrival, each with what folds it.
fn findings_of(verdicts: &[Verdicts]) -> Vec<(Finding, Folding)> {
    let all = verdicts.iter().flat_map(|verdicts| verdicts.rules.folded(&verdicts.judged));
    all.map(|(finding, by)| (finding.clone(), by)).collect()
}

/// The event times of what was judged.
fn times_of(verdicts: &Verdicts) -> Vec<i64> {
    let rows = Rows::of(&verdicts.judged.batch);
    (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).collect()
}

fn latest_of(rows: &Rows<'_>) -> Option<i64> {
    (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).max()
}

/// A stopwatch that tells the time since it was last asked.
struct Laps(Instant);

impl Laps {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}
