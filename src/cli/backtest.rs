//! `keyward backtest`: what another catalog or other detectors would have raised over history.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::{Format, changes};
use super::progress::Counter;
use super::rules::RuleArgs;
use super::{Terminal, moment, threads};
use crate::app::ask::{AskError, Past};
use crate::app::backtest::{self, Span};
use crate::detect::window::windows::Forgotten;
use crate::pipeline::rules::Rules;

/// Arguments of `keyward backtest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The history is judged twice, by the rules that judged it last and by those given here, with the same
code as a scan. What differs is printed alert by alert: + would be raised, - would be gone, ~ changed.
Detectors with a window know what came before the span, and see as far beyond it as they wait.
Nothing is written.

Examples:
  keyward backtest --data history --catalog new-catalog.yaml
  keyward backtest --data history --detectors my-detectors --from 2026-11-01T00:00:00Z
  keyward backtest --data history --catalog new-catalog.yaml --format json

Exit codes: 0 nothing would change, 1 alerts would change, 2 nothing to compare with, 3 a wrong
catalog or detector, 4 history cannot be read.")]
pub struct Args {
    /// The folder that `keyward scan --data` or the service filled.
    #[arg(long, value_name = "DIR", default_value = "keyward-data")]
    data: PathBuf,

    /// Catalog to try: a YAML file or a folder of them; may be given more than once. Without one the
    /// catalog that judged last is tried with the other detectors.
    #[arg(long, value_name = "PATH", required_unless_present = "detectors")]
    catalog: Vec<PathBuf>,

    /// Folder of detectors to try; without one, those that judged last with the other catalog.
    #[arg(long, value_name = "DIR")]
    detectors: Option<PathBuf>,

    /// Only events since this moment (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<i64>,

    /// Only events before this moment (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<i64>,

    /// How to print the differences.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Threads to work with; all processors if not given.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// No summary and no progress on standard error.
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the backtest.
///
/// # Errors
/// Where rules are wrong or history cannot be read.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let span = Span { from: args.from.unwrap_or(i64::MIN), to: args.to.unwrap_or(i64::MAX) };
    let (before, after) = both(args)?;
    let past = Past::open(&args.data, &args.catalog).map_err(unanswered)?;
    let started = Instant::now();
    let counter = Counter::new("events judged", terminal.progress && !args.quiet);
    let outcome =
        backtest::run(&past, span, &before, &after, threads(args.threads), &|events| counter.at(events));
    counter.finish();
    let outcome = outcome.map_err(unanswered)?;
    print(args, &outcome, terminal).or_fail(Exit::InputOutput)?;
    if !args.quiet {
        let text = summary(&outcome, started.elapsed());
        io::stderr().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    }
    Ok(if outcome.changes.is_empty() { Exit::Clean } else { Exit::Findings })
}

fn print(args: &Args, outcome: &backtest::Outcome, terminal: Terminal) -> anyhow::Result<()> {
    let text = changes::text(args.format, &outcome.changes, terminal.colours)?;
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// What these rules would change over all of the history in `data`, in a few lines.
pub(super) fn in_short(
    data: &Path,
    catalog: &[PathBuf],
    after: &Rules,
    terminal: Terminal,
) -> Result<String, Failure> {
    let before = in_force(data)?;
    let past = Past::open(data, catalog).map_err(unanswered)?;
    let started = Instant::now();
    let counter = Counter::new("events judged", terminal.progress);
    let told = |events| counter.at(events);
    let outcome =
        backtest::run(&past, Span { from: i64::MIN, to: i64::MAX }, &before, after, threads(None), &told);
    counter.finish();
    Ok(summary(&outcome.map_err(unanswered)?, started.elapsed()))
}

/// The rules that judged last, and those to try: what the arguments leave out is that of the former.
fn both(args: &Args) -> Result<(Rules, Rules), Failure> {
    let before = in_force(&args.data)?;
    let given = RuleArgs::new(args.catalog.clone(), args.detectors.clone());
    let mut after = given.load()?.rules;
    if args.catalog.is_empty() {
        after.catalog = in_force(&args.data)?.catalog;
    }
    if args.detectors.is_none() {
        after.engine = before.engine.clone();
    }
    Ok((before, after))
}

/// The rules that judged the history in `data` last.
pub(super) fn in_force(data: &Path) -> Result<Rules, Failure> {
    backtest::rules_in_force(data).map_err(unanswered)
}

fn unanswered(error: AskError) -> Failure {
    Failure { exit: if error.is_input() { Exit::InputOutput } else { Exit::Rules }, error: error.into() }
}

fn summary(outcome: &backtest::Outcome, took: Duration) -> String {
    let count = |word: &str| outcome.changes.iter().filter(|change| change.as_str() == word).count();
    let rate = (outcome.events + outcome.beside) as f64 / took.as_secs_f64().max(f64::EPSILON);
    let beside = match outcome.beside {
        0 => String::new(),
        beside => format!(", and {beside} beside them for windows,"),
    };
    let mut text = format!(
        "{} events{beside} judged twice in {took:.1?} ({rate:.0} a second)\nalerts: {} raised, {} gone, {} changed, {} as before\n",
        outcome.events,
        count("raised"),
        count("gone"),
        count("changed"),
        outcome.unchanged,
    );
    for ((was, is), events) in &outcome.verdicts {
        text.push_str(&format!("verdicts: {events} {was} → {is}\n"));
    }
    if outcome.left_out != (0, 0) {
        let (before, after) = outcome.left_out;
        text.push_str(&format!(
            "too many to fold: {before} findings before, {after} after are in no alert\n"
        ));
    }
    for Forgotten { detector, count } in &outcome.forgotten {
        text.push_str(&format!("{detector} had no room for {count} groups or values, and forgot them\n"));
    }
    for (detector, error) in &outcome.failures {
        text.push_str(&format!("{detector} could not be evaluated: {error}\n"));
    }
    text
}
