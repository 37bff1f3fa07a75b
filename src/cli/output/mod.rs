//! Writes results for people and programs: a table, JSON lines, or CSV.
//!
//! Event content is hostile: what a log says may try to move the cursor of a terminal or to run as a
//! formula in a spreadsheet. [`terminal`] and [`csv`] make it harmless; JSON needs nothing more.

pub mod actions;
pub mod alert_explanation;
pub mod alerts;
pub mod batches;
pub mod changes;
pub mod coverage;
pub mod csv;
pub mod differences;
pub mod explanation;
pub mod findings;
pub mod grid;
pub mod life;
pub mod rows;
pub mod terminal;

use clap::ValueEnum;

/// The form of what is written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
}
