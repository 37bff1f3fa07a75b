//! `keyward alerts`: what the service keeps of alerts.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::Terminal;
use super::exit::{Exit, OrFail, Outcome};
use super::output::Format;
use super::output::alerts::AlertWriter;
use crate::app::alerts::list;

/// Arguments of `keyward alerts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward alerts list --data /var/lib/keyward
  keyward alerts list --data /var/lib/keyward --format csv > alerts.csv
  keyward query --data /var/lib/keyward \"SELECT state, count(*) FROM alerts GROUP BY 1\"

Exit codes: 0 printed, 2 wrong usage, 4 the store cannot be read.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List them, those that changed last first; the service may run meanwhile
    List {
        /// The data folder of the service.
        #[arg(long, value_name = "DIR", default_value = "keyward-data")]
        data: PathBuf,

        /// How to print them: a feed for people, one JSON object a line, or CSV.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,

        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: u32,
    },
}

/// Prints what was asked for.
///
/// # Errors
/// Where the store cannot be read or standard output cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let Verb::List { data, format, limit } = &args.verb;
    let mut writer = AlertWriter::new(*format, terminal.colours);
    let mut out = BufWriter::new(io::stdout());
    for kept in list(data, *limit).or_fail(Exit::InputOutput)? {
        writer.write_kept(&kept, &mut out).or_fail(Exit::InputOutput)?;
    }
    out.flush().or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}
