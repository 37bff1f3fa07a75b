//! SIGTERM while it works: nothing is lost, and it ends well and in time.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward::store::Store;

use super::stream::Stream;
use super::{PATIENCE, Site, Tells, size};
use crate::made;
use crate::services::kafka::Broker;

/// `stop_within` of the configuration, and a little for a busy machine to end the process.
const STOPS_WITHIN: Duration = Duration::from_secs(25 + 10);

#[test]
fn told_to_stop_again_and_again_under_load_it_ends_well_in_time_and_loses_nothing() {
    let Some(broker) = Broker::start() else { return };
    let stream = Stream::new(&broker, "stop", size::events());
    let site = Site::new(&stream.sources(&broker));
    stream.write_files(&site.keyward);
    let stops = 3;
    std::thread::scope(|scope| {
        scope.spawn(|| stream.flow(&broker.address));
        let _held = stream.held();
        stream.begin(&site, || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap());
        for _ in 0..stops {
            let mut service = site.start();
            service.ready();
            stream.allow(size::events() / (stops + 1));
            std::thread::sleep(Duration::from_millis(500));
            let told = Instant::now();
            service.stop();
            assert!(told.elapsed() < STOPS_WITHIN, "{:?}", told.elapsed());
        }
        stream.allow_all();
    });
    let mut service = site.start();
    let open = || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap();
    stream.conclude(&site, &mut service, open);
}

#[test]
fn whatever_was_answered_before_and_during_a_stop_is_in_history() {
    let site = Site::new("[{ name: logs, http: { token: token } }]");
    std::fs::write(site.keyward.path("token"), "a token of some length\n").unwrap();
    let mut service = site.start();
    service.ready();
    let address = service.address();
    let (stored, over) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = Tells(&over);
        for client in 0..4 {
            let (address, stored, over) = (&address, &stored, &over);
            scope.spawn(move || {
                for number in (client * 1_000_000..).take_while(|_| !over.load(Ordering::Relaxed)) {
                    if post(address, &made::decrypt(number).to_string()) == Some(200) {
                        let id = made::decrypt(number)["eventID"].as_str().unwrap().to_owned();
                        stored.lock().unwrap().insert(id);
                    }
                }
            });
        }
        let began = Instant::now();
        while stored.lock().unwrap().len() < 500 {
            assert!(began.elapsed() < PATIENCE, "{}", service.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        let told = Instant::now();
        service.stop();
        assert!(told.elapsed() < STOPS_WITHIN, "{:?}", told.elapsed());
    });
    let rows = site.ask("data", "SELECT event_id AS id FROM events");
    let kept: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept.len(), rows.len(), "an event is there twice");
    let lost: Vec<_> = stored.into_inner().unwrap().difference(&kept).cloned().collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
}

/// Posts one record, and says what was answered, if anything.
fn post(address: &str, record: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head = format!(
        "POST /api/v1/ingest/logs HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\
         Authorization: Bearer a token of some length\r\nContent-Length: {}\r\n\r\n",
        record.len()
    );
    stream.write_all((head + record).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn told_to_stop_while_it_starts_or_stands_by_it_ends_well() {
    let site = Site::new("[{ name: logs, follow: { paths: [logs] } }]");
    std::fs::create_dir(site.keyward.path("logs")).unwrap();
    // At its first word it can be told, and whatever it is doing then, it is not forgotten.
    for pause in [0, 50, 200, 500] {
        let mut service = site.start();
        service.says("listening");
        std::thread::sleep(Duration::from_millis(pause));
        service.stop();
    }
    let mut works = site.start();
    works.ready();
    let mut stands_by = site.start();
    stands_by.says("listening");
    let address = stands_by.address();
    super::until(PATIENCE, || super::ask(&address, "/readyz").contains("standing by"), || stands_by.log());
    stands_by.stop();
    works.stop();
}
