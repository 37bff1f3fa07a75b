use std::io::Write;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::domain::identity;
use crate::domain::time::format_rfc3339;
use crate::history::{OpenSet, Uid};
use crate::metrics::Account;
use crate::pipeline::prepare::Preparer;
use crate::source::{Input, Limits, Reader};
use crate::table::columns::Column;
use crate::table::rows::Rows;

const START: i64 = 1_772_442_000_000_000;
const SECOND: i64 = 1_000_000;

/// One entry of an audit log: half of a call.
#[derive(Debug, Clone, Copy)]
struct Half {
    response: bool,
    call: u8,
    /// Seconds since the entry before it.
    later: i64,
}

fn halves() -> impl Strategy<Value = Vec<Half>> {
    let later = prop_oneof![6 => Just(0), 6 => 1..20_i64, 2 => 55..66_i64, 1 => -30..0_i64];
    let half = (any::<bool>(), 0..6_u8, later);
    prop::collection::vec(half.prop_map(|(response, call, later)| Half { response, call, later }), 1..40)
}

fn lines(halves: &[Half]) -> Vec<String> {
    let mut now = START;
    let line = |half: &Half| {
        now += half.later * SECOND;
        let (kind, answer) = match half.response {
            true => ("response", r#","response":{"data":{"ciphertext":"hmac-sha256:2e"}}"#),
            false => ("request", ""),
        };
        format!(
            r#"{{"time":"{}","type":"{kind}","auth":{{"client_token":"hmac-sha256:e3","display_name":"approle"}},"request":{{"id":"call-{}","operation":"update","mount_type":"transit","mount_point":"transit/","path":"transit/encrypt/k","namespace":{{"id":"root"}}}}{answer}}}"#,
            format_rfc3339(now),
            half.call,
        )
    };
    halves.iter().map(line).collect()
}

/// What a log came to, in an order that does not depend on batches.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Id, time, outcome, whether it conflicts.
    events: Vec<(String, i64, String, bool)>,
    account: Account,
}

#[derive(Default)]
struct Run {
    memory: Memory,
    preparer: Preparer,
    traces: Traces,
    events: Vec<(String, i64, String, bool)>,
    account: Account,
}

impl Run {
    fn read(&mut self, lines: &[String], records_a_chunk: usize) {
        let limits = Limits { chunk_records: records_a_chunk, ..Limits::default() };
        let input = Input::stream("audit.log", std::io::Cursor::new(lines.join("\n").into_bytes()));
        let mut reader = Reader::new(vec![input], limits);
        while let Some(chunk) = reader.next_chunk(Vec::new()).unwrap() {
            let prepared = self.preparer.prepare(&chunk, 0).unwrap();
            self.account.add(&prepared.account);
            let remembered = self.memory.batch(prepared.built).unwrap();
            self.take(remembered);
        }
    }

    fn take(&mut self, remembered: Remembered) {
        let Remembered { joined, traces, .. } = remembered;
        joined.count(&mut self.account);
        assert_eq!(traces.uids.len(), joined.batch.num_rows());
        self.traces.add(traces);
        let rows = Rows::of(&joined.batch);
        self.events.extend((0..rows.len()).map(|row| {
            let text = |column| rows.text(column, row).unwrap().to_owned();
            let time = rows.time(Column::EventTime, row).unwrap();
            (text(Column::EventId), time, text(Column::Outcome), rows.flag(Column::Conflicts, row).unwrap())
        }));
    }

    /// As after a kill behind a seal.
    fn restart(&mut self) {
        let open = self.memory.open_requests().unwrap();
        self.memory = Memory::of(self.traces.clone(), open).unwrap();
    }

    fn finish(mut self) -> Outcome {
        if let Some(remembered) = self.memory.finish().unwrap() {
            self.take(remembered);
        }
        self.events.sort();
        assert!(self.account.adds_up(), "{:?}", self.account);
        Outcome { events: self.events, account: self.account }
    }
}

fn in_one(halves: &[Half]) -> Outcome {
    let mut run = Run::default();
    run.read(&lines(halves), usize::MAX);
    run.finish()
}

proptest! {
    #[test]
    fn what_a_log_comes_to_does_not_depend_on_how_it_is_cut(halves in halves(), records in 1..12_usize) {
        let mut run = Run::default();
        run.read(&lines(&halves), records);
        prop_assert_eq!(run.finish(), in_one(&halves));
    }

    #[test]
    fn what_a_log_comes_to_does_not_depend_on_restarts(
        halves in halves(),
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        let lines = lines(&halves);
        let mut cuts = [first.index(lines.len()), second.index(lines.len())];
        cuts.sort_unstable();
        let mut run = Run::default();
        for part in [&lines[..cuts[0]], &lines[cuts[0]..cuts[1]], &lines[cuts[1]..]] {
            run.read(part, 5);
            run.restart();
        }
        prop_assert_eq!(run.finish(), in_one(&halves));
    }
}

fn half(response: bool, call: u8, later: i64) -> Half {
    Half { response, call, later }
}

fn outcomes(halves: &[Half]) -> Vec<(String, String)> {
    in_one(halves).events.into_iter().map(|(id, _, outcome, _)| (id, outcome)).collect()
}

#[test]
fn a_response_takes_its_request_within_a_minute_and_not_after_it() {
    let call = |outcome: &str| ("call-0".to_owned(), outcome.to_owned());
    assert_eq!(outcomes(&[half(false, 0, 0), half(true, 0, 60)]), [call("success")]);
    assert_eq!(outcomes(&[half(false, 0, 0), half(true, 0, 61)]), [call("unknown"), call("success")]);
}

#[test]
fn aliases_are_known_after_a_restart() {
    let fact = |at, key: &str| crate::table::build::LearntAlias {
        at,
        alias: "alias/a".to_owned(),
        key: Some(key.to_owned()),
    };
    let traces = Traces { aliases: vec![fact(20, "new"), fact(10, "old")], ..Traces::default() };
    let memory = Memory::of(traces, Vec::new()).unwrap();
    assert_eq!(memory.aliases.key_of("alias/a", 15), Some("old"));
    assert_eq!(memory.aliases.key_of("alias/a", 25), Some("new"));
}

/// Run by hand, optimized: `cargo test --release --lib measures -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn measures_how_long_a_full_horizon_takes_to_restore() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).await.unwrap();
    for part in 0..40_u64 {
        let uid = |number: u64| Uid { uid: identity::uid(&[&number.to_le_bytes()]), content: Some(number) };
        let uids = (part * 100_000..(part + 1) * 100_000).map(uid).collect();
        let mut set = OpenSet::default();
        set.remember(Traces { uids, ..Traces::default() });
        set.write(&store, part as i64).unwrap().commit(&store).await.unwrap();
    }
    let started = Instant::now();
    let traces = Traces::read(&store, DUPLICATE_HORIZON).await.unwrap();
    let read = started.elapsed();
    let known = traces.uids.len();
    let memory = Memory::of(traces, Vec::new()).unwrap();
    let told = format!("{known} uids: read in {read:?}, restored in {:?}\n", started.elapsed());
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    drop(memory);
}
