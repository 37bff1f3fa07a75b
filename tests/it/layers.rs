//! Imports point down: `src/` against the layers that the crate documentation draws.
//!
//! In: the sources, tests apart. Out: one line for each import that points up or sideways, each file
//! that is too long or does not say what it is, and each clock read outside `app`.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Every module and its layer. A module may import those of a lower number, and itself; in the
/// last layer everything.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 0),
    ("config", 1),
    ("metrics", 2),
    ("table", 3),
    ("sql", 4),
    ("store", 5),
    ("source", STAGES),
    ("normalize", STAGES),
    ("catalog", STAGES),
    ("detect", STAGES),
    ("alerts", STAGES),
    ("history", STAGES),
    ("notify", STAGES),
    ("respond", STAGES),
    ("pipeline", 7),
    ("api", 7),
    ("report", 7),
    ("app", TOP),
    ("cli", TOP),
    ("main", TOP),
    ("lib", TOP),
];

/// The stages of the flow, which never import each other.
const STAGES: u8 = 6;

/// What constructs, and may see everything.
const TOP: u8 = 8;

/// Lines a file may have, tests apart: more is more than one thing.
const MAX_LINES: usize = 500;

/// Reads of the machine's clock; time is an argument everywhere but in `app`.
const CLOCK_READS: &[&str] = &["Utc::now", "Local::now", "SystemTime::now"];

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn may_import(from: &str, to: &str) -> bool {
    match (layer(from), layer(to)) {
        (Some(TOP), Some(_)) => true,
        (Some(above), Some(below)) => from == to || below < above,
        _ => false,
    }
}

/// Everything that is wrong with the sources under `root`, sorted.
fn complaints(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in source_files(root) {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        found.extend(check_file(&name, &text).into_iter().map(|complaint| format!("{name}: {complaint}")));
    }
    found.sort();
    found
}

fn source_files(root: &Path) -> impl Iterator<Item = PathBuf> {
    WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") && !is_test_file(path))
}

/// `tests.rs`, `foo_tests.rs`, and whatever lies in a folder `tests`.
fn is_test_file(path: &Path) -> bool {
    let in_tests = path.parent().is_some_and(|folder| folder.ends_with("tests"));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    in_tests || stem == "tests" || stem.ends_with("_tests")
}

fn check_file(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let path = module_path(name);
    let Some(module) = path.first().filter(|module| layer(module).is_some()) else {
        return vec!["is in no layer; give its module a place in LAYERS".to_owned()];
    };
    if !text.starts_with("//!") {
        found.push("does not open with `//!`".to_owned());
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!("has {lines} lines, more than {MAX_LINES}"));
    }
    let code = without_tests_and_comments(text);
    for import in imports(&code, path.len()) {
        if layer(&import).is_some() && !may_import(module, &import) {
            found.push(format!("{module} imports {import}"));
        }
    }
    let clock_reads = CLOCK_READS.iter().filter(|read| module != "app" && code.contains(**read));
    found.extend(clock_reads.map(|read| format!("reads the clock with {read}")));
    found.sort();
    found.dedup();
    found
}

/// `table/build.rs` is `[table, build]`, `table/mod.rs` is `[table]`.
fn module_path(name: &str) -> Vec<String> {
    let mut path: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// The code that ships. rustfmt closes an item at the indentation that it opened at.
fn without_tests_and_comments(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indentation = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indentation}}}");
            let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
            if item.is_some_and(|item| item.ends_with('{')) {
                lines.by_ref().find(|line| *line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line.split(" // ").next().unwrap_or(line));
            code.push('\n');
        }
    }
    code
}

/// The top-level modules that code at `depth` names, as `crate::name`, `crate::{name, …}` or through
/// as many `super::` as lead to the top.
fn imports(code: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for start in ends_of(code, "crate::") {
        found.extend(first_names(&code[start..]));
    }
    for start in ends_of(code, "super::") {
        let before = &code[..start];
        let supers = before.len() - before.trim_end_matches("super::").len();
        if supers / "super::".len() >= depth {
            found.extend(first_names(&code[start..]));
        }
    }
    found
}

fn ends_of<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(start, _)| start + word.len())
}

/// The name that `path` begins with, or each name that begins an item of its braces.
fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()];
    };
    let (mut names, mut item, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut item)),
            _ => item.push(c),
        }
    }
    names.push(item);
    names.iter().flat_map(|item| first_names(item.trim())).collect()
}

#[test]
fn the_sources_keep_their_layers() {
    let found = complaints(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Writes `files` into a folder and checks it like `src/`.
fn complaints_about(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    complaints(folder.path())
}

#[test]
fn an_import_that_points_up_or_sideways_is_found_however_it_is_written() {
    let found = complaints_about(&[
        ("domain/event.rs", "//! E.\nuse crate::table::build;\n"),
        ("catalog/mod.rs", "//! C.\nuse crate::{domain::event, detect::{engine, report}};\n"),
        ("detect/engine.rs", "//! D.\nfn f() { super::super::history::append(); } // not crate::cli\n"),
        ("sql/mod.rs", "//! S.\nuse super::store::Store;\n"),
        ("table/mod.rs", "//! T.\npub fn f() -> crate::sql::Session {}\n"),
        ("history/mod.rs", "//! H.\nuse crate::{\n    store,\n    pipeline,\n};\n"),
    ]);
    assert_eq!(
        found,
        [
            "catalog/mod.rs: catalog imports detect",
            "detect/engine.rs: detect imports history",
            "domain/event.rs: domain imports table",
            "history/mod.rs: history imports pipeline",
            "sql/mod.rs: sql imports store",
            "table/mod.rs: table imports sql",
        ]
    );
}

#[test]
fn what_points_down_and_what_is_only_tested_or_told_is_no_complaint() {
    let inline = "//! N.\nuse crate::domain::event;\n#[cfg(test)]\nmod tests {\n    use crate::detect;\n}\n";
    let told = "//! D. See [`crate::cli`].\n/// As [`crate::app`] does.\nuse super::event;\n";
    let found = complaints_about(&[
        ("normalize/mod.rs", inline),
        ("domain/words.rs", told),
        ("domain/words_tests.rs", "use crate::cli;\n"),
        ("detect/tests/cases.rs", "use crate::catalog;\n"),
        ("history/tests.rs", "use crate::catalog;\n"),
        ("app/mod.rs", "//! A.\nuse crate::cli;\nfn now() { Utc::now(); }\n"),
        ("cli/mod.rs", "//! C.\nuse crate::{app, pipeline};\n"),
        ("lib.rs", "//! L.\npub mod app;\n"),
    ]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_silent_file_a_long_file_a_clock_and_a_homeless_module_are_found() {
    let long = format!("//! L.\n{}", "fn f() {}\n".repeat(MAX_LINES));
    let found = complaints_about(&[
        ("sql/mod.rs", "pub mod session;\n"),
        ("table/build.rs", &long),
        ("pipeline/mod.rs", "//! P.\nlet t = chrono::Utc::now();\nlet u = SystemTime::now();\n"),
        ("util/mod.rs", "//! U.\n"),
    ]);
    assert_eq!(
        found,
        [
            "pipeline/mod.rs: reads the clock with SystemTime::now",
            "pipeline/mod.rs: reads the clock with Utc::now",
            "sql/mod.rs: does not open with `//!`",
            "table/build.rs: has 501 lines, more than 500",
            "util/mod.rs: is in no layer; give its module a place in LAYERS",
        ]
    );
}
