//! A PostgreSQL of the tests' own.
//!
//! `KEYWARD_TEST_POSTGRES` names a running one to use instead: an address without a database, such as
//! `postgres://user@localhost:5432`, where databases may be made.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Makes a database cluster, serves it on a socket in its folder, and ends when standard input does:
/// so it ends with the tests, however they end.
const SERVE: &str = r#"
set -e
folder=$(mktemp -d /tmp/keyward-postgres-XXXXXX)
trap 'rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U keyward -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1
"$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off >>"$folder/log" 2>&1 &
server=$!
until [ -S "$folder/.s.PGSQL.5432" ]; do kill -0 $server; sleep 0.05; done
echo "$folder"
cat >/dev/null
kill -INT $server
wait $server || true
"#;

/// The server, and who ends it: its standard input closes with this process.
struct Server {
    address: String,
    _ends_with_us: Option<Child>,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The address of a new, empty database; nothing where no PostgreSQL is installed.
pub async fn new_database() -> Option<String> {
    let Some(server) = SERVER.get_or_init(start) else {
        // Past the test harness, which keeps what a passing test prints to itself.
        let skipped = "SKIPPED: no PostgreSQL; install Debian's `postgresql` or set KEYWARD_TEST_POSTGRES\n";
        let _ = std::io::stderr().write_all(skipped.as_bytes());
        return None;
    };
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("keyward_{}_{number}", std::process::id());
    let mut connection = connect(&server.address, "postgres").await;
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    Some(with_database(&server.address, &name))
}

/// The server may not take connections at once.
async fn connect(address: &str, database: &str) -> PgConnection {
    for _ in 0..100 {
        match PgConnection::connect(&with_database(address, database)).await {
            Ok(connection) => return connection,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    }
    PgConnection::connect(&with_database(address, database)).await.unwrap()
}

/// The database goes before the parameters of the address.
fn with_database(address: &str, database: &str) -> String {
    let (server, parameters) = address.split_once('?').unwrap_or((address, ""));
    format!("{}/{database}?{parameters}", server.trim_end_matches('/'))
}

fn start() -> Option<Server> {
    if let Ok(address) = std::env::var("KEYWARD_TEST_POSTGRES") {
        return Some(Server { address, _ends_with_us: None });
    }
    let programs = programs()?;
    // PostgreSQL refuses to run as root.
    let am_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let mut command = Command::new(if am_root { "runuser" } else { "sh" });
    if am_root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    command.args(["-c", SERVE, "sh"]).arg(programs).current_dir("/");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut folder = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    let folder = folder.trim();
    assert!(!folder.is_empty(), "PostgreSQL did not start");
    let address = format!("postgres://keyward@localhost:5432?host={folder}");
    Some(Server { address, _ends_with_us: Some(child) })
}

/// The folder with the server's programs: on the path, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let holds = |folder: &Path| folder.join("postgres").exists() && folder.join("initdb").exists();
    std::env::split_paths(&path).chain(debian).find(|folder| holds(folder))
}
