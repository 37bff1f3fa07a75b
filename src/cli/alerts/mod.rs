//! `keyward alerts`: look at alerts, and say what becomes of them.

mod acts;
pub(super) mod lists;
pub(super) mod place;
mod silences;
mod watch;

use super::Terminal;
use super::exit::{Exit, Failure, Outcome};
use crate::app::alerts::DeskError;

/// Arguments of `keyward alerts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward alerts list --data /var/lib/keyward --unresolved --level high
  keyward alerts show --data /var/lib/keyward 6f0a2f4f7a116f0a2f4f7a116f0a2f4f
  keyward alerts ack --url http://127.0.0.1:9464 --token ada-token 6f0a2f4f7a116f0a2f4f7a116f0a2f4f
  keyward alerts resolve … --as false_positive --reason 'the catalog lacked the new role' ID
  keyward alerts silence add … --key 'vault:transit/test-*' --for 4h --reason 'load test, CHG-17'
  keyward alerts watch --url http://127.0.0.1:9464 --token ada-token

Reading goes beside a running service. Changing something does not: ask the service with --url then.

Exit codes: 0 done, 1 refused as the alert stands, 2 wrong usage, 3 a wrong configuration, 4 the
store or the service does not answer.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List alerts, those that changed last first
    List(lists::ListArgs),
    /// Show one in full, with its journal
    Show(lists::ShowArgs),
    /// List what was not told, by alert and reason
    Suppressed(lists::SuppressedArgs),
    /// List unresolved alerts in groups that share a key, a principal or a campaign
    Incidents(lists::IncidentsArgs),
    /// Acknowledge: nobody else is told until its scope grows
    Ack(acts::PlainArgs),
    /// Give it to somebody, or to nobody
    Assign(acts::AssignArgs),
    /// Write a note
    Note(acts::NoteArgs),
    /// Resolve it, saying what it was
    Resolve(acts::ResolveArgs),
    /// Open a resolved one again
    Reopen(acts::PlainArgs),
    /// Set its level, or leave it to its findings again
    Level(acts::LevelArgs),
    /// Let another alert speak for it
    Merge(acts::MergeArgs),
    /// Let it speak for itself again
    Split(acts::PlainArgs),
    /// Put it beside another alert
    Link(acts::LinkArgs),
    /// Take it away from beside another alert
    Unlink(acts::LinkArgs),
    /// Silences: what pages nobody for a while
    Silence(silences::Args),
    /// Show what happens to alerts, as it happens
    Watch(watch::Args),
}

/// Does what was asked for.
///
/// # Errors
/// Where it is refused, or the store or the service does not answer.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    match &args.verb {
        Verb::List(args) => lists::list(args, terminal),
        Verb::Show(args) => lists::show(args, terminal),
        Verb::Suppressed(args) => lists::suppressed(args),
        Verb::Incidents(args) => lists::incidents(args),
        Verb::Ack(args) => acts::acknowledge(args, terminal),
        Verb::Assign(args) => acts::assign(args, terminal),
        Verb::Note(args) => acts::note(args, terminal),
        Verb::Resolve(args) => acts::resolve(args, terminal),
        Verb::Reopen(args) => acts::reopen(args, terminal),
        Verb::Level(args) => acts::level(args, terminal),
        Verb::Merge(args) => acts::merge(args, terminal),
        Verb::Split(args) => acts::split(args, terminal),
        Verb::Link(args) => acts::link(args, terminal),
        Verb::Unlink(args) => acts::unlink(args, terminal),
        Verb::Silence(args) => silences::run(args),
        Verb::Watch(args) => watch::run(args, terminal),
    }
}

pub(super) fn failed(error: DeskError) -> Failure {
    let exit = match &error {
        error if error.is_refusal() => Exit::Findings,
        DeskError::Config(_) => Exit::Rules,
        DeskError::Address(_) => Exit::Usage,
        _ => Exit::InputOutput,
    };
    Failure { exit, error: error.into() }
}
