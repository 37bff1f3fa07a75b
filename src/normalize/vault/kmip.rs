//! Vault Enterprise's KMIP server: one event for each batch item of a request.
//!
//! In: the TTLV tree of `request.data.kmip_request` and `response.data.kmip_response`, whose nodes are
//! `{tag, type, value}` with enumerations and integers in hex. Out: action, key and outcome per item.
//! Operation and result numbers are those of the KMIP 1.4 and 2.1 specifications, §9.1.3 and §11.
//!
//! A response repeats its request in full, so it needs no neighbour. The entries have no `request.id`:
//! both halves of an exchange get the hash of what they share (client, address and port, request tree)
//! and of the time, cut to the minute or, where the items have no ids of their own and may well be asked
//! again alike, to the second. An exchange that straddles such a cut stays two events, the request's with
//! an unknown outcome.

use serde_json::value::RawValue;

use super::action::Action;
use super::entry::Entry;
use super::json::Json;
use crate::domain::event::Outcome;
use crate::domain::identity::{hex_id, redacted};
use crate::normalize::redact::{Kind, Leaf, Members, place_in};

/// The most batch items of one message that become events: an event's ordinal is one byte.
const MAX_ITEMS: usize = 255;

/// Tags whose values are secrets.
const SECRET_TAGS: &[&str] = &["KeyMaterial", "KeyValue", "Data", "MACData", "SignatureData", "Password"];

/// One operation of a KMIP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    pub action: Action,
    /// The object's unique identifier, if the item names one.
    pub identifier: Option<&'a str>,
    pub outcome: Outcome,
    pub message: Option<&'a str>,
}

/// The operations of a message, in order; `response` is null in a request entry.
pub fn items<'a>(request: &'a Json<'_>, response: &'a Json<'_>) -> Vec<Item<'a>> {
    let answers: Vec<_> = batch_items(response.get("kmip_response")).collect();
    let mut items: Vec<_> = batch_items(request.get("kmip_request"))
        .enumerate()
        .map(|(place, asked)| item(asked, answers.get(place).copied()))
        .take(MAX_ITEMS)
        .collect();
    if items.is_empty() {
        items.push(Item {
            action: Action::KmipOther,
            identifier: None,
            outcome: Outcome::Unknown,
            message: None,
        });
    }
    items
}

fn batch_items<'j, 'a>(message: Option<&'j Json<'a>>) -> impl Iterator<Item = &'j Json<'a>> {
    message
        .into_iter()
        .flat_map(|message| message.items("value"))
        .filter(|node| node.text("tag") == Some("BatchItem"))
}

fn item<'a>(asked: &'a Json<'_>, answered: Option<&'a Json<'_>>) -> Item<'a> {
    let action = number(child(asked, "Operation")).map_or(Action::KmipOther, action);
    let identifier = answered
        .and_then(|answered| child(answered, "ResponsePayload"))
        .and_then(identifier)
        .or_else(|| child(asked, "RequestPayload").and_then(identifier));
    let message =
        answered.and_then(|answered| child(answered, "ResultMessage")).and_then(|node| node.text("value"));
    Item { action, identifier, outcome: answered.map_or(Outcome::Unknown, outcome), message }
}

/// The child of a structure with this tag.
fn child<'j, 'a>(node: &'j Json<'a>, tag: &str) -> Option<&'j Json<'a>> {
    node.items("value").iter().find(|child| child.text("tag") == Some(tag))
}

fn identifier<'j>(payload: &'j Json<'_>) -> Option<&'j str> {
    child(payload, "UniqueIdentifier")?.text("value").filter(|value| !value.is_empty())
}

/// An enumeration: hex text, or a plain number.
fn number(node: Option<&Json<'_>>) -> Option<i64> {
    match node?.get("value")? {
        Json::Integer(value) => Some(*value),
        Json::Text(text) => match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

const fn action(operation: i64) -> Action {
    match operation {
        0x01 | 0x02 | 0x28 | 0x29 => Action::KmipCreate,
        0x03 | 0x2a => Action::KmipRegister,
        0x04 | 0x1d => Action::KmipRekey,
        0x05 => Action::KmipDerive,
        0x06 | 0x07 => Action::KmipCertify,
        0x08 | 0x09 => Action::KmipLocate,
        0x0a => Action::KmipGet,
        0x0b | 0x0c | 0x10 | 0x11 => Action::KmipGetAttributes,
        0x0d..=0x0f | 0x30 | 0x31 => Action::KmipSetAttributes,
        0x12 => Action::KmipActivate,
        0x13 => Action::KmipRevoke,
        0x14 => Action::KmipDestroy,
        0x15 | 0x16 => Action::KmipArchive,
        0x18 => Action::KmipQuery,
        0x1e => Action::KmipDiscoverVersions,
        0x1f => Action::KmipEncrypt,
        0x20 => Action::KmipDecrypt,
        0x21 => Action::KmipSign,
        0x22 => Action::KmipSignatureVerify,
        0x23 => Action::KmipMac,
        0x24 => Action::KmipMacVerify,
        0x2b => Action::KmipExport,
        _ => Action::KmipOther,
    }
}

fn outcome(answered: &Json<'_>) -> Outcome {
    let validity = child(answered, "ResponsePayload").and_then(|payload| child(payload, "ValidityIndicator"));
    match (number(child(answered, "ResultStatus")), number(child(answered, "ResultReason"))) {
        (Some(0), _) if number(validity) == Some(1) => Outcome::CheckFailed,
        (Some(0), _) => Outcome::Success,
        (Some(1), Some(0x03 | 0x0c)) => Outcome::Denied,
        // Not supported, cryptographic failure, illegal operation, incompatible usage mask, wrong state.
        (Some(1), Some(0x05 | 0x08 | 0x0a | 0x0b | 0x18 | 0x19)) => Outcome::Refused,
        (Some(1), _) => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// Whether a secret of the tree came in clear, as KMIP entries write them where `log_raw` is on.
pub fn has_clear_secret(node: &Json<'_>) -> bool {
    let secret = node.text("tag").is_some_and(|tag| SECRET_TAGS.contains(&tag));
    match node.get("value") {
        Some(Json::Text(text)) => secret && !super::secrets::is_hidden(text),
        Some(Json::Array(children)) => children.iter().any(has_clear_secret),
        _ => false,
    }
}

/// The values of secret tags in the text of a tree.
pub fn secret_values(text: &str) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    values_below(text, text, 0, &mut found);
    found
}

/// A tree's own nesting is about twelve; deeper ones are no KMIP.
const DEEPEST_TREE: u32 = 64;

fn values_below<'t>(whole: &str, text: &'t str, depth: u32, found: &mut Vec<Leaf<'t>>) {
    if depth > DEEPEST_TREE {
        return;
    }
    let Some(Members(members)) = Members::of(text) else {
        let nodes: Vec<&'t RawValue> = serde_json::from_str(text).unwrap_or_default();
        return nodes.iter().for_each(|node| values_below(whole, node.get(), depth + 1, found));
    };
    let tag = members.iter().find(|(name, _)| name == "tag").map(|(_, tag)| tag.get().trim_matches('"'));
    let secret = tag.is_some_and(|tag| SECRET_TAGS.contains(&tag));
    for (name, value) in &members {
        let value = value.get();
        if name == "value" && secret && value.starts_with('"') {
            let start = place_in(whole, value);
            found.push(Leaf { range: start..start + value.len(), text: value, kind: Kind::Secret });
        } else {
            values_below(whole, value, depth + 1, found);
        }
    }
}

/// How finely time tells apart exchanges whose items have ids of their own, in microseconds: only a
/// client that counts anew on the same port could repeat one, and the answer comes within milliseconds.
const NUMBERED_SPAN: i64 = 60_000_000;

/// The same where they have none: equal requests within a second are one exchange.
const UNNUMBERED_SPAN: i64 = 1_000_000;

/// The id that a request and its response share.
pub fn exchange_id(entry: &Entry<'_>, time: i64) -> String {
    let request = entry.request.as_ref();
    let serial = request.and_then(|request| request.client_certificate_serial_number.as_deref());
    let address = request.and_then(|request| request.remote_address.as_deref());
    let data = request.and_then(|request| request.data.as_ref()).unwrap_or(&Json::Null);
    let mut items = batch_items(data.get("kmip_request")).peekable();
    let numbered = items.peek().is_some() && items.all(|item| child(item, "UniqueBatchItemID").is_some());
    let span = time.div_euclid(if numbered { NUMBERED_SPAN } else { UNNUMBERED_SPAN });
    let mut tree = Vec::new();
    flatten(data, &mut tree);
    hex_id(&[
        serial.unwrap_or_default().as_bytes(),
        address.unwrap_or_default().as_bytes(),
        &tree,
        &span.to_be_bytes(),
    ])
}

fn flatten(json: &Json<'_>, out: &mut Vec<u8>) {
    match json {
        Json::Text(text) => {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        Json::Array(items) => {
            out.push(b'[');
            items.iter().for_each(|item| flatten(item, out));
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            let secret = json.text("tag").is_some_and(|tag| SECRET_TAGS.contains(&tag));
            for (name, value) in members {
                out.extend_from_slice(name.as_bytes());
                out.push(b':');
                match value {
                    // The same whether the secret was taken out on the way or not.
                    Json::Text(text) if secret && &**name == "value" && !super::secrets::is_hidden(text) => {
                        out.extend_from_slice(redacted(text.as_bytes()).as_bytes());
                        out.push(0);
                    }
                    value => flatten(value, out),
                }
            }
            out.push(b'}');
        }
        other => out.extend_from_slice(format!("{other:?}").as_bytes()),
    }
}
