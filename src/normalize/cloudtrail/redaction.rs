//! Takes secrets out of the documents of a record, and policies out of their strings.

use serde_json::Value;

use crate::domain::identity::redacted;
use crate::normalize::redact::{Edits, Kind, Leaf, Members, place_in, walk};

/// Members that hold secrets, whatever service they come from, in lower case. CloudTrail leaves most
/// of them out by itself; session tokens and what a re-processed or forged record carries it does not.
const SECRETS: [&str; 26] = [
    "authparameters",
    "ciphertext",
    "ciphertextblob",
    "encryptedkeymaterial",
    "granttoken",
    "granttokens",
    "importtoken",
    "keymaterial",
    "keystorepassword",
    "mac",
    "passphrase",
    "password",
    "plaintext",
    "privatekey",
    "privatekeyciphertextblob",
    "privatekeyplaintext",
    "rawsecretaccesskey",
    "samlassertion",
    "secretaccesskey",
    "secretbinary",
    "secretstring",
    "sessiontoken",
    "sharedsecret",
    "signature",
    "tokencode",
    "webidentitytoken",
];

/// Members that hold a policy, in lower case: JSON in a string, or percent-encoded JSON (IAM).
const POLICIES: [&str; 7] = [
    "assumerolepolicydocument",
    "bucketpolicy",
    "keypolicy",
    "policy",
    "policydocument",
    "replicapolicy",
    "resourcepolicy",
];

/// Redacts every secret in `document`, at any depth, and unfolds policies into JSON.
pub fn redact(document: &mut Value) {
    match document {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                redact_member(&name.to_ascii_lowercase(), value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

fn redact_member(name: &str, value: &mut Value) {
    if SECRETS.contains(&name) {
        *value = stand_in(value);
        return;
    }
    if POLICIES.contains(&name)
        && let Some(policy) = value.as_str().and_then(unfolded)
    {
        *value = policy;
    }
    redact(value);
}

fn stand_in(secret: &Value) -> Value {
    match secret {
        Value::Null => Value::Null,
        Value::String(secret) => Value::String(redacted(secret.as_bytes())),
        other => Value::String(redacted(other.to_string().as_bytes())),
    }
}

/// Members of a record that are documents.
const DOCUMENTS: [&str; 4] =
    ["requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"];

/// Whether a member of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    SECRETS.contains(&name.to_ascii_lowercase().as_str())
}

/// Redacts the documents of a record that is to be stored as it came, in place: these are the record's
/// members, and it begins at `base`.
pub fn redact_members(text: &str, members: &Members<'_>, base: usize, edits: &mut Edits) {
    for (name, value) in &members.0 {
        if DOCUMENTS.contains(&name.as_str()) {
            redact_document(value.get(), base + place_in(text, value.get()), edits);
        }
    }
}

fn redact_document(text: &str, base: usize, edits: &mut Edits) {
    let mut name = |name: &str| {
        let name = name.to_ascii_lowercase();
        if SECRETS.contains(&name.as_str()) {
            Kind::Whole
        } else if POLICIES.contains(&name.as_str()) {
            Kind::Marked
        } else {
            Kind::Inherited
        }
    };
    walk(text, false, &mut name, &mut |leaf: Leaf<'_>| {
        let clean = match leaf.kind {
            Kind::Whole => {
                serde_json::from_str::<Value>(leaf.text).ok().map(|secret| stand_in(&secret).to_string())
            }
            Kind::Marked => leaf.string().and_then(|policy| redacted_policy(&policy)),
            Kind::Inherited | Kind::Secret => None,
        };
        if let Some(clean) = clean.filter(|clean| clean != leaf.text) {
            edits.replace(base + leaf.range.start..base + leaf.range.end, clean);
        }
    });
}

/// A policy in a string, where there is a secret in it.
fn redacted_policy(text: &str) -> Option<String> {
    let policy = unfolded(text)?;
    let mut clean = policy.clone();
    redact(&mut clean);
    (clean != policy).then(|| Value::String(clean.to_string()).to_string())
}

/// The JSON object that a string holds.
fn unfolded(text: &str) -> Option<Value> {
    let text = text.trim_start();
    let policy: Value = if text.starts_with("%7B") || text.starts_with("%0A") {
        serde_json::from_str(&percent_decoded(text)?).ok()?
    } else if text.starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        return None;
    };
    policy.is_object().then_some(policy)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}
