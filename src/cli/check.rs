//! `keyward check`: validates configurations, catalogs, detectors and questions, and runs every detector's cases.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::Terminal;
use super::backtest;
use super::exit::{Exit, Failure, OrFail, Outcome};
use super::output::terminal::harmless;
use super::rules::{print_problems, strictly};
use crate::app::check::{judge_case, plan_questions, questions};
use crate::app::clock::now_micros;
use crate::app::load;
use crate::detect::cases;
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::{Problem, Severity};

/// Arguments of `keyward check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward check
  keyward check --catalog catalog.yaml --strict
  keyward check --detectors detectors --queries queries
  keyward check --config keyward.yaml
  keyward check --config keyward.yaml --against /var/lib/keyward

Exit codes: 0 all is well, 1 a detector's case failed, 3 something is to be mended.")]
pub struct Args {
    /// Configuration of the service to check, with the catalog and the detectors that it names.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["catalog", "detectors"])]
    config: Option<PathBuf>,

    /// Catalog to check: a YAML file or a folder of them; may be given more than once.
    #[arg(long, value_name = "PATH")]
    catalog: Vec<PathBuf>,

    /// Folder of detectors to check; the built-in ones if not given.
    #[arg(long, value_name = "DIR")]
    detectors: Option<PathBuf>,

    /// Folder of questions to check.
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,

    /// Judge this history again, and say what the catalog and detectors checked here would change in its
    /// alerts: see `keyward backtest`, which names them.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,

    /// Take warnings for errors, and ask for `use`, owner and review of every key.
    #[arg(long)]
    strict: bool,
}

/// Checks everything, and says what was checked.
///
/// # Errors
/// Where files are wrong (every problem has been printed) or cannot be read.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut problems = Vec::new();
    let mut stop = false;
    let Named { catalog, detectors, mut done } = named(args)?;
    match load::catalog(&catalog) {
        Ok((catalog, warnings)) => {
            problems.extend(warnings);
            problems.extend(catalog.lint(now_micros(), args.strict).into_iter().map(Problem::from));
            done.push(format!("{} keys declared", catalog.len()));
        }
        Err(wrong) => {
            stop = true;
            problems.extend(wrong);
        }
    }
    let failed_cases = match detectors.and_then(|detectors| check_detectors(&detectors, &mut done)) {
        Ok(found) => found,
        Err(wrong) => {
            stop = true;
            problems.extend(wrong);
            Vec::new()
        }
    };
    if let Some(folder) = &args.queries {
        let questions = questions(folder).with_context(|| format!("could not read {}", folder.display()));
        let questions = questions.or_fail(Exit::InputOutput)?;
        let planned = plan_questions(&questions).or_fail(Exit::InputOutput)?;
        stop |= !questions.problems.is_empty() || !planned.is_empty();
        problems.extend(questions.problems);
        problems.extend(planned);
        done.push(format!("{} questions", questions.files.len()));
    }
    let failed = failed_cases.iter().any(|problem| problem.severity == Severity::Error);
    problems.extend(failed_cases);
    let strictly_wrong = strictly(&mut problems, args.strict);
    print_problems(&problems);
    if stop || strictly_wrong {
        return Err(Failure { exit: Exit::Rules, error: anyhow!("there is something to mend, see above") });
    }
    writeln!(io::stdout(), "checked: {}", done.join(", ")).or_fail(Exit::InputOutput)?;
    if let Some(data) = &args.against {
        let told = against(args, data, terminal)?;
        write!(io::stdout(), "against {}: {told}", data.display()).or_fail(Exit::InputOutput)?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

/// What the rules that were checked would change over the history in `data`. Without a catalog to check
/// the one that judged last is tried with the detectors.
fn against(args: &Args, data: &Path, terminal: Terminal) -> Result<String, Failure> {
    let wrong = |problems: Vec<Problem>| {
        print_problems(&problems);
        Failure { exit: Exit::Rules, error: anyhow!("the rules changed while they were checked") }
    };
    let (loaded, catalog) = match &args.config {
        Some(path) => {
            let config = load::config(path).map_err(wrong)?;
            (load::configured(&config), config.catalog)
        }
        None => (load::rules(&args.catalog, args.detectors.as_deref()), args.catalog.clone()),
    };
    let mut rules = loaded.map_err(wrong)?.rules;
    if catalog.is_empty() {
        rules.catalog = backtest::in_force(data)?.catalog;
    }
    backtest::in_short(data, &catalog, &rules, terminal)
}

/// What is to be checked.
struct Named {
    catalog: Vec<PathBuf>,
    detectors: Result<Detectors, Vec<Problem>>,
    /// What was checked already.
    done: Vec<String>,
}

/// The catalog and detectors of the arguments, or of the configuration that they name.
fn named(args: &Args) -> Result<Named, Failure> {
    let Some(path) = &args.config else {
        let detectors = load::detectors(args.detectors.as_deref());
        return Ok(Named { catalog: args.catalog.clone(), detectors, done: Vec::new() });
    };
    match load::config(path) {
        Ok(config) => {
            let mistakes = crate::notify::mistakes(&config.alerts);
            if !mistakes.is_empty() {
                let told = |mistake: &_| Problem::error(path, 0, 0, format!("{mistake}"));
                print_problems(&mistakes.iter().map(told).collect::<Vec<_>>());
                return Err(Failure {
                    exit: Exit::Rules,
                    error: anyhow!("alerts could not be told, see above"),
                });
            }
            if let Err(problems) = crate::respond::Settings::read(&config.respond) {
                print_problems(&problems);
                return Err(Failure {
                    exit: Exit::Rules,
                    error: anyhow!("the playbooks are wrong, see above"),
                });
            }
            let detectors = load::detectors_beside(&config.detectors);
            Ok(Named { catalog: config.catalog, detectors, done: vec!["the configuration".to_owned()] })
        }
        Err(wrong) => {
            print_problems(&wrong);
            Err(Failure { exit: Exit::Rules, error: anyhow!("the configuration is wrong, see above") })
        }
    }
}

/// Runs the cases of the detectors, and returns what failed.
fn check_detectors(detectors: &Detectors, done: &mut Vec<String>) -> Result<Vec<Problem>, Vec<Problem>> {
    let engine = Engine::new(detectors)?;
    let mut problems = detectors.lint();
    problems.extend(cases::run(&engine, &|input| judge_case(&engine, input)));
    done.push(format!("{} detectors with {} cases", detectors.len(), cases::count(&engine)));
    for detector in detectors.iter().filter(|detector| detector.sigma.is_none()) {
        if let Some(why) = detector.set_aside() {
            done.push(format!("{} not evaluated: {why}", detector.id));
        }
    }
    let (evaluated, all) = sigma_rules(detectors);
    if all > 0 {
        done.push(format!("{evaluated} of {all} Sigma rules evaluated"));
    }
    Ok(problems)
}

/// Lists the Sigma rules that are evaluated, each with its place; the others are among the problems. How
/// many are evaluated, and how many there are.
fn sigma_rules(detectors: &Detectors) -> (usize, usize) {
    let rules = || detectors.iter().filter(|detector| detector.sigma.is_some());
    let mut text = String::new();
    for rule in rules().filter(|rule| rule.set_aside().is_none()) {
        let place = format!("{}:{}:{}", rule.file.display(), rule.line, rule.column);
        text.push_str(&format!("{place}: loaded: {} {}\n", rule.id, harmless(&rule.title)));
    }
    // Where standard output is closed, the line after these says so.
    let _ = io::stdout().write_all(text.as_bytes());
    (text.lines().count(), rules().count())
}
