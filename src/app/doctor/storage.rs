//! The data folder, who holds it, and the store.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{Access, access, statvfs};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::Check;
use crate::config::{Config, Size, StoreAddress};
use crate::store::{DataFolder, Store};

/// Below this nothing can be sealed for long: two open sets of the default size.
const LEAST_FREE: u64 = 512 << 20;

/// What history should have left beside a full spool: some days of a busy trail, at 50 bytes an event.
const HISTORY_ROOM: u64 = 1 << 30;

/// How far in the future a file may lie before a clock must have gone back: file systems over a network
/// have clocks of their own.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

/// How long a database may take to answer.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// The checks, and whether a service has the data folder now.
pub(super) struct Storage {
    pub(super) checks: Vec<Check>,
    pub(super) running: bool,
}

pub(super) fn examine(config: &Config, now: i64) -> Storage {
    let folder = DataFolder::new(&config.data);
    let mut checks = vec![writable(folder.root())];
    checks.extend(space(folder.root(), config.spool.most));
    checks.extend(future(&folder, now));
    let holder = holder(&folder.root().join("keyward.lock"));
    if let Some(holder) = &holder {
        checks.push(Check::ok("lock of the data folder", format!("held by {holder}")));
    } else {
        checks.push(Check::ok("lock of the data folder", "free"));
    }
    checks.push(store(&folder, &config.store));
    if let StoreAddress::Postgres(address) = &config.store
        && has_password(address)
    {
        let to_do = "take it out and put it into the file that PGPASSFILE names: configurations get copied";
        checks.push(Check::warning("store address", "it holds a password", to_do));
    }
    Storage { checks, running: holder.is_some() }
}

/// The folder itself, or the nearest one above it that is there.
fn existing(path: &Path) -> PathBuf {
    let above = path.ancestors().find(|above| above.exists());
    above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn writable(root: &Path) -> Check {
    let what = "data folder";
    let there = existing(root);
    if !there.is_dir() {
        let found = format!("{} is no folder", there.display());
        return Check::failed(what, found, "name another folder under `data`");
    }
    match access(&there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if there == root => Check::ok(what, root.display().to_string()),
        Ok(()) => Check::ok(what, format!("{} is made at the start", root.display())),
        Err(error) => Check::failed(
            what,
            format!("{} cannot be written: {error}", there.display()),
            "give it to the user that keyward runs as, or name another folder under `data`",
        ),
    }
}

fn space(root: &Path, spool: Size) -> Option<Check> {
    let what = "free space";
    let space = statvfs(existing(root)).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let found = format!("{} MiB", free >> 20);
    Some(if free < LEAST_FREE {
        Check::failed(what, found, "make room: without space nothing can be sealed, and nothing is taken")
    } else if free < spool.bytes().saturating_add(HISTORY_ROOM) {
        Check::warning(what, found, format!("make room: the spool alone may take {spool} (`spool.most`)"))
    } else {
        Check::ok(what, found)
    })
}

/// A database that was written later than now: the clock went back.
fn future(folder: &DataFolder, now: i64) -> Option<Check> {
    let written = fs::metadata(folder.database()).and_then(|database| database.modified()).ok()?;
    let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(now).unwrap_or(0));
    (written > now + CLOCK_SLACK).then(|| {
        Check::warning(
            "clock",
            "the store was written in what is now the future",
            "set the clock, by NTP: it has gone back since",
        )
    })
}

/// Who has a lock on the file, by what the kernel says. Trying to take it could keep a service from its
/// start in that moment.
fn holder(lock: &Path) -> Option<String> {
    let inode = fs::metadata(lock).ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`
    let process = locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, process, file) = (words.next()?, words.nth(2)?, words.next()?);
        (kind == "FLOCK" && file.rsplit(':').next() == Some(&inode)).then(|| process.to_owned())
    })?;
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("process {process} {}", name.trim()).trim_end().to_owned())
}

fn store(folder: &DataFolder, address: &StoreAddress) -> Check {
    let what = "store";
    let to_do = match address {
        StoreAddress::Embedded => "mend the file, or restore it from a backup",
        StoreAddress::Postgres(_) => {
            "start the database, and look at `store`, PGPASSFILE and its pg_hba.conf"
        }
    };
    let opened = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(open(folder, address)));
    match opened {
        Ok(found) => Check::ok(what, found),
        Err(error) => Check::failed(what, error, to_do),
    }
}

async fn open(folder: &DataFolder, address: &StoreAddress) -> Result<String, String> {
    match address {
        StoreAddress::Embedded if !folder.database().exists() => {
            Ok("embedded, made at the first start".to_owned())
        }
        StoreAddress::Embedded => {
            let store = Store::open_read_only(folder.root()).await.map_err(|error| error.to_string())?;
            let account = store.account().await.map_err(|error| error.to_string())?;
            store.close().await;
            Ok(format!("embedded, {} records accounted for", account.received))
        }
        StoreAddress::Postgres(address) => {
            let connecting = tokio::time::timeout(STORE_WAIT, PgConnection::connect(address));
            let connected = connecting.await.map_err(|_| "PostgreSQL does not answer".to_owned())?;
            let connection = connected.map_err(|error| format!("PostgreSQL refused: {error}"))?;
            // It was only looked at; how the goodbye ends is no matter.
            let _ = connection.close().await;
            Ok("PostgreSQL answers".to_owned())
        }
    }
}

fn has_password(address: &str) -> bool {
    let authority = address.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || address.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_seen_and_a_port_is_none() {
        assert!(has_password("postgres://u:p@host/db"));
        assert!(has_password("postgres://host/db?password=p"));
        assert!(!has_password("postgres://u@host:5432/db"));
        assert!(!has_password("postgres://host:5432/db"));
    }

    #[test]
    fn who_holds_the_lock_is_told_without_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("keyward.lock");
        assert_eq!(holder(&lock), None);
        let held = DataFolder::new(folder.path()).lock().unwrap();
        let told = holder(&lock).unwrap();
        assert!(told.starts_with(&format!("process {}", std::process::id())), "{told}");
        drop(held);
        assert_eq!(holder(&lock), None);
    }
}
