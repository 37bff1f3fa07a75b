//! Keeps what a scan gives: events, findings and rejects go into history, and the positions behind
//! them move with it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;

use super::clock::now_micros;
use super::kept_catalog;
use crate::catalog::{Catalog, SourceText};
use crate::detect::table::{findings_schema, to_batch};
use crate::domain::finding::Finding;
use crate::history::rejects::{RejectedRecord, RejectsBuilder};
use crate::history::{self, Compacted, Limits, OpenSet};
use crate::pipeline::rules::Judged;
use crate::pipeline::scan::{Job, Step};
use crate::pipeline::turnstile::Turnstile;
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
    now: i64,
}

/// What became of many small files at the end of a scan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merged {
    pub files: Compacted,
    pub took: Duration,
}

/// How far one input was sealed, and how far it has been read since.
#[derive(Debug, Clone)]
struct Progress {
    identity: Option<String>,
    label: String,
    /// How far history held it when this scan began.
    held: Option<Position>,
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
        let inputs = inputs.iter_mut().map(|input| progress_of(&store, input)).collect::<Result<_>>()?;
        Ok(Self {
            store: Arc::new(store),
            commits: Arc::new(Turnstile::new(())),
            seals: 0,
            open: OpenSet::default(),
            limits: Limits::default(),
            inputs,
            now,
        })
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
        let known = step.reached.is_some_and(|(input, mark)| self.is_known(input, mark));
        if !known {
            self.keep_events(step)?;
            self.keep_rejects(step)?;
            if let Some((input, mark)) = step.reached
                && let Some(progress) = self.inputs.get_mut(input)
            {
                progress.reached = Some(mark.into());
            }
        }
        Ok(if self.open.is_full(&self.limits) { Some(self.seal()) } else { None })
    }

    /// Keeps events and findings: all but those that waited for a neighbour, which did not come, since a
    /// part of the input that is known.
    fn keep_events(&mut self, step: &Step) -> Result<()> {
        let Judged { batch, findings, .. } = &step.judged;
        if self.inputs.iter().all(|input| input.held.is_none()) {
            self.open.push(Kind::Events, batch)?;
            self.open.push(Kind::Findings, &to_batch(findings)?)?;
            self.open.count(&step.account);
            return Ok(());
        }
        let rows = Rows::of(batch);
        let new: BooleanArray = (0..rows.len())
            .map(|row| {
                Some(!self.is_held(rows.text(Column::Source, row), rows.integer(Column::Position, row)))
            })
            .collect();
        let is_new = |finding: &&Finding| !self.is_held(finding.source.as_deref(), finding.position);
        let findings: Vec<_> = findings.iter().filter(is_new).cloned().collect();
        let mut account = step.account.clone();
        account.gave_events = account.gave_events.saturating_sub(new.false_count() as u64);
        self.open.push(Kind::Events, &filter_record_batch(batch, &new)?)?;
        self.open.push(Kind::Findings, &to_batch(&findings)?)?;
        self.open.count(&account);
        Ok(())
    }

    /// Whether history held the record at this place when the scan began.
    fn is_held(&self, source: Option<&str>, position: Option<i64>) -> bool {
        let (Some(source), Some(position)) = (source, position) else { return false };
        let mut inputs = self.inputs.iter().filter(|input| input.label == source);
        inputs.any(|input| input.held.is_some_and(|held| position < held.offset))
    }

    fn keep_rejects(&mut self, step: &Step) -> Result<()> {
        if step.rejects.is_empty() {
            return Ok(());
        }
        let mut rejects = RejectsBuilder::default();
        for refused in &step.rejects {
            let record = RejectedRecord {
                source: &step.source,
                position: i64::try_from(refused.position).unwrap_or(i64::MAX),
                index: i64::from(refused.index),
                sha256: &hex(&refused.sha256),
                sample: Some(refused.sample.as_str()).filter(|sample| !sample.is_empty()),
                ingested_at: self.now,
            };
            rejects.push(record, &refused.reject);
        }
        self.open.push(Kind::Rejects, &rejects.finish()?)?;
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
        Ok(Merged { files, took: started.elapsed() })
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

/// How far `input` is held, and sees to it that a chunk ends there: it is either known or new.
fn progress_of(store: &BlockingStore, input: &mut Input) -> Result<Progress> {
    let identity = input.identity().with_context(|| format!("could not read {}", input.name))?;
    let identity = identity.map(|identity| identity.name());
    let sealed = match &identity {
        Some(source) => store.wait(store.store().position_of(source))?.map(|stored| stored.next),
        None => None,
    };
    input.border = sealed.map(Mark::from);
    Ok(Progress { identity, label: input.name.to_string(), held: sealed, sealed, reached: None })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
