//! `keyward doctor`: looks at each thing the service needs, and says what to do about what is wrong.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use super::Terminal;
use super::exit::{Exit, OrFail, Outcome};
use super::output::terminal::{Colours, harmless};
use super::output::{Format, rows};
use crate::app::clock::now_micros;
use crate::app::doctor::{Check, State, examine, running};

/// Arguments of `keyward doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward doctor --config /etc/keyward/keyward.yaml
  keyward doctor --config keyward.yaml --format json
  keyward doctor --config keyward.yaml --running     # is the one that runs alive?

Exit codes: 0 nothing stops the service, 1 something does.")]
pub struct Args {
    /// Configuration of the service.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Ask only the service that runs whether it is alive and ready: for the health check of a container.
    #[arg(long)]
    running: bool,

    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for each check, and one for what to do about it.
    Table,
    /// One JSON object a line.
    Json,
}

const HEADER: [&str; 4] = ["state", "what", "found", "to do"];

/// Examines everything.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let checks = if args.running { running(&args.config) } else { examine(&args.config, now_micros()) };
    let text = match args.format {
        Form::Table => checks.iter().map(|check| told(check, terminal.colours)).collect(),
        Form::Json => {
            let cells: Vec<Vec<String>> = checks.iter().map(cells).collect();
            rows::text(Format::Json, &HEADER, &cells)
        }
    };
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    let failed = checks.iter().any(|check| check.state == State::Failed);
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

fn cells(check: &Check) -> Vec<String> {
    vec![check.state.to_string(), check.what.clone(), check.found.clone(), check.to_do.clone()]
}

/// A line for the check, and one for what to do.
fn told(check: &Check, colours: Colours) -> String {
    let state = match check.state {
        State::Ok => "ok      ".to_owned(),
        State::Warning => "warning ".to_owned(),
        State::Failed => colours.bold("failed  "),
    };
    let mut text = format!("{state} {:<28} {}\n", harmless(&check.what), harmless(&check.found));
    if !check.to_do.is_empty() {
        text.push_str(&format!("{:9}{}\n", "", harmless(&format!("do: {}", check.to_do))));
    }
    text
}
