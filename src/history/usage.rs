//! Who used which key how: a row for each key, caller, function, path, outcome and hour.
//!
//! In: the events of a set. Out: what they add, as rows of their own files, which stay when the events
//! themselves expire. Corrections say again what was counted, and are left out.

use arrow::array::{Array, RecordBatch};

use super::rollup::{Form, Memo, Rollup, Seen, texts, times};
use crate::domain::event::Outcome;

/// Microseconds in an hour.
const HOUR: i64 = 3_600_000_000;

/// The table `usage`.
pub(super) const FORM: Form = Form {
    words: &[
        ("key_id", false, "The key's canonical name."),
        ("principal", true, "Who called."),
        ("function", true, "What was done with the key, in KMIP usage-mask terms."),
        ("via", true, "direct, the AWS service that made the call for the caller, or unknown."),
        ("outcome", true, "What became of the calls."),
    ],
    time: Some(("hour", "The hour of event time that they fall into.")),
    counted: "How many events; corrections are left out.",
};

/// Adds the events of a batch.
pub(super) fn add(rollup: &mut Rollup, batch: &RecordBatch) {
    let [key, principal, function, via, outcome] =
        ["key_id", "principal", "function", "via", "outcome"].map(|name| rollup.column(batch, name));
    let corrects = texts(batch, "corrects");
    let mut memo = Memo::default();
    for (row, time) in times(batch, "event_time").unwrap_or_default().iter().enumerate() {
        let Some(place) = key.key(row) else { continue };
        if corrects.is_some_and(|corrects| corrects.is_valid(row)) {
            continue;
        }
        let words = [key.at(row), principal.at(row), function.at(row), via.at(row), outcome.at(row)];
        let hour = time.div_euclid(HOUR) * HOUR;
        rollup.add_of(&mut memo, place, (words, hour), Seen::once(*time));
    }
}

/// The key, the function and what was seen of each row of uses that did something.
pub(super) fn uses(usage: &Rollup) -> impl Iterator<Item = (&str, &str, Seen)> {
    let done = [Outcome::Success, Outcome::Partial].map(Outcome::as_str);
    usage.rows().filter_map(move |([key, _, function, _, outcome], seen)| {
        outcome.filter(|outcome| done.contains(outcome))?;
        Some((key?, function?, seen))
    })
}
