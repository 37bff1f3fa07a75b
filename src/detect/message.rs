//! One sentence that lets a person decide: who, outcome, function, key and use, what does not fit,
//! how often, whose key.

use super::findings::Facts;
use crate::domain::event::Outcome;
use crate::domain::function::Function;
use crate::table::columns::Column;

/// Longest piece of a log's own text in a sentence, in characters: an ARN fits, an essay does not.
const MAX_PIECE: usize = 200;

/// The sentence of a finding. `described` says what was declared and what was seen, aspect by aspect;
/// `count` is how often this caller was seen before, once there is a memory to ask.
pub fn sentence(evidence: &dyn Facts, title: &str, described: &[String], count: Option<u64>) -> String {
    let mut sentence = format!("{} {}", who(evidence), did(evidence));
    if let Some(key) = key(evidence) {
        sentence.push_str(&key);
    }
    let mut parts: Vec<String> = described.iter().map(|part| clean(part)).collect();
    if parts.is_empty() {
        parts.push(lower_first(title));
    }
    parts.extend(count.map(often));
    parts.extend(evidence.text(Column::Owner).map(|owner| format!("owner {}", clean(owner))));
    sentence.push_str(": ");
    sentence.push_str(&parts.join("; "));
    sentence
}

fn who(evidence: &dyn Facts) -> String {
    let principal = evidence.text(Column::Principal).map_or_else(|| "an unknown caller".to_owned(), clean);
    match evidence.text(Column::SessionName) {
        Some(session) if !principal.ends_with(session) => format!("{principal} (session {})", clean(session)),
        _ => principal,
    }
}

/// Outcome and function, such as `succeeded in signing` or `was denied ScheduleKeyDeletion`.
fn did(evidence: &dyn Facts) -> String {
    let action = evidence.text(Column::Action).map_or_else(|| "a call".to_owned(), clean);
    let what = evidence.function().and_then(gerund).map_or(action, str::to_owned);
    match evidence.outcome().unwrap_or(Outcome::Unknown) {
        Outcome::Success => format!("succeeded in {what}"),
        Outcome::Denied => format!("was denied {what}"),
        Outcome::Refused => format!("was refused {what}"),
        Outcome::DryRun => format!("probed {what} with a dry run"),
        Outcome::CheckFailed => format!("failed the check in {what}"),
        Outcome::Partial => format!("succeeded in part in {what}"),
        Outcome::Failed => format!("met an error in {what}"),
        Outcome::Unknown => format!("attempted {what} with unknown outcome"),
    }
}

/// What the function is called in a sentence; nothing where the action says it better.
const fn gerund(function: Function) -> Option<&'static str> {
    Some(match function {
        Function::Encrypt => "encrypting",
        Function::Decrypt => "decrypting",
        Function::Wrap => "wrapping a key",
        Function::Unwrap => "unwrapping a key",
        Function::ReencryptFrom => "re-encrypting from it",
        Function::ReencryptTo => "re-encrypting",
        Function::Sign => "signing",
        Function::Verify => "verifying a signature",
        Function::MacGenerate => "computing a MAC",
        Function::MacVerify => "verifying a MAC",
        Function::KeyAgreement => "agreeing on a key",
        Function::Encapsulate => "encapsulating a key",
        Function::Decapsulate => "decapsulating a key",
        Function::Derive => "deriving a key",
        Function::Certify => "issuing a certificate",
        Function::TokenIssue => "issuing a token",
        Function::Retrieve => "retrieving a secret",
        Function::Store => "storing a secret",
        Function::Export => "exporting key material",
        Function::Backup => "backing up key material",
        Function::Import => "importing key material",
        Function::Manage | Function::Read => return None,
    })
}

/// ` with model-signing (model-weights-signing)`, or the key's canonical name where it is not declared.
fn key(evidence: &dyn Facts) -> Option<String> {
    let preposition = match evidence.function() {
        Some(function) if function.is_use() => "with",
        Some(Function::Export | Function::Backup | Function::Import) => "of",
        _ => "on",
    };
    let declared = evidence.text(Column::CatalogId).map(clean);
    let name = declared.or_else(|| evidence.text(Column::KeyId).map(clean))?;
    let meant_for = evidence.text(Column::Use).or(evidence.text(Column::Purpose)).map(clean);
    Some(match meant_for {
        Some(meant_for) => format!(" {preposition} {name} ({meant_for})"),
        None => format!(" {preposition} {name}"),
    })
}

fn often(count: u64) -> String {
    match count {
        0 | 1 => "first use by this caller".to_owned(),
        more => format!("use number {more} by this caller"),
    }
}

fn lower_first(title: &str) -> String {
    let mut letters = title.chars();
    match (letters.next(), letters.next()) {
        // an acronym such as KMS stays as it is
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain([second]).chain(letters).collect()
        }
        _ => title.to_owned(),
    }
}

/// A log's own text in one line of bounded length, without what would steer a terminal.
pub fn clean(text: &str) -> String {
    if text.len() <= MAX_PIECE && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    let kept: String =
        letters.by_ref().take(MAX_PIECE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if letters.next().is_some() { format!("{kept}…") } else { kept }
}
