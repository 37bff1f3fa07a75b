//! `keyward bench`: how fast this machine runs the path, stage by stage.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::Terminal;
use super::bench_anomaly::{self, AnomalyArgs};
use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, csv, terminal::table};
use crate::app::bench::{Measured, Options, Report, run as measure};

/// Arguments of `keyward bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records of the corpus, 1.4 KB each.
    #[arg(long, value_name = "N", default_value_t = 300_000)]
    records: usize,

    /// How many of a hundred records touch a KMS key.
    #[arg(long, value_name = "PERCENT", default_value_t = 40, value_parser = clap::value_parser!(u8).range(0..=100))]
    kms: u8,

    /// Entries of the catalog.
    #[arg(long, value_name = "N", default_value_t = 500)]
    catalog_entries: usize,

    /// Made-up detectors beside the built-in ones.
    #[arg(long, value_name = "N", default_value_t = 0)]
    extra_detectors: usize,

    /// Threads of the last measurement; all processors if not given.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Where to put the corpus and history; a temporary folder if not given. It is emptied afterwards.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    anomaly: AnomalyArgs,

    /// How to print the measurements.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Runs the benchmark.
///
/// # Errors
/// Where its folder cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    if args.anomaly.anomaly {
        return bench_anomaly::run(&args.anomaly, args.format, terminal);
    }
    let base = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = base.join(format!("keyward-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).or_fail(Exit::InputOutput)?;
    let options = Options {
        records: args.records,
        kms_percent: args.kms,
        catalog_entries: args.catalog_entries,
        extra_detectors: args.extra_detectors,
        threads: args
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get),
    };
    let measured = measure(&options, &folder, &mut |stage| {
        if terminal.progress {
            // Standard error may be closed; then nobody is left to tell.
            let _ = writeln!(io::stderr(), "{stage} …");
        }
    });
    let removed = std::fs::remove_dir_all(&folder);
    let report = measured.or_fail(Exit::InputOutput)?;
    removed.or_fail(Exit::InputOutput)?;
    io::stdout().write_all(text(&report, args.format).as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

const HEADER: [&str; 5] = ["stage", "records", "records/s", "MB/s", "of parse only"];

fn text(report: &Report, format: Format) -> String {
    let parse_only = report.stages.iter().find(|measured| measured.stage == "parse only").map(Measured::rate);
    let rows: Vec<Vec<String>> = report.stages.iter().map(|measured| row(measured, parse_only)).collect();
    match format {
        Format::Table => table(&HEADER, &rows) + &sums(report),
        Format::Csv => {
            let lines = rows.iter().map(|row| csv::line(row.iter().map(String::as_str)));
            csv::line(HEADER) + &lines.collect::<String>()
        }
        Format::Json => report.stages.iter().map(|measured| json_line(measured, parse_only)).collect(),
    }
}

fn row(measured: &Measured, parse_only: Option<f64>) -> Vec<String> {
    let share = parse_only.map(|rate| format!("{:.0} %", 100.0 * measured.rate() / rate)).unwrap_or_default();
    vec![
        measured.stage.clone(),
        measured.records.to_string(),
        format!("{:.0}", measured.rate()),
        format!("{:.0}", measured.megabytes()),
        share,
    ]
}

fn json_line(measured: &Measured, parse_only: Option<f64>) -> String {
    let object = serde_json::json!({
        "stage": measured.stage,
        "records": measured.records,
        "seconds": measured.elapsed.as_secs_f64(),
        "records_per_second": measured.rate(),
        "megabytes_per_second": measured.megabytes(),
        "share_of_parse_only": parse_only.map(|rate| measured.rate() / rate),
    });
    format!("{object}\n")
}

fn sums(report: &Report) -> String {
    let mut text = format!(
        "\nrules loaded in {:.2?}; {} events, {} findings; history {:.1} bytes an event\n",
        report.loading,
        report.events,
        report.findings,
        report.history_bytes as f64 / report.events.max(1) as f64,
    );
    if let Some(bytes) = report.peak_memory {
        text.push_str(&format!("peak memory {} MB\n", bytes / 1_000_000));
    }
    text
}
