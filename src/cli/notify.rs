//! `keyward notify`: what was told whom, and whether the ways of telling work.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::terminal::harmless;
use super::output::{Format, rows};
use super::rules::print_problems;
use crate::app::clock::now_micros;
use crate::app::load;
use crate::app::notify::{self, DeliveryError};
use crate::config::Config;
use crate::domain::time::format_rfc3339;
use crate::store::{DeliveryRow, Replay};

/// How many digits of an id a list for people shows: enough to name one of billions.
const SHORT_ID: usize = 16;

/// Arguments of `keyward notify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward notify test everybody --config keyward.yaml     # does this route reach anybody?
  keyward notify parked --data /var/lib/keyward           # what could not be delivered, and why
  keyward notify replay --all --config keyward.yaml       # mended: send all of it again
  keyward notify ledger 4f1c09aa52b7d310                  # who was told of this alert, when, the answers

How people are told: a page enters the outbox in the transaction of the findings that cause it. The
routes of `alerts: route:` make deliveries of it, one for each channel and person; the deepest route that
fits has the say. A delivery is tried until it is taken, always with one id and one body; what is
refused for good, or for longer than `retry: give_up_after`, is parked. What a channel has no room for
(`limit`), or gathers (`digest`), is told in one message with the true counts. As long as nobody
acknowledges, `repeat` tells again and `escalate` tells others.

A schedule of `alerts: schedules:` says who is on call:
  zone: Europe/Berlin
  people: { ann: ann@example.com, bob: bob@example.com }
  rotation: { start: \"2026-11-23T09:00\", every: 7d, order: [ann, bob] }
  hours: { days: [mon, fri], from: \"08:00\", to: \"18:00\" }           # on call only then; optional
  overrides: [{ from: \"2026-12-24T00:00\", to: \"2026-12-27T00:00\", person: bob }]

Exit codes: 0 done, 1 a test message did not arrive, 2 wrong usage, 3 a wrong configuration, 4 the store
cannot be read or the service does not answer.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Send a test message by a route or to a channel, at once, and print the answers
    Test {
        /// The name of a route or a channel; the outermost route is `default` unless it has a name.
        #[arg(value_name = "ROUTE")]
        name: String,

        #[command(flatten)]
        config: ConfigArg,
    },
    /// List the deliveries that were given up, oldest first; the service may run meanwhile
    Parked {
        /// The data folder of the service.
        #[arg(long, value_name = "DIR", default_value = "keyward-data")]
        data: PathBuf,

        /// How to print them.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Send parked deliveries again, with the same ids and bodies
    Replay(ReplayArgs),
    /// Show who was told of an alert, when, and what every receiver answered
    Ledger {
        /// The id of the alert, or how it begins.
        #[arg(value_name = "ALERT")]
        alert: String,

        /// The data folder of the service.
        #[arg(long, value_name = "DIR", default_value = "keyward-data")]
        data: PathBuf,

        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

#[derive(Debug, clap::Args)]
struct ConfigArg {
    /// The configuration of the service.
    #[arg(long, short, value_name = "FILE", env = "KEYWARD_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["id", "all", "channel"])]
struct ReplayArgs {
    /// Only this one: the id of a delivery, or how it begins.
    #[arg(value_name = "DELIVERY")]
    id: Option<String>,

    /// All of them.
    #[arg(long)]
    all: bool,

    /// Those of this channel.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,

    #[command(flatten)]
    config: ConfigArg,
}

/// Does what was asked for.
///
/// # Errors
/// Where the configuration is wrong, the store cannot be read, or the service does not answer.
pub fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Test { name, config } => test(&load_config(&config.config)?, name),
        Verb::Parked { data, format } => {
            let found = notify::parked(data).map_err(failure)?;
            print(&deliveries(*format, &found))?;
            Ok(Exit::Clean)
        }
        Verb::Replay(args) => replay(args),
        Verb::Ledger { alert, data, format } => ledger(data, alert, *format),
    }
}

fn test(config: &Config, name: &str) -> Outcome {
    let tried = notify::try_out(config, name, now_micros()).map_err(failure)?;
    let mut failed = false;
    for one in &tried {
        let to = one.target.person.as_ref().map_or_else(String::new, |person| format!(" {person}"));
        let (sign, answer) = match &one.answer {
            Ok(answer) => ("ok", answer),
            Err(why) => ("failed", why),
        };
        failed |= one.answer.is_err();
        let line = format!("{sign:<7} {}{to} {}: {answer}", one.target.channel, one.act);
        print(&format!("{}\n", harmless(&line)))?;
    }
    if tried.is_empty() {
        print("nobody is told by this route\n")?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

fn replay(args: &ReplayArgs) -> Outcome {
    let config = load_config(&args.config.config)?;
    let which = match (&args.id, &args.channel) {
        (Some(id), _) => Replay::Delivery(id),
        (None, Some(channel)) => Replay::Channel(channel),
        (None, None) => Replay::All,
    };
    let replayed = notify::replay(&config, which, now_micros()).map_err(failure)?;
    print(&format!("{replayed} deliveries are sent again\n"))?;
    Ok(Exit::Clean)
}

fn ledger(data: &Path, alert: &str, format: Format) -> Outcome {
    let (found, answers) = notify::ledger(data, alert).map_err(failure)?;
    if format != Format::Table {
        print(&deliveries(format, &found))?;
        return Ok(Exit::Clean);
    }
    for row in &found {
        let to = row.target.as_ref().map_or_else(String::new, |person| format!(" {person}"));
        let news = row.news.as_deref().unwrap_or("page");
        let state = match &row.folded_into {
            Some(summary) => format!("told by the summary {}", short(summary)),
            None => format!("{}, {} attempts", row.state, row.attempts),
        };
        let created = format_rfc3339(row.created_at);
        print(&format!(
            "{created}  {}{} {news}: {state} ({})\n",
            row.channel,
            harmless(&to),
            short(&row.id)
        ))?;
        for answer in answers.iter().filter(|answer| answer.delivery_id == row.id) {
            let last = format_rfc3339(answer.last_at);
            print(&format!("    {last}  {} times: {}\n", answer.times, harmless(&answer.answer)))?;
        }
    }
    Ok(Exit::Clean)
}

fn deliveries(format: Format, found: &[DeliveryRow]) -> String {
    let header = [
        "id",
        "alert",
        "channel",
        "target",
        "news",
        "level",
        "route",
        "state",
        "created at",
        "delivered at",
        "attempts",
        "answer",
    ];
    let id = |id: &str| if format == Format::Table { short(id).to_owned() } else { id.to_owned() };
    let row = |of: &DeliveryRow| {
        vec![
            id(&of.id),
            id(&of.alert_id),
            of.channel.clone(),
            of.target.clone().unwrap_or_default(),
            of.news.clone().unwrap_or_default(),
            of.level.clone().unwrap_or_default(),
            of.route.clone().unwrap_or_default(),
            of.state.to_string(),
            format_rfc3339(of.created_at),
            of.delivered_at.map(format_rfc3339).unwrap_or_default(),
            of.attempts.to_string(),
            of.last_error.clone().or_else(|| of.answer.clone()).unwrap_or_default(),
        ]
    };
    rows::text(format, &header, &found.iter().map(row).collect::<Vec<_>>())
}

fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

fn load_config(path: &Path) -> Result<Config, Failure> {
    load::config(path).map_err(|problems| {
        print_problems(&problems);
        Failure { exit: Exit::Rules, error: anyhow!("the configuration is wrong, see above") }
    })
}

fn failure(error: DeliveryError) -> Failure {
    let exit = match &error {
        DeliveryError::NoAlert(_) | DeliveryError::Several(_) | DeliveryError::NoRoute { .. } => Exit::Usage,
        DeliveryError::Notify(_) | DeliveryError::NoToken => Exit::Rules,
        _ => Exit::InputOutput,
    };
    Failure { exit, error: error.into() }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_fail(Exit::InputOutput)
}
