//! Measures the detectors with memory on weeks of made-up key use, beside two plain baselines.

pub mod baselines;
pub mod score;
