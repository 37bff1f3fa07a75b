//! Detectors: data that says which judged events are findings, and carries its own proof.
//!
//! In: detector files and judged batches. Out: hits and findings, and what each detector could not
//! see. Live stream, scan and backtest run this same code; folding findings into alerts is `alerts`'.
//!
//! # Decisions
//!
//! - 2026-11-24: a part of an expression that can fail, such as a division, is evaluated last and only on
//!   rows that all other parts let through. DataFusion alone guards a row or not depending on how many rows
//!   of its batch pass the guard; here the same event always gives the same result.
//! - 2026-11-24: a `deprecated` detector is loaded and checked but not evaluated, and is listed as such.
//! - 2026-11-24: the level rule of JUDGING §3 holds for every finding; without a catalog entry there is
//!   nothing to weigh but the outcome. `failed` counts as blocked, `check_failed` does not.
//! - 2026-11-24: SQL is read in PostgreSQL's dialect; in DataFusion's own, `a ->> 'b' = 'c'` compares first.

pub mod blindness;
pub mod cases;
pub mod detectors;
pub mod document;
pub mod engine;
pub mod findings;
mod message;
pub mod plan;
mod position;
mod reading;
mod repeated;
pub mod requirement;
#[cfg(test)]
mod samples;
pub mod sigma;
pub mod table;
pub mod window;
