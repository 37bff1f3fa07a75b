//! The only place that constructs: rules from files, recorders from folders, the clock.

pub mod ask;
pub mod bench;
pub mod check;
pub mod clock;
pub mod coverage;
pub mod explain;
pub mod kept_catalog;
pub mod known;
pub mod load;
pub mod past;
pub mod record;
pub mod rejects;
