//! The command line: one file a command, each turning its arguments into a call of `app` or of the
//! stages, and what comes back into text and an exit code.

pub mod actions;
pub mod alerts;
pub mod backtest;
pub mod bench;
mod bench_anomaly;
pub mod catalog;
pub mod check;
pub mod columns;
pub mod completions;
pub mod config;
pub mod demo;
pub mod detectors;
pub mod doctor;
pub mod exit;
pub mod explain;
pub mod metrics;
pub mod notify;
pub mod output;
mod progress;
pub mod query;
pub mod rejects;
pub mod rules;
pub mod run;
pub mod scan;
mod summary;

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use exit::{Exit, Failure, Outcome};
use output::terminal::Colours;

use crate::domain::time::parse_rfc3339;

const AFTER_HELP: &str = "\
Exit codes: 0 nothing found, 1 findings or a failed check, 2 wrong usage,
3 bad configuration, catalog, detector or query, 4 input or output failed.

Start with `keyward demo`, then `keyward scan --catalog catalog.yaml your-logs/`.";

/// Tells, for every use of a cryptographic key in your audit logs, whether it fits what the key is
/// declared to be for.
#[derive(Debug, Parser)]
#[command(name = "keyward", version, about, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to colour what is printed.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge audit logs against a catalog of key purposes
    Scan(scan::Args),
    /// Watch sources all the time: judge, alert, keep history
    Run(run::Args),
    /// Watch keyward find misuse in a made-up company's logs
    Demo(demo::Args),
    /// Validate configurations, catalogs, detectors and questions, and run every detector's cases
    Check(check::Args),
    /// Say why one event got its verdict, aspect by aspect
    Explain(explain::Args),
    /// Look at a catalog by itself, and at the keys that logs show beside it
    Catalog(catalog::Args),
    /// List the detectors, show one in full, print the schema of their files
    Detectors(detectors::Args),
    /// Look at the alerts that the service keeps, and say what becomes of them
    Alerts(alerts::Args),
    /// Look at what could be done about alerts: approve it, reject it, take it back
    Actions(actions::Args),
    /// Show what another catalog or other detectors would have raised over history
    Backtest(backtest::Args),
    /// Try the ways of telling people, see who was told what, send again what was given up
    Notify(notify::Args),
    /// Ask the history that scans have kept
    Query(query::Args),
    /// List the records that could not be understood, and read them again after a fix
    Rejects(rejects::Args),
    /// Measure how fast this machine runs the path, stage by stage
    Bench(bench::Args),
    /// List the columns of the key-event table
    Columns(columns::Args),
    /// Print the schema of the service's configuration
    Config(config::Args),
    /// Look at everything that the service needs, and say what is wrong and what to do
    Doctor(doctor::Args),
    /// List the metrics that the service shows
    Metrics(metrics::Args),
    /// Print a completion script for your shell
    Completions(completions::Args),
}

/// What every command may use.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Colours on standard output.
    pub colours: Colours,
    /// Whether standard output is a terminal.
    pub person: bool,
    /// Whether a person watches standard error, so that progress may be shown there.
    pub progress: bool,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal {
        colours: Colours(match cli.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }),
        person: io::stdout().is_terminal(),
        progress: io::stderr().is_terminal(),
    };
    match run(cli.command, terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure).into(),
    }
}

fn run(command: Command, terminal: Terminal) -> Outcome {
    match command {
        Command::Scan(args) => scan::run(&args, terminal),
        Command::Run(args) => run::run(&args, terminal),
        Command::Demo(args) => demo::run(&args, terminal),
        Command::Check(args) => check::run(&args, terminal),
        Command::Explain(args) => explain::run(&args, terminal),
        Command::Catalog(args) => catalog::run(&args),
        Command::Detectors(args) => detectors::run(&args),
        Command::Alerts(args) => alerts::run(&args, terminal),
        Command::Actions(args) => actions::run(&args),
        Command::Backtest(args) => backtest::run(&args, terminal),
        Command::Notify(args) => notify::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Rejects(args) => rejects::run(&args),
        Command::Bench(args) => bench::run(&args, terminal),
        Command::Columns(args) => columns::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Doctor(args) => doctor::run(&args, terminal),
        Command::Metrics(args) => metrics::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Threads to work with: as many as asked, or all processors.
fn threads(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// A moment on the command line, in microseconds since the epoch.
fn moment(text: &str) -> Result<i64, String> {
    parse_rfc3339(text).ok_or_else(|| "expected a time such as 2026-11-24T00:00:00Z".to_owned())
}

/// Says what went wrong. A reader that went away (`| head`) is no failure of ours.
fn report(failure: &Failure) -> Exit {
    let gone = failure.error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    });
    if gone {
        return Exit::Clean;
    }
    let text = output::terminal::harmless(&told(&failure.error)).replace("\\u{a}", "\n");
    // Standard error may be closed; then nobody is left to tell.
    let _ = writeln!(io::stderr(), "keyward: {text}");
    failure.exit
}

/// An error with its causes, each said once: many texts name their cause already.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if text.contains(&cause) {
            continue;
        }
        let between = if text.is_empty() { "" } else { ": " };
        text = format!("{text}{between}{cause}");
    }
    text
}
