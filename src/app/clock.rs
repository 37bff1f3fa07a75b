//! The one place that asks what time it is; everything else takes time as an argument.

/// Now, in microseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
pub fn now_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
