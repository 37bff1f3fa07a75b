//! `keyward alerts watch`: the live feed in a terminal.

use std::io::{self, Write};

use super::failed;
use super::place::PlaceArgs;
use crate::cli::Terminal;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{Format, life};

/// Arguments of `keyward alerts watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,

    /// Begin after this entry of the journal instead of with what happens from now on; 0 is its beginning.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,

    /// End after so many entries.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// How to print it: a line for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Shows what happens until it is stopped.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut out = io::stdout();
    let watched = args.place.desk()?.watch(args.after, &mut |happened| {
        if left == 0 {
            return Ok(false);
        }
        let line = match args.format {
            Format::Json => serde_json::to_string(happened)? + "\n",
            Format::Table | Format::Csv => life::happened(happened, terminal.colours),
        };
        out.write_all(line.as_bytes()).and_then(|()| out.flush())?;
        left -= 1;
        Ok(left > 0)
    });
    watched.map_err(failed)?;
    Ok(Exit::Clean)
}
