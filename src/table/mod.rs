//! The Arrow table of key events: one batch per batch of records, low-cardinality columns
//! dictionary-encoded. The schema is written once, in [`columns`].

pub mod build;
pub mod columns;
pub mod dictionary;
pub mod hiding;
pub mod mark;
pub mod rows;
pub mod tags;
