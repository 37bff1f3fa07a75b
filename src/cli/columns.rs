//! `keyward columns`: the reference of the key-event table.

use std::io::{self, Write};

use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, rows};
use crate::table::columns::{COLUMNS, Spec, Stage};

/// Arguments of `keyward columns`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward columns
  keyward columns --format csv > columns.csv")]
pub struct Args {
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

const HEADER: [&str; 7] = ["name", "type", "null", "filled by", "about", "ocsf", "ecs"];

/// Prints every column: name, type, sentence, and the OCSF and ECS names beside ours.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    let columns: Vec<Vec<String>> = COLUMNS.iter().map(cells).collect();
    let text = rows::text(args.format, &HEADER, &columns);
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn cells(spec: &Spec) -> Vec<String> {
    let stage = match spec.stage {
        Stage::Log => "log",
        Stage::Judge => "judge",
    };
    let null = if spec.nullable { "yes" } else { "no" };
    [spec.name, spec.kind.sql(), null, stage, spec.about, spec.ocsf, spec.ecs].map(str::to_owned).to_vec()
}
