//! Detectors: SQL expressions compiled once and evaluated on every judged batch.
