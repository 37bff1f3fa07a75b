//! How large the proofs of the service are: seconds each by default, hours where that is asked for.
//!
//! `make crash` runs them large. One by one:
//!
//! | variable | default | large | meaning |
//! |---|---|---|---|
//! | `KEYWARD_CRASH_EVENTS` | 6000 | 2000000 | log lines that flow while the service is killed |
//! | `KEYWARD_CRASH_KILLS` | 10 | 300 | how often it is killed |
//! | `KEYWARD_CRASH_SECONDS` | 3 | 60 | how long the broker is gone; disk and store for half of it |
//! | `KEYWARD_CRASH_CONNECTIONS` | 1000 | 10000 | idle connections of hostile clients, to each listener |
//! | `KEYWARD_CRASH_HISTORY` | 100000 | 50000000 | events of history that it starts over |
//! | `KEYWARD_CRASH_SEED` | 1 | | another one kills elsewhere |
//! | `KEYWARD_CRASH_PROGRAM` | the one built with the tests | the release build | what is run |

use std::path::PathBuf;
use std::time::Duration;

fn number(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

/// Log lines that flow.
pub fn events() -> usize {
    number("KEYWARD_CRASH_EVENTS", 6_000) as usize
}

/// How often the service is killed.
pub fn kills() -> usize {
    number("KEYWARD_CRASH_KILLS", 10) as usize
}

/// How long something is gone.
pub fn outage() -> Duration {
    Duration::from_secs(number("KEYWARD_CRASH_SECONDS", 3))
}

/// Idle connections of hostile clients.
pub fn connections() -> usize {
    number("KEYWARD_CRASH_CONNECTIONS", 1_000) as usize
}

/// Events of history.
pub fn history() -> usize {
    number("KEYWARD_CRASH_HISTORY", 100_000) as usize
}

/// Whether the large form is asked for, on a machine with time to spare.
pub fn is_large() -> bool {
    std::env::var_os("KEYWARD_CRASH_HISTORY").is_some()
}

/// What random decisions follow from.
pub fn seed() -> u64 {
    number("KEYWARD_CRASH_SEED", 1)
}

/// The program under test.
pub fn program() -> PathBuf {
    std::env::var_os("KEYWARD_CRASH_PROGRAM")
        .map_or_else(|| env!("CARGO_BIN_EXE_keyward").into(), PathBuf::from)
}
