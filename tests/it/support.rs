//! Runs the built program in a folder of its own, so that a test of the command line is five lines.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
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
