//! `keyward catalog`: looks at a catalog by itself, and at the keys that logs show beside it.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::anyhow;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::batches::BatchWriter;
use super::output::{Format, coverage, differences};
use super::rules::{print_problems, strictly};
use super::threads;
use crate::app::ask::{AskError, Past};
use crate::app::clock::now_micros;
use crate::app::coverage::Coverage;
use crate::app::load;
use crate::app::past::unjudged;
use crate::catalog::{Catalog, json_schema};
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::{Problem, Severity};
use crate::pipeline::rules::Rules;
use crate::pipeline::scan::scan;
use crate::source::{Limits, Reader};
use crate::table::rows::Rows;

/// Arguments of `keyward catalog`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward catalog lint --strict catalog.yaml
  keyward catalog entries catalog/ --format csv > entries.csv
  keyward catalog coverage --catalog catalog.yaml logs/
  keyward catalog coverage --data history
  keyward catalog diff old.yaml new.yaml
  keyward catalog schema > catalog.schema.json

Exit codes: 0 done, 1 the catalogs differ (diff), 3 a catalog is wrong, 4 input or output failed.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Point at mistakes, and at what has expired or covers too much
    Lint {
        /// A catalog: YAML files or folders of them.
        #[arg(required = true, value_name = "PATH")]
        catalog: Vec<PathBuf>,
        /// Take warnings for errors, and ask for `use`, owner and review of every key.
        #[arg(long)]
        strict: bool,
    },
    /// Print the JSON schema of a catalog file, for editors
    Schema,
    /// List what is declared, one row for each name of a key
    Entries {
        /// A catalog: YAML files or folders of them.
        #[arg(required = true, value_name = "PATH")]
        catalog: Vec<PathBuf>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Hold the keys that logs show against those declared: used, never used, undeclared
    Coverage(CoverageArgs),
    /// Say what changed from one catalog to another, field by field
    Diff {
        /// The catalog before.
        old: PathBuf,
        /// The catalog after.
        new: PathBuf,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

#[derive(Debug, clap::Args)]
struct CoverageArgs {
    /// Files, folders, globs, or `-` for standard input.
    #[arg(value_name = "PATH", required_unless_present = "data", conflicts_with = "data")]
    paths: Vec<String>,

    /// The history that scans kept here, instead of paths.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// The catalog; with --data the one that judged last if not given.
    #[arg(long, value_name = "PATH", required_unless_present = "data")]
    catalog: Vec<PathBuf>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Does what was asked for.
///
/// # Errors
/// Where a catalog is wrong, input cannot be read or output cannot be written.
pub fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Lint { catalog, strict } => lint(catalog, *strict),
        Verb::Schema => print(&json_schema()),
        Verb::Entries { catalog, format } => entries(&load_or_tell(catalog)?, *format),
        Verb::Coverage(args) => cover(args),
        Verb::Diff { old, new, format } => diff(old.clone(), new.clone(), *format),
    }
}

fn print(text: &str) -> Outcome {
    io::stdout().write_all(text.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn load_or_tell(paths: &[PathBuf]) -> Result<Catalog, Failure> {
    load::catalog(paths).map(|(catalog, _)| catalog).map_err(|problems| {
        print_problems(&problems);
        Failure { exit: Exit::Rules, error: anyhow!("the catalog is wrong, see above") }
    })
}

fn lint(paths: &[PathBuf], strict: bool) -> Outcome {
    let (mut problems, keys) = match load::catalog(paths) {
        Ok((catalog, mut problems)) => {
            problems.extend(catalog.lint(now_micros(), strict).into_iter().map(Problem::from));
            (problems, catalog.len())
        }
        Err(problems) => (problems, 0),
    };
    problems.sort();
    problems.dedup();
    strictly(&mut problems, strict);
    print_problems(&problems);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        return Err(Failure { exit: Exit::Rules, error: anyhow!("{errors} to mend, see above") });
    }
    print(&format!("{keys} keys declared, {} warnings\n", problems.len()))
}

fn entries(catalog: &Catalog, format: Format) -> Outcome {
    let mut out = BufWriter::new(io::stdout());
    let table = catalog.entries().or_fail(Exit::InputOutput)?;
    BatchWriter::new(format).write(&table, &mut out).and_then(|()| out.flush()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn cover(args: &CoverageArgs) -> Outcome {
    let mut coverage = Coverage::default();
    let catalog = match &args.data {
        Some(data) => cover_history(Past::open(data, &args.catalog).map_err(unanswered)?, &mut coverage)?,
        None => cover_records(args, &mut coverage)?,
    };
    let left_out = coverage.left_out();
    let rows = coverage.finish(&catalog).or_fail(Exit::InputOutput)?;
    let printed = print(&coverage::text(args.format, &rows))?;
    let told = coverage::summary(&rows, catalog.len(), left_out);
    io::stderr().write_all(told.as_bytes()).or_fail(Exit::InputOutput)?;
    Ok(printed)
}

/// Judges all of history again by the catalog, which is not the one that judged when it was kept.
fn cover_history(past: Past, coverage: &mut Coverage) -> Result<Catalog, Failure> {
    let aliases = past.aliases().map_err(unanswered)?;
    for batch in past.events() {
        let batch = unjudged(&batch.map_err(unanswered)?).or_fail(Exit::InputOutput)?;
        let judged = past.catalog.judge(&batch, &aliases).or_fail(Exit::InputOutput)?;
        coverage.add(&Rows::of(&judged));
    }
    Ok(past.catalog)
}

fn cover_records(args: &CoverageArgs, coverage: &mut Coverage) -> Result<Catalog, Failure> {
    let catalog = load_or_tell(&args.catalog)?;
    let nothing = Engine::new(&Detectors::default())
        .map_err(|problems| {
            print_problems(&problems);
            anyhow!("no engine without detectors; please report this")
        })
        .or_fail(Exit::Rules)?;
    let rules = Rules::new(catalog, nothing);
    let mut reader = Reader::open(&args.paths, Limits::default()).or_fail(Exit::InputOutput)?;
    scan(&mut reader, &rules, threads(None), now_micros(), &mut |step| {
        coverage.add(&Rows::of(&step.judged.batch));
        Ok(None)
    })
    .or_fail(Exit::InputOutput)?;
    Ok(rules.catalog)
}

fn diff(old: PathBuf, new: PathBuf, format: Format) -> Outcome {
    let (old, new) = (load_or_tell(&[old])?, load_or_tell(&[new])?);
    let changes = differences::between(&old, &new).or_fail(Exit::InputOutput)?;
    let same = old.version() == new.version();
    print(&differences::text(format, &changes))?;
    if !same && changes.is_empty() {
        let told = "the catalogs differ, but in no field that `keyward catalog entries` shows\n";
        io::stderr().write_all(told.as_bytes()).or_fail(Exit::InputOutput)?;
    }
    Ok(if same { Exit::Clean } else { Exit::Findings })
}

fn unanswered(error: AskError) -> Failure {
    Failure { exit: if error.is_input() { Exit::InputOutput } else { Exit::Rules }, error: error.into() }
}
