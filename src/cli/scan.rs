//! `keyward scan`: one pass over files, folders, globs or standard input.

use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::{Parser, ValueEnum};

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::Format;
use super::output::alerts::AlertWriter;
use super::output::batches::BatchWriter;
use super::output::findings::FindingWriter;
use super::progress::Bar;
use super::rules::RuleArgs;
use super::summary::Summary;
use super::{Terminal, threads};
use crate::alerts::Alerts;
use crate::app::clock::now_micros;
use crate::app::record::Recorder;
use crate::config::Raw;
use crate::pipeline::rules::Rules;
use crate::pipeline::scan::{ScanError, Step, scan_after};
use crate::source::{Limits, Reader};

/// Arguments of `keyward scan`.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  keyward scan /var/log/cloudtrail/
  keyward scan --catalog catalog.yaml logs/ audit.log.gz 's3-copy/**/*.json.gz'
  zcat audit.log.gz | keyward scan --catalog catalog.yaml --format json -
  keyward scan --catalog catalog.yaml --emit alerts logs/
  keyward scan --catalog catalog.yaml --data history logs/

Exit codes: 0 nothing found, 1 findings, 3 a wrong catalog or detector, 4 input or output failed.
Records that cannot be understood are counted in the summary and change no exit code.")]
pub struct Args {
    /// Files, folders (searched for files), globs, or `-` for standard input. Compression and format are
    /// recognised by content: gzip, zstd; S3 log files, EventBridge, CloudWatch Logs, SIEM exports, Vault
    /// and OpenBao audit logs, mixed as they come.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,

    #[command(flatten)]
    rules: RuleArgs,

    /// Keep events, findings and rejects in this folder, for `keyward query`. Records that it holds
    /// already are not added again.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Raw records to keep there too, in the table `raw`, secrets redacted: of `findings`, of `all` key
    /// events, or `none`.
    #[arg(long, default_value_t = Raw::Findings, value_name = "WHICH", requires = "data")]
    raw: Raw,

    /// What to print.
    #[arg(long, value_enum, default_value_t = Emit::Findings)]
    emit: Emit,

    /// How to print it: a feed for people, one JSON object a line, or CSV.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Threads to work with; all processors if not given.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// No summary and no progress bar on standard error.
    #[arg(long, short)]
    quiet: bool,
}

/// What a scan prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// Detector hits.
    Findings,
    /// Findings folded: by default all about one key and principal within a day.
    Alerts,
    /// Every key event with its verdict.
    Events,
}

/// Runs the scan.
///
/// # Errors
/// Where rules are wrong, input cannot be opened or output cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut loaded = args.rules.load()?;
    let started = Instant::now();
    let now = now_micros();
    let mut reader = Reader::open(&args.paths, Limits::default()).or_fail(Exit::InputOutput)?;
    let recorder = args.data.as_ref().map(|data| Recorder::open(data, reader.inputs_mut(), now)).transpose();
    let mut recorder = recorder.or_fail(Exit::InputOutput)?;
    let memory = recorder.as_mut().map(Recorder::take_memory).unwrap_or_default();
    // The text of a large catalog is not kept in memory for the whole scan.
    let sources = std::mem::take(&mut loaded.sources);
    if let Some(recorder) = &recorder {
        recorder.judged_by(&loaded.rules.catalog, &sources).or_fail(Exit::InputOutput)?;
    }
    drop(sources);
    let raw = if recorder.is_some() { args.raw } else { Raw::None };
    let rules = loaded.rules.keeping(raw);
    let mut out = Output {
        emit: args.emit,
        alerts: Alerts::default(),
        alert_writer: AlertWriter::new(args.format, terminal.colours),
        events: BatchWriter::new(args.format),
        findings: FindingWriter::new(args.format, terminal.colours),
        out: BufWriter::new(io::stdout()),
        recorder,
        summary: Summary::default(),
        bar: Bar::over(reader.progress(), terminal.progress && !args.quiet),
    };
    let threads = threads(args.threads);
    let result = scan_after(memory, &mut reader, &rules, threads, now, &mut |step| out.accept(step, &rules));
    let summary = out.finish(result)?;
    if !args.quiet {
        let text = summary.text(&rules, started.elapsed(), args.rules.has_catalog());
        io::stderr().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    }
    Ok(if summary.found_anything() { Exit::Findings } else { Exit::Clean })
}

/// Where the steps of a scan go.
struct Output {
    emit: Emit,
    /// Folded until the end of the scan, where alerts are printed.
    alerts: Alerts,
    alert_writer: AlertWriter,
    events: BatchWriter,
    findings: FindingWriter,
    out: BufWriter<io::Stdout>,
    recorder: Option<Recorder>,
    summary: Summary,
    bar: Bar,
}

impl Output {
    fn accept(&mut self, step: Step, rules: &Rules) -> anyhow::Result<Option<crate::pipeline::scan::Job>> {
        self.summary.add(&step);
        self.bar.moved();
        if self.emit == Emit::Alerts {
            rules.folded(&step.judged).for_each(|(finding, by)| self.alerts.add(finding, by));
        }
        self.print(&step).context("could not write to standard output")?;
        self.recorder.as_mut().map_or(Ok(None), |recorder| recorder.keep(&step))
    }

    fn print(&mut self, step: &Step) -> io::Result<()> {
        match self.emit {
            Emit::Events if step.judged.batch.num_rows() > 0 => {
                self.events.write(&step.judged.batch, &mut self.out)
            }
            Emit::Events | Emit::Alerts => Ok(()),
            Emit::Findings => {
                let mut findings = step.judged.all_findings();
                findings.try_for_each(|finding| self.findings.write(finding, &mut self.out))
            }
        }
    }

    fn finish(mut self, result: Result<(), ScanError>) -> Result<Summary, Failure> {
        self.bar.finish();
        let left_out = self.alerts.left_out();
        let alerts = self.alerts.finish();
        let printed = alerts.iter().try_for_each(|alert| self.alert_writer.write(alert, &mut self.out));
        let flushed = printed.and_then(|()| self.out.flush());
        if left_out > 0 {
            let told = format!("{left_out} findings are in no alert: there are more than can be folded\n");
            io::stderr().write_all(told.as_bytes()).or_fail(Exit::InputOutput)?;
        }
        result
            .map_err(|error| match error {
                ScanError::Accept(error) => error,
                other => other.into(),
            })
            .or_fail(Exit::InputOutput)?;
        flushed.context("could not write to standard output").or_fail(Exit::InputOutput)?;
        if let Some(recorder) = self.recorder {
            self.summary.merged = recorder.finish().or_fail(Exit::InputOutput)?;
        }
        Ok(self.summary)
    }
}
