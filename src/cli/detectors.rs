//! `keyward detectors`: what the detectors are, one in full, and the schema of their files.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::terminal::harmless;
use super::output::{Format, rows};
use super::rules::print_problems;
use crate::app::load;
use crate::detect::detectors::{Detector, Detectors};
use crate::detect::document::json_schema_text;
use crate::detect::sigma;
use crate::domain::alert::{DAY, Notice};
use crate::sql::nearest::hint;

/// Arguments of `keyward detectors`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward detectors list
  keyward detectors list --format csv > detectors.csv
  keyward detectors show KP-001
  keyward detectors export --format sigma > keyward-sigma.yml
  keyward detectors schema > detectors.schema.json

Exit codes: 0 printed, 3 a detector is wrong, or there is none of that id.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,

    /// Folder of detectors instead of the built-in ones.
    #[arg(long, global = true, value_name = "DIR")]
    detectors: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List them: level, title, what each requires, and why one is not evaluated
    List {
        /// How to print them.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Show one in full: what it finds, its condition, what to do about a hit
    Show {
        /// Its id, such as KP-001.
        id: String,
    },
    /// Write them as Sigma rules, where Sigma can say it; standard error tells why others are not
    Export {
        /// What to write them as.
        #[arg(long, value_enum, default_value_t = Export::Sigma)]
        format: Export,
        /// Their ids; all of them if none is given.
        ids: Vec<String>,
    },
    /// Print the JSON schema of a detector file, for editors
    Schema,
}

/// What detectors can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Export {
    /// Rules of the Sigma specification, version 2, about CloudTrail's records
    Sigma,
}

const HEADER: [&str; 7] = ["id", "level", "title", "window", "requires", "evaluated", "tags"];

/// Prints what was asked for.
///
/// # Errors
/// Where a detector is wrong or missing, or standard output cannot be written.
pub fn run(args: &Args) -> Outcome {
    let text = match &args.verb {
        Verb::Schema => format!("{}\n", json_schema_text().or_fail(Exit::InputOutput)?),
        Verb::List { format } => {
            let cells: Vec<Vec<String>> = loaded(args)?.iter().map(cells).collect();
            rows::text(*format, &HEADER, &cells)
        }
        Verb::Show { id } => {
            let detectors = loaded(args)?;
            page(found(id, &detectors)?)
        }
        Verb::Export { format: Export::Sigma, ids } => {
            let detectors = loaded(args)?;
            let wanted: Vec<&Detector> = match ids.is_empty() {
                true => detectors.iter().collect(),
                false => ids.iter().map(|id| found(id, &detectors)).collect::<Result<_, _>>()?,
            };
            exported(&wanted)
        }
    };
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn loaded(args: &Args) -> Result<Detectors, Failure> {
    let loaded = load::detectors(args.detectors.as_deref());
    loaded.map_err(|problems| {
        print_problems(&problems);
        Failure { exit: Exit::Rules, error: anyhow!("there is something to mend, see above") }
    })
}

fn found<'d>(id: &str, detectors: &'d Detectors) -> Result<&'d Detector, Failure> {
    let found = detectors.iter().find(|detector| detector.id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| missing(id, detectors))
}

/// The Sigma rules, one document each; why others are none goes to standard error.
fn exported(detectors: &[&Detector]) -> String {
    let (mut rules, mut reasons) = (Vec::new(), String::new());
    for detector in detectors {
        match sigma::export(detector) {
            Ok(rule) => rules.push(rule),
            Err(why) => reasons.push_str(&format!("{} is not exported: {}\n", detector.id, harmless(&why))),
        }
    }
    // Standard error may be closed; then nobody is left to tell.
    let _ = io::stderr().write_all(reasons.as_bytes());
    rules.join("---\n")
}

fn missing(id: &str, detectors: &Detectors) -> Failure {
    let help = hint(&id.to_uppercase(), detectors.iter().map(|detector| detector.id.as_str()));
    let help = help.unwrap_or_else(|| "`keyward detectors list` lists them".to_owned());
    Failure { exit: Exit::Rules, error: anyhow!("there is no detector {id}; {help}") }
}

fn cells(detector: &Detector) -> Vec<String> {
    let evaluated = detector.set_aside().unwrap_or_else(|| "yes".to_owned());
    let evaluated = evaluated.replacen("not evaluated", "no", 1);
    vec![
        detector.id.clone(),
        detector.level.to_string(),
        detector.title.clone(),
        window(detector),
        requires(detector),
        evaluated,
        detector.tags.join(" "),
    ]
}

/// What it remembers; nothing where one event is enough.
fn window(detector: &Detector) -> String {
    detector.window.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn requires(detector: &Detector) -> String {
    detector.requires.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A detector for people: a page of text.
fn page(detector: &Detector) -> String {
    let columns: Vec<&str> = detector.alert_by.iter().map(|column| column.name()).collect();
    let mut page = format!("{}  {}\n\n", detector.id, detector.title);
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            page.push_str(&format!("{name:<11}{value}\n"));
        }
    };
    fact("level", detector.level.to_string());
    fact("status", detector.status.to_string());
    fact("evaluated", detector.set_aside().unwrap_or_else(|| "yes".to_owned()));
    fact("window", window(detector));
    fact("requires", requires(detector));
    fact("alert by", columns.join(", "));
    let span = format!("{} h", detector.alert_span / (60 * 60 * 1_000_000));
    fact("alert span", if detector.alert_span == DAY { String::new() } else { span });
    fact(
        "notice",
        if detector.notice == Notice::AtOnce { String::new() } else { detector.notice.to_string() },
    );
    fact("tags", detector.tags.join(" "));
    fact("related", detector.related.join(" "));
    fact("author", detector.author.clone().unwrap_or_default());
    fact("file", format!("{}:{}", detector.file.display(), detector.line));
    let section = |name: &str, text: &str| {
        let indented: Vec<String> = text.trim().lines().map(|line| format!("    {line}\n")).collect();
        if text.trim().is_empty() { String::new() } else { format!("\n{name}\n{}", indented.concat()) }
    };
    page.push_str(&section("Finds", &detector.description));
    page.push_str(&section("Match", detector.expression.text()));
    let steps = detector.window.iter().flat_map(|window| window.steps());
    let steps = steps.map(|step| format!("{}: {}", step.name, step.expression.text()));
    page.push_str(&section("Steps", &steps.collect::<Vec<_>>().join("\n")));
    page.push_str(&section("False positives", &detector.false_positives.join("\n")));
    page.push_str(&section("Runbook", &detector.runbook));
    page.push_str(&section("References", &detector.references.join("\n")));
    let cases = detector.cases.iter().map(|case| {
        let what = if case.expect.is_empty() { "silent" } else { "fires " };
        format!("{what} {}", case.name)
    });
    page.push_str(&section("Cases", &cases.collect::<Vec<_>>().join("\n")));
    page.lines().map(|line| format!("{}\n", harmless(line))).collect()
}
