//! Weeks of key use with the rhythm of days and weeks, holidays, growth, deployments and batch jobs, and
//! anomalies in it that are known: what `keyward bench --anomaly` measures the detectors with memory by.
//!
//! In: a seed, and how many keys and days. Out: the events hour by hour, and where the anomalies lie.
//! Events instead of log lines: the detectors are measured here, not the normalizers.

pub mod anomaly;
pub mod calendar;
pub mod profile;

use std::fmt::Write as _;

use super::random::Random;
use crate::domain::event::{CallerKind, Category, CredentialKind, KeyEvent, Outcome, Provider};
use crate::domain::function::Function;
use crate::table::build::{Origin, TableBuilder};
use anomaly::{Anomaly, Kind};
use calendar::{HOUR, HOURS_A_DAY, Hour};
use profile::{ACCOUNT, Profile, REGION, Shape, role};

/// The first hour: 2026-09-07T00:00:00Z, a Monday.
pub const START: i64 = 1_788_739_200_000_000;

/// Days on which nobody works, counted from the first.
const HOLIDAYS: [u32; 3] = [16, 39, 52];

/// How long a burst takes.
const BURST: i64 = HOUR / 6;

/// Hours' worth of calls in a burst.
const BURST_HOURS: f64 = 4.0;

/// Of a hundred calls of a key whose use fails, how many do.
const FAILING: u64 = 60;

/// Of a thousand calls of any key, how many fail.
const FAILING_ANYWAY: u64 = 4;

/// Calls of a new caller or for a new function, at least; up to as many again.
const CALLS_OF_THE_NEW: u64 = 5;

/// How long before the log the forgotten keys were last used: 100 days.
const LONG_AGO: i64 = 100 * HOURS_A_DAY as i64 * HOUR;

/// Calls with each forgotten key then.
const CALLS_LONG_AGO: usize = 5;

/// How large a log to make.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub seed: u64,
    pub keys: usize,
    pub days: u32,
    /// Anomalies of each kind; fewer where the log has no room for them.
    pub each: usize,
}

/// The log.
#[derive(Debug)]
pub struct Rhythm {
    profiles: Vec<Profile>,
    anomalies: Vec<Anomaly>,
    hours: u32,
    next: u32,
    random: Random,
    events: u64,
}

/// One call in the making.
#[derive(Debug, Clone, Copy)]
struct Call {
    at: i64,
    key: usize,
    caller: Who,
    what: What,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Who {
    /// One of the key's own callers.
    Known(usize),
    New,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Decrypt,
    /// What a key for data has not been used for before.
    ReEncrypt,
}

impl Rhythm {
    /// The log of these options.
    pub fn new(options: Options) -> Self {
        let mut random = Random::new(options.seed);
        let profiles: Vec<_> =
            (0..options.keys).map(|number| Profile::new(number, options.days, &mut random)).collect();
        let hour = |number| Hour::new(START, number, &HOLIDAYS);
        let anomalies = anomaly::place(options.each, &profiles, &hour, options.days, &mut random);
        Self { profiles, anomalies, hours: options.days * HOURS_A_DAY, next: 0, random, events: 0 }
    }

    /// What must be found, by its begin.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// The canonical name of the key at this place.
    pub fn key(&self, place: usize) -> Option<&str> {
        self.profiles.get(place).map(|profile| profile.key.as_str())
    }

    /// How many keys are used.
    pub fn keys(&self) -> usize {
        self.profiles.len()
    }

    /// A catalog that declares two of three keys, for whoever calls: what is judged here is memory, not the
    /// declaration.
    pub fn catalog_yaml(&self) -> String {
        let mut yaml = String::from("version: 1\nkeys:\n");
        for (number, profile) in self.profiles.iter().enumerate().filter(|(_, profile)| profile.is_declared) {
            // Writing into a String cannot fail.
            let _ = writeln!(
                yaml,
                "  - {{ id: rhythm-{number}, keys: [\"{}\"], purpose: data-encryption, use: use-{number} }}",
                profile.key
            );
        }
        yaml
    }

    /// Appends the events of the next hour, in order of time; whether there was one.
    pub fn live_an_hour(&mut self, table: &mut TableBuilder) -> bool {
        let Some(calls) = self.next_hour() else { return false };
        for call in &calls {
            self.append(call, table);
        }
        true
    }

    /// The calls of the next hour, in order of time.
    fn next_hour(&mut self) -> Option<Vec<Call>> {
        if self.next >= self.hours {
            return None;
        }
        let hour = Hour::new(START, self.next, &HOLIDAYS);
        let mut calls = if self.next == 0 { self.long_ago() } else { Vec::new() };
        for key in 0..self.profiles.len() {
            self.calls(key, hour, &mut calls);
        }
        calls.sort_by_key(|call| (call.at, call.key));
        self.next += 1;
        Some(calls)
    }

    /// The last uses of the forgotten keys.
    fn long_ago(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        for (key, profile) in self.profiles.iter().enumerate() {
            for _ in 0..if profile.shape == Shape::Forgotten { CALLS_LONG_AGO } else { 0 } {
                let begin = START - LONG_AGO;
                calls.push(Call::known(key, profile, begin, HOUR, Outcome::Success, &mut self.random));
            }
        }
        calls
    }

    /// The calls of one key in one hour.
    fn calls(&mut self, key: usize, hour: Hour, calls: &mut Vec<Call>) {
        let Some(profile) = self.profiles.get(key) else { return };
        let wrong = self
            .anomalies
            .iter()
            .find(|anomaly| anomaly.key == key && anomaly.covers(hour))
            .map(|at| at.kind);
        let random = &mut self.random;
        let count = profile.calls(hour, wrong.map_or(1.0, Kind::times), random);
        let failing = if wrong == Some(Kind::Failures) { FAILING * 10 } else { FAILING_ANYWAY };
        for _ in 0..count {
            let outcome = if random.chance(failing, 1_000) { Outcome::Refused } else { Outcome::Success };
            calls.push(Call::known(key, profile, hour.begin, HOUR, outcome, random));
        }
        let (more, within) = match wrong {
            Some(Kind::Burst) => (profile.calls(hour, BURST_HOURS, random), BURST),
            Some(Kind::Night | Kind::Weekend) => (profile.calls(hour.at_work(), 1.0, random), HOUR),
            Some(Kind::Waking) => (CALLS_OF_THE_NEW + random.below(CALLS_OF_THE_NEW), HOUR),
            _ => (0, HOUR),
        };
        for _ in 0..more {
            calls.push(Call::known(key, profile, hour.begin, within, Outcome::Success, random));
        }
        if let Some(Kind::Caller | Kind::Function) = wrong {
            for _ in 0..CALLS_OF_THE_NEW + random.below(CALLS_OF_THE_NEW) {
                let call = Call::known(key, profile, hour.begin, HOUR, Outcome::Success, random);
                calls.push(match wrong {
                    Some(Kind::Caller) => Call { caller: Who::New, ..call },
                    _ => Call { what: What::ReEncrypt, ..call },
                });
            }
        }
    }

    fn append(&mut self, call: &Call, table: &mut TableBuilder) {
        let Some(profile) = self.profiles.get(call.key) else { return };
        self.events += 1;
        let event_id = format!("rhythm-{}", self.events);
        let stranger;
        let principal = match call.caller {
            Who::Known(place) => profile.callers.get(place).map(String::as_str),
            Who::New => {
                stranger = role(&format!("stranger-{}", call.key));
                Some(stranger.as_str())
            }
        };
        let (action, function) = match call.what {
            What::Decrypt => ("Decrypt", Function::Decrypt),
            What::ReEncrypt => ("ReEncrypt", Function::ReencryptFrom),
        };
        let event = KeyEvent {
            event_id: &event_id,
            event_time: call.at,
            provider: Some(Provider::Aws),
            service: Some("kms"),
            action: Some(action),
            category: Some(Category::Use),
            function: Some(function),
            outcome: Some(call.outcome),
            error_code: (call.outcome == Outcome::Refused).then_some("InvalidCiphertextException"),
            key_id: Some(&profile.key),
            key_account: Some(ACCOUNT),
            key_region: Some(REGION),
            principal,
            principal_type: Some("AssumedRole"),
            principal_account: Some(ACCOUNT),
            caller_kind: Some(CallerKind::Workload),
            credential_kind: Some(CredentialKind::Temporary),
            via: Some("direct"),
            account: Some(ACCOUNT),
            region: Some(REGION),
            source_ip: Some("10.20.30.40"),
            user_agent: Some("aws-sdk-rust/1.8"),
            tls_version: Some("TLSv1.3"),
            ..KeyEvent::default()
        };
        let origin =
            Origin { source: "rhythm", device: None, position: self.events as i64, ingested_at: call.at };
        table.push(&event, origin);
    }
}

impl Call {
    /// A call of the usual kind, some time within `within` microseconds after `begin`.
    fn known(
        key: usize,
        profile: &Profile,
        begin: i64,
        within: i64,
        outcome: Outcome,
        random: &mut Random,
    ) -> Self {
        // The first caller makes half of the calls, the next half of the rest.
        let mut caller = 0;
        while caller + 1 < profile.callers.len() && random.chance(1, 2) {
            caller += 1;
        }
        // CloudTrail has whole seconds.
        let at = begin + random.below((within / SECOND) as u64) as i64 * SECOND;
        Self { at, key, caller: Who::Known(caller), what: What::Decrypt, outcome }
    }
}

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
