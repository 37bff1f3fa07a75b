//! The twelve kinds of anomaly that are put into the made-up log, and where they lie.

use super::super::random::Random;
use super::calendar::{HOUR, HOURS_A_DAY, Hour};
use super::profile::{Profile, Shape};
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What is wrong.
    pub enum Kind as "kind of anomaly" {
        /// Three times the calls, for some hours.
        Threefold = "surge x3",
        Fivefold = "surge x5",
        Tenfold = "surge x10",
        /// Ten minutes in which four hours' calls are made.
        Burst = "burst",
        /// Three times the calls, for three days.
        Plateau = "plateau x3",
        /// The calls of a working hour, at night.
        Night = "night work",
        /// The calls of a workday, on a Sunday.
        Weekend = "weekend work",
        /// A caller that the key has never had.
        Caller = "new caller",
        /// A function that the key has never been used for.
        Function = "new function",
        /// A forgotten key is used.
        Waking = "waking key",
        /// A busy key goes quiet.
        Silence = "silence",
        /// Most calls fail.
        Failures = "failures",
    }
}

impl Kind {
    /// Whether it is a volume of three times the key's own or more.
    pub const fn is_surge(self) -> bool {
        matches!(
            self,
            Self::Threefold
                | Self::Fivefold
                | Self::Tenfold
                | Self::Burst
                | Self::Plateau
                | Self::Night
                | Self::Weekend
        )
    }

    /// The detector that is there for it.
    pub const fn detector(self) -> &'static str {
        match self {
            Self::Caller => "KP-082",
            Self::Function => "KP-084",
            Self::Waking => "KP-085",
            Self::Silence => "KP-133",
            Self::Failures => "KP-093",
            _ => "KP-080",
        }
    }

    /// Times the calls that are to be expected.
    pub const fn times(self) -> f64 {
        match self {
            Self::Threefold | Self::Plateau => 3.0,
            Self::Fivefold => 5.0,
            Self::Tenfold => 10.0,
            Self::Silence => 0.0,
            _ => 1.0,
        }
    }

    /// How many hours it lasts.
    const fn hours(self) -> u32 {
        match self {
            Self::Threefold | Self::Fivefold | Self::Failures | Self::Night => 3,
            Self::Tenfold | Self::Burst | Self::Waking => 1,
            Self::Caller | Self::Function => 2,
            Self::Plateau => 72,
            Self::Weekend => 8,
            Self::Silence => 30,
        }
    }

    /// Whether after an anomaly of another kind, or its own, it would be nothing new.
    const fn happens_once(self, other: Self) -> bool {
        match self {
            Self::Waking => true,
            Self::Caller => matches!(other, Self::Caller),
            Self::Function => matches!(other, Self::Function),
            _ => false,
        }
    }

    /// Whether it can happen to such a key, beginning in such an hour.
    fn suits(self, profile: &Profile, hour: Hour) -> bool {
        let is_busy = matches!(profile.shape, Shape::Office | Shape::Shop | Shape::Steady);
        let in_use = is_busy && profile.expected(hour) >= LEAST_CALLS;
        match self {
            Self::Threefold | Self::Fivefold | Self::Tenfold | Self::Burst | Self::Failures => in_use,
            Self::Plateau | Self::Silence => in_use && profile.shape != Shape::Office,
            Self::Night => profile.shape == Shape::Office && hour.hour_of_day == 1,
            Self::Weekend => profile.shape == Shape::Office && hour.weekday == 6 && hour.hour_of_day == 9,
            Self::Caller => profile.shape != Shape::Forgotten,
            // Of a declared key the catalog says what it is for.
            Self::Function => profile.shape != Shape::Forgotten && !profile.is_declared,
            Self::Waking => profile.shape == Shape::Forgotten,
        }
    }
}

/// Below so many calls an hour three times as many are chance.
const LEAST_CALLS: f64 = 12.0;

/// Days at the beginning of the log without any, for learning.
pub const QUIET_DAYS: u32 = 28;

/// Days at its end without any, so that each can be found.
const LAST_DAYS: u32 = 4;

/// Days between two of one key.
const DAYS_APART: u32 = 5;

/// Tries to place one before it is given up: the log is too short for it.
const TRIES: u32 = 2_000;

/// One anomaly: what must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    pub kind: Kind,
    /// Place among the keys.
    pub key: usize,
    /// Microseconds since the epoch; `to` is not part of it.
    pub from: i64,
    pub to: i64,
}

impl Anomaly {
    /// Whether it goes on in this hour.
    pub const fn covers(&self, hour: Hour) -> bool {
        self.from <= hour.begin && hour.begin < self.to
    }
}

/// Puts `each` anomalies of every kind into a log of these keys, days and holidays.
pub fn place(
    each: usize,
    profiles: &[Profile],
    hour: &dyn Fn(u32) -> Hour,
    days: u32,
    random: &mut Random,
) -> Vec<Anomaly> {
    let mut placed: Vec<Anomaly> = Vec::new();
    let span = days.saturating_sub(QUIET_DAYS + LAST_DAYS);
    for kind in Kind::ALL.iter().copied().flat_map(|kind| std::iter::repeat_n(kind, each)) {
        for _ in 0..TRIES {
            let key = random.below(profiles.len() as u64) as usize;
            let number = QUIET_DAYS * HOURS_A_DAY + random.below(u64::from(span * HOURS_A_DAY)) as u32;
            let begins = hour(number);
            let suits = profiles.get(key).is_some_and(|profile| kind.suits(profile, begins));
            let apart = i64::from(DAYS_APART * HOURS_A_DAY) * HOUR;
            let is_near = |other: &Anomaly| {
                other.key == key
                    && (kind.happens_once(other.kind)
                        || begins.begin < other.to + apart && other.from < begins.begin + apart)
            };
            if suits && !placed.iter().any(is_near) {
                let to = begins.begin + i64::from(kind.hours()) * HOUR;
                placed.push(Anomaly { kind, key, from: begins.begin, to });
                break;
            }
        }
    }
    placed.sort_by_key(|anomaly| (anomaly.from, anomaly.key));
    placed
}
