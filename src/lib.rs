//! keyward: see README.md.

pub mod app;
pub mod catalog;
pub mod cli;
pub mod detect;
pub mod domain;
pub mod history;
pub mod metrics;
pub mod normalize;
pub mod pipeline;
pub mod source;
pub mod sql;
pub mod store;
pub mod table;
