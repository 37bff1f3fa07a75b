//! Reads YAML so that every problem has a place and none hides another.
//!
//! In: the text of a file. Out: its top-level sections, item by item, as serde types with the place
//! of whatever can be wrong later. What the sections mean is [`super::document`]'s business.
//!
//! Decisions:
//! - 2026-11-24: read from the events of `granit-parser`, the parser under `serde-saphyr`, instead of
//!   through `serde-saphyr`. serde stops at the first error, and the place of an error found later is
//!   gone; here an entry is a small tree first, so one load names every mistake with line and column,
//!   and 100,000 entries of 490 bytes load in two thirds of the time (measured side by side).

mod mistake;
pub mod problem;
pub mod read;
pub mod sections;
pub mod tape;

pub use problem::{Place, Placed, Problem, Severity};

#[cfg(test)]
mod tests;
