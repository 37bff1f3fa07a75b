//! Takes secrets out of the documents of a record, and policies out of their strings.

use serde_json::Value;

use crate::domain::identity::redacted;

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
        *value = match &*value {
            Value::Null => Value::Null,
            Value::String(secret) => Value::String(redacted(secret.as_bytes())),
            other => Value::String(redacted(other.to_string().as_bytes())),
        };
        return;
    }
    if POLICIES.contains(&name)
        && let Some(policy) = value.as_str().and_then(unfolded)
    {
        *value = policy;
    }
    redact(value);
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
