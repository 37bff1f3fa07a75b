//! What a call that creates, tags or rotates a key says of the key's tags and of its last rotation.
//!
//! In: an event. Out: dated facts for the join step. Read from the request that is kept of such calls, so that
//! history tells the same as the live stream.

use serde::Deserialize;

use crate::domain::event::{KeyEvent, Outcome};

/// Tags that a key can have (AWS KMS and Secrets Manager quotas); more of one call are not read.
const MOST_TAGS: usize = 50;

/// A tag's value has at most so many characters (AWS tagging limits); of four bytes each.
const LONGEST: usize = 256 * 4;

/// What a rotation is kept as beside tags: from its time on the key has this, with the time as value. No tag of
/// AWS has such a name, and none is read that does.
pub const ROTATED: &str = "#rotated";

/// Calls after which a key's material is new: it was rotated, made, or an alias was pointed at it.
const ROTATIONS: [&str; 10] = [
    "RotateKey",
    "RotateKeyOnDemand",
    "RotationSucceeded",
    "CreateKey",
    "ImportKeyMaterial",
    "UpdateAlias",
    "transit.keys.rotate",
    "identity.oidc.key.rotate",
    "pki.root.rotate",
    "pki.root.rotate.exported",
];

/// The other calls that say something.
const TAGGING: [&str; 5] = ["CreateKey", "ReplicateKey", "CreateSecret", "TagResource", "UntagResource"];

/// All calls that say something, by their action.
pub fn telling() -> impl Iterator<Item = &'static str> {
    TAGGING.into_iter().chain(ROTATIONS)
}

/// A key had a tag, or had it no more, from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearntTag {
    /// Microseconds since the epoch.
    pub at: i64,
    pub key: String,
    pub name: String,
    pub value: Option<String>,
}

/// As KMS and as Secrets Manager write it (API reference: `Tag`).
#[derive(Deserialize)]
struct Tag {
    #[serde(alias = "tagKey", alias = "key")]
    name: String,
    #[serde(alias = "tagValue", default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Appends what `event` says. A request that cannot be read says nothing.
pub fn learn(event: &KeyEvent<'_>, learnt: &mut Vec<LearntTag>) {
    if event.outcome == Some(Outcome::Success) {
        let (action, key) = (event.action.unwrap_or_default(), event.key_id.unwrap_or_default());
        said_by(action, key, event.event_time, event.request.unwrap_or_default(), learnt);
    }
}

/// As [`learn`], of a call that succeeded.
pub fn said_by(action: &str, key: &str, at: i64, request: &str, learnt: &mut Vec<LearntTag>) {
    if ROTATIONS.contains(&action) && !key.is_empty() {
        learnt.push(LearntTag {
            at,
            key: key.to_owned(),
            name: ROTATED.to_owned(),
            value: Some(at.to_string()),
        });
    }
    if !TAGGING.contains(&action) {
        return;
    }
    let removes = action == "UntagResource";
    let Ok(request) = serde_json::from_str::<Request>(request) else { return };
    if key.is_empty() {
        return;
    }
    let set = request.tags.into_iter().filter(|_| !removes).map(|tag| (tag.name, Some(tag.value)));
    let removed = request.tag_keys.into_iter().filter(|_| removes).map(|name| (name, None));
    for (name, value) in set.chain(removed).take(MOST_TAGS) {
        if name != ROTATED
            && name.len() <= LONGEST
            && value.as_ref().is_none_or(|value| value.len() <= LONGEST)
        {
            learnt.push(LearntTag { at, key: key.to_owned(), name, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: &str, request: &str) -> Vec<(String, Option<String>)> {
        let mut learnt = Vec::new();
        said_by(action, "key", 7, request, &mut learnt);
        learnt.into_iter().map(|tag| (tag.name, tag.value)).collect()
    }

    #[test]
    fn both_services_tag_in_their_own_words() {
        let customer = [("data".to_owned(), Some("customer".to_owned()))];
        assert_eq!(said("TagResource", r#"{"tags":[{"tagKey":"data","tagValue":"customer"}]}"#), customer);
        let made = said("CreateKey", r#"{"tags":[{"tagKey":"data","tagValue":"customer"}]}"#);
        assert_eq!(made, [rotated(), customer[0].clone()]);
        assert_eq!(
            said("CreateSecret", r#"{"name":"a","tags":[{"key":"data","value":"customer"}]}"#),
            customer
        );
        assert_eq!(said("UntagResource", r#"{"tagKeys":["data"]}"#), [("data".to_owned(), None)]);
    }

    fn rotated() -> (String, Option<String>) {
        (ROTATED.to_owned(), Some("7".to_owned()))
    }

    #[test]
    fn a_rotation_is_known_by_its_call_and_by_no_tag() {
        for action in ["RotateKey", "RotationSucceeded", "transit.keys.rotate"] {
            assert_eq!(said(action, ""), [rotated()], "{action}");
        }
        assert_eq!(said("TagResource", r##"{"tags":[{"tagKey":"#rotated","tagValue":"9"}]}"##), []);
    }

    #[test]
    fn other_calls_and_what_cannot_be_read_say_nothing() {
        for (action, request) in [
            ("Decrypt", r#"{"tags":[{"tagKey":"data","tagValue":"customer"}]}"#),
            ("TagResource", r#"{"tags":{"data":"customer"}}"#),
            ("TagResource", r#"{"tagKeys":["data"]}"#),
            ("TagResource", "hmac"),
        ] {
            assert_eq!(said(action, request), [], "{action} {request}");
        }
    }
}
