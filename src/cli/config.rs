//! `keyward config`: the schema of the service's configuration.

use std::io::{self, Write};

use super::exit::{Exit, OrFail, Outcome};
use crate::config::json_schema;

/// Arguments of `keyward config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward config schema > config.schema.json
  keyward check --config keyward.yaml      # is it right?
  keyward doctor --config keyward.yaml     # would it work, here and now?")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the JSON schema of a configuration, for editors
    Schema,
}

/// Prints what was asked for.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    match args.verb {
        Verb::Schema => io::stdout().write_all(json_schema().as_bytes()).or_fail(Exit::InputOutput)?,
    }
    Ok(Exit::Clean)
}
