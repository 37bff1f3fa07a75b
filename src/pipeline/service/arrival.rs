//! What happens to the records of one arrival.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::error::ArrowError;

use super::raiser::Job;
use super::versions::Verdicts;
use super::watch::{Origin, Stages, Took};
use super::{Service, ServiceError};
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;
use crate::history::{Covered, Traces};
use crate::metrics::Account;
use crate::pipeline::memory::Remembered;
use crate::pipeline::prepare::Prepared;
use crate::pipeline::rules::Judged;
use crate::pipeline::{raw, rejected};
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
    stages: Stages,
}

impl Service {
    /// Takes the records of one arrival through the whole path.
    pub(super) fn take(&mut self, arrival: Arrival) -> Result<(), ServiceError> {
        if arrival.generation < self.generation {
            return Ok(()); // read before everything unsealed was dropped; it comes again
        }
        let mut taken = self.judge(&arrival)?;
        let origin = Origin {
            source: Arc::clone(&arrival.partition.source),
            written_at: arrival.written_at,
            received_at: arrival.received_at,
        };
        self.raise(&taken.verdicts, origin)?;
        self.open.remember(std::mem::take(&mut taken.traces));
        self.keep(&arrival, &taken)?;
        self.watch.took(&Took {
            source: &arrival.partition.source,
            account: &taken.account,
            verdicts: &taken.verdicts,
            stages: taken.stages,
        });
        Ok(())
    }

    /// Has findings stored.
    pub(super) fn raise(&mut self, verdicts: &[Verdicts], origin: Origin) -> Result<(), ServiceError> {
        let findings = findings_of(verdicts);
        if !findings.is_empty() {
            self.raiser.begin(Job { findings, origin })?;
        }
        Ok(())
    }

    fn judge(&mut self, arrival: &Arrival) -> Result<Taken, ArrowError> {
        let mut watch = Laps::start();
        self.versions.each(|rules| self.preparer.read(rules.engine.members()));
        let prepared = self.preparer.prepare(&arrival.chunk, arrival.received_at)?;
        let prepare = watch.lap();
        let Prepared { built, rejects, mut account } = prepared;
        let Remembered { joined, traces, aliases } =
            self.memory.batch_of(built, Some(&arrival.partition.label))?;
        joined.count(&mut account);
        let join = watch.lap();
        self.judged_up_to = self.judged_up_to.max(Rows::of(&joined.batch).latest());
        let mut verdicts = self.versions.judge(joined.batch, &aliases)?;
        let detect: Duration = verdicts.iter().map(|verdicts| verdicts.judged.detecting).sum();
        let judge = watch.lap().saturating_sub(detect);
        if let Some(warming) = &mut self.warming {
            warming.keep(&verdicts)?;
        }
        self.live.take(&arrival.partition, &mut verdicts);
        let stages = Stages { prepare, join, judge, detect: detect + watch.lap() };
        Ok(Taken { verdicts, traces, rejects, account, stages })
    }

    /// Every source is at its end: what still waits for a neighbour stands alone, and windows that wait for
    /// time to pass decide.
    pub(super) fn take_stranded(&mut self) -> Result<(), ServiceError> {
        let now = (self.clock)();
        let mut account = Account::default();
        let (mut verdicts, traces) = match self.memory.finish()? {
            Some(Remembered { joined, traces, aliases }) => {
                joined.count(&mut account);
                (self.versions.judge(joined.batch, &aliases)?, traces)
            }
            None => {
                let rules = Arc::clone(&self.versions.newest().rules);
                (vec![Verdicts { rules, judged: Judged::of_windows(Vec::new()) }], Traces::default())
            }
        };
        self.live.finish(&mut verdicts);
        self.raise(&verdicts, Origin { source: Arc::from(""), written_at: None, received_at: now })?;
        for verdicts in &verdicts {
            self.open.push(Kind::Events, &verdicts.judged.batch)?;
            self.open.push(Kind::Findings, &verdicts.judged.rows_of_findings()?)?;
        }
        self.open.remember(traces);
        self.open.count(&account);
        self.watch.took(&Took {
            source: "",
            account: &account,
            verdicts: &verdicts,
            stages: Stages::default(),
        });
        Ok(())
    }

    /// Puts what an arrival came to into the open set.
    fn keep(&mut self, arrival: &Arrival, taken: &Taken) -> Result<(), ServiceError> {
        for verdicts in &taken.verdicts {
            self.open.push(Kind::Events, &verdicts.judged.batch)?;
            self.open.push(Kind::Findings, &verdicts.judged.rows_of_findings()?)?;
            let records = raw::kept(verdicts.rules.raw(), &arrival.chunk, &verdicts.judged);
            if !records.is_empty() {
                self.open.push(Kind::Raw, &raw::rows(&verdicts.judged.batch, records.iter())?)?;
            }
        }
        if !taken.rejects.is_empty() {
            let rows = rejected::rows(&arrival.chunk.source, &taken.rejects, arrival.received_at)?;
            self.open.push(Kind::Rejects, &rows)?;
        }
        self.open.count(&taken.account);
        let partition = &arrival.partition;
        let watermark = self.live.mark_of(partition);
        let covered = Covered {
            source: &partition.source,
            identity: &partition.identity,
            partition: &partition.label,
            from: arrival.from,
            to: arrival.to,
            otherwise: watermark.unwrap_or(arrival.received_at),
        };
        self.open.covered(&covered, taken.verdicts.iter().flat_map(times_of));
        self.open.moved(PositionMove {
            source: partition.identity.clone(),
            label: partition.label.clone(),
            from: arrival.from,
            to: arrival.to,
            watermark,
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
