//! What people do to one alert.

use super::failed;
use super::lists::{print, print_json};
use super::place::{PlaceArgs, WhoArgs};
use crate::alerts::life::Command;
use crate::app::alerts::Wanted;
use crate::cli::Terminal;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{Format, life};
use crate::domain::level::Level;
use crate::store::Disposition;

/// Which alert, who, and why.
#[derive(Debug, clap::Args)]
pub struct ActArgs {
    /// The alert.
    #[arg(value_name = "ID")]
    id: String,

    /// Do it only if the alert is this version still, as `show` printed it.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    who: WhoArgs,

    /// How to print how it stands then: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl ActArgs {
    fn act(&self, command: Command, reason: Option<String>, terminal: Terminal) -> Outcome {
        let wanted =
            Wanted { by: self.who.name().to_owned(), command, reason, version: self.version.clone() };
        let kept = self.place.desk()?.act(&self.id, &wanted).map_err(failed)?;
        match self.format {
            Format::Json => print_json(&[kept])?,
            Format::Table | Format::Csv => print(&life::standing(&kept, terminal.colours))?,
        }
        Ok(Exit::Clean)
    }
}

/// An act that needs nothing but a reason.
#[derive(Debug, clap::Args)]
pub struct PlainArgs {
    #[command(flatten)]
    act: ActArgs,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `keyward alerts ack`.
pub fn acknowledge(args: &PlainArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Acknowledge, args.reason.clone(), terminal)
}

/// `keyward alerts reopen`.
pub fn reopen(args: &PlainArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Reopen, args.reason.clone(), terminal)
}

/// `keyward alerts split`.
pub fn split(args: &PlainArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Split, args.reason.clone(), terminal)
}

/// Whose it is to be.
#[derive(Debug, clap::Args)]
pub struct AssignArgs {
    #[command(flatten)]
    plain: PlainArgs,

    /// The person; nobody where it is missing.
    #[arg(value_name = "PERSON")]
    to: Option<String>,
}

/// `keyward alerts assign`.
pub fn assign(args: &AssignArgs, terminal: Terminal) -> Outcome {
    args.plain.act.act(Command::Assign { to: args.to.clone() }, args.plain.reason.clone(), terminal)
}

/// What is to be noted.
#[derive(Debug, clap::Args)]
pub struct NoteArgs {
    #[command(flatten)]
    act: ActArgs,

    /// The note.
    #[arg(value_name = "TEXT")]
    text: String,
}

/// `keyward alerts note`.
pub fn note(args: &NoteArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Note, Some(args.text.clone()), terminal)
}

/// What it was.
#[derive(Debug, clap::Args)]
pub struct ResolveArgs {
    #[command(flatten)]
    act: ActArgs,

    /// What it was: true_positive, false_positive, benign or accepted_risk.
    #[arg(long = "as", value_name = "DISPOSITION")]
    disposition: Disposition,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `keyward alerts resolve`.
pub fn resolve(args: &ResolveArgs, terminal: Terminal) -> Outcome {
    let command = Command::Resolve { disposition: args.disposition };
    args.act.act(command, Some(args.reason.clone()), terminal)
}

/// How loud it is to be.
#[derive(Debug, clap::Args)]
pub struct LevelArgs {
    #[command(flatten)]
    act: ActArgs,

    /// The level; without one, what its findings say.
    #[arg(value_name = "LEVEL")]
    level: Option<Level>,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `keyward alerts level`.
pub fn level(args: &LevelArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Level { level: args.level }, Some(args.reason.clone()), terminal)
}

/// What it is to become part of.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    #[command(flatten)]
    act: ActArgs,

    /// The alert that is to speak for it.
    #[arg(long, value_name = "ID")]
    into: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `keyward alerts merge`.
pub fn merge(args: &MergeArgs, terminal: Terminal) -> Outcome {
    args.act.act(Command::Merge { into: args.into.clone() }, Some(args.reason.clone()), terminal)
}

/// The alert beside it.
#[derive(Debug, clap::Args)]
pub struct LinkArgs {
    #[command(flatten)]
    plain: PlainArgs,

    /// The other alert.
    #[arg(value_name = "OTHER")]
    to: String,
}

/// `keyward alerts link`.
pub fn link(args: &LinkArgs, terminal: Terminal) -> Outcome {
    args.plain.act.act(Command::Link { to: args.to.clone() }, args.plain.reason.clone(), terminal)
}

/// `keyward alerts unlink`.
pub fn unlink(args: &LinkArgs, terminal: Terminal) -> Outcome {
    args.plain.act.act(Command::Unlink { to: args.to.clone() }, args.plain.reason.clone(), terminal)
}
