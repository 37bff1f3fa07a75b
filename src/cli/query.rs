//! `keyward query`: SQL over history, typed in or from a file of questions.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::Format;
use super::output::batches::BatchWriter;
use super::rules::print_problems;
use crate::app::ask::{self, Asked};
use crate::app::clock::now_micros;
use crate::sql::question::Question;

/// Arguments of `keyward query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tables: events findings rejects catalog usage facts coverage, and of the service alerts journal
deliveries actions. `keyward columns --table usage` explains the columns of one, `keyward query --list`
lists the questions.

Examples:
  keyward query --data history \"SELECT verdict, count(*) FROM events GROUP BY 1\"
  keyward query --data history -f who-used-a-key --param key=orders-encryption
  keyward query --data history -f queries/dual-use-keys.sql --format csv

Exit codes: 0 answered, 2 a wrong parameter, 3 a wrong question, 4 history cannot be read.")]
pub struct Args {
    /// One SELECT, EXPLAIN or DESCRIBE.
    #[arg(value_name = "SQL", required_unless_present_any = ["file", "list"], conflicts_with = "file")]
    sql: Option<String>,

    /// A question: a file of `queries/`, or the name of a built-in one.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,

    /// A parameter of the question; may be given more than once.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// The folder that `keyward scan --data` filled.
    #[arg(long, value_name = "DIR", default_value = "keyward-data")]
    data: PathBuf,

    /// A catalog for the table `catalog`, instead of the one that judged last.
    #[arg(long, value_name = "PATH")]
    catalog: Vec<PathBuf>,

    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// List the built-in questions with their parameters.
    #[arg(long)]
    list: bool,
}

/// Runs the query.
///
/// # Errors
/// Where the question or its parameters are wrong, or history cannot be read.
pub fn run(args: &Args) -> Outcome {
    let mut out = BufWriter::new(io::stdout());
    if args.list {
        let text: String = ask::built_in().iter().map(listed).collect();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_fail(Exit::InputOutput)?;
        return Ok(Exit::Clean);
    }
    let asked = asked(args)?;
    let answer = ask::ask(&args.data, &args.catalog, &asked).map_err(|failed| Failure {
        exit: if failed.is_input() { Exit::InputOutput } else { Exit::Rules },
        error: failed.into(),
    })?;
    let mut writer = BatchWriter::new(args.format);
    writer.write(&answer, &mut out).and_then(|()| out.flush()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

fn asked(args: &Args) -> Result<Asked, Failure> {
    let Some(file) = &args.file else {
        if !args.parameters.is_empty() {
            return Err(Failure { exit: Exit::Usage, error: anyhow!("--param goes with --file") });
        }
        return Ok(Asked { sql: args.sql.clone().unwrap_or_default(), values: Vec::new() });
    };
    let question = find(file)?;
    let values = question.bind(&args.parameters, now_micros()).or_fail(Exit::Usage)?;
    Ok(Asked { sql: question.sql, values })
}

/// A file where there is one, else a built-in question of that name.
fn find(file: &str) -> Result<Question, Failure> {
    let path = Path::new(file);
    if path.exists() {
        let text = std::fs::read_to_string(path).or_fail(Exit::InputOutput)?;
        return Question::parse(path, &text).map_err(|problems| {
            print_problems(&problems);
            Failure { exit: Exit::Rules, error: anyhow!("the header of {file} is wrong") }
        });
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    ask::built_in().into_iter().find(|question| question.name == name).ok_or_else(|| Failure {
        exit: Exit::InputOutput,
        error: anyhow!(
            "there is no file {file} and no built-in question of that name; `keyward query --list` lists them"
        ),
    })
}

fn listed(question: &Question) -> String {
    let mut text = format!("{}\n    {}\n", question.name, question.description);
    for parameter in &question.parameters {
        let need = parameter
            .default
            .as_ref()
            .map_or("required".to_owned(), |default| format!("default {default:?}"));
        text.push_str(&format!(
            "    --param {}={} ({need}): {}\n",
            parameter.name, parameter.kind, parameter.about
        ));
    }
    text
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
