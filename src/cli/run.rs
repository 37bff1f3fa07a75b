//! `keyward run`: the service.

use std::io::{self, Write};
use std::path::PathBuf;

use super::Terminal;
use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::terminal::{Colours, harmless};
use super::rules::print_problems;
use crate::alerts::Page;
use crate::app::service::{self, Guests, Show};
use crate::app::{load, log, service::rules::RulesError};

/// Arguments of `keyward run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward run --config /etc/keyward/keyward.yaml
  KEYWARD__http__listen=0.0.0.0:9464 keyward run --config keyward.yaml

Every alert is printed on standard output, for people on a terminal and as one JSON object a line
otherwise; the program's own log goes to standard error. SIGHUP, a changed file of the catalog or the
detectors, or POST /api/v1/reload loads the rules again; where they are wrong, those from before stay.
SIGTERM and Ctrl-C stop gracefully: what was taken is sealed, nothing is lost.

Exit codes: 0 stopped as told, 3 a wrong configuration, catalog or detector, 4 the store, a source or
the port cannot be used.")]
pub struct Args {
    /// The configuration; deploy/keyward.yaml explains every key.
    #[arg(long, short, value_name = "FILE", env = "KEYWARD_CONFIG")]
    config: PathBuf,
}

/// Runs the service.
///
/// # Errors
/// Where configuration or rules are wrong, or the store, a source or the port cannot be used.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let config = load::config(&args.config).map_err(|problems| {
        print_problems(&problems);
        Failure {
            exit: Exit::Rules,
            error: anyhow::anyhow!("the configuration is wrong; nothing was started"),
        }
    })?;
    log::start(&config.log, std::env::var("RUST_LOG").ok()).or_fail(Exit::Rules)?;
    let prepared = service::prepare(config).map_err(failure)?;
    for warning in &prepared.warnings {
        tracing::warn!(warning, "rules or configuration deserve attention");
    }
    tracing::info!(address = %prepared.address, "listening: /healthz /readyz /metrics");
    prepared.run(Guests { show: show(terminal), ear: None, log: None }).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

/// Wrong rules are a mistake in files; everything else is the surroundings.
fn failure(error: anyhow::Error) -> Failure {
    let exit = if error.is::<RulesError>() { Exit::Rules } else { Exit::InputOutput };
    Failure { exit, error }
}

/// Prints every page, for people on a terminal and for programs otherwise.
fn show(terminal: Terminal) -> Show {
    if terminal.person { show_lines(terminal.colours) } else { Box::new(|page| print(&object(page))) }
}

/// Prints every page for people.
pub(super) fn show_lines(colours: Colours) -> Show {
    Box::new(move |page| print(&line(page, colours)))
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody may be listening; the alert is in the store all the same.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn object(page: &Page) -> String {
    serde_json::to_string(page).map(|text| text + "\n").unwrap_or_default()
}

fn line(page: &Page, colours: Colours) -> String {
    let level = colours.level(page.level);
    format!("{}  {level} {}\n    {}\n", page.last, harmless(&page.title), harmless(&page.message))
}
