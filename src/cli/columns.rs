//! `keyward columns`: the reference of the tables that SQL sees.

use std::io::{self, Write};

use arrow::datatypes::{DataType, Field, SchemaRef};

use super::exit::{Exit, OrFail, Outcome};
use super::output::{Format, rows};
use crate::detect::table::findings_schema;
use crate::history;
use crate::table::columns::{COLUMNS, Spec, Stage};

/// Arguments of `keyward columns`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward columns
  keyward columns --table coverage
  keyward columns --format csv > columns.csv")]
pub struct Args {
    /// Of which table.
    #[arg(long, value_enum, default_value_t = Table::Events)]
    table: Table,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// The tables that have a sentence for every column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Table {
    /// Key events, judged.
    Events,
    /// What detectors found.
    Findings,
    /// Records that could not be understood.
    Rejects,
    /// Uses by key, caller, function, path, outcome and hour; kept when events expire.
    Usage,
    /// What events tell of keys beside their uses; kept when events expire.
    Facts,
    /// Which spans of which source were read, and which were not.
    Coverage,
}

const HEADER: [&str; 7] = ["name", "type", "null", "filled by", "about", "ocsf", "ecs"];

/// Of every table but that of events.
const SHORT_HEADER: [&str; 4] = ["name", "type", "null", "about"];

/// Prints every column: name, type, sentence, and of events the OCSF and ECS names beside ours.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    let text = match args.table.schema() {
        None => rows::text(args.format, &HEADER, &COLUMNS.iter().map(cells).collect::<Vec<_>>()),
        Some(schema) => {
            let columns: Vec<Vec<String>> = schema.fields().iter().map(|field| short_cells(field)).collect();
            rows::text(args.format, &SHORT_HEADER, &columns)
        }
    };
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

impl Table {
    /// Its columns; nothing for events, which have a list of their own.
    fn schema(self) -> Option<SchemaRef> {
        match self {
            Self::Events => None,
            Self::Findings => Some(findings_schema()),
            Self::Rejects => Some(history::rejects::schema()),
            Self::Usage => Some(history::usage_schema()),
            Self::Facts => Some(history::facts_schema()),
            Self::Coverage => Some(history::coverage::schema()),
        }
    }
}

fn cells(spec: &Spec) -> Vec<String> {
    let stage = match spec.stage {
        Stage::Log => "log",
        Stage::Judge => "judge",
    };
    let null = if spec.nullable { "yes" } else { "no" };
    [spec.name, spec.kind.sql(), null, stage, spec.about, spec.ocsf, spec.ecs].map(str::to_owned).to_vec()
}

fn short_cells(field: &Field) -> Vec<String> {
    let null = if field.is_nullable() { "yes" } else { "no" };
    let about = field.metadata().get("about").map_or("", String::as_str);
    [field.name(), sql(field.data_type()), null, about].map(str::to_owned).to_vec()
}

/// A type as SQL and the documentation call it.
const fn sql(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Timestamp(..) => "timestamp",
        DataType::Int8 | DataType::Int64 => "bigint",
        DataType::Boolean => "boolean",
        DataType::List(_) => "list of text",
        _ => "text",
    }
}
