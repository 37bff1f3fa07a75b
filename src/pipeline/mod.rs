//! The loop: source, normalize, table, join, judge, detect, history.
//!
//! [`prepare`] turns a chunk of records into a batch of events, by itself. [`join`] does what needs
//! neighbours, one batch after the other in the order they were read; [`memory`] keeps it over restarts. Everything after it works by
//! the batch again ([`rules`]), so several threads can share a [`scan`] and give what one thread gives.
//! [`service`] is the same path for sources that go on, with the commit rule.
//! [`generate`] makes records up where there are none: for the demo and the benchmark.

mod answers;
pub mod cells;
pub mod generate;
pub mod join;
pub mod lateness;
pub mod memory;
mod open;
pub mod prepare;
pub mod raw;
pub mod recall;
pub mod rejected;
pub mod rules;
pub mod scan;
pub mod seen;
pub mod service;
pub mod turnstile;
