//! What the program tells about itself is complete and stays as it is: help, columns, detectors, questions.

use std::collections::BTreeSet;
use std::path::Path;

use insta::assert_snapshot;
use keyward::app::ask;
use keyward::detect::detectors::Detectors;
use keyward::table::columns::COLUMNS;

use crate::support::Keyward;

fn told(args: &[&str]) -> String {
    let ran = Keyward::new().args(args).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
    ran.stdout
}

/// The commands that `keyward --help` lists.
fn commands() -> Vec<String> {
    let help = told(&["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
    paths.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_help_of_every_command_is_as_it_was() {
    for command in commands() {
        let help = told(&[&command, "--help"]);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert_snapshot!(format!("help_{command}"), help);
    }
}

#[test]
fn every_command_is_explained_in_the_readme_and_says_what_it_does() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let commands = commands();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        assert!(
            readme.contains(&format!("keyward {command}")),
            "the README does not tell of `keyward {command}`"
        );
    }
}

#[test]
fn the_columns_are_as_they_were() {
    assert_snapshot!("columns", told(&["columns", "--format", "csv"]).replace("\r\n", "\n"));
    let json = told(&["columns", "--format", "json"]);
    assert_eq!(json.lines().count(), COLUMNS.len());
    assert_eq!(told(&["columns"]).lines().count(), COLUMNS.len() + 1);
}

#[test]
fn every_table_explains_its_columns() {
    for table in ["findings", "rejects", "usage", "facts", "coverage"] {
        let columns = told(&["columns", "--table", table, "--format", "csv"]).replace("\r\n", "\n");
        assert!(columns.lines().skip(1).all(|line| line.trim_end_matches('"').ends_with('.')), "{columns}");
        assert_snapshot!(format!("columns_{table}"), columns);
    }
}

#[test]
fn every_column_has_a_name_of_words_and_a_sentence() {
    let mut names = BTreeSet::new();
    for spec in COLUMNS {
        let words = spec
            .name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
        assert!(words && names.insert(spec.name), "{}", spec.name);
        assert!(spec.about.ends_with('.') && spec.about.len() > 15, "{}: {}", spec.name, spec.about);
    }
}

#[test]
fn every_detector_file_is_in_the_program_and_proves_itself() {
    let detectors = Detectors::embedded().unwrap();
    let found = files("detectors", "yaml");
    assert_eq!(detectors.len(), found.len());
    assert!(found.len() >= 50, "{}", found.len());
    for detector in detectors.iter() {
        assert!(found.iter().any(|name| name.starts_with(&detector.id)), "{} and its file", detector.id);
        let fires = detector.cases.iter().any(|case| !case.expect.is_empty());
        let silent = detector.cases.iter().any(|case| case.expect.is_empty());
        assert!(detector.window.is_some() || fires && silent, "{}", detector.id);
        for (what, text) in [("runbook", &detector.runbook), ("description", &detector.description)] {
            assert!(text.len() > 80, "{} has a short {what}", detector.id);
        }
        assert!(!detector.tags.is_empty() && !detector.false_positives.is_empty(), "{}", detector.id);
    }
}

#[test]
fn every_question_is_in_the_program_and_listed() {
    let built_in: BTreeSet<String> = ask::built_in().into_iter().map(|question| question.name).collect();
    assert_eq!(built_in, files("queries", "sql"));
    assert!(built_in.len() >= 15);
    let list = told(&["query", "--list"]);
    assert!(built_in.iter().all(|name| list.lines().any(|line| line == name)), "{list}");
}

#[test]
fn every_shell_has_a_completion_script() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(told(&["completions", shell]).contains("keyward"), "{shell}");
    }
}
