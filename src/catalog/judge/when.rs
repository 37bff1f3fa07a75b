//! When the key was used: its state then, and its periods.

use super::super::document::declaration::Declaration;
use super::case::Case;
use super::reason::{Answer, NOT_DECLARED};
use crate::domain::purpose::KeyState;

/// The key's declared state at a time; nothing before it took effect.
pub fn state_at(declaration: &Declaration, time: i64) -> Option<KeyState> {
    declaration.state.filter(|_| declaration.state_since.is_none_or(|since| since.0 <= time))
}

/// Whether the key's state allows the use (SP 800-57 §7): a key that may no longer protect may still
/// read back.
pub fn state(case: &Case<'_, '_>) -> Answer {
    if case.entry.declaration.state.is_none() {
        return NOT_DECLARED;
    }
    match state_at(&case.entry.declaration, case.time) {
        None => Answer::NotJudged("the state took effect later"),
        Some(KeyState::Active) => Answer::Fits,
        Some(KeyState::PreActive | KeyState::Destroyed) => Answer::Violated,
        Some(KeyState::Suspended | KeyState::Deactivated | KeyState::Compromised) => {
            Answer::fits_if(!case.function.protects())
        }
    }
}

/// Whether the use lies in the period declared for its kind. The end of a period is not part of it.
pub fn window(case: &Case<'_, '_>) -> Answer {
    let of = &case.entry.declaration;
    let (from, until) =
        if case.function.protects() { (of.active_from, of.active_until) } else { (None, of.process_until) };
    if from.is_none() && until.is_none() {
        return Answer::NotJudged("no period is declared for this kind of use");
    }
    let begun = from.is_none_or(|from| from.0 <= case.time);
    let ended = until.is_some_and(|until| until.0 <= case.time);
    Answer::fits_if(begun && !ended)
}
