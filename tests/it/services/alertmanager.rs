//! A real Alertmanager: the one of Debian (`prometheus-alertmanager`), or the program that
//! `KEYWARD_TEST_ALERTMANAGER` names.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long it may take to start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);

pub struct Alertmanager {
    url: String,
    child: Child,
    _folder: TempDir,
}

impl Alertmanager {
    /// One on a port of its own; nothing where there can be none here, which it then says.
    pub async fn start() -> Option<Self> {
        let program = std::env::var("KEYWARD_TEST_ALERTMANAGER");
        let program = program.unwrap_or_else(|_| "prometheus-alertmanager".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(&config, "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn();
        let Ok(child) = child else {
            // To the terminal, past the capture of the tests: a skipped test looks like a passed one otherwise.
            let why =
                "no Alertmanager here: install prometheus-alertmanager, or set KEYWARD_TEST_ALERTMANAGER";
            let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
            return None;
        };
        let mut alertmanager = Self { url: format!("http://127.0.0.1:{port}"), child, _folder: folder };
        let until = Instant::now() + START_WITHIN;
        while alertmanager.ask("/-/ready").await.is_none() {
            let log = std::fs::read_to_string(alertmanager._folder.path().join("log")).unwrap_or_default();
            let ended = alertmanager.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "Alertmanager does not answer: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(alertmanager)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The alerts that have not ended.
    pub async fn active(&self) -> Vec<Value> {
        let text = self.ask("/api/v2/alerts?active=true").await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn ask(&self, path: &str) -> Option<String> {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.ok()?;
        if answer.status().is_success() { answer.text().await.ok() } else { None }
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // It may have ended by itself, which the test will have noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
