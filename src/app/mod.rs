//! The only place that constructs: rules from files, recorders from folders, the clock.

pub mod actions;
pub mod alerts;
pub mod anomaly;
pub mod ask;
pub mod backtest;
pub mod bench;
pub mod check;
pub mod clock;
pub mod coverage;
pub mod doctor;
pub mod explain;
pub mod explain_alert;
pub mod kept_catalog;
pub mod known;
pub mod load;
pub mod log;
pub mod notify;
pub mod past;
pub mod record;
pub mod rejects;
pub mod service;
