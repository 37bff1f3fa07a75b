//! Keeps what a scan gives: events, findings and rejects go into history, and the positions behind
//! them move with it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;

use super::clock::now_micros;
use super::kept_catalog;
use super::known::Known;
use crate::catalog::{Catalog, SourceText};
use crate::detect::table::{findings_schema, from_batch, to_batch};
use crate::detect::window::firing::Found;
use crate::domain::time::parse_rfc3339;
use crate::history::{self, Compacted, Covered, Limits, OpenSet, Traces};
use crate::pipeline::memory::Memory;
use crate::pipeline::rules::Judged;
use crate::pipeline::scan::{Job, Step};
use crate::pipeline::turnstile::Turnstile;
use crate::pipeline::{raw, rejected};
use crate::source::{Input, Mark};
use crate::store::{BlockingStore, Kind, Position, PositionMove};
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// Keeps the steps of one scan.
pub struct Recorder {
    store: Arc<BlockingStore>,
    /// Seals commit in the order in which they were filled.
    commits: Arc<Turnstile<()>>,
    seals: u64,
    open: OpenSet,
    limits: Limits,
    inputs: Vec<Progress>,
    known: Known,
    merged: Merged,
    now: i64,
}

/// What became of what a scan gave, and of many small files at its end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merged {
    /// Events that history held already.
    pub known: u64,
    pub files: Compacted,
    pub took: Duration,
}

/// How far one input was sealed, and how far it has been read since.
#[derive(Debug, Clone)]
struct Progress {
    identity: Option<String>,
    label: String,
    sealed: Option<Position>,
    reached: Option<Position>,
}

impl Recorder {
    /// Opens the data folder for writing.
    ///
    /// # Errors
    /// Where the folder cannot be made, is locked by another process, or its database fails.
    pub fn open(data: &Path, inputs: &mut [Input], now: i64) -> Result<Self> {
        let store = BlockingStore::open(data, now)?;
        store.wait(history::sweep(store.store(), now))?;
        let inputs = inputs.iter_mut().map(|input| progress_of(&store, input));
        let inputs = inputs.collect::<Result<Vec<Progress>>>()?;
        let held = inputs.iter().filter_map(|input| Some((input.label.clone(), input.sealed?)));
        let known = Known::read(&store, held.collect())?;
        Ok(Self {
            store: Arc::new(store),
            commits: Arc::new(Turnstile::new(())),
            seals: 0,
            open: OpenSet::default(),
            limits: Limits::default(),
            inputs,
            known,
            merged: Merged::default(),
            now,
        })
    }

    /// What earlier scans learnt of aliases and tags, to judge by.
    pub fn take_memory(&mut self) -> Memory {
        self.known.take_memory()
    }

    /// Keeps the catalog that judges what is recorded, unless it was the last to judge already. Without
    /// `sources` there is none.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn judged_by(&self, catalog: &Catalog, sources: &[SourceText]) -> Result<()> {
        if sources.is_empty() {
            return Ok(());
        }
        let text = kept_catalog::pack(sources)?;
        let store = self.store.store();
        self.store.wait(async {
            let files = store.files(Kind::Events).await?;
            let judged_up_to = files.iter().map(|file| file.max_time).max();
            store.record_catalog(catalog.version(), &text, self.now, judged_up_to).await
        })?;
        Ok(())
    }

    /// Keeps one step. What comes back is the writing of a full set, for any thread to do.
    ///
    /// # Errors
    /// Where the step cannot be put into the set.
    pub fn keep(&mut self, step: &Step) -> Result<Option<Job>> {
        if step.reached.is_some_and(|(input, mark)| self.is_known(input, mark)) {
            self.merged.known += step.judged.batch.num_rows() as u64;
        } else {
            let times = self.keep_events(step)?;
            self.keep_windowed(&step.judged.windowed)?;
            self.keep_rejects(step)?;
            self.cover(step, &times);
            if let Some((input, mark)) = step.reached
                && let Some(progress) = self.inputs.get_mut(input)
            {
                progress.reached = Some(mark.into());
            }
        }
        Ok(if self.open.is_full(&self.limits) { Some(self.seal()) } else { None })
    }

    /// Keeps events and findings: all but those that history holds already. Says when what is new happened.
    fn keep_events(&mut self, step: &Step) -> Result<Vec<i64>> {
        let Judged { batch, findings, hits, .. } = &step.judged;
        if self.known.is_nothing() {
            self.open.push(Kind::Events, batch)?;
            self.open.push(Kind::Findings, &to_batch(findings)?)?;
            self.open.push(Kind::Raw, &raw::rows(batch, step.raw.iter())?)?;
            self.open.count(&step.account);
            self.open.remember(step.traces.clone());
            return Ok(times_of(batch));
        }
        let new = self.known.new_of(&Rows::of(batch), &step.traces.uids);
        let found = findings.iter().zip(hits).filter(|(_, hit)| new.is_new(hit.row));
        let findings: Vec<_> = found.map(|(finding, _)| finding.clone()).collect();
        let mut account = step.account.clone();
        new.settle(&mut account);
        let uids = step.traces.uids.iter().enumerate().filter(|(row, _)| new.is_new(*row));
        self.merged.known += new.rows.false_count() as u64;
        let records = step.raw.iter().filter(|record| new.is_new(record.row));
        self.open.push(Kind::Raw, &raw::rows(batch, records)?)?;
        let batch = filter_record_batch(batch, &new.rows)?;
        self.open.push(Kind::Events, &batch)?;
        self.open.push(Kind::Findings, &to_batch(&findings)?)?;
        self.open.count(&account);
        self.open.remember(Traces {
            uids: uids.map(|(_, uid)| *uid).collect(),
            aliases: step.traces.aliases.clone(),
            tags: step.traces.tags.clone(),
        });
        Ok(times_of(&batch))
    }

    /// Notes what was read of the step's input: up to where, and events of which times.
    fn cover(&mut self, step: &Step, times: &[i64]) {
        let Some((input, mark)) = step.reached else { return };
        let Some(progress) = self.inputs.get(input) else { return };
        let covered = Covered {
            source: &progress.label,
            identity: progress.identity.as_deref().unwrap_or(&progress.label),
            partition: &progress.label,
            from: progress.reached.or(progress.sealed),
            to: mark.into(),
            otherwise: self.now,
        };
        self.open.covered(&covered, times.iter().copied());
    }

    /// Keeps what windows found. The same events seen again give the same findings; those that are held stay
    /// the only ones.
    fn keep_windowed(&mut self, windowed: &[Found]) -> Result<()> {
        let times = windowed.iter().filter_map(|(finding, _)| parse_rfc3339(&finding.event_time));
        let Some((first, last)) = times.clone().min().zip(times.max()) else { return Ok(()) };
        let store = self.store.store();
        let mut files = self.store.wait(store.files(Kind::Findings))?;
        files.retain(|file| file.min_time <= last && first <= file.max_time);
        let mut held = HashSet::new();
        for batch in history::batches(store.folder(), files, findings_schema()) {
            held.extend(from_batch(&batch?)?.into_iter().map(|finding| finding.id));
        }
        let new = windowed.iter().filter(|(finding, _)| !held.contains(&finding.id));
        let findings: Vec<_> = new.map(|(finding, _)| finding.clone()).collect();
        self.open.push(Kind::Findings, &to_batch(&findings)?)?;
        Ok(())
    }

    fn keep_rejects(&mut self, step: &Step) -> Result<()> {
        if step.rejects.is_empty() {
            return Ok(());
        }
        let rows = rejected::rows(&step.source, &step.rejects, self.now)?;
        self.open.push(Kind::Rejects, &rows)?;
        Ok(())
    }

    /// Seals what is left, and merges the files of days that have many small ones.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> Result<Merged> {
        self.seal()()?;
        let started = Instant::now();
        let store = self.store.store();
        let compacted = self.store.wait(history::compact(store, &findings_schema(), now_micros()));
        let files = compacted.context("everything is sealed, but small files could not be merged")?;
        Ok(Merged { files, took: started.elapsed(), ..self.merged })
    }

    /// Whether history holds the records up to `mark` already.
    fn is_known(&self, input: usize, mark: Mark) -> bool {
        let sealed = self.inputs.get(input).and_then(|progress| progress.sealed);
        sealed.is_some_and(|sealed| Position::from(mark) <= sealed)
    }

    /// Takes the open set away to be written and committed.
    fn seal(&mut self) -> Job {
        let mut set = std::mem::take(&mut self.open);
        for progress in &mut self.inputs {
            let (Some(source), Some(to)) = (&progress.identity, progress.reached.take()) else { continue };
            set.moved(PositionMove {
                source: source.clone(),
                label: progress.label.clone(),
                from: progress.sealed,
                to,
                watermark: None,
            });
            progress.sealed = Some(to);
        }
        let ticket = self.seals;
        self.seals += 1;
        let (store, commits, now) = (self.store.clone(), self.commits.clone(), self.now);
        Box::new(move || {
            let written = set.write(store.store(), now);
            let done = commits.enter(ticket, |()| -> Result<()> {
                store.wait(written?.commit(store.store()))?;
                Ok(())
            });
            let result = done.map_err(anyhow::Error::from).and_then(|result| result);
            if result.is_err() {
                commits.break_down();
            }
            result.context("could not seal history")
        })
    }
}

/// The event times of a batch.
fn times_of(batch: &RecordBatch) -> Vec<i64> {
    let rows = Rows::of(batch);
    (0..rows.len()).filter_map(|row| rows.time(Column::EventTime, row)).collect()
}

/// How far `input` is held, and sees to it that a chunk ends there: it is either known or new.
fn progress_of(store: &BlockingStore, input: &mut Input) -> Result<Progress> {
    let identity = input.identity().with_context(|| format!("could not read {}", input.name))?;
    let identity = identity.map(|identity| identity.name());
    let sealed = match &identity {
        Some(source) => store.wait(store.store().position_of(source))?.map(|stored| stored.next),
        None => None,
    };
    input.border = sealed.map(Mark::from);
    Ok(Progress { identity, label: input.name.to_string(), sealed, reached: None })
}
