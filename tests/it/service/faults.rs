//! Everything that the service needs goes away for a while, one thing after the other, while records flow.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use keyward::store::Store;
use sqlx::{Connection, SqliteConnection};

use super::stream::Stream;
use super::{Site, size};
use crate::services::kafka::Broker;

/// How much room the data folder has: the large form keeps some hundred MiB.
const ROOM: &str = "size=2g";

#[test]
fn whatever_it_needs_goes_away_for_a_while_it_goes_on_afterwards_as_if_nothing_had_been() {
    let Some(mut broker) = Broker::start() else { return };
    let stream = Stream::new(&broker, "faults", size::events());
    let mut site = Site::new(&stream.sources(&broker));
    let disk = SmallDisk::at(&site.data());
    stream.write_files(&site.keyward);
    site.receiver.stop();
    let address = broker.address.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| stream.flow(&address));
        let _held = stream.held();
        let share = size::events() / 8;
        stream.begin(&site, || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap());
        let mut service = site.start();
        stream.allow(share);
        service.ready();
        for down in [Duration::ZERO, size::outage()] {
            if broker.restart(down) {
                stream.allow(share);
                service.ready();
            }
        }
        if let Some(disk) = &disk {
            let full = disk.fill();
            stream.allow(share);
            service.says_one_of(&["No space left", "disk is full"]);
            std::thread::sleep(size::outage().div_f32(2.0));
            drop(full);
        }
        stream.allow(share);
        lock(&site, || {
            stream.allow(share);
            service.says("database is locked");
            std::thread::sleep(size::outage().div_f32(2.0));
        });
        service.stop();
        stream.allow_all();
    });
    site.runtime.block_on(site.receiver.restart());
    let mut service = site.start();
    let open = || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap();
    stream.conclude(&site, &mut service, open);
    service.kill();
}

/// Holds the write lock of the embedded store, as somebody's backup might.
fn lock(site: &Site, meanwhile: impl FnOnce()) {
    site.runtime.block_on(async {
        let file = site.data().join("keyward.db");
        let mut other = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        sqlx::raw_sql("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        tokio::task::block_in_place(meanwhile);
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    });
}

/// A disk of its own for the data folder, that can be filled; nothing where we may not mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", ROOM, "tmpfs"]).arg(folder);
        if mount.output().is_ok_and(|ran| ran.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        let skipped = b"SKIPPED: the full disk: only root can mount one of its own\n";
        let _ = std::io::stderr().write_all(skipped);
        None
    }

    /// Leaves not one byte, until what is given back is dropped.
    fn fill(&self) -> Ballast {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        let block = vec![1; 1 << 20];
        let began = Instant::now();
        // The service writes too: full is when several attempts in a row get nothing in.
        let mut refused = 0;
        while refused < 20 {
            assert!(began.elapsed() < super::PATIENCE);
            let size = if refused == 0 { block.len() } else { 4096 };
            refused = if file.write_all(&block[..size]).is_err() { refused + 1 } else { 0 };
        }
        Ballast(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
