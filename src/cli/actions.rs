//! `keyward actions`: look at what could be done about alerts, and decide.

use super::alerts::failed;
use super::alerts::lists::{print, print_json};
use super::alerts::place::{PlaceArgs, WhoArgs};
use super::exit::{Exit, Outcome};
use super::output::{Format, actions, rows};
use crate::domain::action::ActionState;
use crate::respond::Command;
use crate::store::ActionFilter;

/// Arguments of `keyward actions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward actions list --data /var/lib/keyward --state proposed
  keyward actions show --data /var/lib/keyward 0f4c0a2f4f7a116f0a2f4f7a116f0a2f
  keyward actions approve --url http://127.0.0.1:9464 --token ada-token --reason 'agreed, INC-7' ID
  keyward actions rollback --url http://127.0.0.1:9464 --token ada-token --reason 'was a test' ID
  keyward actions kill-switch --url http://127.0.0.1:9464 --token ada-token on --reason 'outage'

Reading goes beside a running service. Deciding does not: ask the service with --url then.

Exit codes: 0 done, 1 refused as the action stands, 2 wrong usage, 3 a wrong configuration, 4 the
store or the service does not answer.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List actions, those proposed last first
    List(ListArgs),
    /// Show one in full: what it would break, who approved, its journal
    Show(ShowArgs),
    /// Approve it; some take two different people
    Approve(ApproveArgs),
    /// Say no
    Reject(ActArgs),
    /// Take back what was done
    Rollback(ActArgs),
    /// Stop everything that is still to be done, or show whether that is so
    KillSwitch(KillArgs),
}

/// Which actions.
#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Only those in this state: proposed, stopped, approved, running, done, verified …
    #[arg(long, value_name = "STATE")]
    state: Option<ActionState>,

    /// Only those about this alert.
    #[arg(long, value_name = "ID")]
    alert: Option<String>,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,
}

/// Which action.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The action.
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    place: PlaceArgs,

    /// How to print it: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Which action, who, and why.
#[derive(Debug, clap::Args)]
struct ActArgs {
    #[command(flatten)]
    show: ShowArgs,

    #[command(flatten)]
    who: WhoArgs,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The same, and whether what would be lost is accepted.
#[derive(Debug, clap::Args)]
struct ApproveArgs {
    #[command(flatten)]
    act: ActArgs,

    /// Accept the dangers that `show` names, such as data that cannot be read without the key.
    #[arg(long)]
    accept_impact: bool,
}

/// How the switch is to be.
#[derive(Debug, clap::Args)]
struct KillArgs {
    /// `on`: nothing is done from now on. `off`: what people approve is done again. Without it: how it is.
    #[arg(value_name = "ON|OFF", value_parser = ["on", "off"])]
    to: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    who: WhoArgs,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Does what was asked for.
///
/// # Errors
/// Where it is refused, or the store or the service does not answer.
pub fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::List(args) => list(args),
        Verb::Show(args) => show(args),
        Verb::Approve(args) => act(&args.act, Command::Approve { accept_impact: args.accept_impact }),
        Verb::Reject(args) => act(args, Command::Reject),
        Verb::Rollback(args) => act(args, Command::Rollback),
        Verb::KillSwitch(args) => kill_switch(args),
    }
}

fn list(args: &ListArgs) -> Outcome {
    let filter = ActionFilter { state: args.state, alert_id: args.alert.clone() };
    let found = args.place.actions()?.list(&filter, args.limit).map_err(failed)?;
    if args.format == Format::Json {
        return print_json(&found).map(|()| Exit::Clean);
    }
    let rows: Vec<Vec<String>> = found.iter().map(actions::row).collect();
    print(&rows::text(args.format, &actions::HEADER, &rows))?;
    Ok(Exit::Clean)
}

fn show(args: &ShowArgs) -> Outcome {
    let shown = args.place.actions()?.show(&args.id).map_err(failed)?;
    match args.format {
        Format::Json => print_json(&[shown])?,
        Format::Table | Format::Csv => print(&actions::shown(&shown))?,
    }
    Ok(Exit::Clean)
}

fn act(args: &ActArgs, command: Command) -> Outcome {
    let ActArgs { show, who, reason } = args;
    let desk = show.place.actions()?;
    let shown = desk.act(&show.id, command, who.name(), reason.as_deref()).map_err(failed)?;
    match show.format {
        Format::Json => print_json(&[shown])?,
        Format::Table | Format::Csv => print(&actions::standing(&shown.action))?,
    }
    Ok(Exit::Clean)
}

fn kill_switch(args: &KillArgs) -> Outcome {
    let on = args.to.as_deref().map(|to| to == "on");
    let desk = args.place.actions()?;
    let kill = desk.kill_switch(on, args.who.name(), args.reason.as_deref()).map_err(failed)?;
    print(&actions::switch(kill.as_ref()))?;
    Ok(Exit::Clean)
}
