//! What is served over HTTP.
//!
//! In: connections of one listener. Out: answers. `serve` keeps connections within bounds; what is asked
//! under `/api/v1/ingest/` is [`ingest`]'s.

pub mod ingest;
pub mod serve;
