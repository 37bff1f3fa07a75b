//! Spans of time in words.

const SECOND: i64 = 1_000_000;

/// Units, the longest first, each in seconds.
const UNITS: [(i64, &str); 5] =
    [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// A span of microseconds in the largest unit that has no remainder: `10 minutes`, `1 day`.
pub fn in_words(micros: i64) -> String {
    let seconds = micros / SECOND;
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length && seconds % length == 0);
    let (length, name) = unit.copied().unwrap_or((1, "second"));
    let count = seconds / length;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// A span of microseconds, roughly: two units at most are told apart by one number.
pub fn about(micros: i64) -> String {
    let seconds = (micros / SECOND).max(0);
    let unit = UNITS.iter().find(|(length, _)| seconds >= 2 * length);
    let (length, name) = unit.copied().unwrap_or((1, "second"));
    format!("{} {name}s", seconds / length)
}
