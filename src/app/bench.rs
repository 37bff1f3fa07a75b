//! Measures the path stage by stage on a made-up corpus, each stage over the same file: reading alone,
//! parsing alone, and then the real path with one more stage at a time.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::clock::now_micros;
use super::record::Recorder;
use crate::catalog::{Catalog, SourceText};
use crate::config::Raw;
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::normalize::cloudtrail;
use crate::pipeline::generate::{CORPUS_KEYS, Corpus, corpus_catalog};
use crate::pipeline::prepare::Preparer;
use crate::pipeline::rules::Rules;
use crate::pipeline::scan::scan;
use crate::source::{Limits, Reader};

/// What to measure with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Records of the corpus, 1.4 KB each.
    pub records: usize,
    /// How many of a hundred records touch a KMS key.
    pub kms_percent: u8,
    /// Entries of the catalog; the corpus uses the first 500 at most.
    pub catalog_entries: usize,
    /// Made-up detectors beside the built-in ones.
    pub extra_detectors: usize,
    /// Threads of the last measurement.
    pub threads: usize,
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Measured {
    pub stage: String,
    pub records: u64,
    pub bytes: u64,
    pub elapsed: Duration,
}

impl Measured {
    /// Records a second.
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Million bytes a second.
    pub fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// All measurements of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub stages: Vec<Measured>,
    pub loading: Duration,
    pub events: u64,
    pub findings: u64,
    pub history_bytes: u64,
    /// The most memory the process ever had, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
}

/// Makes the corpus in `folder` and measures.
///
/// # Errors
/// Where the folder cannot be written or a stage fails.
pub fn run(options: &Options, folder: &Path, told: &mut dyn FnMut(&str)) -> Result<Report> {
    told("making the corpus");
    let corpus = folder.join("corpus.ndjson");
    write_corpus(options, &corpus)?;
    let path = corpus.display().to_string();
    let started = Instant::now();
    let rules = rules(options)?;
    let mut bench =
        Bench { path, rules, report: Report { loading: started.elapsed(), ..Report::default() }, told };
    bench.reading()?;
    bench.parsing()?;
    bench.normalizing()?;
    bench.judging()?;
    bench.whole(&folder.join("data-1"), 1)?;
    if options.threads > 1 {
        bench.whole(&folder.join("data-n"), options.threads)?;
    }
    bench.report.history_bytes = folder_bytes(&folder.join("data-1").join("history").join("events"))?;
    bench.report.peak_memory = peak_memory();
    Ok(bench.report)
}

struct Bench<'b> {
    path: String,
    rules: Rules,
    report: Report,
    told: &'b mut dyn FnMut(&str),
}

impl Bench<'_> {
    fn reader(&self) -> Result<Reader> {
        Ok(Reader::open(std::slice::from_ref(&self.path), Limits::default())?)
    }

    fn note(&mut self, stage: &str, records: u64, bytes: u64, elapsed: Duration) {
        self.report.stages.push(Measured { stage: stage.to_owned(), records, bytes, elapsed });
    }

    fn reading(&mut self) -> Result<()> {
        self.over_chunks("read", |chunk| _ = black_box(chunk.records.len()))
    }

    fn parsing(&mut self) -> Result<()> {
        self.over_chunks("parse only", |chunk| {
            for piece in &chunk.records {
                black_box(cloudtrail::parse_only(chunk.record(piece)));
            }
        })
    }

    fn normalizing(&mut self) -> Result<()> {
        let mut preparer = Preparer::default();
        self.over_chunks("normalize and build", |chunk| _ = black_box(preparer.prepare(chunk, 0)))
    }

    fn over_chunks(&mut self, stage: &str, mut work: impl FnMut(&crate::source::Chunk)) -> Result<()> {
        (self.told)(stage);
        let mut reader = self.reader()?;
        let (mut records, mut bytes, mut buffer) = (0, 0, Vec::new());
        let started = Instant::now();
        while let Some(chunk) = reader.next_chunk(buffer)? {
            work(&chunk);
            records += chunk.received();
            bytes += chunk.bytes.len() as u64;
            buffer = chunk.bytes;
        }
        self.note(stage, records, bytes, started.elapsed());
        Ok(())
    }

    fn judging(&mut self) -> Result<()> {
        (self.told)("judge and detect");
        let mut reader = self.reader()?;
        let mut records = 0;
        let started = Instant::now();
        scan(&mut reader, &self.rules, 1, 0, &mut |step| {
            records += step.account.received;
            Ok(None)
        })?;
        let elapsed = started.elapsed();
        let bytes = reader.progress().read();
        self.note("join, judge, detect", records, bytes, elapsed);
        Ok(())
    }

    fn whole(&mut self, data: &Path, threads: usize) -> Result<()> {
        (self.told)("end to end");
        let mut reader = self.reader()?;
        let mut recorder = Recorder::open(data, reader.inputs_mut(), now_micros())?;
        let (mut records, mut events, mut findings) = (0, 0, 0);
        let started = Instant::now();
        scan(&mut reader, &self.rules, threads, now_micros(), &mut |step| {
            records += step.account.received;
            events += step.judged.batch.num_rows() as u64;
            findings += step.judged.all_findings().count() as u64;
            recorder.keep(&step)
        })?;
        recorder.finish()?;
        let elapsed = started.elapsed();
        let plural = if threads == 1 { "" } else { "s" };
        let bytes = reader.progress().read();
        self.note(&format!("end to end, {threads} thread{plural}"), records, bytes, elapsed);
        (self.report.events, self.report.findings) = (events, findings);
        Ok(())
    }
}

fn write_corpus(options: &Options, path: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("could not make {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let keys = options.catalog_entries.clamp(1, CORPUS_KEYS);
    for record in Corpus::new(options.records, f64::from(options.kms_percent) / 100.0, keys) {
        file.write_all(&record)?;
        file.write_all(b"\n")?;
    }
    file.flush().context("could not write the corpus")
}

fn rules(options: &Options) -> Result<Rules> {
    let source =
        SourceText { name: "catalog of the benchmark".into(), text: corpus_catalog(options.catalog_entries) };
    let catalog = Catalog::parse(&[source])?.catalog;
    let told = |problems: Vec<crate::domain::problem::Problem>| {
        anyhow!("{}", problems.first().map(ToString::to_string).unwrap_or_default())
    };
    let detectors = Detectors::embedded_and(&extra_detectors(options.extra_detectors)).map_err(told)?;
    let engine = Engine::new(&detectors).map_err(told)?;
    Ok(Rules::new(catalog, engine).keeping(Raw::default()))
}

/// Detectors of the shapes that people write, hardly one of which ever fires.
fn extra_detectors(count: usize) -> Vec<(String, String)> {
    const ROLES: [&str; 8] =
        ["orders-api", "payments-api", "ml-train", "ci-release", "backup", "gateway", "etl", "admin"];
    const ACTIONS: [&str; 7] =
        ["Decrypt", "Sign", "Encrypt", "GenerateMac", "CreateGrant", "ReEncrypt", "ScheduleKeyDeletion"];
    let pick =
        |words: &[&'static str], place: usize| words.get(place % words.len()).copied().unwrap_or_default();
    (0..count)
        .map(|place| {
            let (action, role) = (pick(&ACTIONS, place / 5), pick(&ROLES, place / 3));
            let expression = match place % 5 {
                0 => format!("action = '{action}' AND principal LIKE '%/{role}-{place}'"),
                1 => format!("action IN ('Decrypt', 'Encrypt') AND session_name LIKE '%{place}x%' AND error_code IS NULL"),
                2 => format!("error_code = 'AccessDenied' AND principal LIKE '%{role}-{place}'"),
                3 => format!("action = '{action}' AND key_id LIKE 'arn:aws:kms:eu-{place}%' AND region = 'eu-west-1'"),
                _ => format!("context LIKE '%bucket-{place}/%' AND NOT principal LIKE '%{role}'"),
            };
            let text = format!(
                "id: XB-{place:04}\ntitle: made up {place}\nlevel: low\nstatus: test\nmatch: \"{expression}\"\n"
            );
            (format!("bench-{place:04}.yaml"), text)
        })
        .collect()
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    let files = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    Ok(files.filter_map(|file| file.metadata().ok()).filter(|of| of.is_file()).map(|of| of.len()).sum())
}

/// The high-water mark of resident memory (Linux, proc(5): `VmHWM` of `/proc/self/status`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extra_detector_is_evaluated() {
        let told = |problems| format!("{problems:?}");
        let own = Detectors::embedded_and(&[]).map_err(told).unwrap();
        let more = Detectors::embedded_and(&extra_detectors(70)).map_err(told).unwrap();
        let evaluated = |detectors| Engine::new(detectors).map(|engine| engine.len()).map_err(told).unwrap();
        assert_eq!(evaluated(&more), evaluated(&own) + 70);
    }
}
