//! The loop: source, normalize, table, judge, detect, history.

pub mod generate;
