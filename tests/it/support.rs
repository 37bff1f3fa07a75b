//! Runs the built program in a folder of its own, so that a test of the command line is five lines.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// The program with a fresh working folder, which goes when this goes.
pub struct Keyward {
    folder: TempDir,
}

/// What one run came to.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// The exit code; absent when a signal ended the program.
    pub code: Option<i32>,
}

impl Keyward {
    /// The program in an empty folder.
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Puts a file into the folder, with the folders above it.
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
        self
    }

    /// Where `name` lies in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run with these arguments, started by [`Run::run`]. Several runs share the folder.
    pub fn args<I: IntoIterator<Item = A>, A: AsRef<str>>(&self, args: I) -> Run {
        Run { command: command(self.folder.path()) }.args(args)
    }
}

impl Drop for Keyward {
    /// The folder of a test that failed stays where `KEYWARD_TEST_KEEP` is set, to be looked at.
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("KEYWARD_TEST_KEEP").is_some() {
            self.folder.disable_cleanup(true);
        }
    }
}

impl Ran {
    /// Standard output as one JSON value a line.
    pub fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Standard output as the cells of CSV (RFC 4180).
    pub fn csv(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec![String::new()]];
        let mut quoted = false;
        let mut characters = self.stdout.chars().peekable();
        while let Some(character) = characters.next() {
            let row = rows.last_mut().unwrap();
            match character {
                '"' if quoted && characters.next_if_eq(&'"').is_some() => row.last_mut().unwrap().push('"'),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(String::new()),
                '\r' if !quoted => {
                    assert_eq!(characters.next(), Some('\n'));
                    rows.push(vec![String::new()]);
                }
                character => row.last_mut().unwrap().push(character),
            }
        }
        assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line ends too");
        rows
    }

    /// The account of records in the closing summary.
    pub fn account(&self) -> Account {
        let mut lines = self.stderr.lines().skip_while(|line| !line.starts_with("records "));
        let received = numbers(lines.next().unwrap())[0];
        let parts = numbers(lines.next().unwrap());
        let [gave_events, merged, irrelevant, duplicates, rejects] = parts[..] else {
            panic!("{}", self.stderr)
        };
        Account { received, gave_events, merged, irrelevant, duplicates, rejects }
    }
}

/// What the closing summary says became of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub received: u64,
    pub gave_events: u64,
    pub merged: u64,
    pub irrelevant: u64,
    pub duplicates: u64,
    pub rejects: u64,
}

impl Account {
    /// What must be `received`.
    pub fn sum(&self) -> u64 {
        self.gave_events + self.merged + self.irrelevant + self.duplicates + self.rejects
    }
}

fn numbers(line: &str) -> Vec<u64> {
    line.split(' ').filter_map(|word| word.parse().ok()).collect()
}

/// The program in `folder`, with no settings of the machine that runs the tests.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.current_dir(folder).env_remove("RUST_LOG").env("NO_COLOR", "1").env("COLUMNS", "100");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYWARD_")) {
        command.env_remove(name);
    }
    command
}

/// One run, not started yet.
pub struct Run {
    command: Command,
}

impl Run {
    /// More arguments.
    pub fn args<I: IntoIterator<Item = A>, A: AsRef<str>>(mut self, args: I) -> Self {
        for arg in args {
            self.command.arg(arg.as_ref());
        }
        self
    }

    /// What the program reads as its standard input; without this it is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(bytes);
        self
    }

    /// Runs the program with a reader that goes away after the first bytes.
    pub fn run_and_hang_up(self) -> Ran {
        let mut command = std::process::Command::new(self.command.get_program());
        command.args(self.command.get_args()).current_dir(self.command.get_current_dir().unwrap());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran {
            stdout: String::from_utf8_lossy(&first).into_owned(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    /// Runs the program to its end.
    pub fn run(mut self) -> Ran {
        let output = self.command.output().unwrap();
        Ran {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }
}

#[test]
fn the_version_is_told_without_a_complaint() {
    let keyward = Keyward::new().file("logs/empty.ndjson", "");
    let ran = keyward.args(["--version"]).stdin("").run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    assert!(keyward.path("logs/empty.ndjson").exists(), "a run leaves its folder alone");
}
