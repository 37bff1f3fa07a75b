//! `keyward columns`: the reference of the key-event table.

use std::io::{self, Write};

use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, csv, terminal};
use crate::table::columns::{COLUMNS, Spec, Stage};

/// Arguments of `keyward columns`.
#[derive(Debug, clap::Args)]
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
    let rows: Vec<Vec<String>> = COLUMNS.iter().map(cells).collect();
    let text = match args.format {
        Format::Table => terminal::table(&HEADER, &rows),
        Format::Csv => {
            let lines = rows.iter().map(|row| csv::line(row.iter().map(String::as_str)));
            csv::line(HEADER) + &lines.collect::<String>()
        }
        Format::Json => rows.iter().map(|row| json_line(row)).collect(),
    };
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

fn json_line(cells: &[String]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        HEADER.iter().zip(cells).map(|(name, cell)| (name.replace(' ', "_"), cell.clone().into())).collect();
    format!("{}\n", serde_json::Value::Object(object))
}
