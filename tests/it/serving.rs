//! `keyward run` as a process in a folder of its own: started, asked, killed and started again.

use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Keyward;

/// How long anything may take that takes a second on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A folder with `keyward.yaml` in it, and what watches by that.
pub struct Serving {
    pub keyward: Keyward,
    child: Option<Child>,
}

impl Serving {
    /// Nothing runs yet.
    pub fn new(keyward: Keyward) -> Self {
        Self { keyward, child: None }
    }

    pub fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.keyward.path("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["run", "--config", "keyward.yaml"])
            .current_dir(self.keyward.path("."))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// As a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let process = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
            assert!(child.wait().unwrap().success(), "{}", self.log());
        }
    }

    /// What the service's log says.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.keyward.path("log")).unwrap_or_default()
    }

    /// Asks the data folder, beside the service or after it.
    pub fn ask(&self, sql: &str) -> Vec<Value> {
        let ran = self.keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.json()
    }

    /// Asks again and again until what comes is as it should be.
    #[track_caller]
    pub fn until(&self, sql: &str, met: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let ran = self.keyward.args(["query", "--data", "data", "--format", "json", sql]).run();
            // There may be no data folder yet.
            let rows = if ran.code == Some(0) { ran.json() } else { Vec::new() };
            if met(&rows) {
                return rows;
            }
            assert!(Instant::now() < until, "{rows:?} {}\n{}", ran.stderr, self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}
