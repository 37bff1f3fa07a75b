//! The rejects that history keeps: finding them, and reading them again after what was wrong is fixed.
//!
//! In: a data folder. Out: rejects with an id each, and what became of a replay. A record is read again
//! where it was: only from a file that is still there, and only where the file still holds those bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use sha2::{Digest, Sha256};

use crate::detect::table::to_batch;
use crate::domain::identity::hex_id;
use crate::domain::reject::RejectReason;
use crate::history::rejects::schema;
use crate::history::{self, OpenSet};
use crate::metrics::Account;
use crate::pipeline::memory::Memory;
use crate::pipeline::prepare::Preparer;
use crate::pipeline::rules::Rules;
use crate::source::{Chunk, Input, Limits, Piece, Reader};
use crate::store::{BlockingStore, CameTo, DataFolder, FileRow, Kind, Replayed, Store};

/// One rejected record, as history keeps it.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Hash of source, position, index and bytes: the same record at the same place has the same.
    pub id: String,
    pub source: String,
    pub position: i64,
    pub index: i64,
    pub reason: String,
    pub detail: String,
    pub sha256: String,
    pub sample: String,
    /// When it was read, microseconds since the epoch.
    pub ingested_at: i64,
    /// What a replay made of it.
    pub came_to: Option<CameTo>,
}

/// Which rejects.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub reason: Option<RejectReason>,
    /// A part of the source's name.
    pub source: Option<String>,
    /// Read at or after this, microseconds since the epoch.
    pub since: Option<i64>,
    /// How the id begins.
    pub id: Option<String>,
}

/// What became of a replay.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rejects that are none any more, by what they came to.
    pub came_to: BTreeMap<CameTo, u64>,
    /// Still not understood, by why.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Not to be read again, by why.
    pub unread: BTreeMap<String, u64>,
    /// Findings on what was understood.
    pub findings: u64,
}

/// The rejects in `data` that pass the filter, each once, in order of reading.
///
/// # Errors
/// When history cannot be read.
pub fn list(data: &Path, filter: &Filter) -> Result<Vec<Rejected>> {
    let store = BlockingStore::open_read_only(data)?;
    store.wait(find(store.store(), filter))
}

/// The rejects of one file of history, in parts of some thousand.
///
/// # Errors
/// When it cannot be read.
pub fn of_file(folder: &DataFolder, file: FileRow) -> Result<Vec<Vec<Rejected>>> {
    history::batches(folder, vec![file], schema()).map(|batch| rows(&batch?)).collect()
}

async fn find(store: &Store, filter: &Filter) -> Result<Vec<Rejected>> {
    let files = store.files(Kind::Rejects).await?;
    let replayed = match files.is_empty() {
        true => Vec::new(),
        false => store.replayed().await?,
    };
    let replayed: HashMap<String, CameTo> =
        replayed.into_iter().map(|replayed| (replayed.id, replayed.came_to)).collect();
    let mut found = BTreeMap::new();
    for batch in history::batches(store.folder(), files, schema()) {
        for mut rejected in rows(&batch?)? {
            rejected.came_to = replayed.get(&rejected.id).copied();
            if filter.takes(&rejected) {
                found.entry((rejected.ingested_at, rejected.id.clone())).or_insert(rejected);
            }
        }
    }
    Ok(found.into_values().collect())
}

impl Filter {
    fn takes(&self, rejected: &Rejected) -> bool {
        self.reason.is_none_or(|reason| reason.as_str() == rejected.reason)
            && self.source.as_ref().is_none_or(|source| rejected.source.contains(source))
            && self.since.is_none_or(|since| rejected.ingested_at >= since)
            && self.id.as_ref().is_none_or(|id| rejected.id.starts_with(id))
    }
}

fn rows(batch: &RecordBatch) -> Result<Vec<Rejected>> {
    let column = |name: &str| batch.column_by_name(name).with_context(|| format!("no column {name}"));
    let text = |name| -> Result<ArrayRef> { Ok(cast(column(name)?, &DataType::Utf8)?) };
    let (source, reason) = (text("source")?, text("reason")?);
    let (source, reason) = (source.as_string::<i32>(), reason.as_string::<i32>());
    let (detail, sha256) = (column("detail")?.as_string::<i32>(), column("sha256")?.as_string::<i32>());
    let sample = column("sample")?.as_string::<i32>();
    let position = column("position")?.as_primitive::<Int64Type>();
    let index = column("index")?.as_primitive::<Int64Type>();
    let ingested_at = column("ingested_at")?.as_primitive::<TimestampMicrosecondType>();
    let rejected = |row: usize| Rejected {
        id: id_of(source.value(row), position.value(row), index.value(row), sha256.value(row)),
        source: source.value(row).to_owned(),
        position: position.value(row),
        index: index.value(row),
        reason: reason.value(row).to_owned(),
        detail: detail.value(row).to_owned(),
        sha256: sha256.value(row).to_owned(),
        sample: sample.iter().nth(row).flatten().unwrap_or_default().to_owned(),
        ingested_at: ingested_at.value(row),
        came_to: None,
    };
    Ok((0..batch.num_rows()).map(rejected).collect())
}

fn id_of(source: &str, position: i64, index: i64, sha256: &str) -> String {
    hex_id(&[source.as_bytes(), &position.to_le_bytes(), &index.to_le_bytes(), sha256.as_bytes()])
}

/// Reads the rejects in `data` that pass the filter again, judges what is understood by now, and keeps
/// it. `now` is in microseconds since the epoch.
///
/// # Errors
/// When the folder is in use, or cannot be read or written; then nothing was kept.
pub fn replay(data: &Path, filter: &Filter, rules: &Rules, now: i64) -> Result<Outcome> {
    let store = BlockingStore::open(data, now)?;
    let mut rejects = store.wait(find(store.store(), filter))?;
    rejects.retain(|rejected| rejected.came_to.is_none());
    let mut by_source: BTreeMap<String, Vec<Rejected>> = BTreeMap::new();
    for rejected in rejects {
        by_source.entry(rejected.source.clone()).or_default().push(rejected);
    }
    let memory = store.wait(Memory::restore(store.store()))?;
    let mut replay = Replay {
        rules,
        now,
        memory,
        preparer: Preparer::default().reading(rules.engine.members()),
        set: OpenSet::default(),
        outcome: Outcome::default(),
    };
    for (source, wanted) in by_source {
        replay.source(&source, wanted)?;
    }
    let Replay { memory, mut set, outcome, .. } = replay;
    if !set.is_empty() {
        set.leaves_open(memory.open_requests()?);
        let written = set.write(store.store(), now)?;
        store.wait(written.commit(store.store()))?;
    }
    Ok(outcome)
}

struct Replay<'r> {
    rules: &'r Rules,
    now: i64,
    memory: Memory,
    preparer: Preparer,
    set: OpenSet,
    outcome: Outcome,
}

impl Replay<'_> {
    fn source(&mut self, source: &str, wanted: Vec<Rejected>) -> Result<()> {
        let path = Path::new(source);
        let Ok(size) = path.metadata().map(|metadata| metadata.len()) else {
            self.unread(unreadable(source), wanted.len());
            return Ok(());
        };
        let mut wanted: HashMap<(i64, i64), Rejected> =
            wanted.into_iter().map(|rejected| ((rejected.position, rejected.index), rejected)).collect();
        let mut reader = Reader::new(vec![Input::file(path.to_owned(), Some(size))], Limits::default());
        while !wanted.is_empty()
            && let Some(chunk) = reader.next_chunk(Vec::new())?
        {
            for piece in &chunk.records {
                let Some(rejected) = wanted.get(&place(piece.position, piece.index)) else { continue };
                let sha256: [u8; 32] = Sha256::digest(chunk.record(piece)).into();
                if rejected.sha256 == sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                    && let Some(rejected) = wanted.remove(&place(piece.position, piece.index))
                {
                    self.record(&chunk, piece, rejected)?;
                }
            }
            for refused in &chunk.refused {
                if wanted.remove(&place(refused.position, refused.index)).is_some() {
                    *self.outcome.rejected.entry(refused.reject.reason).or_default() += 1;
                }
            }
        }
        self.unread("the file no longer holds the record there".to_owned(), wanted.len());
        Ok(())
    }

    fn unread(&mut self, why: String, count: usize) {
        if count > 0 {
            *self.outcome.unread.entry(why).or_default() += count as u64;
        }
    }

    /// Takes one record the way of a scan, by itself.
    fn record(&mut self, chunk: &Chunk, piece: &Piece, rejected: Rejected) -> Result<()> {
        let alone = Chunk {
            bytes: chunk.record(piece).to_vec(),
            records: vec![Piece { range: 0..piece.range.len(), ..piece.clone() }],
            refused: Vec::new(),
            asides: Vec::new(),
            ..chunk.clone()
        };
        let prepared = self.preparer.prepare(&alone, self.now)?;
        if let Some(reason) = prepared.account.rejects.keys().next() {
            *self.outcome.rejected.entry(*reason).or_default() += 1;
            return Ok(());
        }
        let remembered = self.memory.batch(prepared.built)?;
        let mut account = prepared.account;
        remembered.joined.count(&mut account);
        let judged = self.rules.judge(remembered.joined.batch, &remembered.aliases)?;
        self.outcome.findings += judged.findings.len() as u64;
        self.set.push(Kind::Events, &judged.batch)?;
        self.set.push(Kind::Findings, &to_batch(&judged.findings)?)?;
        self.set.remember(remembered.traces);
        self.set.count(&account);
        let came_to = came_to(&account);
        *self.outcome.came_to.entry(came_to).or_default() += 1;
        if let Some(reason) = RejectReason::from_word(&rejected.reason) {
            self.set.replayed(Replayed { id: rejected.id, reason, came_to });
        }
        Ok(())
    }
}

fn place(position: u64, index: u32) -> (i64, i64) {
    (i64::try_from(position).unwrap_or(i64::MAX), i64::from(index))
}

/// What the account of one record says that it came to. Its response may give an event beside it.
fn came_to(account: &Account) -> CameTo {
    match account {
        Account { gave_events: 1.., .. } => CameTo::Events,
        Account { merged: 1.., .. } => CameTo::Merged,
        Account { duplicates: 1.., .. } => CameTo::Duplicate,
        _ if account.irrelevant_total() > 0 => CameTo::Irrelevant,
        _ => CameTo::Waits,
    }
}

/// Why a source that is no file here cannot be read again.
fn unreadable(source: &str) -> String {
    match source.starts_with('/') || Path::new(source).extension().is_some() {
        true => format!("{source} is not there"),
        false => format!("{source} is no file that can be read again from here; send its records again"),
    }
}
