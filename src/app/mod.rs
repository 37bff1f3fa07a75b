//! The only place that constructs.
