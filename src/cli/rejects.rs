//! `keyward rejects`: the records that could not be understood, and reading them again after a fix.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::moment;
use super::output::terminal::harmless;
use super::output::{Format, rows};
use super::rules::RuleArgs;
use crate::app::clock::now_micros;
use crate::app::rejects::{self, Filter, Rejected};
use crate::domain::reject::RejectReason;
use crate::domain::time::format_rfc3339;

/// How much of an id a list shows: enough to name one of billions.
const SHORT_ID: usize = 16;

/// Arguments of `keyward rejects`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward rejects list --data history --reason truncated --since 2026-11-01T00:00:00Z
  keyward rejects show --data history 4f1c09aa52b7d310
  keyward rejects replay --data history --catalog catalog.yaml --source audit.log

Exit codes: 0 done, 1 a replay left rejects, 2 wrong usage, 3 a wrong catalog, 4 input or output failed.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List rejects, oldest first
    List(ListArgs),
    /// Show one reject in full
    Show(ShowArgs),
    /// Read rejects again from the files they came from, and keep what is understood by now
    Replay(ReplayArgs),
}

/// Which rejects.
#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// The folder that `keyward scan --data` or the service filled.
    #[arg(long, value_name = "DIR", default_value = "keyward-data")]
    data: PathBuf,

    /// Only those of this reason.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Option<RejectReason>,

    /// Only those whose source has this in its name.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,

    /// Only those read since this moment (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The id, or how it begins.
    #[arg(value_name = "ID")]
    id: String,

    /// The folder that `keyward scan --data` or the service filled.
    #[arg(long, value_name = "DIR", default_value = "keyward-data")]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// Only this one: an id, or how it begins.
    #[arg(value_name = "ID")]
    id: Option<String>,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    rules: RuleArgs,
}

/// Runs the command.
///
/// # Errors
/// Where history cannot be read or written, or rules are wrong.
pub fn run(args: &Args) -> Outcome {
    match &args.command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Replay(args) => replay(args),
    }
}

impl FilterArgs {
    fn filter(&self, id: Option<&String>) -> Filter {
        Filter { reason: self.reason, source: self.source.clone(), since: self.since, id: id.cloned() }
    }
}

fn list(args: &ListArgs) -> Outcome {
    let found = find(&args.filter.data, &args.filter.filter(None))?;
    let header = ["id", "read at", "reason", "source", "position", "index", "detail", "came to"];
    let short = |id: &str| match args.format {
        Format::Table => id.get(..SHORT_ID).unwrap_or(id).to_owned(),
        Format::Json | Format::Csv => id.to_owned(),
    };
    let row = |of: &Rejected| {
        vec![
            short(&of.id),
            format_rfc3339(of.ingested_at),
            of.reason.clone(),
            of.source.clone(),
            of.position.to_string(),
            of.index.to_string(),
            of.detail.clone(),
            of.came_to.map_or_else(String::new, |came_to| came_to.to_string()),
        ]
    };
    print(&rows::text(args.format, &header, &found.iter().map(row).collect::<Vec<_>>()))?;
    Ok(Exit::Clean)
}

fn show(args: &ShowArgs) -> Outcome {
    let filter = Filter { id: Some(args.id.clone()), ..Filter::default() };
    let found = find(&args.data, &filter)?;
    let [of] = found.as_slice() else {
        let error = match found.len() {
            0 => anyhow!("there is no reject {}; `keyward rejects list` lists them", args.id),
            several => anyhow!("{several} rejects begin with {}; give more of the id", args.id),
        };
        return Err(Failure { exit: Exit::Usage, error });
    };
    let came_to = of.came_to.map_or("", |came_to| came_to.as_str());
    let lines = [
        ("id", of.id.as_str()),
        ("reason", &of.reason),
        ("detail", &of.detail),
        ("source", &of.source),
        ("position", &of.position.to_string()),
        ("index", &of.index.to_string()),
        ("read at", &format_rfc3339(of.ingested_at)),
        ("sha256", &of.sha256),
        ("came to", came_to),
        ("sample", &of.sample),
    ];
    let told = lines.iter().filter(|(_, value)| !value.is_empty());
    print(&told.map(|(name, value)| format!("{name:<9} {}\n", harmless(value))).collect::<String>())?;
    Ok(Exit::Clean)
}

fn replay(args: &ReplayArgs) -> Outcome {
    let loaded = args.rules.load()?;
    let filter = args.filter.filter(args.id.as_ref());
    // A wrong folder must not become a new one.
    find(&args.filter.data, &filter)?;
    let outcome = rejects::replay(&args.filter.data, &filter, &loaded.rules, now_micros())
        .or_fail(Exit::InputOutput)?;
    let understood: u64 = outcome.came_to.values().sum();
    let rejected: u64 = outcome.rejected.values().sum();
    let unread: u64 = outcome.unread.values().sum();
    let mut text = format!(
        "understood {understood}{} with {} findings\nrejected   {rejected} again{}\nnot read   {unread}\n",
        listed(outcome.came_to.iter()),
        outcome.findings,
        listed(outcome.rejected.iter()),
    );
    for (why, count) in &outcome.unread {
        text.push_str(&format!("           {count}: {}\n", harmless(why)));
    }
    print(&text)?;
    Ok(if rejected + unread > 0 { Exit::Findings } else { Exit::Clean })
}

fn listed<K: std::fmt::Display, V: std::fmt::Display>(counts: impl Iterator<Item = (K, V)>) -> String {
    let parts: Vec<_> = counts.map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn find(data: &Path, filter: &Filter) -> Result<Vec<Rejected>, Failure> {
    if !data.is_dir() {
        let error = anyhow!("there is no history in {}", data.display());
        return Err(Failure { exit: Exit::InputOutput, error });
    }
    rejects::list(data, filter).or_fail(Exit::InputOutput)
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_fail(Exit::InputOutput)
}

fn reason(word: &str) -> Result<RejectReason, String> {
    RejectReason::from_word(word).ok_or_else(|| {
        let known: Vec<_> = RejectReason::ALL.iter().map(|reason| reason.as_str()).collect();
        format!("known reasons: {}", known.join(" "))
    })
}
