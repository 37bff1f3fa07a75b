//! `keyward metrics`: the reference of what `/metrics` shows.

use std::io::{self, Write};

use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, rows};
use crate::metrics::table::{Spec, TABLE};

/// Arguments of `keyward metrics`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward metrics
  keyward metrics --format csv > metrics.csv
  curl http://127.0.0.1:9464/metrics      # their values, while `keyward run` runs")]
pub struct Args {
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

const HEADER: [&str; 4] = ["name", "type", "labels", "about"];

/// Prints every metric: name, type, labels, sentence.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    let metrics: Vec<Vec<String>> = TABLE.iter().map(cells).collect();
    let text = rows::text(args.format, &HEADER, &metrics);
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn cells(spec: &Spec) -> Vec<String> {
    vec![spec.name.to_owned(), spec.kind.to_string(), spec.labels.join(" "), spec.help.to_owned()]
}
