//! The columns whose values are closed vocabularies, so that a misspelt word is found when loading.

use crate::domain::event::{CallerKind, Category, CredentialKind, Outcome, Provider};
use crate::domain::function::Function;
use crate::domain::purpose::{Criticality, KeyState, Mode, Purpose};
use crate::domain::verdict::{Aspect, Verdict};

/// Every word that `column` of the event table can hold, or nothing where it is open.
pub fn of_column(column: &str) -> Option<Vec<&'static str>> {
    Some(match column {
        "verdict" => words(Verdict::ALL, Verdict::as_str),
        "function" => words(Function::ALL, Function::as_str),
        "outcome" => words(Outcome::ALL, Outcome::as_str),
        "category" => words(Category::ALL, Category::as_str),
        "caller_kind" => words(CallerKind::ALL, CallerKind::as_str),
        "credential_kind" => words(CredentialKind::ALL, CredentialKind::as_str),
        "provider" => words(Provider::ALL, Provider::as_str),
        "criticality" => words(Criticality::ALL, Criticality::as_str),
        "key_state" => words(KeyState::ALL, KeyState::as_str),
        "mode" => words(Mode::ALL, Mode::as_str),
        "purpose" => words(Purpose::ALL, Purpose::as_str),
        "violations" | "unknowns" | "assessed" | "waived" => words(Aspect::ALL, Aspect::as_str),
        _ => return None,
    })
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|member| word(*member)).collect()
}
