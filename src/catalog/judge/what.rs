//! What was done with the key: function, algorithm, key version, attestation.

use super::super::document::scalars::Pattern;
use super::super::index::Match;
use super::super::principals::Membership;
use super::case::Case;
use super::reason::{Answer, NOT_DECLARED, Reason};
use crate::domain::event::HASHED_PREFIX;
use crate::domain::function::{Function, FunctionSet};
use crate::table::columns::Column;

/// The KMS operations that can carry an attestation document.
const ATTESTABLE: [&str; 4] = ["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair"];

/// Whether a set allows a function. AWS and transit cannot tell unwrapping from decrypting, so a decrypt
/// fits where either is allowed.
pub fn satisfies(allowed: FunctionSet, function: Function) -> bool {
    allowed.contains(function) || (function == Function::Decrypt && allowed.contains(Function::Unwrap))
}

/// Whether the function is among the entry's, and among the caller's where only grants name the caller.
pub fn function(case: &Case<'_, '_>) -> Answer {
    if matches!(case.function, Function::Export | Function::Backup) {
        return Answer::fits_if(case.entry.declaration.exportable == Some(true));
    }
    if !satisfies(case.entry.functions(case.kms), case.function) || leaves_for_another_key(case) {
        return Answer::Violated;
    }
    let standing = &case.standing;
    if satisfies(standing.granted, case.function) {
        return Answer::Fits;
    }
    match (standing.direct, standing.in_grant) {
        (Membership::No, Membership::Yes) => Answer::Violated,
        (Membership::Hidden(hidden), Membership::Yes) => Answer::Unknown(hidden.into()),
        _ => Answer::Fits,
    }
}

/// Whether it re-encrypts to a key outside the list of those it may be re-encrypted to.
fn leaves_for_another_key(case: &Case<'_, '_>) -> bool {
    let Some(targets) = &case.entry.declaration.reencrypt_to else { return false };
    if case.function != Function::ReencryptFrom || case.event.text(Column::OtherKeyId).is_none() {
        return false;
    }
    let listed = |id: &str| targets.iter().any(|target: &Pattern| *target.text == *id);
    match case.other {
        Some(Match::Declared(other)) => {
            !case.catalog.entry(other.entry).is_some_and(|entry| listed(&entry.id.text))
        }
        _ => true,
    }
}

/// Whether the algorithm that the log names is listed.
pub fn algorithm(case: &Case<'_, '_>) -> Answer {
    let Some(algorithms) = &case.entry.declaration.algorithms else { return NOT_DECLARED };
    match case.event.text(Column::Algorithm) {
        None => Answer::NotJudged("the log names no algorithm"),
        Some(algorithm) if algorithm.starts_with(HASHED_PREFIX) => Answer::Unknown(Reason::Hashed),
        Some(algorithm) => Answer::fits_if(algorithms.iter().any(|pattern| pattern.matches(algorithm))),
    }
}

/// Whether protection was applied with a key version that is new enough.
pub fn version(case: &Case<'_, '_>) -> Answer {
    let Some(lowest) = case.entry.declaration.min_version else { return NOT_DECLARED };
    if !case.function.protects() {
        return Answer::NotJudged("older versions may read back");
    }
    match case.event.integer(Column::KeyVersion) {
        None => Answer::Unknown(Reason::NotVisible),
        Some(version) => Answer::fits_if(version >= i64::from(lowest)),
    }
}

/// Whether the call proved a declared enclave.
pub fn attestation(case: &Case<'_, '_>) -> Answer {
    let Some(attestation) = &case.entry.declaration.attestation else { return NOT_DECLARED };
    let action = case.event.text(Column::Action).unwrap_or_default();
    if !ATTESTABLE.contains(&action) {
        return Answer::NotJudged("this operation cannot carry an attestation");
    }
    let Some(digest) = case.event.text(Column::Attestation) else { return Answer::Violated };
    Answer::fits_if(attestation.image_digests.iter().any(|known| known.eq_ignore_ascii_case(digest)))
}
