//! `keyward bench --anomaly`: how well the detectors with memory find what is wrong, beside plain ones.

use std::io::{self, Write};

use super::Terminal;
use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, rows};
use super::progress::Counter;
use crate::app::anomaly::score::Score;
use crate::app::anomaly::{Report, run as measure};
use crate::pipeline::generate::rhythm::Options;

/// The options of `--anomaly`.
#[derive(Debug, clap::Args)]
pub struct AnomalyArgs {
    /// Measure how well detectors with memory find anomalies, on made-up weeks of key use with known ones:
    /// precision, recall, delay and false alerts of each, beside a fixed threshold and a z-score.
    #[arg(long)]
    pub anomaly: bool,

    /// Days of the made-up log; the first 28 have no anomalies.
    #[arg(long, value_name = "N", default_value_t = 60, requires = "anomaly", value_parser = clap::value_parser!(u32).range(35..=400))]
    days: u32,

    /// Keys in it.
    #[arg(long, value_name = "N", default_value_t = 240, requires = "anomaly")]
    keys: usize,

    /// Anomalies of each of the twelve kinds.
    #[arg(long, value_name = "N", default_value_t = 12, requires = "anomaly")]
    each: usize,

    /// Another seed, another log.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "anomaly")]
    seed: u64,
}

/// Runs the measurement.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &AnomalyArgs, format: Format, terminal: Terminal) -> Outcome {
    let options = Options { seed: args.seed, keys: args.keys, days: args.days, each: args.each };
    let counter = Counter::new("days lived", terminal.progress);
    let report = measure(options, &mut |day| counter.at(u64::from(day)));
    counter.finish();
    let report = report.or_fail(Exit::InputOutput)?;
    io::stdout().write_all(text(&report, format).as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

const HEADER: [&str; 8] =
    ["detector", "alerts", "false", "precision", "recall", "found", "delay", "false per 100 keys and week"];

fn text(report: &Report, format: Format) -> String {
    let cells: Vec<Vec<String>> = report.scores.iter().map(row).collect();
    let table = rows::text(format, &HEADER, &cells);
    if format != Format::Table {
        return table;
    }
    let put_in: Vec<String> =
        report.anomalies.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let by_kind: String = report.scores.iter().filter_map(kinds).collect();
    format!(
        "{table}\nfound of each kind\n{by_kind}\n{} events of {} keys in {} days, {:.1?}; put in: {}\n",
        report.events,
        report.options.keys,
        report.options.days,
        report.elapsed,
        put_in.join(", ")
    )
}

fn row(score: &Score) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{share:.2}"));
    vec![
        score.detector.clone(),
        score.alerts.to_string(),
        score.false_alerts.to_string(),
        share(score.precision()),
        share(score.recall()),
        format!("{} of {}", score.found, score.expected),
        score.delay.map_or_else(String::new, |micros| format!("{} min", micros / 60_000_000)),
        format!("{:.2}", score.false_per_100_keys_and_week),
    ]
}

fn kinds(score: &Score) -> Option<String> {
    let each: Vec<String> =
        score.kinds.iter().map(|(kind, (found, expected))| format!("{kind} {found}/{expected}")).collect();
    (!each.is_empty()).then(|| format!("  {}: {}\n", score.detector, each.join(", ")))
}
