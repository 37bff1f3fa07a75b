//! When a failed delivery is tried again, and when it is given up.

use std::time::Duration;

use crate::config::Retry;

/// Attempts at a receiver that says no for good: enough for a deployment in progress, and soon told.
const ATTEMPTS_AT_NO: i64 = 5;

/// A receiver may ask for this much patience at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For people; without the address, which may be a secret.
    pub why: String,
    /// Whether trying again is of little use.
    pub for_good: bool,
    /// How long the receiver asked to wait.
    pub pause: Option<Duration>,
}

/// What becomes of a delivery after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    /// When to try again, microseconds since the epoch; nothing where it is given up.
    pub at: Option<i64>,
    pub why: String,
}

/// After so many attempts, of which the first was at `first`.
pub(super) fn next(retry: &Retry, attempts: i64, first: i64, now: i64, failure: Failure) -> Next {
    let why = failure.why;
    if failure.for_good && attempts >= ATTEMPTS_AT_NO {
        return Next { at: None, why: format!("given up after {attempts} attempts: {why}") };
    }
    if now.saturating_sub(first) >= retry.give_up_after.microseconds() {
        return Next { at: None, why: format!("given up after {}: {why}", retry.give_up_after) };
    }
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 2_i64.checked_pow(doublings).unwrap_or(i64::MAX);
    let wait = retry.first.microseconds().saturating_mul(factor).min(retry.longest.microseconds());
    let pause = failure.pause.map_or(0, |pause| pause.min(LONGEST_PAUSE).as_micros() as i64);
    Next { at: Some(now.saturating_add(wait.max(pause))), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn failure(for_good: bool, pause: Option<u64>) -> Failure {
        Failure { why: "HTTP 500".to_owned(), for_good, pause: pause.map(Duration::from_secs) }
    }

    fn wait(attempts: i64, failure: Failure) -> Option<i64> {
        next(&Retry::default(), attempts, 0, 100 * SECOND, failure).at.map(|at| at - 100 * SECOND)
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<_> =
            [1, 2, 3, 7, 8, 9, i64::MAX].map(|attempts| wait(attempts, failure(false, None))).into();
        let seconds = [SECOND / 2, SECOND, 2 * SECOND, 32 * SECOND, 60 * SECOND, 60 * SECOND, 60 * SECOND];
        assert_eq!(waits, seconds.map(Some));
    }

    #[test]
    fn a_receiver_may_ask_for_patience_but_not_for_ever() {
        assert_eq!(wait(1, failure(false, Some(7))), Some(7 * SECOND));
        assert_eq!(wait(9, failure(false, Some(7))), Some(60 * SECOND));
        assert_eq!(wait(1, failure(false, Some(u64::MAX))), Some(3_600 * SECOND));
    }

    #[test]
    fn what_is_refused_for_good_or_for_long_is_given_up_and_says_why() {
        assert!(wait(4, failure(true, None)).is_some());
        let given_up = next(&Retry::default(), 5, 0, SECOND, failure(true, None));
        assert_eq!(given_up, Next { at: None, why: "given up after 5 attempts: HTTP 500".to_owned() });
        let after = Retry::default().give_up_after.microseconds();
        assert!(next(&Retry::default(), 900, 5, after + 4, failure(false, None)).at.is_some());
        assert!(next(&Retry::default(), 900, 5, after + 5, failure(false, None)).at.is_none());
    }
}
