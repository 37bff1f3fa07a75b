//! A real mail server with STARTTLS and AUTH: aiosmtpd, fetched from PyPI once, into the target folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use super::certificate::self_signed;

const WHEEL: &str = "aiosmtpd==1.4.6";

/// A mail as it came.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
    pub encrypted: bool,
    pub login: bool,
    /// What the server answered.
    pub answer: String,
}

pub struct Smtp {
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl Smtp {
    /// One on a port of its own; nothing where there can be none here, which it then says.
    pub fn start() -> Option<Self> {
        let packages = packages()?;
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = self_signed(folder.path())?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/services/smtp.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(folder.path())
            .arg(port.to_string())
            .arg(certificate)
            .arg(key)
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It tells of every client that goes away.
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the mail server does not start");
        Some(Self { port, folder, child })
    }

    /// The certificate that it shows, for `localhost`.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What to answer to the next mails instead of taking them.
    pub fn answers(&self, lines: &[&str]) {
        fs::write(self.folder.path().join("answers"), lines.join("\n")).unwrap();
    }

    /// What came, in its order.
    pub fn mails(&self) -> Vec<Mail> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                name.starts_with("mail-") && name.ends_with(".json")
            })
            .collect();
        files.sort();
        files.iter().map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        // It may have ended by itself, which the test will have noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the packages are, fetched where they are missing.
fn packages() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd-1.4.6");
    if !folder.join("aiosmtpd").exists() {
        let fetched = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(&folder)
            .arg(WHEEL)
            .output();
        if !fetched.is_ok_and(|ran| ran.status.success()) {
            skipped("no mail server here: `pip install aiosmtpd` fails");
            return None;
        }
    }
    Some(folder)
}

fn skipped(why: &str) {
    // To the terminal, past the capture of the tests: a skipped test looks like a passed one otherwise.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
