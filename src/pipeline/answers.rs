//! Which requests of a chunk the join step would merge into a response of the same chunk.
//!
//! In: the responses of a chunk and its requests, each with its place in reading order and its time.
//! Out: requests that need not be normalized. What is not certain is left to [`super::join`]; its rule,
//! [`is_given_up`], is the only one.

use std::collections::HashMap;

/// How long, in event time, a Vault request waits for its response before it stands alone, in
/// microseconds: a minute, more than Vault lets a request take by default.
pub(super) const PATIENCE_MICROS: i64 = 60_000_000;

/// Responses looked through between a request and its own, which nearly always is among the next few.
const MOST_LOOKS: usize = 1024;

/// Whether a request that still waits when its partition shows a response of the time `now` is given up.
/// Its own response is one of those: one that comes later than this is an event of its own.
pub(super) const fn is_given_up(asked: i64, now: i64) -> bool {
    now.saturating_sub(asked) > PATIENCE_MICROS
}

/// How far the partitions of a source may be apart, in microseconds of event time: a day. After an outage one
/// is read hours ahead of another. Where the partition of a request has ended, as a rotated file does, this is
/// how long the request waits.
const PARTITIONS_APART: i64 = 24 * 60 * 60 * 1_000_000;

/// Whether a request that still waits is given up when another partition of its source shows a response of the
/// time `now`.
pub(super) const fn is_given_up_by_another(asked: i64, now: i64) -> bool {
    now.saturating_sub(asked) > PARTITIONS_APART
}

/// The responses of one chunk, and what is decided of its requests.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Places in reading order and times.
    responses: Vec<(usize, i64)>,
    /// The places of the responses of each id.
    places: HashMap<String, Vec<usize>>,
    /// Whether all requests of an id are certain to be merged.
    merged: HashMap<String, bool>,
    sorted: bool,
}

impl Answers {
    /// Notes an event of a response.
    pub(super) fn add(&mut self, id: &str, place: usize, time: i64) {
        self.responses.push((place, time));
        self.places.entry(id.to_owned()).or_default().push(place);
    }

    /// Notes a request, after all responses. If one of several of an id waits, none may be left out: the
    /// join step would know another one.
    pub(super) fn ask(&mut self, id: &str, place: usize, time: i64) {
        if !self.sorted {
            self.responses.sort_unstable();
            self.sorted = true;
        }
        let answered = self.is_answered(id, place, time);
        let merged = self.merged.entry(id.to_owned()).or_insert(true);
        *merged &= answered;
    }

    /// Whether the requests of this id are merged.
    pub(super) fn merge(&self, id: &str) -> bool {
        self.merged.get(id).copied().unwrap_or(false)
    }

    fn is_answered(&self, id: &str, place: usize, time: i64) -> bool {
        let Some(places) = self.places.get(id) else { return false };
        if places.iter().any(|answer| *answer < place) {
            return true;
        }
        let Some(answer) = places.iter().min() else { return false };
        let first = self.responses.partition_point(|(other, _)| *other < place);
        let between = self.responses.iter().skip(first).take_while(|(other, _)| other <= answer);
        let mut looked = 0;
        between.take(MOST_LOOKS + 1).all(|(_, now)| {
            looked += 1;
            looked <= MOST_LOOKS && !is_given_up(time, *now)
        })
    }
}
