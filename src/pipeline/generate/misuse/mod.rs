//! What goes wrong at the company: each family of misuse as calls, in words, and with what must come of it.

mod aws_side;
mod vault_side;

use super::Call;
use super::random::Random;
use crate::domain::verdict::{Aspect, Verdict};

/// One family of misuse.
#[derive(Debug, Clone, Copy)]
pub struct Misuse {
    /// What happened, in one sentence.
    pub story: &'static str,
    /// The verdict of each of its events; nothing where the family is not about a verdict.
    pub verdict: Option<Verdict>,
    /// Exactly the aspects that are violated.
    pub aspects: &'static [Aspect],
    /// Detections that must name the events; others may.
    pub detectors: &'static [&'static str],
    /// The calls that it consists of.
    pub calls: fn(&mut Random) -> Vec<Call>,
}

impl Misuse {
    /// Every family.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        aws_side::FAMILIES.iter().chain(vault_side::FAMILIES)
    }
}

/// A family whose every event violates these aspects.
const fn violation(
    story: &'static str,
    aspects: &'static [Aspect],
    detectors: &'static [&'static str],
    calls: fn(&mut Random) -> Vec<Call>,
) -> Misuse {
    Misuse { story, verdict: Some(Verdict::Violation), aspects, detectors, calls }
}

/// A family that is a change rather than a use, so that only the detections matter.
const fn change(
    story: &'static str,
    detectors: &'static [&'static str],
    calls: fn(&mut Random) -> Vec<Call>,
) -> Misuse {
    Misuse { story, verdict: None, aspects: &[], detectors, calls }
}
