//! Detectors: data that says which judged events are findings, and carries its own proof.
//!
//! In: detector files and judged batches. Out: hits and findings, and what each detector could not
//! see. Live stream, scan and backtest run this same code; folding findings into alerts is `alerts`'.

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
pub mod requirement;
#[cfg(test)]
mod samples;
pub mod table;
pub mod window;
