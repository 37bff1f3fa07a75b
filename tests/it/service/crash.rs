//! Killed again and again, at every step of a seal and at random times, while records flow from a real broker:
//! history, findings and alerts are those of one scan that nobody interrupted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use keyward::store::Store;

use super::death::{Death, Random};
use super::stream::Stream;
use super::{Service, Site, size};
use crate::services::kafka::Broker;

/// How long a step is waited for once it listens: with seals five times a second, each comes soon.
const REACHES: Duration = Duration::from_secs(8);

/// Deaths within this come while it starts; the others when it works, however slow the machine.
const EARLY: Duration = Duration::from_millis(400);

#[test]
fn killed_at_every_step_and_at_random_times_it_keeps_and_tells_what_one_scan_does() {
    let Some(broker) = Broker::start() else { return };
    let stream = Stream::new(&broker, "crash", size::events());
    let site = Site::new(&stream.sources(&broker));
    stream.write_files(&site.keyward);
    let mut deaths = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| stream.flow(&broker.address));
        let _held = stream.held();
        stream.begin(&site, || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap());
        let share = size::events() / (size::kills() + 1);
        let mut random = Random(size::seed());
        for number in 0..size::kills() {
            stream.allow(share);
            let death = Death::next(number, &mut random);
            let how = die(&mut site.start_to(&death), death);
            *deaths.entry(how).or_insert(0) += 1;
        }
        stream.allow_all();
    });
    told(&deaths);
    let mut service = site.start();
    let open = || site.runtime.block_on(Store::open_read_only(&site.data())).unwrap();
    stream.conclude(&site, &mut service, open);
    let at_steps: usize =
        deaths.iter().filter(|(how, _)| **how != AT_SOME_TIME).map(|(_, count)| count).sum();
    assert!(at_steps * 4 >= size::kills(), "most never got to their step: {deaths:#?}");
}

const AT_SOME_TIME: &str = "at some time";

/// Waits for a service to die at its step, or kills it; says where it was.
fn die(service: &mut Service, death: Death) -> &'static str {
    let (step, within) = match death {
        Death::After(within) => (AT_SOME_TIME, within),
        Death::At { step, .. } => (step, REACHES),
    };
    if within > EARLY {
        service.listens_or_ends();
    }
    match service.ended(within) {
        Some(ended) => {
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(ended.signal(), Some(9), "it ended by itself: {ended}\n{}", service.log());
            step
        }
        None => {
            service.kill();
            AT_SOME_TIME
        }
    }
}

/// How often it died where, for whoever reads the log of the tests.
fn told(deaths: &BTreeMap<&str, usize>) {
    let mut text = String::from("killed\n");
    for (how, count) in deaths {
        let _ = writeln!(text, "{count:5} {how}");
    }
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}
