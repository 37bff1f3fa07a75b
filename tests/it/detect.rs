//! The detectors that are part of the program, through the front door.

use keyward::detect::detectors::Detectors;
use keyward::detect::engine::Engine;
use keyward::domain::problem::{Problem, Severity};

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn every_detector_of_the_program_loads_and_has_a_firing_and_a_silent_case() {
    let detectors = Detectors::embedded().unwrap_or_else(|problems| panic!("{}", told(&problems)));
    let mut problems = detectors.lint();
    problems.retain(|problem| problem.severity == Severity::Error);
    assert_eq!(told(&problems), "");
}

#[test]
fn every_detector_of_the_program_can_be_planned() {
    let detectors = Detectors::embedded().unwrap_or_else(|problems| panic!("{}", told(&problems)));
    let engine = Engine::new(&detectors).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    assert_eq!(engine.len() + engine.set_aside().len(), detectors.len());
}
