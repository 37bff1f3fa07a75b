//! `keyward completions`: completion scripts.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::exit::{Exit, OrFail, Outcome};

/// Arguments of `keyward completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward completions bash > /etc/bash_completion.d/keyward
  keyward completions zsh > ~/.zfunc/_keyward
  keyward completions fish > ~/.config/fish/completions/keyward.fish")]
pub struct Args {
    /// The shell to complete for.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completion script.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "keyward", &mut script);
    io::stdout().write_all(&script).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}
