//! `keyward explain`: why one event got its verdict, aspect by aspect, or what to think of an alert.

use std::io::{self, BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::ValueEnum;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::terminal::Colours;
use super::output::{alert_explanation, explanation};
use super::rules::RuleArgs;
use super::{Terminal, threads};
use crate::app::alerts::Folder;
use crate::app::ask::{AskError, Past};
use crate::app::clock::now_micros;
use crate::app::explain::{Answer, MAX_EVENTS, in_history, in_records};
use crate::app::explain_alert;
use crate::pipeline::rules::Rules;
use crate::source::{Input, Limits, Reader};

/// Arguments of `keyward explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward explain --catalog catalog.yaml --in logs/ 3f0c0a34-6f0e-4d3b-9c41-6f0a2f4f7a11
  keyward explain --data history 3f0c0a34-6f0e-4d3b-9c41-6f0a2f4f7a11
  keyward explain --data /var/lib/keyward 6f0a2f4f7a116f0a2f4f7a116f0a2f4f
  keyward explain --catalog catalog.yaml event.json
  grep 3f0c0a34 audit.log | keyward explain --catalog catalog.yaml --format json -

Exit codes: 0 explained, 3 a wrong catalog or detector, 4 no such event, or input that cannot be read.")]
pub struct Args {
    /// The id of an event or of a finding, to be looked for with --in or --data; of an alert, with
    /// --data; or a file with the record, `-` for standard input, or the record itself as JSON.
    #[arg(value_name = "EVENT")]
    event: String,

    /// Look for the id in this file, folder or glob; may be given more than once.
    #[arg(long = "in", value_name = "PATH")]
    paths: Vec<String>,

    /// Look for the id in the history that scans kept here. Without --catalog the catalog that judged
    /// last counts.
    #[arg(long, value_name = "DIR", conflicts_with = "paths")]
    data: Option<PathBuf>,

    #[command(flatten)]
    rules: RuleArgs,

    /// How to print it: for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// The form of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// One JSON object an event.
    Json,
}

/// Explains every event that the argument means.
///
/// # Errors
/// Where rules are wrong, there is no such event, or input cannot be read.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut rules = args.rules.load()?.rules;
    let past = match &args.data {
        Some(data) => Some(Past::open(data, args.rules.catalog()).map_err(unanswered)?),
        None => None,
    };
    let answer = match (&past, records(args)) {
        (_, Some(reader)) => {
            if let Some(past) = past {
                rules.catalog = past.catalog;
            }
            look_through(&mut reader.or_fail(Exit::InputOutput)?, &rules, None)?
        }
        (None, None) => {
            let mut reader = Reader::open(&args.paths, Limits::default()).or_fail(Exit::InputOutput)?;
            look_through(&mut reader, &rules, Some(&args.event))?
        }
        (Some(_), None) => {
            let Some(mut past) = past else { return Ok(Exit::InputOutput) };
            rules.catalog = std::mem::replace(&mut past.catalog, crate::catalog::Catalog::empty());
            if let Some(exit) = explain_alert(args, &past, &rules, terminal)? {
                return Ok(exit);
            }
            in_history(&past, &rules, &args.event).map_err(unanswered)?
        }
    };
    if answer.events.is_empty() {
        return Err(not_found(args, &answer));
    }
    print(&answer, args.format, terminal.colours).or_fail(Exit::InputOutput)?;
    if answer.left_out > 0 {
        let told = format!("{} more events are not explained; {MAX_EVENTS} are\n", answer.left_out);
        io::stderr().write_all(told.as_bytes()).or_fail(Exit::InputOutput)?;
    }
    Ok(Exit::Clean)
}

/// Explains the alert that the argument names, if it names one.
fn explain_alert(
    args: &Args,
    past: &Past,
    rules: &Rules,
    terminal: Terminal,
) -> Result<Option<Exit>, Failure> {
    let Some(data) = &args.data else { return Ok(None) };
    let folder = Folder::embedded(data).or_fail(Exit::InputOutput)?;
    let explained = explain_alert::explain(&folder, past, rules, &args.event).or_fail(Exit::InputOutput)?;
    let Some(explained) = explained else { return Ok(None) };
    let text = match args.format {
        Form::Json => alert_explanation::json(&explained).or_fail(Exit::InputOutput)?,
        Form::Table => alert_explanation::text(&explained, terminal.colours),
    };
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_fail(Exit::InputOutput)?;
    Ok(Some(Exit::Clean))
}

/// The records that the argument is or names; nothing where it is an id.
fn records(args: &Args) -> Option<Result<Reader, crate::source::SourceError>> {
    let event = args.event.as_str();
    if event == "-" {
        return Some(Ok(Reader::new(vec![Input::stdin()], Limits::default())));
    }
    if event.trim_start().starts_with(['{', '[']) {
        let stream = Input::stream("EVENT", Cursor::new(event.as_bytes().to_vec()));
        return Some(Ok(Reader::new(vec![stream], Limits::default())));
    }
    let is_file = Path::new(event).exists();
    let is_id = !args.paths.is_empty() || (args.data.is_some() && !is_file);
    (!is_id).then(|| Reader::open(std::slice::from_ref(&args.event), Limits::default()))
}

fn look_through(reader: &mut Reader, rules: &Rules, id: Option<&str>) -> Result<Answer, Failure> {
    in_records(reader, rules, id, threads(None), now_micros()).or_fail(Exit::InputOutput)
}

fn unanswered(error: AskError) -> Failure {
    Failure { exit: if error.is_input() { Exit::InputOutput } else { Exit::Rules }, error: error.into() }
}

fn not_found(args: &Args, answer: &Answer) -> Failure {
    let told = match answer.rejects.first() {
        Some(why) if args.paths.is_empty() => format!("the record cannot be understood: {why}"),
        _ if args.data.is_some() => {
            format!("history holds no event or finding {}; was its log scanned with --data?", args.event)
        }
        _ if args.paths.is_empty() => {
            "there is no key event in it: it touches no key, no access to one, and no logging".to_owned()
        }
        _ => format!("no event or finding {} was found", args.event),
    };
    Failure { exit: Exit::InputOutput, error: anyhow!(told) }
}

fn print(answer: &Answer, form: Form, colours: Colours) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    for (place, explained) in answer.events.iter().enumerate() {
        let text = match form {
            Form::Json => explanation::json(explained).map_err(io::Error::other)?,
            Form::Table => {
                let between = if place > 0 { "\n" } else { "" };
                format!("{between}{}", explanation::text(explained, colours))
            }
        };
        out.write_all(text.as_bytes())?;
    }
    out.flush()
}
