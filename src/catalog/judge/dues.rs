//! Until when something holds: the key's rotation, its review, the exceptions that lifted aspects.
//!
//! In: a declaration, and what was seen of the key. Out: times, as the judge's columns hold them.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};

use super::super::document::declaration::Declaration;
use super::super::document::scalars::Interval;
use super::super::exceptions::Exception;

/// When the key is to be rotated: the declared period after its last rotation, be it declared or seen. Nothing
/// where no period is declared, or no rotation is known.
pub fn rotation(of: &Declaration, seen: impl FnOnce() -> Option<i64>) -> Option<i64> {
    let every = of.rotate_every?;
    let declared = of.rotated.as_ref().map(|rotated| rotated.0);
    Some(after(declared.max(seen())?, every))
}

/// When the declaration is to be reviewed again.
pub fn review(of: &Declaration) -> Option<i64> {
    let every = of.review_every?;
    let last = of.reviews.iter().flatten().map(|review| review.on.0).max()?;
    Some(after(last, every))
}

/// When the first of these exceptions ends.
pub fn exceptions(all: &[Exception], used: &[usize]) -> Option<i64> {
    used.iter().filter_map(|place| all.get(*place)).map(|exception| exception.until).min()
}

fn after(time: i64, every: Interval) -> i64 {
    time.saturating_add(every.0.saturating_mul(1_000_000))
}

/// A column of `rows` times; most often there are none, and they need not be looked at.
pub fn column(has_any: bool, rows: usize, times: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let times = match has_any {
        true => times.collect::<TimestampMicrosecondArray>(),
        false => TimestampMicrosecondArray::new_null(rows),
    };
    Arc::new(times.with_timezone("UTC"))
}
