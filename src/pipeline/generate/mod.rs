//! A made-up company's audit logs: what `keyward demo` watches, and what the benchmark reads.
//!
//! In: a seed and a start. Out: log lines in the order in which they would arrive, CloudTrail's minutes
//! late and some of them twice, and beside each line of a misuse what must come of it. Nothing here is
//! drawn: the same seed and start give the same bytes. Judging the lines is the pipeline's.

mod aws;
mod cast;
mod corpus;
mod misuse;
mod random;
pub mod rhythm;
mod routine;
mod vault;

use std::collections::BTreeMap;

pub use corpus::{CORPUS_KEYS, Corpus, corpus, corpus_catalog};

use crate::domain::event::Provider;
use crate::domain::verdict::{Aspect, Verdict};
use misuse::Misuse;
use random::Random;

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// Calls in a minute: this many, and up to as many again.
const CALLS_A_MINUTE: u64 = 30;

/// Minutes from one misuse to the next: one, and up to this many more. Sparse, as misuse is.
const MINUTES_BETWEEN_MISUSE: u64 = 8;

/// CloudTrail files a minute's records are spread over, each delivered when it is ready.
const FILES_A_MINUTE: usize = 3;

/// The longest that a CloudTrail file takes, in minutes: CloudTrail itself takes about five on average.
const DELIVERY_MINUTES: u64 = 6;

/// One CloudTrail record in this many is delivered a second time.
const DELIVERED_TWICE: u64 = 150;

/// One log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// One JSON object, without a newline.
    pub bytes: Vec<u8>,
    pub provider: Provider,
    /// When it reaches whoever collects it, in microseconds since the epoch; lines come in this order.
    pub arrives: i64,
    /// On a line that tells of misuse; of Vault's two entries on the response, of two deliveries on the
    /// first.
    pub label: Option<Label>,
}

/// What must come of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub event_id: String,
    /// The canonical name of the key that it is about; of a re-encryption's two, the source.
    pub key_id: Option<String>,
    /// What happened, in one sentence.
    pub story: &'static str,
    /// The verdict; nothing where the misuse is a change rather than a use.
    pub verdict: Option<Verdict>,
    /// Exactly the aspects that are violated.
    pub aspects: &'static [Aspect],
    /// Detections that must name the event; others may.
    pub detectors: &'static [&'static str],
}

/// One call at one of the two providers.
#[derive(Debug, Clone)]
enum Call {
    Aws(aws::Call),
    Vault(vault::Call),
}

impl From<aws::Call> for Call {
    fn from(call: aws::Call) -> Self {
        Self::Aws(call)
    }
}

impl From<vault::Call> for Call {
    fn from(call: vault::Call) -> Self {
        Self::Vault(call)
    }
}

/// The company, and its log from `start` on: an iterator that does not end.
#[derive(Debug, Clone)]
pub struct Company {
    random: Random,
    /// The next minute to be lived; whatever arrives before it is known.
    minute: i64,
    /// Lines on their way, by arrival and then by the order in which they were written.
    under_way: BTreeMap<(i64, u64), Line>,
    written: u64,
    /// Families of misuse still to come in this round; every round has each family once.
    ahead: Vec<&'static Misuse>,
    minutes_to_misuse: u64,
    /// When this minute's CloudTrail files arrive.
    files: [i64; FILES_A_MINUTE],
}

impl Company {
    /// A company that starts at `start_micros`, microseconds since the epoch.
    pub fn new(seed: u64, start_micros: i64) -> Self {
        Self {
            random: Random::new(seed),
            minute: start_micros,
            under_way: BTreeMap::new(),
            written: 0,
            ahead: Vec::new(),
            minutes_to_misuse: 1,
            files: [start_micros; FILES_A_MINUTE],
        }
    }

    /// The catalog that declares the company's keys: `deploy/example/catalog.yaml`.
    pub const fn catalog_yaml() -> &'static str {
        include_str!("../../../deploy/example/catalog.yaml")
    }

    /// How many families of misuse a round has.
    pub fn families() -> usize {
        Misuse::all().count()
    }

    fn live_a_minute(&mut self) {
        for file in &mut self.files {
            *file = self.minute + MINUTE * (1 + self.random.below(DELIVERY_MINUTES) as i64);
        }
        let count = CALLS_A_MINUTE + self.random.below(CALLS_A_MINUTE);
        let pace = MINUTE / count.max(1) as i64;
        for place in 0..count as i64 {
            let at = self.minute + place * pace + self.random.below(pace as u64) as i64;
            for call in routine::calls(&mut self.random, at) {
                self.write(&call, at, None);
            }
        }
        self.minutes_to_misuse -= 1;
        if self.minutes_to_misuse == 0 {
            self.minutes_to_misuse = 1 + self.random.below(MINUTES_BETWEEN_MISUSE);
            self.misuse_a_key();
        }
        self.minute += MINUTE;
    }

    fn misuse_a_key(&mut self) {
        if self.ahead.is_empty() {
            self.ahead.extend(Misuse::all());
            self.random.shuffle(&mut self.ahead);
        }
        if let Some(family) = self.ahead.pop() {
            let at = self.minute + self.random.below(MINUTE as u64) as i64;
            for call in (family.calls)(&mut self.random) {
                self.write(&call, at, Some(family));
            }
        }
    }

    fn write(&mut self, call: &Call, at: i64, family: Option<&Misuse>) {
        match call {
            Call::Aws(call) => self.write_record(call, at, family),
            Call::Vault(call) => self.write_entries(call, at, family),
        }
    }

    fn write_record(&mut self, call: &aws::Call, at: i64, family: Option<&Misuse>) {
        let (event_id, bytes) = call.write(at, &mut self.random);
        let label = family.map(|family| label(family, event_id, call.key_id()));
        let arrives = self.random.pick(&self.files).copied().unwrap_or(at);
        let line = Line { bytes, provider: Provider::Aws, arrives, label };
        if self.random.chance(1, DELIVERED_TWICE) {
            let again = arrives + MINUTE * (1 + self.random.below(DELIVERY_MINUTES) as i64);
            self.send(Line { arrives: again, label: None, ..line.clone() });
        }
        self.send(line);
    }

    fn write_entries(&mut self, call: &vault::Call, at: i64, family: Option<&Misuse>) {
        let (event_id, [request, response]) = call.write(at, &mut self.random);
        let label = family.map(|family| label(family, event_id, call.key));
        self.send(Line { bytes: request, provider: Provider::Vault, arrives: at, label: None });
        let arrives = at + vault::ANSWERS_AFTER;
        self.send(Line { bytes: response, provider: Provider::Vault, arrives, label });
    }

    fn send(&mut self, line: Line) {
        self.under_way.insert((line.arrives, self.written), line);
        self.written += 1;
    }
}

impl Iterator for Company {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(first) = self.under_way.first_entry()
                && first.key().0 < self.minute
            {
                return Some(first.remove());
            }
            self.live_a_minute();
        }
    }
}

fn label(family: &Misuse, event_id: String, key: Option<&str>) -> Label {
    Label {
        event_id,
        key_id: key.map(str::to_owned),
        story: family.story,
        verdict: family.verdict,
        aspects: family.aspects,
        detectors: family.detectors,
    }
}

#[cfg(test)]
mod tests;
