//! What became of a call.
//!
//! An entry without `error` need not be a success (`domain-events.md` §5.2): a refusal can sit in
//! `response.data.error` alone, and there the device hashes its text. So: the policy's word first, then
//! clear texts, then an HTTP status where the engine wrote one, then the place of the error: an engine
//! that answers with `data.error` understood the call and refused it.

use super::action::Action;
use super::call::Operation;
use super::entry::{Entry, EntryType};
use super::json::Json;
use super::secrets::is_hidden;
use crate::domain::event::Outcome;
use crate::domain::function::Function;

/// The longest error text kept, in bytes: enough for a sentence and a path.
const MAX_MESSAGE_BYTES: usize = 1024;

/// Texts of a missing or refused permission.
const DENIED: &[&str] = &[
    "permission denied",
    "missing client token",
    "invalid token",
    "bad token",
    "access denied",
    "unauthorized",
];

/// Texts that say nothing about key or permission.
const FAILED: &[&str] = &[
    "internal error",
    "not found",
    "unsupported path",
    "no handler for route",
    "rate limit",
    "quota",
    "sealed",
    "standby",
    "context canceled",
    "deadline exceeded",
    "timeout",
    "connection",
];

/// Texts of what the key's type, state, settings or the context forbids.
const REFUSED: &[&str] = &[
    "unsupported operation",
    "invalid request",
    "disallowed",
    "not allowed",
    "not exportable",
    "not supported",
    "does not support",
    "unsupported key type",
    "must be a ",
    "message authentication failed",
    "invalid ciphertext",
    "too old",
    "disabled",
    "soft-deleted",
    "soft deleted",
    "missing 'context'",
    "cannot be",
];

/// The outcome, with the provider's code and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending<'a> {
    pub outcome: Outcome,
    pub code: Option<&'a str>,
    pub message: Option<&'a str>,
}

/// What a call came to, by everything that its entry shows.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    pub action: Action,
    pub operation: Operation,
    pub entry: &'a Entry<'a>,
    pub kind: EntryType,
    pub request: &'a Json<'a>,
    pub response: &'a Json<'a>,
    /// The response's data are a secret's own fields, whatever they are called.
    pub opaque: bool,
}

/// Decides what became of a call.
pub fn ending<'a>(evidence: Evidence<'a>) -> Ending<'a> {
    let top = evidence.entry.error.as_deref().filter(|error| !error.is_empty());
    let told = if evidence.opaque { const { &Json::Null } } else { evidence.response };
    let inner = inner_error(told);
    let status = told.integer("http_status_code");
    let message = top.or(inner).map(capped);
    Ending { outcome: outcome(evidence, top, inner, status), code: status.and_then(code), message }
}

/// `response.data.error`: some reads answer with a field of that name that is no error, so only text counts.
fn inner_error<'a>(response: &'a Json<'_>) -> Option<&'a str> {
    response.text("error").filter(|error| !error.is_empty())
}

fn outcome(evidence: Evidence<'_>, top: Option<&str>, inner: Option<&str>, status: Option<i64>) -> Outcome {
    let denied = evidence
        .entry
        .auth
        .as_ref()
        .and_then(|auth| auth.policy_results.as_ref())
        .is_some_and(|results| results.allowed == Some(false));
    if denied {
        return Outcome::Denied;
    }
    if top.is_some() || inner.is_some() {
        return failure(evidence.action, top, inner);
    }
    if evidence.kind.awaits_response() {
        return Outcome::Unknown;
    }
    let partial = is_batch(evidence.request)
        && !evidence.opaque
        && !evidence.response.text("http_raw_body").unwrap_or_default().is_empty();
    match status {
        // Transit answers a batch in raw form only when items of it failed.
        Some(_) if partial => Outcome::Partial,
        Some(status) if status >= 400 => by_status(status),
        _ => answered(evidence),
    }
}

/// Classifies texts, the more telling one first: the engine's own, then the top-level one.
fn failure(action: Action, top: Option<&str>, inner: Option<&str>) -> Outcome {
    let by_text = [inner, top].into_iter().flatten().find_map(classify);
    match by_text {
        Some(Outcome::Refused) | None if action == Action::AuthLogin && inner.is_some() => Outcome::Denied,
        Some(outcome) => outcome,
        None if inner.is_some() => Outcome::Refused,
        None => Outcome::Failed,
    }
}

fn classify(text: &str) -> Option<Outcome> {
    if is_hidden(text) {
        return None;
    }
    let has = |words: &[&str]| {
        words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
    };
    if has(DENIED) {
        Some(Outcome::Denied)
    } else if has(FAILED) {
        Some(Outcome::Failed)
    } else if has(REFUSED) {
        Some(Outcome::Refused)
    } else {
        None
    }
}

fn by_status(status: i64) -> Outcome {
    match status {
        401 | 403 => Outcome::Denied,
        404 | 408 | 429 | 500.. => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

fn code(status: i64) -> Option<&'static str> {
    let codes = [
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (409, "409"),
        (412, "412"),
        (429, "429"),
        (500, "500"),
        (503, "503"),
    ];
    codes.iter().find(|(known, _)| *known == status).map(|(_, code)| *code)
}

fn is_batch(request: &Json<'_>) -> bool {
    matches!(request.get("batch_input"), Some(Json::Array(_)))
}

/// A response without any error.
fn answered(evidence: Evidence<'_>) -> Outcome {
    if evidence.opaque {
        return if was_found(evidence) { Outcome::Success } else { Outcome::Failed };
    }
    let results = evidence.response.items("batch_results");
    let function = evidence.action.function();
    if !results.is_empty() {
        return batch(results);
    }
    if evidence.response.flag("valid") == Some(false) {
        return Outcome::CheckFailed;
    }
    let fetches =
        matches!(function, Some(Function::Retrieve | Function::Read | Function::Export | Function::Backup));
    if fetches && !was_found(evidence) { Outcome::Failed } else { Outcome::Success }
}

/// A read that answers nothing, not even a wrapping token, is HTTP's 404.
fn was_found(evidence: Evidence<'_>) -> bool {
    let wrapped = evidence.entry.response.as_ref().is_some_and(|response| response.wrap_info.is_some());
    evidence.operation != Operation::Read || wrapped || !evidence.response.is_empty()
}

/// Counts a batch's items: failed ones, then checks that did not verify.
fn batch(results: &[Json<'_>]) -> Outcome {
    let failed =
        results.iter().filter(|item| item.get("error").is_some_and(|error| !is_blank(error))).count();
    let invalid = results.iter().filter(|item| item.flag("valid") == Some(false)).count();
    match (failed, invalid, results.len()) {
        (0, 0, _) => Outcome::Success,
        (0, invalid, all) if invalid == all => Outcome::CheckFailed,
        (failed, 0, all) if failed == all => batch_failure(results),
        _ => Outcome::Partial,
    }
}

fn is_blank(error: &Json<'_>) -> bool {
    error.is_empty() || error.as_text() == Some("")
}

/// All items failed: as their texts agree, else refused, as a call with one such item would be.
fn batch_failure(results: &[Json<'_>]) -> Outcome {
    let mut outcomes = results.iter().filter_map(|item| item.text("error")).map(classify);
    match outcomes.next().flatten() {
        Some(first) if outcomes.all(|other| other == Some(first)) => first,
        _ => Outcome::Refused,
    }
}

/// An error text, cut at its bound.
pub fn capped(text: &str) -> &str {
    let end = (0..=MAX_MESSAGE_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
