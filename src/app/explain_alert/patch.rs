//! What to add to the catalog where the use turns out to be right.
//!
//! In: an alert, its event judged again, the entry of its key. Out: YAML to be put beside the catalog: an exception
//! for this caller and these aspects, or a first entry for a key that has none. Who approves it, and by which
//! ticket, is left open on purpose: the catalog refuses it until a person has filled that in.

use super::{DeclaredEntry, Explained, Shown};
use crate::domain::function::Function;
use crate::domain::time::{format_rfc3339, parse_rfc3339};
use crate::domain::verdict::Aspect;

/// How long a proposed exception lasts, in microseconds: 30 days, a third of what the catalog takes without a
/// warning.
const LASTS: i64 = 30 * 86_400_000_000;

/// The addition; nothing where none could make this right.
pub(super) fn patch(
    shown: &Shown,
    event: Option<&Explained>,
    entry: Option<&DeclaredEntry>,
) -> Option<String> {
    let alert = &shown.alert.alert;
    let (key, principal) = (alert.key_id.as_deref()?, alert.principal.as_deref()?);
    let function = event.and_then(|event| event.fired.first()).and_then(|(_, finding)| finding.function);
    match entry {
        None => Some(first_entry(key, principal, function)),
        Some(_) if matches!(function, Some(Function::Export | Function::Backup)) => None,
        Some(entry) => exception(shown, entry, principal),
    }
}

fn exception(shown: &Shown, entry: &DeclaredEntry, principal: &str) -> Option<String> {
    let alert = &shown.alert.alert;
    if alert.aspects.is_empty() || alert.aspects.contains(&Aspect::State) {
        return None;
    }
    let aspects: Vec<&str> = alert.aspects.iter().map(|aspect| aspect.as_str()).collect();
    let (from, to) = (parse_rfc3339(&alert.first)?, parse_rfc3339(&alert.last)?);
    let id: String = alert.id.chars().take(8).collect();
    Some(format!(
        "version: 1\n\
         exceptions:\n\
         \x20 - id: benign-{id}\n\
         \x20   key: {key}\n\
         \x20   aspects: [{aspects}]\n\
         \x20   principals: [{principal}]\n\
         \x20   from: {from}\n\
         \x20   until: {until}\n\
         \x20   reason:      # why it is right\n\
         \x20   ticket:      # where that was decided\n\
         \x20   requester:   # who asks for it\n\
         \x20   approver:    # somebody else\n",
        key = quoted(&entry.id),
        aspects = aspects.join(", "),
        principal = quoted(principal),
        from = format_rfc3339(from),
        until = format_rfc3339(to.saturating_add(LASTS)),
    ))
}

fn first_entry(key: &str, principal: &str, function: Option<Function>) -> String {
    let purpose = function.and_then(likely_purpose);
    let purpose = purpose.map_or(String::from("             # what it is for"), |purpose| {
        format!("{purpose}   # the likeliest, by what was done")
    });
    format!(
        "version: 1\n\
         keys:\n\
         \x20 - id:                 # a short name\n\
         \x20   keys: [{}]\n\
         \x20   purpose: {purpose}\n\
         \x20   principals: [{}]\n\
         \x20   owner:              # who answers for it\n",
        quoted(key),
        quoted(principal),
    )
}

/// A cryptographic purpose that has such uses.
const fn likely_purpose(function: Function) -> Option<&'static str> {
    use Function as F;
    Some(match function {
        F::Encrypt | F::Decrypt | F::Wrap | F::Unwrap | F::ReencryptFrom | F::ReencryptTo => {
            "data-encryption"
        }
        F::Sign | F::Verify => "signature",
        F::MacGenerate | F::MacVerify => "authentication",
        F::KeyAgreement => "key-agreement",
        F::Encapsulate | F::Decapsulate => "key-encapsulation",
        F::Derive => "key-derivation",
        F::Certify => "certificate-authority",
        F::TokenIssue => "token-signing",
        F::Retrieve | F::Store => "secret-storage",
        _ => return None,
    })
}

/// As JSON, and so YAML, writes a text: names in logs are hostile.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
